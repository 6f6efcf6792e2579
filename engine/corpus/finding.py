"""What was dropped, sorted out: recordings with labels, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

from engine.api import TABLE_SUFFIXES, ClipRef, ClipsFound, Note, Partial, Report, Scan, ScanDone, Steer
from engine.corpus.scanning import scan

CHUNK = 500  # rows that appear at once


def find(request: Scan, report: Report, steer: Steer) -> ScanDone:
    """Find recordings below the given folders, in the given tables and among the given files (see scanning).

    Raises:
        CorpusError: there is no recording at all.
        Cancelled: the user cancelled.
    """
    given = [Path(path).absolute() for path in request.paths]
    places = [path for path in given if path.is_dir() or path.suffix.lower() in TABLE_SUFFIXES]
    clips = [ClipRef(str(path), str(path)) for path in given if path not in places]
    columns = {str(Path(path).absolute()): meant for path, meant in request.columns}
    manifest = scan([str(place) for place in places], clips, steer, columns)
    for what, hint in manifest.troubles:
        report(Note(what, hint))
    found = [(utterance.path, utterance.words()) for utterance in manifest.utterances]
    for start in range(0, len(found), CHUNK):
        report(Partial(ClipsFound(tuple(found[start : start + CHUNK]))))
    return ScanDone(
        len(found),
        tuple((skipped.path, skipped.why) for skipped in manifest.skipped),
        tuple((row.path, row.why) for row in manifest.unmatched),
    )
