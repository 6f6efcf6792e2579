"""What is heard at every checkpoint of a run: a small fixed set of recipes, kept in the project.

An entry is a recipe (see studio.domain.recipe): it names recordings and no model, so any can render it. One that
gives nothing is a recording as the model reconstructs it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from PySide6.QtCore import QCoreApplication

from engine.api import OWN_VOCODER, AuditionItem, AuditionSound
from engine.api.stored_values import DamagedError, converted
from studio.domain import recipes
from studio.domain.clip import Clip
from studio.domain.recipes import Named, Recipe

ID_LETTERS = 12


@dataclass(frozen=True)
class AuditionEntry:
    """One thing to hear. id: names its files in the folders of runs, and is never used twice."""

    id: str
    recipe: Recipe

    @property
    def title(self) -> str:
        """A few words: the recording, and what it is given."""
        given = [*self.recipe.voice, *self.recipe.emotion, *(g for edit in self.recipe.edits for g in edit.givers)]
        if not given:
            return QCoreApplication.translate("Audition", "{0}, reconstructed").format(self.recipe.source.name)
        return f"{self.recipe.source.name} ← {recipes.references_words(given, most=1)}"

    @property
    def words(self) -> str:
        """The whole recipe in a line."""
        return recipes.summary(self.recipe) if self.gives else self.title

    @property
    def gives(self) -> bool:
        return bool(self.recipe.voice or self.recipe.emotion or self.recipe.edits)


@dataclass(frozen=True)
class Hearing:
    """What the player flips between: one entry's sounds of the checkpoints of a run, in the order of their steps.

    source: folder of the recording's analysis, which is heard beside them.
    """

    run_dir: str
    entry: str
    source: str
    sounds: tuple[AuditionSound, ...] = field(default_factory=tuple)

    def name_of(self, step: int) -> str:
        """What the player calls the sound of a step."""
        return QCoreApplication.translate("Audition", "step {0}").format(f"{step:,}")

    def by_name(self) -> dict[str, AuditionSound]:
        return {self.name_of(sound.step): sound for sound in self.sounds}


def new_entry(recipe: Recipe) -> AuditionEntry:
    return AuditionEntry(uuid.uuid4().hex[:ID_LETTERS], recipe)


def recipe_of_clip(clip: Clip) -> Recipe:
    """A recording as the model reconstructs it."""
    return Recipe("", recipes.named(clip), "", "", vocoder=OWN_VOCODER)


def same_sound(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes make the same sound with the same model."""

    def plain(recipe: Recipe) -> dict[str, Any]:
        return vars(recipe) | {"take": "", "model": "", "model_hash": ""}

    return plain(one) == plain(other)


def item_of(entry: AuditionEntry, clips: Mapping[str, Clip]) -> AuditionItem | None:
    """The entry as the engine takes it; None while one of its recordings is not in the library, or not analysed."""
    recipe = entry.recipe
    found = recipes.find(recipe, clips)
    folders = {named: clips[clip_id].folder for named, clip_id in found.ids.items()}
    if found.missing or not all(folders.values()):
        return None

    def folder(named: Named) -> str:
        return str(folders[named])

    return AuditionItem(entry.id, entry.title, replace(recipes.request_of(recipe, folder), name=entry.id))


def to_values(entries: Sequence[AuditionEntry]) -> list[dict[str, str]]:
    """Plain values for the project's file; from_values reads them back."""
    return [{"id": entry.id, "recipe": recipes.to_text(entry.recipe)} for entry in entries]


class StoredEntry(msgspec.Struct):
    """An entry in the project's file."""

    id: str
    recipe: str


def from_values(values: object) -> list[AuditionEntry]:
    """What can be understood of it: an entry of a newer version is left out.

    Raises:
        DamagedError: these are no entries, or one would name a folder elsewhere.
    """
    stored = converted(values, tuple[StoredEntry, ...])
    if not all(one.id.isalnum() for one in stored):
        raise DamagedError("an entry of the audition set names a folder elsewhere")
    read = [(one.id, recipes.from_text(one.recipe)) for one in stored]
    return [AuditionEntry(entry_id, recipe) for entry_id, recipe in read if recipe is not None]
