"""Recordings in no known corpus's layout: a folder per speaker, or loose files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from engine.corpus.manifest import Labels


def speaker_of_each(paths: Iterable[Path]) -> dict[Path, Labels]:
    """The speaker of each file: the folder it lies in, below the last folder that all of them share.

    Files directly in the shared folder, and so all files of one folder alone, have no speaker.
    """
    files = list(paths)
    if not files:
        return {}
    shared = Path(os.path.commonpath([file.parent for file in files]))
    labels = {}
    for file in files:
        below = file.relative_to(shared).parts
        labels[file] = Labels(speaker=below[0] if len(below) > 1 else None)
    return labels
