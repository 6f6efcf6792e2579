"""One sentence going from voice to voice: a source given one latent after the other, joined to one sound."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from engine.api import ControlSignal, Morph, MorphDone, Note, Partial, Progress, Report, Transfer
from engine.api.atomic_files import cannot_write
from engine.api.errors import SpecError
from engine.audio import sound_files
from engine.runtime.control import check_control
from engine.transfer import transfer_job

PAUSE_S = 0.25  # between steps


def render(request: Morph, report: Report, control: ControlSignal) -> MorphDone:
    """Render every step as a transfer of its own and put them in a row. STOP keeps the steps there are.

    Raises:
        SpecError: no steps, or no such latent. EngineError, ExportError: as a transfer does. Cancelled.
    """
    if not request.steps:
        raise SpecError("The path has no steps.", "Draw it through some points.", "steps")
    if request.latent not in ("h", "m"):
        raise SpecError(f"{request.latent} cannot be given.", "Choose h or m.", "latent")
    sounds: list[npt.NDArray[np.float32]] = []
    pitches: list[float | None] = []
    rate_hz = 0
    out = Path(request.out_dir)
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(dir=out, prefix=".steps-")
    except OSError as error:
        raise cannot_write(out, error) from error
    try:
        for number, refs in enumerate(request.steps):
            report(Progress(number / len(request.steps), f"Step {number + 1} of {len(request.steps)}"))
            if check_control(control) and sounds:
                break
            take = transfer_job.render(
                Transfer(
                    source=request.source,
                    model=request.model,
                    out_dir=folder,
                    name=f"step-{number}",
                    voice=refs if request.latent == "h" else (),
                    emotion=refs if request.latent == "m" else (),
                    vocoder=request.vocoder,
                    device=request.device,
                ),
                _notes_of(report),
                control,
            )
            sound, rate_hz = soundfile.read(take.transformed, dtype="float32", always_2d=True)
            sounds.append(np.ascontiguousarray(sound[:, 0], np.float32))
            pitches.append(take.evidence.f0_median_hz)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    pause = np.zeros(round(PAUSE_S * rate_hz), np.float32)
    starts: list[float] = []
    ends: list[float] = []
    pieces: list[npt.NDArray[np.float32]] = []
    at = 0
    for sound in sounds:
        if pieces:
            pieces.append(pause)
            at += len(pause)
        starts.append(at / rate_hz)
        pieces.append(sound)
        at += len(sound)
        ends.append(at / rate_hz)
    path = out / f"{request.name}.wav"
    words = {"software": "Triptych", "comment": f"morph of {len(sounds)} steps by {request.latent}"}
    sound_files.write(path, np.concatenate(pieces), rate_hz, words)
    return MorphDone(request.name, str(path), request.latent, tuple(starts), tuple(ends), tuple(pitches))


def _notes_of(report: Report) -> Report:
    """Of a step only what the user should read: its progress is a part of ours, told here."""

    def tell(event: object) -> None:
        if isinstance(event, (Note, Partial)):
            report(event)

    return tell
