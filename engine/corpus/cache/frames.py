"""Frames of many recordings as one long array, though they lie in several packs of the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.corpus.cache.mapped import prefetched


class Frames:
    """Array made of stretches of memory-mapped ones, end to end; read-only, and read only where it is indexed.

    A slice within one stretch is a view of the file; across stretches it is copied together.

    Args:
        arrays: what the stretches are taken from.
        stretches: (which array, first row, rows) of each.
    """

    def __init__(self, arrays: Sequence[npt.NDArray[Any]], stretches: Sequence[tuple[int, int, int]]) -> None:
        self._arrays = arrays
        self._which, self._first, rows = np.array(stretches, np.int64).reshape(-1, 3).T
        self._ends = np.cumsum(rows)
        self._starts = self._ends - rows
        self.dtype: np.dtype[Any] = arrays[0].dtype
        self.shape: tuple[int, ...] = (int(self._ends[-1]), *arrays[0].shape[1:])

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: slice) -> npt.NDArray[Any]:
        start, stop, step = at.indices(len(self))
        if step < 1:
            raise IndexError("frames are read forwards")
        index = int(np.searchsorted(self._ends, start, side="right"))
        parts: list[npt.NDArray[Any]] = []
        while start < stop:
            end = min(stop, int(self._ends[index]))
            offset = int(self._first[index] - self._starts[index])
            parts.append(prefetched(self._arrays[self._which[index]][start + offset : end + offset : step]))
            start += -(-(end - start) // step) * step
            while index < len(self._ends) and self._ends[index] <= start:
                index += 1
        if len(parts) == 1:
            return parts[0]
        joined: npt.NDArray[Any] = np.concatenate(parts) if parts else np.empty((0, *self.shape[1:]), self.dtype)
        return joined

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Everything, in memory: for those who know that it fits."""
        return self[:].astype(dtype or self.dtype, copy=bool(copy))
