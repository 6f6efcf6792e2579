"""What was dropped, sorted out: recordings with labels, and what cannot be used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from engine.api import TABLE_SUFFIXES, ClipRef, ClipsFound, ControlSignal, Note, Partial, Report, Scan, ScanDone
from engine.corpus.scanning import scan

CHUNK = 250  # rows that appear at once
CHUNK_S = 0.05  # between two chunks where recordings come slowly
BREATH_S = 0.02  # between two chunks where they come fast: the window that takes them in also has to draw


def find(request: Scan, report: Report, control: ControlSignal) -> ScanDone:
    """Find recordings below the given folders, in the given tables and among the given files (see scanning).

    What lies below folders is reported as it is come across, and once more with its labels when all is known.

    Raises:
        CorpusError: there is no recording at all.
        Cancelled: the user cancelled.
    """
    given = [Path(path).absolute() for path in request.paths]
    places = [path for path in given if path.is_dir() or path.suffix.lower() in TABLE_SUFFIXES]
    clips = [ClipRef(str(path), str(path)) for path in given if path not in places]
    columns = {str(Path(path).absolute()): meant for path, meant in request.columns}
    telling = _Telling(report)
    come = _AsTheyCome(telling)
    manifest = scan([str(place) for place in places], clips, control, columns, come.take, come.tell)
    for what, hint in manifest.troubles:
        report(Note(what, hint))
    told = [(utterance.path, utterance.words()) for utterance in manifest.utterances]
    news = [(path, labels) for path, labels in told if labels or path not in come.paths]
    telling.tell(news)
    return ScanDone(
        len(told),
        tuple((skipped.path, skipped.why) for skipped in manifest.skipped),
        tuple((row.path, row.why) for row in manifest.unmatched),
    )


class _Telling:
    """Reports recordings by the chunk, with a breath between."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._told_at = time.monotonic() - CHUNK_S  # so that the first is told of at once

    @property
    def quiet_s(self) -> float:
        """Since the last chunk."""
        return time.monotonic() - self._told_at

    def tell(self, found: Sequence[tuple[str, dict[str, str]]]) -> None:
        for start in range(0, len(found), CHUNK):
            time.sleep(max(0.0, BREATH_S - self.quiet_s))
            self._report(Partial(ClipsFound(tuple(found[start : start + CHUNK]))))
            self._told_at = time.monotonic()


class _AsTheyCome:
    """Tells of recordings while more are looked for, without labels."""

    def __init__(self, telling: _Telling) -> None:
        self._telling = telling
        self.paths: set[str] = set()  # of all that were taken
        self._untold: list[str] = []

    def take(self, path: Path) -> None:
        self.paths.add(str(path))
        self._untold.append(str(path))
        if len(self._untold) >= CHUNK or self._telling.quiet_s >= CHUNK_S:
            self.tell()

    def tell(self) -> None:
        self._telling.tell([(path, {}) for path in self._untold])
        self._untold = []
