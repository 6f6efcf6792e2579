"""What the user does with a take's recipe: save it with the sound, render it again, restore it, copy a command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.api import ReadRecipes, RecipesRead, SaveSound, SoundSaved, Take
from studio.domain import recipes
from studio.domain.drag_payload import Payload
from studio.domain.recipes import Recipe, Reference
from studio.domain.transfer_setup import EmotionChip, LaneEdit, TransferSetup, VoiceChip
from studio.engine_link.engine_link import Job
from studio.project import take_file
from studio.project.project_file import Project
from studio.session.clips.imports import Imports
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.models.model import Model
from studio.session.part import Part
from studio.session.transfers.rendering import Rendering
from studio.session.transfers.takes import Takes
from studio.session.transfers.transfer import TransferDesk

TAGGED = (".wav", ".flac")  # what takes are saved as
MOST_DROPPED = 200  # files that are looked at for a recipe: takes come singly, corpora by the thousand


class TakeRecipes(Part):
    """A take is kept with everything it takes to make it again.

    made_by: recipes of recordings that are takes saved earlier, by id.
    """

    def __init__(
        self,
        context: Context,
        library: Library,
        imports: Imports,
        model: Model,
        takes: Takes,
        transfer: TransferDesk,
        rendering: Rendering,
    ) -> None:
        super().__init__(context)
        self._context, self._library, self._model = context, library, model
        self._takes, self._transfer, self._rendering = takes, transfer, rendering
        self.made_by: dict[str, Recipe] = {}
        imports.looked_through.connect(self.look_for)

    def clear(self) -> None:
        self.made_by = {}

    def load(self, stored: Project) -> None:
        self.made_by = stored.made_by

    def dump(self, project: Project) -> None:
        project.made_by = dict(self.made_by)

    def of(self, take: Take) -> Recipe:
        """What a take is made of, in names."""
        return recipes.of_take(take, self._library.clips.values(), self.model_of(take) or "", self._library.gone)

    def model_of(self, take: Take) -> str | None:
        """Path of the model a take was made with, if it is the one in use."""
        return (
            self._model.info.path
            if self._model.info is not None and self._model.info.hash == take.model_hash
            else None
        )

    def save_take(self, index: int, path: str | Path) -> Job:
        """Write a take's sound to a file of the user's, WAV or FLAC, with its recipe in the tags."""
        take, target = self._takes.items[index], Path(path)
        if target.suffix.lower() not in TAGGED:
            target = target.with_name(f"{target.name}.wav")
        self._takes.keep(take)
        recipe = self.of(take)
        job = self._context.link.submit(
            SaveSound(take.transformed, str(target), take.name, recipes.summary(recipe), recipes.to_text(recipe)),
            title=self.tr("Save {0}").format(target.name),
        )
        job.done.connect(self._sound_saved)
        job.note.connect(lambda what, hint: self._context.messages.say(what, hint, level="warning"))
        self._context.report_failures(job)
        return job

    def carry_out(self, indices: Iterable[int]) -> list[str]:
        """Files of takes for other programs: copies, whole, under names that say what they are."""
        known = {clip.folder: clip for clip in self._library.clips.values() if clip.folder}
        files = []
        for take in [self._takes.items[index] for index in indices]:
            self._takes.keep(take)
            try:
                files.append(str(take_file.copy_out(take, take_file.speaking_name(take, known))))
            except OSError as error:
                self._context.messages.say(
                    self.tr("“{0}” cannot be dragged out: {1}.").format(take.name, error.strerror or error),
                    self.tr("Free some space, or render it again."),
                    level="warning",
                )
        return files

    def render_again(self, index: int) -> Job | None:
        """Make a take once more from its recipe, as a take of its own beside it."""
        return self.render_take_again(self._takes.items[index])

    def render_take_again(self, take: Take) -> Job | None:
        """The same for a take that may not be on the list any more."""
        model = self.model_of(take)
        if model is None:
            self._context.messages.say(
                self.tr("“{0}” was made with another model.").format(take.name),
                self.tr("Open that model, or put the recipe on the desk and render it with this one."),
                level="warning",
            )
            return None
        source = self._library.clip_in(take.source)
        name = self._takes.free_name(Path(source.path).stem if source else take.name)
        request = take.request(model, str(self._context.takes_dir / name), name)
        job = self._context.link.submit(
            self._rendering.with_recipe(request), title=self.tr("Render {0} again").format(take.name)
        )
        job.done.connect(self._context.current_only(self._takes.add))
        self._context.report_failures(job)
        return job

    def command_of(self, take: Take, *, say: bool = True) -> str | None:
        """The command that makes a take in a terminal; None (and the user is told why) where there is none."""
        model = self._model.info if self.model_of(take) else None
        line = model and recipes.command_line(take, self._library.clips.values(), model, f"{take.name}.wav")
        if not line and say:
            self._context.messages.say(
                self.tr("“{0}” cannot be said as a command.").format(take.name),
                self.tr("Its model is not the one in use.")
                if model is None
                else self.tr("A recording it was made of is not in the library any more."),
                level="warning",
            )
        return line or None

    def lineage_of(self, take: Take) -> list[str]:
        """Where a take comes from, one step a line: its source, what that was made of, and so on back."""
        steps = [self.tr("{0}: a take").format(take.name)]
        clip = self._library.clip_in(take.source)
        seen: set[str] = set()
        while clip is not None and clip.id not in seen:
            seen.add(clip.id)
            recipe = self.made_by.get(clip.id)
            if recipe is None:
                steps.append(self.tr("{0}: a recording").format(clip.name))
                return steps
            steps.append(self.tr("{0}: the take “{1}”, saved and brought in").format(clip.name, recipe.take))
            found = recipes.find(recipe, self._library.clips)
            if found.source is None:
                steps.append(self.tr("{0}: not in this library").format(recipe.source.name))
                return steps
            clip = self._library.clips[found.source]
        if clip is None:
            steps.append(self.tr("a recording that is not in the library any more"))
        return steps

    def put_on_desk(self, recipe: Recipe) -> bool:
        """Set the desk up as a recipe says; whether every recording of it was found. It is one step of undo."""
        found = recipes.find(recipe, self._library.clips)
        if found.missing:
            listed = ", ".join(found.missing[:3]) + (" …" if len(found.missing) > 3 else "")
            self._context.messages.say(
                self.tr("The recipe of “{0}” needs recordings that are not in the library: {1}.").format(
                    recipe.take, listed
                ),
                self.tr("Add them; then drop the file once more."),
                level="warning",
            )
            return False

        def restore(desk: TransferSetup) -> None:
            desk.source = found.source
            desk.voices = [VoiceChip(*_chip(part, found)) for part in _alike(recipe.voice)]
            desk.emotions = [EmotionChip(*_chip(part, found)) for part in _alike(recipe.emotion)]
            desk.strength = recipe.strength
            desk.strength_m = recipe.strength if recipe.strength_m is None else recipe.strength_m
            desk.rule = recipe.rule
            desk.rendering, desk.vocoder = recipe.rendering, recipe.vocoder
            desk.edits.pop(found.source or "", None)
            if recipe.edits and found.source is not None:
                desk.edits[found.source] = tuple(_second_edit(edit, found) for edit in recipe.edits)

        self._transfer.change(self.tr("Recipe of {0}").format(recipe.take), restore)
        if self._model.info is not None and not self._model.info.hash.startswith(recipe.model_hash):
            self._context.messages.say(
                self.tr("The recipe of “{0}” is on the desk.").format(recipe.take),
                self.tr("It was made with another model ({0}), so it will sound different.").format(
                    recipe.model or recipe.model_hash[:8]
                ),
                level="warning",
            )
        else:
            self._context.messages.say(self.tr("The recipe of “{0}” is on the desk.").format(recipe.take))
        return True

    def look_for(self, files: Iterable[str]) -> Job | None:
        """Whether files that came in are takes saved from here: the recipe of the last one goes on the desk."""
        sounds = [file for file in files if file.lower().endswith(TAGGED)]
        if not sounds or len(sounds) > MOST_DROPPED:
            return None
        job = self._context.link.submit(ReadRecipes(tuple(sounds)), title=self.tr("Look for recipes"))
        job.done.connect(self._context.current_only(self._read))
        return job

    def _read(self, result: RecipesRead) -> None:
        read = [(path, recipe) for path, text in result.recipes if (recipe := recipes.from_text(text)) is not None]
        for path, recipe in read:
            if (clip_id := self._library.id_of(path)) is not None:
                self.made_by[clip_id] = recipe
        if read:
            self._context.mark_changed()
            self.put_on_desk(read[-1][1])

    def _sound_saved(self, result: SoundSaved) -> None:
        if result.with_recipe:  # else a note says so
            self._context.messages.say(self.tr("Saved {0} with its recipe").format(result.file))


def _second_edit(edit: recipes.Edit, found: recipes.Found) -> LaneEdit:
    payload, title, _weight = _chip(_alike(edit.givers)[0], found)  # an edit gives one kind at a time
    return LaneEdit(edit.target, payload, title, edit.weight, edit.fade_in_s, edit.fade_out_s, edit.rule)


def _alike(references: Sequence[Reference]) -> list[list[Reference]]:
    """Whole recordings together, single seconds together: a chip holds one kind or the other."""
    parts = [[r for r in references if r.second is None], [r for r in references if r.second is not None]]
    return [part for part in parts if part]


def _chip(references: Sequence[Reference], found: recipes.Found) -> tuple[Payload, str, float]:
    """Payload, title and weight of a chip that gives what these gave."""
    weights = tuple(reference.weight for reference in references)
    if len(set(weights)) == 1:
        weights = ()
    ids = [found.ids[reference.clip] for reference in references]
    words = recipes.references_words(references, most=1)
    if references[0].second is None:
        return Payload("clips", tuple(ids), weights=weights, name=words), words, sum(r.weight for r in references)
    seconds = tuple((clip, reference.second or 0) for clip, reference in zip(ids, references, strict=True))
    return (
        Payload("seconds", seconds=seconds, weights=weights, name=words),
        words,
        sum(r.weight for r in references),
    )
