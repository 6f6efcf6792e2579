"""Latents of analysed clips as CSV, NPZ or Parquet, each with a sidecar that says what the numbers are.

Rows are written as they are read, so an export of z may be larger than the memory.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.analysis.latents import LATENTS, Stack, stack
from engine.api import ClipRef, ControlSignal, Export, ExportDone, ModelInfo, Note, Progress, Report, StoredClip
from engine.api.atomic_files import placed_whole
from engine.api.errors import Cancelled, EngineError, ExportError
from engine.runtime.control import Eta, check_control

SUFFIXES = (".csv", ".npz", ".parquet")
# A spreadsheet would run a cell that begins with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
FIRST_LABELS = ("speaker", "gender", "emotion")
ROWS_AT_ONCE = 8192
UNITS = {
    "clip": "identifier of the recording",
    "file": "name of the recording's file",
    "duration_s": "length of the recording in seconds",
    "second": "number of the second, from 0",
    "frame": "number of the frame, from 0",
    "start_s": "start of the second in seconds",
    "end_s": "end of the second in seconds",
    "time_s": "centre of the frame in seconds",
}


def export(request: Export, report: Report, control: ControlSignal) -> ExportDone:
    """Write the latents and a sidecar NAME.json; for latent "all", NAME-h, NAME-m and NAME-z.

    Raises:
        ExportError: the suffix names no format, no clip holds the latent, or the file cannot be written.
        Cancelled: nothing of the file under way is left.
    """
    out = Path(request.out)
    if out.suffix.lower() not in SUFFIXES:
        raise ExportError(f"{out.name} does not say which format to write.", f"End it in {', '.join(SUFFIXES)}.")
    model = _model(request.model)
    names = LATENTS if request.latent == "all" else (request.latent,)
    files: list[str] = []
    rows = 0
    for latent in names:
        target = out.with_name(f"{out.stem}-{latent}{out.suffix}") if request.latent == "all" else out
        table = _table(request, latent, model, report)
        with placed_whole(target) as temporary:
            _write(table, temporary, report, control)
        with placed_whole(target.with_suffix(".json")) as temporary:
            text = json.dumps(_sidecar(table, target, model), indent=2, ensure_ascii=False)
            temporary.write_text(text + "\n", "utf-8", errors="backslashreplace")
        files += [str(target), str(target.with_suffix(".json"))]
        rows += table.total
    return ExportDone(tuple(files), rows)


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


@dataclass(frozen=True)
class Piece:
    """Rows of one clip: texts are the same for all of them, numbers (rows, k) tell where each lies."""

    clip: int
    texts: tuple[str, ...]
    numbers: npt.NDArray[np.float64]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """An export before it has a format: columns are texts, then numbers, then the latent's dimensions."""

    latents: Stack
    clips: tuple[ClipRef, ...]  # as latents.arrays
    metas: tuple[dict[str, Any], ...]
    labels: tuple[str, ...]
    window_s: float

    @property
    def total(self) -> int:
        return sum(self.latents.rows)

    @property
    def texts(self) -> tuple[str, ...]:
        taken = {*UNITS, *self.dimensions}
        return ("clip", "file", *(f"label_{n}" if n in taken else n for n in self.labels))

    @property
    def numbers(self) -> tuple[str, ...]:
        return {
            "h": ("duration_s",),
            "m": ("second", "start_s", "end_s"),
            "z": ("frame", "time_s"),
        }[self.latents.latent]

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(f"{self.latents.latent}_{d:03d}" for d in range(self.latents.dimensions))

    def pieces(self, control: ControlSignal) -> Iterator[Piece]:
        """All rows in order, at most ROWS_AT_ONCE at a time. Half a table is worth nothing: STOP cancels."""
        for i, (clip, array) in enumerate(zip(self.clips, self.latents.arrays, strict=True)):
            texts = (clip.id, Path(clip.path).name, *(clip.labels.get(name, "") for name in self.labels))
            for start in range(0, len(array), ROWS_AT_ONCE):
                if check_control(control):
                    raise Cancelled
                values = np.asarray(array[start : start + ROWS_AT_ONCE], np.float32)
                rows = np.arange(start, start + len(values), dtype=np.float64)
                yield Piece(i, tuple(_writable(t) for t in texts), self._place(i, rows), values)

    def _place(self, clip: int, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        duration_s = float(self.metas[clip]["duration_s"])
        if self.latents.latent == "h":
            return np.full((len(rows), 1), duration_s)
        if self.latents.latent == "m":
            ends = np.minimum((rows + 1) * self.window_s, max(duration_s, 0.0))
            return np.stack((rows, rows * self.window_s, ends), axis=1)
        audio = self.metas[clip]["audio"]
        return np.stack((rows, rows * audio["hop_samples"] / audio["rate_hz"]), axis=1)


def _table(request: Export, latent: str, model: ModelInfo | None, report: Report) -> Table:
    try:
        latents = stack([folder for _, folder in request.clips], latent)
    except EngineError as error:
        raise ExportError(error.what, error.hint) from error
    if model is not None and model.hash != latents.model_hash:
        raise ExportError(
            "The clips were encoded by another model than the one named.", "Analyse them again with this model."
        )
    if latents.missing:
        report(Note(f"{len(latents.missing)} clips hold no {latent}.", "Analyse them with the model, then export."))
    clips = tuple(request.clips[i][0] for i in latents.positions)
    metas = tuple(_meta(request.clips[i][1]) for i in latents.positions)
    found = {name for clip in clips for name, value in clip.labels.items() if value}
    labels = tuple(n for n in FIRST_LABELS if n in found) + tuple(sorted(found - set(FIRST_LABELS)))
    audio = metas[0]["audio"]
    window_frames = 64 if model is None else model.model["window_frames"]
    return Table(latents, clips, metas, labels, window_frames * audio["hop_samples"] / audio["rate_hz"])


def _meta(folder: str) -> dict[str, Any]:
    meta = StoredClip(folder).meta()
    return {"duration_s": meta.duration_s, "audio": meta.audio}


def _model(path: str | None) -> ModelInfo | None:
    if path is None:
        return None
    from engine.model import checkpoint  # it brings torch, which an export without a model can do without

    return checkpoint.inspect(path)


def _writable(text: str) -> str:
    # A file name that is no valid text (Linux allows it) still gets a cell.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Writer(Protocol):
    def add(self, piece: Piece) -> None: ...
    def close(self) -> None: ...


def _write(table: Table, path: Path, report: Report, control: ControlSignal) -> None:
    writers: dict[str, type[CsvWriter] | type[NpzWriter] | type[ParquetWriter]] = {
        ".csv": CsvWriter,
        ".npz": NpzWriter,
        ".parquet": ParquetWriter,
    }
    writer: _Writer = writers[path.suffix.lower()](path, table)
    eta = Eta(table.total)
    try:
        for piece in table.pieces(control):
            writer.add(piece)
            eta.advance(len(piece.values))
            report(Progress(eta.fraction, f"Writing {table.latents.latent}", eta.eta_s))
    finally:
        writer.close()


class CsvWriter:
    """UTF-8, comma, one header row. Numbers with 7 digits, which single precision holds."""

    def __init__(self, path: Path, table: Table) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file)
        header = (*table.texts, *table.numbers, *table.dimensions)
        self._csv.writerow([safe_cell(_writable(name)) for name in header])
        self._format = ",".join(["%.9g"] * len(table.numbers) + ["%.7g"] * len(table.dimensions)) + "\r\n"

    def add(self, piece: Piece) -> None:
        texts = io.StringIO()
        csv.writer(texts, lineterminator="").writerow([safe_cell(t) for t in piece.texts])
        start = texts.getvalue() + ","
        for numbers, values in zip(piece.numbers.tolist(), piece.values.tolist(), strict=True):
            self._file.write(start + self._format % (*numbers, *values))

    def close(self) -> None:
        self._file.close()


class NpzWriter:
    """numpy arrays without pickle: `values` (rows, dimensions), a number column each (rows,), and per clip texts.

    row_clip (rows,) says which entry of the text arrays (clips,) a row belongs to.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._table = table
        self._numbers: list[npt.NDArray[np.float64]] = []
        self._clips: list[npt.NDArray[np.int32]] = []
        self._texts: dict[int, tuple[str, ...]] = {}
        self._values = self._zip.open("values.npy", "w", force_zip64=True)
        shape = (table.total, table.latents.dimensions)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._values, header)

    def add(self, piece: Piece) -> None:
        self._values.write(np.ascontiguousarray(piece.values, "<f4").tobytes())
        self._numbers.append(piece.numbers)
        self._clips.append(np.full(len(piece.values), piece.clip, np.int32))
        self._texts[piece.clip] = piece.texts

    def close(self) -> None:
        try:
            self._values.close()
            if self._numbers:
                self._put("row_clip", np.concatenate(self._clips))
                for name, column in zip(self._table.numbers, np.concatenate(self._numbers).T, strict=True):
                    self._put(name, column.astype(np.int32) if name in ("second", "frame") else column)
                for name, text in zip(self._table.texts, zip(*self._texts.values(), strict=True), strict=True):
                    self._put(name, np.array(text))
        finally:
            self._zip.close()

    def _put(self, name: str, array: npt.NDArray[Any]) -> None:
        with self._zip.open(f"{name.replace('/', '_')}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array(file, array, allow_pickle=False)


class ParquetWriter:
    """A column each, the texts as dictionaries; row groups of some thousand rows."""

    def __init__(self, path: Path, table: Table) -> None:
        import pyarrow
        import pyarrow.parquet

        self._arrow = pyarrow
        whole = {"second": pyarrow.int32(), "frame": pyarrow.int32()}
        self._schema = pyarrow.schema(
            [(name, pyarrow.string()) for name in table.texts]
            + [(name, whole.get(name, pyarrow.float64())) for name in table.numbers]
            + [(name, pyarrow.float32()) for name in table.dimensions]
        )
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema)
        self._waiting: list[Piece] = []
        self._rows = 0

    def add(self, piece: Piece) -> None:
        self._waiting.append(piece)
        self._rows += len(piece.values)
        if self._rows >= ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        counts = [len(piece.values) for piece in self._waiting]
        texts = zip(*(piece.texts for piece in self._waiting), strict=True)
        columns: list[Any] = [np.repeat(np.array(column, object), counts) for column in texts]
        columns += list(np.concatenate([piece.numbers for piece in self._waiting]).T)
        columns += list(np.concatenate([piece.values for piece in self._waiting]).T)
        arrays = [
            self._arrow.array(np.ascontiguousarray(column)).cast(field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._waiting, self._rows = [], 0

    def close(self) -> None:
        self._flush()
        self._writer.close()


def _sidecar(table: Table, target: Path, model: ModelInfo | None) -> dict[str, Any]:
    latent = table.latents.latent
    what = {"h": "one row a clip", "m": "one row a second", "z": "one row a frame"}[latent]
    columns = {name: UNITS.get(name, "label") for name in (*table.texts, *table.numbers)}
    columns[f"{table.dimensions[0]} ... {table.dimensions[-1]}"] = f"mean of q({latent}|...), no unit"
    return {
        "format": "triptych-latents",
        "version": 1,
        "program": f"Triptych {importlib.metadata.version('triptych')}",
        "file": target.name,
        "latent": latent,
        "content": what,
        "rows": table.total,
        "clips": len(table.clips),
        "dimensions": table.latents.dimensions,
        "columns": columns,
        "model_hash": table.latents.model_hash,
        "model": None
        if model is None
        else {"file": Path(model.path).name, "spec": model.model, "train": model.train, "from": model.provenance},
        "audio": table.metas[0]["audio"],
    }
