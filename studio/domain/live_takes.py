"""Live takes: one take that follows the sliders, and every sound that it has been.

Of renderings that come by themselves, those of one recording with the same references are one take as long as
nothing but strengths, weights and fades changes. What it was before stays on the disk, so undo has it back
without the engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.api import LatentRef, SecondEdit, Take, Transfer


def sound_of(request: Transfer, model_hash: str) -> Transfer:
    """A request without what makes no sound, its place and its name: equal ones make the same sound.

    Args:
        request: its vocoder is named, not left to the model.
        model_hash: of its model, which stands in the place of the path.
    """
    return dataclasses.replace(request, model=model_hash, out_dir="", name="", device="", recipe="")


def sound_of_take(take: Take) -> Transfer:
    return sound_of(take.request("", "", ""), take.model_hash)


def makes(take: Take, sound: Transfer) -> bool:
    """Whether a take is of a sound. What differs most often is looked at first: references may be thousands."""
    apart = (take.source, take.strength, take.strength_m) != (sound.source, sound.strength, sound.strength_m)
    return not apart and sound_of_take(take) == sound


def without_amounts(sound: Transfer) -> Transfer:
    """A sound less all that sliders change."""
    return dataclasses.replace(
        sound,
        voice=_weightless(sound.voice),
        emotion=_weightless(sound.emotion),
        strength=1.0,
        strength_m=1.0,
        edits=tuple(_without_amounts(edit) for edit in sound.edits),
    )


def place_of(take: Take) -> tuple[str, ...]:
    """What stays of a take's place when its project gets another folder: its own folder and its file."""
    return Path(take.transformed).parts[-2:]


@dataclass
class LiveTake:
    """shown: what stands in the list now. renders: all that it has been, in the order in which they came."""

    shown: Take
    renders: list[Take]

    def was(self, sound: Transfer) -> Take | None:
        """The rendering of a sound, if there is one."""
        return next((take for take in self.renders if makes(take, sound)), None)

    def follows_to(self, sound: Transfer) -> bool:
        """Whether sliders alone lead from here to that sound."""
        return without_amounts(sound_of_take(self.shown)) == without_amounts(sound)


@dataclass
class LiveTakes:
    """The live takes that undo can come back to. current: the one that sliders move; None: the next begins anew."""

    current: LiveTake | None = None
    _all: list[LiveTake] = field(default_factory=list)
    _kept: set[tuple[str, ...]] = field(default_factory=set)

    def begin(self, take: Take) -> None:
        self.current = LiveTake(take, [take])
        self._all.append(self.current)

    def find(self, sound: Transfer) -> tuple[LiveTake, Take] | None:
        """The rendering of a sound and whose it is; the current one's before others'."""
        for live in ([self.current] if self.current is not None else []) + self._all[::-1]:
            if (take := live.was(sound)) is not None:
                return live, take
        return None

    def keep(self, take: Take) -> None:
        """From now on this sound gives way to no other: something was done with it."""
        self._kept.add(place_of(take))

    def is_kept(self, take: Take) -> bool:
        return place_of(take) in self._kept

    def clear(self) -> None:
        """No undo leads back any more."""
        self.current = None
        self._all.clear()
        self._kept.clear()

    def forget_unlisted(self) -> None:
        """Only what is shown is still on the disk."""
        for live in self._all:
            live.renders = [live.shown]

    def move(self, moved: Callable[[Take], Take]) -> None:
        """The project has another folder."""
        for live in self._all:
            live.shown, live.renders = moved(live.shown), [moved(take) for take in live.renders]


def _weightless(refs: tuple[LatentRef, ...]) -> tuple[LatentRef, ...]:
    return tuple(dataclasses.replace(ref, weight=1.0) for ref in refs)


def _without_amounts(edit: SecondEdit) -> SecondEdit:
    return dataclasses.replace(edit, givers=_weightless(edit.givers), weight=1.0, fade_in_s=0.0, fade_out_s=0.0)
