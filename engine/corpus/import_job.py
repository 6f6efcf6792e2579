"""Import of dropped files and folders: recordings with labels, and what cannot be used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from engine.api import TABLE_SUFFIXES, ClipRef, ClipsFound, ControlSignal, Note, Partial, Report, Scan, ScanDone
from engine.corpus.scanning import scan

CHUNK = 250  # rows that appear at once
CHUNK_S = 0.05  # between two chunks where recordings come slowly
PAUSE_S = 0.02  # between two chunks where they come fast: the window that takes them in also has to draw


def find(request: Scan, report: Report, control: ControlSignal) -> ScanDone:
    """Find recordings below the given folders, in the given tables and among the given files (see scanning).

    What lies below folders is reported as it is found, and once more with its labels when all is known.

    Raises:
        CorpusError: there is no recording at all.
        Cancelled: the user cancelled.
    """
    given = [Path(path).absolute() for path in request.paths]
    places = [path for path in given if path.is_dir() or path.suffix.lower() in TABLE_SUFFIXES]
    clips = [ClipRef(str(path), str(path)) for path in given if path not in places]
    columns = {str(Path(path).absolute()): meant for path, meant in request.columns}
    chunks = _Chunks(report)
    unlabelled = _Unlabelled(chunks)
    manifest = scan([str(place) for place in places], clips, control, columns, unlabelled.add, unlabelled.flush)
    for what, hint in manifest.troubles:
        report(Note(what, hint))
    found = [(utterance.path, utterance.words()) for utterance in manifest.utterances]
    chunks.report([(path, labels) for path, labels in found if labels or path not in unlabelled.paths])
    return ScanDone(
        len(found),
        tuple((skipped.path, skipped.why) for skipped in manifest.skipped),
        tuple((row.path, row.why) for row in manifest.unmatched),
    )


class _Chunks:
    """Reports of recordings, a chunk at a time with a pause between."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reported_at = time.monotonic() - CHUNK_S  # so that the first is reported at once

    @property
    def quiet_s(self) -> float:
        """Seconds since the last chunk."""
        return time.monotonic() - self._reported_at

    def report(self, found: Sequence[tuple[str, dict[str, str]]]) -> None:
        for start in range(0, len(found), CHUNK):
            time.sleep(max(0.0, PAUSE_S - self.quiet_s))
            self._report(Partial(ClipsFound(tuple(found[start : start + CHUNK]))))
            self._reported_at = time.monotonic()


class _Unlabelled:
    """Recordings reported while the search for more goes on, without labels."""

    def __init__(self, chunks: _Chunks) -> None:
        self._chunks = chunks
        self.paths: set[str] = set()  # of all that were added
        self._waiting: list[str] = []

    def add(self, path: Path) -> None:
        self.paths.add(str(path))
        self._waiting.append(str(path))
        if len(self._waiting) >= CHUNK or self._chunks.quiet_s >= CHUNK_S:
            self.flush()

    def flush(self) -> None:
        self._chunks.report([(path, {}) for path in self._waiting])
        self._waiting = []
