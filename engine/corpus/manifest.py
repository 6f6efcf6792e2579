"""What a corpus is, whatever its layout on disk: a list of recordings and what is known of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Labels:
    """What a layout tells about a recording; None where it says nothing. session: recorded in one sitting."""

    speaker: str | None = None
    gender: str | None = None
    emotion: str | None = None
    text: str | None = None
    session: str | None = None


@dataclass(frozen=True)
class Utterance:
    """One recording. name: its path below the folder it was found in, the same on every machine."""

    path: str
    name: str
    labels: Labels = Labels()


@dataclass(frozen=True)
class Skipped:
    """A file left out, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Manifest:
    """A corpus: the same files give the same manifest, in the same order."""

    utterances: tuple[Utterance, ...]
    skipped: tuple[Skipped, ...] = ()

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

        def lot(index: int) -> tuple[str, str]:
            utterance = self.utterances[index]
            return hashlib.sha256(f"{seed}\0{utterance.name}".encode()).hexdigest(), utterance.path

        chosen = set(sorted(range(count), key=lot)[:held])
        return tuple(i for i in range(count) if i not in chosen), tuple(sorted(chosen))
