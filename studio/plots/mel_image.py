"""Image of a spectrogram of any length for the screen: the loudest frame of every pixel column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

DB_PER_NEPER = 20.0 / np.log(10.0)
COARSE = 16  # frames behind one column of the overview


class LevelImage(Protocol):
    """Levels in dB over frames and rows."""

    @property
    def frames(self) -> int: ...

    def columns(self, start: int, stop: int, most: int) -> tuple[npt.NDArray[np.float32], int, int]:
        """At most about `most` columns that cover frames [start, stop).

        Returns:
            dB (rows, columns) row-major for the screen; the first frame covered; frames behind a column.
        """

    def db(self, frame: int, row: int) -> float: ...


class MelImage:
    """Columns of a (frames, rows) log-mel or log spectrum for a span of frames.

    An hour is 32 million values: beyond 16 frames a pixel they are read from an overview made once (20 ms an hour).

    Args:
        mel: natural-log amplitude, float16 or float32 (frames, rows), memory-mapped or not.
        overviews: frames behind a column -> (columns, rows), the loudest of them, where that is stored.
    """

    def __init__(self, mel: npt.NDArray[Any], overviews: Mapping[int, npt.NDArray[Any]] | None = None) -> None:
        self.mel = mel
        self._overviews = {1: mel, **(overviews or {})}

    @property
    def frames(self) -> int:
        return len(self.mel)

    def columns(self, start: int, stop: int, most: int) -> tuple[npt.NDArray[np.float32], int, int]:
        """See LevelImage."""
        start, stop = max(0, start), min(len(self.mel), stop)
        each = max(1, -(-(stop - start) // max(1, most)))
        if each >= COARSE and COARSE not in self._overviews:
            self._overviews[COARSE] = self._coarse()
        unit = max(frames for frames in self._overviews if frames <= each)
        each = -(-each // unit) * unit
        source = self._overviews[unit]
        first = start // each * each  # on whole multiples, so that columns do not flicker while scrolling
        piece = np.asarray(source[first // unit : -(-stop // unit)])
        if each > unit:
            piece = _max_of(piece, each // unit)
        return np.ascontiguousarray(piece.T, np.float32) * np.float32(DB_PER_NEPER), first, each

    def db(self, frame: int, row: int) -> float:
        return float(self.mel[frame, row] * DB_PER_NEPER)

    def _coarse(self) -> npt.NDArray[Any]:
        step = COARSE * 256
        pieces = [_max_of(np.asarray(self.mel[at : at + step]), COARSE) for at in range(0, len(self.mel), step)]
        return np.concatenate(pieces)


class DifferenceImage:
    """How much louder one picture is than another of the same frames and rows, in dB."""

    def __init__(self, one: LevelImage, other: LevelImage) -> None:
        self._one, self._other = one, other

    @property
    def frames(self) -> int:
        return min(self._one.frames, self._other.frames)

    def columns(self, start: int, stop: int, most: int) -> tuple[npt.NDArray[np.float32], int, int]:
        """See LevelImage; the difference of what the two pictures themselves show."""
        stop = min(stop, self.frames)
        one, first, each = self._one.columns(start, stop, most)
        other, _, _ = self._other.columns(start, stop, most)
        return one - other, first, each

    def db(self, frame: int, row: int) -> float:
        return self._one.db(frame, row) - self._other.db(frame, row)


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
