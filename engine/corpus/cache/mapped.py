"""Memory-mapped arrays that are read piece by piece, in any order.

Left to itself a system reads ahead at every page that is touched, up to megabytes, and a random piece of 40 kB
costs as much as all of that. So it is advised against that, and advised of every piece in time.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_ADVISABLE = hasattr(mmap, "MADV_WILLNEED")  # not on Windows


def mapped(file: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A file's array, read-only.

    Raises:
        OSError, ValueError: it is not there, or is shorter.
    """
    array: npt.NDArray[Any] = np.memmap(file, dtype, "r", shape=shape)
    if _ADVISABLE:
        array._mmap.madvise(mmap.MADV_RANDOM)  # type: ignore[attr-defined]
    return array


def prefetched(piece: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same piece of an array, about to be read whole: what of it lies in a file is fetched at once."""
    mapping = getattr(piece, "_mmap", None)
    if mapping is None or not _ADVISABLE or piece.size == 0:
        return piece
    begin = _address(piece) - _address(np.frombuffer(mapping, np.uint8))
    extent = sum((size - 1) * stride for size, stride in zip(piece.shape, piece.strides, strict=True))
    first = begin // mmap.PAGESIZE * mmap.PAGESIZE
    mapping.madvise(mmap.MADV_WILLNEED, first, begin - first + extent + piece.itemsize)
    return piece


def _address(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])
