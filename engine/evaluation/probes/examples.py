"""What a probe sees: one row of numbers a clip, or a 4-second piece of one, with its labels.

Vectors: h as it is; the mean over a clip's seconds of m and over its frames of z (the paper takes the time mean).
Floors, which know nothing but the spectrogram: mean and deviation over time of the mel bands, and of MFCCs, and the
recording's level, which m is told too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.analysis.clip_inputs import ClipInputs
from engine.api import ControlSignal
from engine.api.errors import EngineError
from engine.model import baselines
from engine.model.checkpoint import SystemCheckpoint

LATENTS = ("h", "m", "z")
FLOORS = ("mel", "mfcc")
PIECE_S = 4.0  # the paper's
SHORTEST_PIECE_S = 2.0  # a rest below it stays with the piece before
MFCC = 20  # cosine coefficients, as usual for speech
_CHUNK_WINDOWS = 600


@dataclass(frozen=True)
class Recording:
    """One clip as a probe takes it. mel: (frames, bands) natural-log mel; f0: (frames,) Hz, NaN where unvoiced.

    labels: as ClipRef.labels: speaker, gender, emotion, arousal, valence, session, split.
    gain_db: what level normalisation added to the recording.
    """

    name: str
    mel: npt.NDArray[Any]
    f0: npt.NDArray[Any]
    labels: Mapping[str, str]
    gain_db: float = 0.0


@dataclass(frozen=True)
class Example:
    """A clip or a piece of one. content: a hash of the clip's spectrogram, equal for copies under other names."""

    clip: str
    content: str
    speaker: str
    session: str
    labels: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Table:
    """Examples and their vectors: values["h"] (examples, dimensions), float32, and so for each of the names."""

    examples: tuple[Example, ...]
    values: Mapping[str, npt.NDArray[np.float32]]

    def only(self, rows: npt.NDArray[Any]) -> Table:
        """The table of some rows (positions or a mask)."""
        at = np.arange(len(self.examples))[rows]
        return Table(tuple(self.examples[i] for i in at), {name: v[at] for name, v in self.values.items()})


def joined(first: Table, second: Table) -> Table:
    """Both tables' rows, the first's before the second's."""
    values = {name: np.concatenate((first.values[name], second.values[name])) for name in first.values}
    return Table((*first.examples, *second.examples), values)


def table(
    recordings: Iterable[Recording],
    model: SystemCheckpoint | None,
    device: torch.device,
    control: ControlSignal,
    *,
    pieces: bool = False,
    each: Callable[[Recording], object] = lambda recording: None,
) -> Table:
    """Vectors of whole clips, or of their 4-second pieces: a piece is encoded as if there were no more of the clip.

    Args:
        model: None for the floors alone.
        each: called after every recording, to tell progress and to obey.

    Raises:
        EngineError: there is no recording.
    """
    examples: list[Example] = []
    rows: dict[str, list[npt.NDArray[np.float32]]] = {}
    for recording in recordings:
        mel = np.asarray(recording.mel, np.float32)
        f0 = np.asarray(recording.f0, np.float32)
        example = example_of(recording)
        for start, stop in _pieces(len(mel), model) if pieces else [(0, len(mel))]:
            examples.append(example)
            found = floors(mel[start:stop], recording.gain_db)
            if model is not None:
                found |= encoded(mel[start:stop], f0[start:stop], recording.gain_db, model, device, control)
            for name, vector in found.items():
                rows.setdefault(name, []).append(vector)
        each(recording)
    if not examples:
        raise EngineError("There is no recording to probe.", "Name a corpus that holds some.")
    return Table(tuple(examples), {name: np.stack(vectors) for name, vectors in rows.items()})


def encoded(
    mel: npt.NDArray[Any],
    f0: npt.NDArray[Any],
    gain_db: float,
    model: SystemCheckpoint,
    device: torch.device,
    control: ControlSignal,
) -> dict[str, npt.NDArray[np.float32]]:
    """One vector a latent of one clip, each (dimensions,); those the system has."""
    inputs_of = ClipInputs(mel, f0, gain_db, model, device, control)
    with torch.inference_mode():
        found = baselines.vectors(model.model, inputs_of, len(mel), chunk_windows=_CHUNK_WINDOWS)
    return {name: vector.cpu().numpy() for name, vector in found.items()}


def floors(mel: npt.NDArray[np.float32], gain_db: float = 0.0) -> dict[str, npt.NDArray[np.float32]]:
    """Mean and deviation over the frames of the mel bands (2 x bands + 1,) and of MFCCs (2 x MFCC + 1,).

    The last number is the recording's level against the normalised one, in dB.
    """
    coefficients = mel @ _cosines(mel.shape[1])
    return {
        name: np.concatenate((values.mean(axis=0), values.std(axis=0), [-gain_db])).astype(np.float32)
        for name, values in (("mel", mel), ("mfcc", coefficients))
    }


def _cosines(bands: int) -> npt.NDArray[np.float32]:
    """The orthonormal cosine transform of `bands` log energies, its first MFCC columns: (bands, MFCC)."""
    angles = np.pi * (np.arange(bands)[:, None] + 0.5) * np.arange(min(MFCC, bands))[None] / bands
    basis = np.cos(angles) * np.sqrt(2.0 / bands)
    basis[:, 0] /= np.sqrt(2.0)
    columns: npt.NDArray[np.float32] = basis.astype(np.float32)
    return columns


def _pieces(frames: int, model: SystemCheckpoint | None) -> list[tuple[int, int]]:
    rate = 64.0 if model is None else model.audio.frames_per_second
    size, least = round(PIECE_S * rate), round(SHORTEST_PIECE_S * rate)
    starts = list(range(0, max(1, frames), size))
    if len(starts) > 1 and frames - starts[-1] < least:
        starts.pop()
    return list(zip(starts, [*starts[1:], frames], strict=True))


def example_of(recording: Recording) -> Example:
    labels = recording.labels
    content = hashlib.sha256(np.ascontiguousarray(recording.mel, np.float16).tobytes()).hexdigest()
    speaker = labels.get("speaker") or f"(unnamed) {recording.name}"
    return Example(recording.name, content, speaker, labels.get("session") or speaker, dict(labels))
