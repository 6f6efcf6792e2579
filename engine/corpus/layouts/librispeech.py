"""LibriSpeech's layout (Panayotov et al., ICASSP 2015; openslr.org/12), whole or in part.

<split>/<speaker>/<chapter>/<speaker>-<chapter>-<nnnn>.flac, transcripts in <speaker>-<chapter>.trans.txt beside
them, the readers in SPEAKERS.TXT beside the split or further up.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from engine.corpus.manifest import Labels

_NAME = re.compile(r"(\d+)-(\d+)-\d{4,}")
_SPLIT = re.compile(r"(train|dev|test)-\w+(-\d+)?")
_GENDERS = {"F": "female", "M": "male"}
_LEVELS_UP = 3  # from the split's folder to the folder that holds the corpus


class LibriSpeech:
    """Labels of files in this layout. Tables are read once, so make one reader a scan."""

    def __init__(self) -> None:
        self._genders = cache(_read_genders)
        self._transcripts = cache(_read_transcripts)

    def labels(self, path: Path) -> Labels | None:
        """What the layout says of a file, or None if the file does not follow it."""
        match = _NAME.fullmatch(path.stem)
        if match is None or (path.parent.parent.name, path.parent.name) != match.groups():
            return None
        speaker, chapter = match.groups()
        split = path.parents[2]
        return Labels(
            speaker=speaker,
            gender=self._gender(split, speaker),
            text=self._transcripts(path.parent / f"{speaker}-{chapter}.trans.txt").get(path.stem),
            session=f"{speaker}-{chapter}",
            split=split.name if _SPLIT.fullmatch(split.name) else None,
        )

    def _gender(self, split: Path, speaker: str) -> str | None:
        # The table's SUBSET names the full corpus's split, so only the reader's number joins it to a folder.
        for folder in (split, *list(split.parents)[:_LEVELS_UP]):
            if genders := self._genders(folder / "SPEAKERS.TXT"):
                return genders.get(speaker)
        return None


def _read_genders(table: Path) -> dict[str, str]:
    """Reader -> gender: `ID |SEX| SUBSET |MINUTES| NAME`. A name may hold the separator itself (`|CBW|Simon`)."""
    if not table.is_file():
        return {}
    genders = {}
    for line in table.read_text("utf-8", errors="replace").splitlines():
        fields = [part.strip() for part in line.split("|", 4)]
        if not line.startswith(";") and len(fields) == 5 and fields[1] in _GENDERS:
            genders[fields[0]] = _GENDERS[fields[1]]
    return genders


def _read_transcripts(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    lines = (line.partition(" ") for line in file.read_text("utf-8", errors="replace").splitlines())
    return {name: text.strip() for name, _, text in lines if text.strip()}
