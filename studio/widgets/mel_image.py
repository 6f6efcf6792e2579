"""A log-mel spectrogram of any length, read for the screen: the loudest frame of every pixel column."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DB_PER_NEPER = 20.0 / np.log(10.0)
COARSE = 16  # frames behind one column of the overview


class MelImage:
    """Columns of a (frames, bands) log-mel for a span of frames.

    An hour is 32 million values: beyond 16 frames a pixel they are read from an overview made once (20 ms an hour).

    Args:
        mel: natural-log amplitude, float16 or float32 (frames, bands), memory-mapped or not.
    """

    def __init__(self, mel: npt.NDArray[Any]) -> None:
        self.mel = mel
        self._overview: npt.NDArray[np.float16] | None = None

    def columns(self, start: int, stop: int, most: int) -> tuple[npt.NDArray[np.float32], int, int]:
        """At most about `most` columns that cover frames [start, stop).

        Returns:
            dB (bands, columns) row-major for the screen; the first frame covered; frames behind a column.
        """
        start, stop = max(0, start), min(len(self.mel), stop)
        each = max(1, -(-(stop - start) // max(1, most)))
        if each < COARSE:
            source, unit = self.mel, 1
        else:
            source, unit = self._coarse(), COARSE
            each = -(-each // COARSE) * COARSE
        first = start // each * each  # on whole multiples, so that columns do not flicker while scrolling
        piece = np.asarray(source[first // unit : -(-stop // unit)])
        if each > unit:
            piece = _max_of(piece, each // unit)
        return np.ascontiguousarray(piece.T, np.float32) * np.float32(DB_PER_NEPER), first, each

    def db(self, frame: int, band: int) -> float:
        return float(self.mel[frame, band] * DB_PER_NEPER)

    def _coarse(self) -> npt.NDArray[Any]:
        if self._overview is None:
            step = COARSE * 256
            pieces = [_max_of(np.asarray(self.mel[at : at + step]), COARSE) for at in range(0, len(self.mel), step)]
            self._overview = np.concatenate(pieces)
        return self._overview


def _max_of(values: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """The largest of every `count` rows; the last row may have fewer behind it."""
    if len(values) % count:
        values = np.concatenate([values, np.repeat(values[-1:], count - len(values) % count, axis=0)])
    if values.dtype == np.float16:
        # numpy compares halves one by one; put in order as integers they go seven times as fast.
        bits = values.view(np.int16)
        ordered = (bits ^ ((bits >> 15) & 0x7FFF)).reshape(-1, count, values.shape[1]).max(axis=1)
        return np.asarray(ordered ^ ((ordered >> 15) & 0x7FFF)).view(np.float16)
    return np.asarray(values.reshape(-1, count, values.shape[1]).max(axis=1))
