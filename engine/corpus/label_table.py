"""Label tables, CSV or TSV: one column names the recording, the others label it."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.api import AUDIO_SUFFIXES, TableColumns
from engine.api.errors import CorpusError
from engine.corpus.manifest import SCALES, Labels, Skipped

LARGEST_BYTES = 200_000_000
LONGEST_CELL = 2_000
# Headings by what they usually mean, the surest first.
FILE_COLUMNS = (
    "file",
    "filename",
    "file_name",
    "path",
    "clip",
    "audio",
    "wav",
    "recording",
    "utterance",
    "name",
    "id",
)
MEANINGS = {
    "speaker": ("speaker", "speaker_id", "spk", "spk_id", "client_id", "actor", "reader"),
    "gender": ("gender", "sex"),
    "emotion": ("emotion", "affect", "mood"),
    "arousal": ("arousal", "activation"),
    "valence": ("valence", "pleasure"),
    "text": ("text", "transcript", "transcription", "sentence"),
    "split": ("split", "subset", "partition", "set"),
    "session": ("session", "session_id", "chapter"),
}
_GENDERS = {"f": "female", "woman": "female", "m": "male", "man": "male"}


@dataclass(frozen=True)
class Table:
    """Table as read. rows: (line in the file, a cell for every heading)."""

    path: Path
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass
class Joined:
    """Labels that a table gives, by the recording's path and their name, and the rows that give none."""

    labels: dict[Path, dict[str, str]] = field(default_factory=dict)
    unmatched: list[Skipped] = field(default_factory=list)


def read(path: Path) -> Table:
    """Read a table; cells are stripped of space, empty lines left out, short rows filled up.

    Raises:
        CorpusError: it cannot be read as a table.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise CorpusError(f"The table {path.name} is too large to be one of labels.", "Choose another file.")
        with open(path, newline="", encoding="utf-8-sig") as stream:
            first = stream.readline()
            stream.seek(0)
            lines = csv.reader(stream, delimiter=_delimiter(path, first))
            headings = tuple(cell.strip() for cell in next(lines, []))
            rows = []
            for cells in lines:
                filled = tuple(cell.strip()[:LONGEST_CELL] for cell in cells[: len(headings)])
                if any(filled):
                    rows.append((lines.line_num, filled + ("",) * (len(headings) - len(filled))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CorpusError(
            f"The table {path.name} cannot be read: {why}.", "Save it as CSV in UTF-8 and try again."
        ) from error
    if not any(headings):
        raise CorpusError(f"The table {path.name} is empty.", "Give it a line of headings and a row a recording.")
    return Table(path, headings, tuple(rows))


def guess(table: Table) -> TableColumns:
    """Guess what columns mean from their headings; every other column keeps its own heading, in lower case.

    Raises:
        CorpusError: no column names the recordings.
    """
    by_name = {heading.lower(): heading for heading in reversed(table.headings) if heading}
    file = next((by_name[name] for name in FILE_COLUMNS if name in by_name), None)
    if file is None:
        raise CorpusError(
            f"The table {table.path.name} has no column that names the recordings.",
            "Give one column the heading file or path.",
        )
    labels: dict[str, str] = {}
    for meaning, names in MEANINGS.items():
        heading = next((by_name[n] for n in names if n in by_name and by_name[n] != file), None)
        if heading is not None:
            labels[meaning] = heading
    taken = {file, *labels.values()}
    labels |= {low: heading for low, heading in by_name.items() if heading not in taken and low not in labels}
    return TableColumns(file, labels)


def join(table: Table, columns: TableColumns, beside: Callable[[], Iterable[Path]]) -> Joined:
    """Find the recording of every row: by its path, from the table's folder on, else by its name.

    Args:
        beside: recordings to search for names; called only if a row's path is no recording.

    Raises:
        CorpusError: the table has no such column.
    """
    for heading in (columns.file, *columns.labels.values()):
        if heading not in table.headings:
            raise CorpusError(f"The table {table.path.name} has no column {heading!r}.", "Choose one that it has.")
    place = {heading: i for i, heading in reversed(list(enumerate(table.headings)))}
    joined, names = Joined(), _Names(beside)
    for line, cells in table.rows:
        named = cells[place[columns.file]]
        found, why = _recording(table.path.parent, named, names)
        if found is not None and found in joined.labels:
            found, why = None, "An earlier row names the same recording."
        if found is None:
            joined.unmatched.append(_row(table, line, f"{named}: {why}" if named else "It names no recording."))
            continue
        said = {name: cells[place[heading]] for name, heading in columns.labels.items() if cells[place[heading]]}
        joined.labels[found] = _sensible(table, line, said, joined.unmatched)
    return joined


def _sensible(table: Table, line: int, said: dict[str, str], remarks: list[Skipped]) -> dict[str, str]:
    """The labels without numbers that are off their scale, which are remarked on; genders in one spelling."""
    if "gender" in said:
        said["gender"] = _GENDERS.get(said["gender"].lower(), said["gender"])
    for name, (low, high) in SCALES.items():
        if name in said and getattr(Labels.of(said), name) is None:
            why = f"{name} {said.pop(name)} is not on the scale of {low:g} to {high:g}; the other labels are used."
            remarks.append(_row(table, line, why))
    return said


def _row(table: Table, line: int, why: str) -> Skipped:
    return Skipped(f"{table.path}, line {line}", why)


def _recording(folder: Path, named: str, names: _Names) -> tuple[Path | None, str]:
    """The recording that a cell names, or why there is none."""
    if not named or "\0" in named:
        return None, "No such recording."
    direct = folder / named
    try:
        if direct.suffix.lower() in AUDIO_SUFFIXES and direct.is_file():
            return Path(os.path.abspath(direct)), ""
    except OSError:  # too long to be a path
        return None, "No such recording."
    return names.find(named)


class _Names:
    """Recordings by name, with and without suffix; made when first asked."""

    def __init__(self, beside: Callable[[], Iterable[Path]]) -> None:
        self._beside = beside
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, named: str) -> tuple[Path | None, str]:
        if self._by_name is None:
            self._by_name = {}
            for path in self._beside():
                for name in {path.name, path.stem}:
                    self._by_name.setdefault(name, []).append(path)
        parts = Path(named.replace("\\", "/")).parts
        known = self._by_name.get(parts[-1], []) if parts else []
        if len(known) > 1:  # folders in the name may tell which
            known = [path for path in known if _ends_with(path, parts)]
        if len(known) > 1:
            return None, "Several recordings are called so."
        return (known[0], "") if known else (None, "No such recording.")


def _ends_with(path: Path, parts: Sequence[str]) -> bool:
    above = tuple(parts[:-1])
    return not above or path.parent.parts[-len(above) :] == above


def _delimiter(path: Path, first_line: str) -> str:
    """Tab for TSV; for CSV the one its first line has most of: spreadsheets of some countries write semicolons."""
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first_line.count)
