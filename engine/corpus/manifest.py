"""Manifest of a corpus, whatever its layout on disk: a list of recordings and the labels of each."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCALES = {"arousal": (0.0, 1.0), "valence": (-1.0, 1.0)}


@dataclass(frozen=True)
class Labels:
    """Labels of a recording; None where one is not known.

    session: recordings of one sitting share it; a test on a session that was trained on flatters.
    arousal: 0 (calm) to 1 (excited); valence: -1 (unpleasant) to 1 (pleasant): the scales of OMG-Emotion.
    split: the part of its corpus it belongs to, in the corpus's own words.
    """

    speaker: str | None = None
    gender: str | None = None
    emotion: str | None = None
    text: str | None = None
    session: str | None = None
    arousal: float | None = None
    valence: float | None = None
    split: str | None = None

    @staticmethod
    def of(values: Mapping[str, str]) -> Labels:
        """Labels from words, as tables and users give them; what has no place here, or no sense, is left out."""
        known: dict[str, Any] = {}
        for item in dataclasses.fields(Labels):
            word = values.get(item.name, "").strip()
            if not word:
                continue
            value = _number(word, *SCALES[item.name]) if item.name in SCALES else word
            if value is not None:
                known[item.name] = value
        return Labels(**known)

    def words(self) -> dict[str, str]:
        """Labels that are known, as words by name; numbers in full."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(Labels)}
        return {name: _word(value) for name, value in values.items() if value is not None}

    def over(self, other: Labels) -> Labels:
        """These, and where they say nothing the other's."""
        mine = {k: v for k, v in dataclasses.asdict(self).items() if v is not None}
        return dataclasses.replace(other, **mine)


LABEL_NAMES = tuple(item.name for item in dataclasses.fields(Labels))


@dataclass(frozen=True)
class Utterance:
    """Recording of a corpus. name: its path below the folder it was found in, the same on every machine.

    more: labels of the user's own, from tables, by name: words that the engine carries along and does not read.
    """

    path: str
    name: str
    labels: Labels = Labels()
    more: dict[str, str] = field(default_factory=dict, hash=False)

    def words(self) -> dict[str, str]:
        """All labels as words."""
        return self.labels.words() | self.more


@dataclass(frozen=True)
class Skipped:
    """File that is left out, or line of a table, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Manifest:
    """List of a corpus's recordings: the same files give the same manifest, in the same order.

    skipped: files that cannot be used. unmatched: lines of tables that no recording answers to, or that say nothing
    of use. troubles: tables that cannot be used at all (what, hint).
    """

    utterances: tuple[Utterance, ...]
    skipped: tuple[Skipped, ...] = ()
    unmatched: tuple[Skipped, ...] = ()
    troubles: tuple[tuple[str, str], ...] = ()

    @property
    def speakers(self) -> int:
        """How many different speakers are named."""
        return len({u.labels.speaker for u in self.utterances if u.labels.speaker is not None})

    def split(self, validation_share: float, seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Indices of the utterances to train on and of those held out, whole, at least one of each.

        Which are held out depends on their names and the seed alone, not on their order or their folder's place,
        so a corpus that grows keeps most of its held-out utterances. A single utterance cannot be divided: it is
        returned for training and nothing is held out.
        """
        count = len(self.utterances)
        if count < 2:
            return tuple(range(count)), ()
        held = min(count - 1, max(1, round(validation_share * count)))

        def rank(index: int) -> tuple[str, str]:
            utterance = self.utterances[index]
            return hashlib.sha256(f"{seed}\0{utterance.name}".encode()).hexdigest(), utterance.path

        chosen = set(sorted(range(count), key=rank)[:held])
        return tuple(i for i in range(count) if i not in chosen), tuple(sorted(chosen))


def _word(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else value


def _number(word: str, low: float, high: float) -> float | None:
    """The number a word says, if it lies on the scale."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None
