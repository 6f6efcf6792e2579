"""OMG-Emotion's layout (Barros et al., "The OMG-Emotion Behavior Dataset", IJCNN 2018).

Labels stand in omg_TrainVideos.csv, omg_ValidationVideos.csv and omg_TestVideos_WithLabels.csv. The recordings lie
where their users put them, in one of three ways, usually below a folder a split:

    <video>/utterance_N.mp4        <video>/utterance_N.wav        <video>/utterance_N.mp4/audio.wav

The same YouTube video occurs in several splits, so the session is its link and not the split's name for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import CorpusError
from engine.corpus import label_table as tables
from engine.corpus.manifest import SCALES, Labels, Skipped

_EMOTIONS = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
_COLUMNS = ("link", "video", "utterance", "arousal", "valence", "EmotionMaxVote")
_LEVELS = 3  # above a video's folder, to search for the split's
_SPLITS = {"train": "train", "valid": "validation", "dev": "validation", "test": "test"}
_SPLIT = re.compile(rf"(?:omg_?)?({'|'.join(_SPLITS)})")
_UTTERANCE = re.compile(r"(utterance_\d+)(\.\w+)?")


@dataclass(frozen=True)
class _Row:
    """A complete row: its split, by its table's name, and its labels."""

    split: str | None
    labels: Labels
    table: str
    line: int


class Omg:
    """Labels of the recordings that OMG-Emotion's tables name.

    Args:
        files: the tables found.

    Raises:
        CorpusError: one of them cannot be read or is not of this corpus.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._rows: dict[tuple[str, str], list[_Row]] = {}
        self._counts: dict[str, int] = {}
        self._found: set[tuple[str, int]] = set()
        self._incomplete: list[Skipped] = []
        self._homes = {file.parent for file in files}
        for file in dict.fromkeys(files):
            self._read(file)

    @staticmethod
    def is_table(path: Path) -> bool:
        """Whether a file is named as the corpus's tables are."""
        return path.suffix.lower() == ".csv" and path.name.lower().startswith("omg_")

    def labels(self, path: Path) -> tuple[str, Labels] | None:
        """The video and the labels of a recording, or None if it does not lie as the corpus's do."""
        key = _key(path)
        if key is None or not self._rows:
            return None
        video, _ = key
        split = self._split_of(path)
        rows = self._rows.get(key, [])
        if split is not None:
            rows = [row for row in rows if row.split in (None, split)]
        if len(rows) != 1:  # not in the tables, or in two and the folders do not say which
            return video, Labels(split=split)
        self._found.add((rows[0].table, rows[0].line))
        return video, rows[0].labels

    def unmatched(self) -> list[Skipped]:
        """Rows that are incomplete, and complete ones whose recording was not asked for: after all `labels`."""
        missing: dict[str, list[tuple[int, tuple[str, str]]]] = {}
        for key, rows in self._rows.items():
            for row in rows:
                if (row.table, row.line) not in self._found:
                    missing.setdefault(row.table, []).append((row.line, key))
        unmatched = list(self._incomplete)
        for name, lines in missing.items():
            if len(lines) == self._counts[name]:
                unmatched.append(Skipped(name, f"None of its {len(lines)} recordings is here."))
                continue
            unmatched += [
                Skipped(f"{name}, line {line}", f"{video}/{utterance} is not here.")
                for line, (video, utterance) in sorted(lines)
            ]
        return unmatched

    def _split_of(self, path: Path) -> str | None:
        """The split that a folder between the tables and the video names, the nearest first."""
        video = path.parent.parent if path.stem == "audio" else path.parent
        for folder in list(video.parents)[:_LEVELS]:
            if folder in self._homes:
                return None
            if (split := _split_in(folder.name)) is not None:
                return split
        return None

    def _read(self, file: Path) -> None:
        table = tables.read(file)
        if not set(_COLUMNS) <= set(table.headings):
            raise CorpusError(
                f"{file.name} is named like a table of OMG-Emotion but has other columns.",
                f"It should have {', '.join(_COLUMNS)}.",
            )
        split = _split_in(file.stem)
        for line, cells in table.rows:
            row = dict(zip(table.headings, cells, strict=True))
            if lacks := [name for name in _COLUMNS if not row[name]]:
                self._incomplete.append(Skipped(f"{file}, line {line}", f"It has no {', no '.join(lacks)}."))
                continue
            labels = _labels(row, split)
            match = _UTTERANCE.fullmatch(row["utterance"])
            if labels is None or match is None:
                self._incomplete.append(Skipped(f"{file}, line {line}", "Its numbers are off their scales."))
                continue
            self._rows.setdefault((row["video"], match[1]), []).append(_Row(split, labels, str(file), line))
            self._counts[str(file)] = self._counts.get(str(file), 0) + 1


def _labels(row: dict[str, str], split: str | None) -> Labels | None:
    """What a complete row says; None if a number makes no sense."""
    try:
        emotion = _EMOTIONS[int(float(row["EmotionMaxVote"]))] if float(row["EmotionMaxVote"]) >= 0 else None
    except (ValueError, OverflowError, IndexError):
        return None
    numbers = Labels.of({name: row[name] for name in SCALES})
    if emotion is None or numbers.arousal is None or numbers.valence is None:
        return None
    return Labels(
        emotion=emotion, session=row["link"], arousal=numbers.arousal, valence=numbers.valence, split=split
    )


def _key(path: Path) -> tuple[str, str] | None:
    """Video and utterance of a recording in one of the three layouts."""
    if (match := _UTTERANCE.fullmatch(path.name)) and match[2]:
        return path.parent.name, match[1]
    if path.stem == "audio" and (match := _UTTERANCE.fullmatch(path.parent.name)):
        return path.parent.parent.name, match[1]
    return None


def _split_in(name: str) -> str | None:
    """The split that a folder's or table's name gives: train, Test_Set, omg_ValidationVideos."""
    match = _SPLIT.match(name.lower())
    return _SPLITS[match[1]] if match else None
