"""Latents that an export wrote, read back: CSV, NPZ or Parquet. Nothing in such a file is trusted."""

from __future__ import annotations

import csv
import json
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.analysis.latents import LATENTS
from engine.api.errors import EngineError
from engine.export.latents_table import FORMULA_STARTS

MOST_BYTES = 2 * 2**30  # of latents in memory; a map of more helps nobody
WHAT_TO_DO = "Give a file that `triptych analyse` wrote, unchanged."
_DIMENSION = re.compile(r"([hmz])_\d{3,4}")
_PLACES = ("second", "frame")
_NUMBERS = ("duration_s", "start_s", "end_s", "time_s", *_PLACES)


@dataclass(frozen=True)
class LatentsFile:
    """Rows of one latent: ids, columns: a text a row; index: the second or frame; values (rows, dimensions)."""

    latent: str
    ids: tuple[str, ...]
    index: npt.NDArray[np.int32]
    columns: dict[str, tuple[str, ...]]
    values: npt.NDArray[np.float32]
    model_hash: str


def read(path: str | os.PathLike[str], latent: str | None = None) -> LatentsFile:
    """Read an exported file.

    Args:
        latent: the one that is wanted; None takes what the file holds.

    Raises:
        EngineError: no such file, another kind of file, damaged, too large, or without what is asked for.
    """
    file = Path(path)
    readers = {".csv": _csv, ".npz": _npz, ".parquet": _parquet}
    if file.suffix.lower() not in readers:
        raise EngineError(f"{file.name} is no CSV, NPZ or Parquet file.", WHAT_TO_DO)
    with _in_words(file):
        found, texts, values = readers[file.suffix.lower()](file)
        if latent is not None and latent != found:
            raise EngineError(f"{file.name} holds {found}, not {latent}.", f"Export {latent}, or map {found}.")
        if not len(values):
            raise _DamagedError("it holds no rows")
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values).all(axis=1)))
            raise _DamagedError(f"row {row + 1} holds a value that is not a finite number")
        if "clip" not in texts:
            raise _DamagedError("the column clip is missing")
        index = next((texts[name] for name in _PLACES if name in texts), ("0",) * len(values))
        columns = {name: column for name, column in texts.items() if name not in ("clip", *_NUMBERS)}
        whole = np.array([float(i) for i in index]).astype(np.int32)
        return LatentsFile(found, texts["clip"], whole, columns, values, _model_hash(file))


class _DamagedError(Exception):
    """Why a file cannot be what it should be, as half a sentence."""


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineError(
            f"{file} cannot be read: {error.strerror or error}.", "Check its place and name."
        ) from error
    except (
        _DamagedError,
        ValueError,
        KeyError,
        csv.Error,
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
    ) as error:
        raise EngineError(f"{file.name} is not a file of latents: {error}.", WHAT_TO_DO) from error


_Table = tuple[str, dict[str, tuple[str, ...]], npt.NDArray[np.float32]]


def _latent_of(names: Sequence[str]) -> tuple[str, list[int]]:
    """Which latent the columns hold, and where; they stand together at the end."""
    at = [i for i, name in enumerate(names) if _DIMENSION.fullmatch(name)]
    found = {names[i][0] for i in at}
    if len(found) != 1:
        raise _DamagedError(
            "it has no columns h_000, m_000 or z_000 ..." if not found else "it mixes several latents"
        )
    if len(set(names)) != len(names):
        raise _DamagedError("a column occurs twice")
    return found.pop(), at


def _check_size(rows: int, dimensions: int) -> None:
    if rows * dimensions * 4 > MOST_BYTES:
        raise _DamagedError(f"it is too large ({rows} rows of {dimensions} numbers); export h, or fewer clips")


def _csv(file: Path) -> _Table:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        header = [_told(cell) for cell in next(rows, [])]
        latent, at = _latent_of(header)
        others = [i for i in range(len(header)) if i not in set(at)]
        texts: list[list[str]] = [[] for _ in others]
        values: list[npt.NDArray[np.float32]] = []
        for number, row in enumerate(rows, start=1):
            if len(row) != len(header):
                raise _DamagedError(f"row {number} has {len(row)} cells instead of {len(header)}")
            _check_size(number, len(at))
            try:
                values.append(np.array([row[i] for i in at], np.float32))
            except ValueError as error:
                raise _DamagedError(f"row {number} holds a cell that is not a number") from error
            for column, i in zip(texts, others, strict=True):
                column.append(_told(row[i]))
    stacked = np.stack(values) if values else np.zeros((0, len(at)), np.float32)
    return latent, {header[i]: tuple(c) for i, c in zip(others, texts, strict=True)}, stacked


def _told(cell: str) -> str:
    """The text before it was made safe for spreadsheets."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _npz(file: Path) -> _Table:
    with zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > 2 * MOST_BYTES:
            raise _DamagedError("it is too large; export h, or fewer clips")
    with np.load(file, allow_pickle=False) as arrays:
        values = np.asarray(arrays["values"])
        if values.ndim != 2 or values.dtype.kind != "f":
            raise _DamagedError("its values are not a table of numbers")
        clip = np.asarray(arrays["row_clip"])
        if clip.shape != (len(values),) or clip.dtype.kind not in "iu":
            raise _DamagedError("row_clip does not fit the values")
        texts: dict[str, tuple[str, ...]] = {}
        for name in arrays.files:
            column = np.asarray(arrays[name])
            if name in ("values", "row_clip"):
                continue
            if column.ndim != 1 or column.dtype.kind not in "Uif":
                raise _DamagedError(f"{name} is not a column")
            if name not in _NUMBERS:
                if clip.size and not (clip.min() >= 0 and clip.max() < len(column)):
                    raise _DamagedError("row_clip points beyond the clips")
                column = column[clip]
            if len(column) != len(values):
                raise _DamagedError(f"{name} does not fit the values")
            texts[name] = tuple(str(value) for value in column)
    latent = _sidecar(file).get("latent") or {"second": "m", "frame": "z"}.get(
        next((name for name in _PLACES if name in texts), ""), "h"
    )
    if latent not in LATENTS:
        raise _DamagedError("its sidecar names no latent")
    return latent, texts, values.astype(np.float32)


def _parquet(file: Path) -> _Table:
    import pyarrow
    import pyarrow.parquet

    if not file.is_file():
        raise FileNotFoundError(2, "No such file")
    try:
        with pyarrow.parquet.ParquetFile(file) as table:
            names = table.schema_arrow.names
            latent, at = _latent_of(names)
            _check_size(table.metadata.num_rows, len(at))
            data = table.read()
    except pyarrow.ArrowException as error:
        raise _DamagedError(str(error).strip().rstrip(".").splitlines()[0]) from error
    for i in at:
        if not pyarrow.types.is_floating(data.schema.types[i]) or data.column(i).null_count:
            raise _DamagedError(f"{names[i]} is not a column of numbers")
    columns = [np.asarray(data.column(i).to_numpy(), np.float32) for i in at]
    texts = {
        name: tuple("" if v is None else str(v) for v in data.column(i).to_pylist())
        for i, name in enumerate(names)
        if i not in set(at)
    }
    return latent, texts, np.stack(columns, axis=1)


def _sidecar(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # a file that travelled without its sidecar can be mapped all the same
    return values if isinstance(values, dict) and values.get("format") == "triptych-latents" else {}


def _model_hash(file: Path) -> str:
    return str(_sidecar(file).get("model_hash") or "")
