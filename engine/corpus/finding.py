"""What was dropped, sorted out: recordings with labels, tables of labels, and what cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

from engine.api import ClipRef, ClipsFound, Note, Partial, Report, Scan, ScanDone, Steer
from engine.corpus.manifest import Utterance
from engine.corpus.scanning import scan
from engine.corpus.table import TABLE_SUFFIXES, read_labels
from engine.errors import CorpusError

CHUNK = 500  # rows that appear at once


def find(request: Scan, report: Report, steer: Steer) -> ScanDone:
    """Find recordings below the given folders and among the given files.

    A folder's labels.csv (or .tsv) and any table given itself label the recordings they name; a table given alone
    brings in the recordings beside it.

    Raises:
        CorpusError: there is no recording at all.
        Cancelled: the user cancelled.
    """
    given = [Path(path) for path in request.paths]
    folders = [path for path in given if path.is_dir()]
    tables = [path for path in given if path.suffix.lower() in TABLE_SUFFIXES and path.is_file()]
    files = [path for path in given if path not in folders and path not in tables]
    if tables and not folders and not files:
        folders = sorted({table.parent for table in tables})
    tables += [table for folder in folders for table in _tables_below(folder) if table not in tables]

    labels: dict[str, dict[str, str]] = {}
    for table in tables:
        try:
            labels |= read_labels(table)
        except CorpusError as error:
            report(Note(error.what, error.hint))
    manifest = scan([str(folder) for folder in folders], [ClipRef(str(file), str(file)) for file in files], steer)
    found = [(utterance.path, _labels(utterance, labels)) for utterance in manifest.utterances]
    for start in range(0, len(found), CHUNK):
        report(Partial(ClipsFound(tuple(found[start : start + CHUNK]))))
    return ScanDone(len(found), tuple((skipped.path, skipped.why) for skipped in manifest.skipped))


def _tables_below(folder: Path) -> list[Path]:
    return [table for suffix in TABLE_SUFFIXES for table in sorted(folder.rglob(f"labels{suffix}"))]


def _labels(utterance: Utterance, tables: dict[str, dict[str, str]]) -> dict[str, str]:
    """What the layout tells, then what a table says of the file by path, else by name."""
    told = utterance.labels.words()
    path = os.path.realpath(utterance.path)
    return told | tables.get(path, tables.get(Path(path).name, {}))
