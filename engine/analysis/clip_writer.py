"""Writing of a clip's arrays: row by row, as they are computed, and its folder as a whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PEAK_SAMPLES = 256


class ArrayWriter:
    """Writes an .npy file row by row; the number of rows is known, and put into the header, at the end.

    Args:
        row: shape of one row.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], row: tuple[int, ...]) -> None:
        self._path = path
        self._dtype = dtype
        self._row = row
        self._rows = 0

    def __enter__(self) -> ArrayWriter:
        self._file = self._path.open("wb")
        self._write_header()
        self._start = self._file.tell()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._file.seek(0)
                self._write_header()
                # numpy pads the header so that the first axis can grow in place.
                assert self._file.tell() == self._start
        finally:
            self._file.close()

    def _write_header(self) -> None:
        description = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._rows, *self._row)}
        np.lib.format.write_array_header_1_0(self._file, description)

    def add(self, rows: npt.NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self._rows += len(rows)

    def passing(self, pieces: Iterable[npt.NDArray[Any]]) -> Iterator[npt.NDArray[Any]]:
        """The same pieces, written on the way."""
        for piece in pieces:
            self.add(piece)
            yield piece


def store_sound(folder: Path, samples: npt.NDArray[np.float32]) -> None:
    """Write audio.npy and peaks.npy of a finished sound (n,), as StoredClip describes them."""
    np.save(folder / "audio.npy", samples)
    np.save(folder / "peaks.npy", peaks(samples))


def peaks(block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The lowest and highest sample of every PEAK_SAMPLES, (blocks, 2); the last block may be shorter."""
    starts = np.arange(0, len(block), PEAK_SAMPLES)
    return np.stack((np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)), axis=1)


def replace_folder(new: Path, folder: Path) -> None:
    """Put a folder in another's place; readers that have its files open keep what they see."""
    old = new.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(new, folder)
    shutil.rmtree(old, ignore_errors=True)
