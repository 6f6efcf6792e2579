"""Linear spectrogram and intensity of a clip for its view, stored beside the sound.

Both describe the sound at its own level, in relation to full scale: a sine of amplitude 1 stands at 0 dB in the
spectrogram and at -3 dB in the intensity.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engine.analysis.clip_writer import ArrayWriter
from engine.api import ControlSignal, Picture, PictureDone, Progress, Report, StoredClip
from engine.api.atomic_files import cannot_write, placed_whole
from engine.api.errors import EngineError
from engine.api.specs import AudioSpec
from engine.runtime.control import Eta, check_control

CHUNK_FRAMES = 2048  # transformed at a time: 8 MB, whatever the clip's length
FLOOR = 1e-6  # amplitude: -120 dB
OVERVIEWS = (4, 16)  # frames behind one column; what a screen shows of minutes is read from these


def store(request: Picture, report: Report, control: ControlSignal) -> PictureDone:
    """Compute what each folder lacks of spectrum.npy (and its overviews) and intensity.npy.

    Raises:
        EngineError: a folder holds no analysed sound any more. ExportError: the disk refuses.
        Cancelled: the user cancelled, or a newer request took its place; what is finished stays.
    """
    wanted = [folder for folder in request.folders if not _has(StoredClip(folder), request.spectrum)]
    eta = Eta(len(wanted))
    for folder in wanted:
        report(Progress(eta.fraction, Path(folder).name, eta.eta_s))
        stored = StoredClip(folder)
        try:
            sound, spec = stored.array("audio"), AudioSpec.from_dict(stored.meta().audio)
        except (OSError, ValueError, TypeError) as error:
            raise EngineError("The sound of this clip is not stored any more.", "Analyse it again.") from error
        try:
            _store(Path(folder), sound, spec, request.spectrum, control)
        except OSError as error:
            raise cannot_write(folder, error) from error
        eta.advance(1)
    return PictureDone(request.folders)


def _has(stored: StoredClip, spectrum: bool) -> bool:
    names = ["intensity"] + (["spectrum", *(f"spectrum{each}" for each in OVERVIEWS)] if spectrum else [])
    return all(stored.has(name) for name in names)


def _store(
    folder: Path, sound: npt.NDArray[np.float32], spec: AudioSpec, with_spectrum: bool, control: ControlSignal
) -> None:
    """Stream the sound through the transform; files appear whole, the one that others are judged by last."""
    window = torch.hann_window(spec.n_fft)
    # A sine's peak in the spectrum is its amplitude times half the window's sum.
    per_amplitude = 2.0 / float(window.sum())
    per_power = 1.0 / (spec.n_fft * float(window.square().sum()))
    intensity = np.empty(spec.frames(len(sound)), np.float32)
    with ExitStack() as stack:

        def writer(name: str) -> ArrayWriter:
            path = stack.enter_context(placed_whole(folder / f"{name}.npy"))
            return stack.enter_context(ArrayWriter(path, np.dtype(np.float16), (spec.bins,)))

        writers = {each: writer(f"spectrum{each}") for each in OVERVIEWS} if with_spectrum else {}
        whole = writer("spectrum") if with_spectrum else None
        for first in range(0, len(intensity), CHUNK_FRAMES):
            check_control(control)
            last = min(first + CHUNK_FRAMES, len(intensity))
            piece = torch.from_numpy(_around(sound, first, last, spec))
            bins = torch.stft(
                piece, spec.n_fft, spec.hop_samples, window=window, center=False, return_complex=True
            ).abs()
            power = 2.0 * bins.square().sum(dim=0) - bins[0].square() - bins[-1].square()  # Parseval, one-sided
            intensity[first:last] = 10.0 * torch.log10(power * per_power + FLOOR**2).numpy()
            if whole is not None:
                level = (bins.T * per_amplitude).clamp_min(FLOOR).log().numpy().astype(np.float16)
                whole.add(level)
                for each, overview in writers.items():
                    starts = np.arange(0, len(level), each)
                    overview.add(np.maximum.reduceat(level, starts, axis=0))
        path = stack.enter_context(placed_whole(folder / "intensity.npy"))
        with path.open("wb") as file:
            np.save(file, intensity)


def _around(sound: npt.NDArray[np.float32], first: int, last: int, spec: AudioSpec) -> npt.NDArray[np.float32]:
    """The samples that frames first ... last - 1 look at; silence before and after the sound."""
    start = first * spec.hop_samples - spec.n_fft // 2
    stop = start + (last - first - 1) * spec.hop_samples + spec.n_fft
    piece = np.array(sound[max(0, start) : max(0, stop)], np.float32)
    return np.pad(piece, (max(0, -start), stop - max(0, start) - len(piece)))
