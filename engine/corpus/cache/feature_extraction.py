"""Features of one recording: log-mel and F0, in pieces, so that an hour is never in memory whole.

Computed on one thread of the processor, whatever the device of the training is: the numbers depend on nothing but
the recording and the audio spec.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from engine.api.errors import AudioError
from engine.api.specs import AudioSpec
from engine.audio import f0_tracker, sound_files
from engine.audio.mel import MelFrontEnd

LONG_S = 600.0  # longer recordings are never held in memory whole

Pieces = Iterator[tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]]


class Features:
    """Feature extraction by one audio spec."""

    def __init__(self, spec: AudioSpec) -> None:
        self._spec = spec
        self._front_end = MelFrontEnd(spec)
        self.gain_db = 0.0  # that level normalisation added to the recording read last

    def pieces(self, path: str, notes: list[str]) -> Pieces:
        """Log-mel (frames, bands) float16 and F0 (frames,) float32 Hz of a recording, in pieces of equal length.

        Args:
            notes: takes sentences the user should read; complete once the pieces are exhausted.

        Raises:
            AudioError: it cannot be read; perhaps after some pieces.
        """
        if sound_files.probe(path).duration_s <= LONG_S:
            recording = sound_files.read(path, self._spec)
            notes.extend(recording.notes)
            self.gain_db = recording.gain_db
            mel = self._front_end.log_mel(torch.from_numpy(recording.samples))
            yield _half_precision(mel), f0_tracker.track(recording.samples, self._spec.rate_hz, self._spec)
            return
        # Blocks of whole frames, so that F0 (which every block has afresh) and mel fall on the same ones.
        block_s = round(60.0 * self._spec.frames_per_second) / self._spec.frames_per_second
        stream = sound_files.stream(path, self._spec, block_s=block_s)
        gain_db = sound_files.measure_gain_db(stream, self._spec)
        notes.extend(stream.notes)
        self.gain_db = gain_db
        tracks = (
            f0_tracker.track(block, self._spec.rate_hz, self._spec)
            for block in sound_files.stream(path, self._spec, block_s=block_s)
        )
        waiting = np.zeros(0, np.float32)
        blocks = sound_files.stream(path, self._spec, block_s=block_s)
        for piece in self._front_end.stream_log_mel(blocks, gain_db):
            while len(waiting) < len(piece):
                found = next(tracks, None)
                if found is None:
                    raise AudioError(f"{path} changed while it was read.", "Try again when it is complete.")
                waiting = np.concatenate((waiting, found))
            yield _half_precision(piece), waiting[: len(piece)]
            waiting = waiting[len(piece) :]


def _half_precision(mel: torch.Tensor) -> npt.NDArray[np.float16]:
    halved: npt.NDArray[np.float16] = mel.cpu().numpy().astype(np.float16)
    return halved
