"""Labels from a table beside the recordings: CSV or TSV with a column that names the file."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from engine.errors import CorpusError

FILE_COLUMNS = ("file", "filename", "file_name", "path", "clip", "name")
TABLE_SUFFIXES = (".csv", ".tsv")
LARGEST_BYTES = 200_000_000
LONGEST_CELL = 2_000


def read_labels(table: Path) -> dict[str, dict[str, str]]:
    """Labels of every file a table names, by the file's real path, or by its bare name.

    Column names become lower case; empty cells are left out.

    Raises:
        CorpusError: it cannot be read as a table, or no column names the files.
    """
    try:
        if table.stat().st_size > LARGEST_BYTES:
            raise CorpusError(f"The table {table.name} is too large to be one of labels.", "Choose another file.")
        with open(table, newline="", encoding="utf-8-sig") as stream:
            dialect = "excel-tab" if table.suffix.lower() == ".tsv" else "excel"
            rows = csv.DictReader(stream, dialect=dialect)
            columns = {name.strip().lower(): name for name in rows.fieldnames or () if name}
            key = next((columns[name] for name in FILE_COLUMNS if name in columns), None)
            if key is None:
                raise CorpusError(
                    f"The table {table.name} has no column that names the recordings.",
                    "Give one column the heading file or path.",
                )
            labels: dict[str, dict[str, str]] = {}
            for row in rows:
                named = (row.get(key) or "").strip()
                if not named:
                    continue
                known = {
                    low: row[name].strip()[:LONGEST_CELL]
                    for low, name in columns.items()
                    if name != key and isinstance(row.get(name), str) and row[name].strip()
                }
                labels[os.path.realpath(table.parent / named)] = known
                labels.setdefault(Path(named).name, known)
            return labels
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(
            f"The table {table.name} cannot be read: {error}.", "Save it as CSV in UTF-8 and try again."
        ) from error
