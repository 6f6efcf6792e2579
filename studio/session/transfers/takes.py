"""The list of takes: what comes into it, what takes another's place, and what the user does with one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PySide6.QtCore import Signal

from engine.api import Control, Take, Transfer
from studio.domain.live_takes import LiveTakes, makes, place_of, sound_of_take
from studio.project.project_file import Project, moved_take
from studio.project.project_folder import Moved
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part


class Takes(Part):
    """Takes by their index, the newest last.

    items: the list; live: those that follow the sliders; starred: transformed sounds of those the user likes.

    Signals:
        changed().
        ready(Take, follows): to be heard now; follows: it has taken the place of one that was heard.
        play_requested(Take, which of its sounds): "original", "reconstruction" or "transformed".
        follow_requested(Take): it has taken another's place, to be heard where that was.
    """

    changed = Signal()
    ready = Signal(object, bool)
    play_requested = Signal(object, str)
    follow_requested = Signal(object)

    def __init__(self, context: Context, library: Library) -> None:
        super().__init__(context)
        self._context, self._library = context, library
        self.items: list[Take] = []
        self.live = LiveTakes()
        self.starred: set[str] = set()

    def clear(self) -> None:
        self.items, self.starred = [], set()
        self.live.clear()
        self.changed.emit()

    def load(self, stored: Project) -> None:
        self.items, self.starred = stored.takes, set(stored.starred)
        self.changed.emit()

    def dump(self, project: Project) -> None:
        project.takes, project.starred = list(self.items), sorted(self.starred)

    def relocate(self, moved: Moved) -> None:
        self.items = [moved_take(take, moved) for take in self.items]
        self.live.move(lambda take: moved_take(take, moved))
        self.starred = {moved(sound) for sound in self.starred}
        self.changed.emit()

    def play(self, take: Take, which: str) -> None:
        """Show the clip a take was made of and play "original", "reconstruction" or "transformed"."""
        if (source := self._library.clip_in(take.source)) is not None:
            self._library.set_current(source.id)
        self.play_requested.emit(take, which)

    def follow(self, take: Take) -> None:
        """Go on with a take that has taken another's place: where that was heard, in the version that was heard."""
        self.follow_requested.emit(take)

    def rename(self, index: int, name: str) -> None:
        """Call a take differently; its files keep their names."""
        take, name = self.items[index], name.strip()
        if name and name != take.name:
            self.keep(take)
            self._context.undo.undoable(
                self.tr("Rename the take {0}").format(take.name),
                lambda: self._put_name(take, name),
                lambda: self._put_name(take, take.name),
            )

    def star(self, index: int, starred: bool) -> None:
        """Mark a take as a good one, or no longer."""
        take = self.items[index]
        if starred != (take.transformed in self.starred):
            self.keep(take)
            words = self.tr("Star the take {0}") if starred else self.tr("Take the star off {0}")
            self._context.undo.undoable(
                words.format(take.name),
                lambda: self._put_star(take, starred),
                lambda: self._put_star(take, not starred),
            )

    def remove(self, index: int) -> None:
        """Take a take off the list. Its sounds stay on the disk: it can be had back."""
        take = self.items[index]
        starred = take.transformed in self.starred

        def put_back() -> None:
            self.items.insert(min(index, len(self.items)), take)
            if starred:
                self.starred.add(take.transformed)
            self._edited()

        self._context.undo.undoable(
            self.tr("Remove the take {0}").format(take.name), lambda: self._drop(take), put_back
        )

    def keep(self, take: Take) -> None:
        """Something was done with a take: what the sliders make next stands beside it, not in its place."""
        self.live.keep(take)

    def add(self, take: Take) -> None:
        """A take of its own."""
        self.items.append(take)
        self._edited()
        self.ready.emit(take, False)

    def add_live(self, take: Take) -> None:
        """One that came by itself takes the place of the one before it, if only sliders were moved since."""
        live = self.live.current
        if live is not None and live.follows_to(sound_of_take(take)) and self.gives_way(live.shown):
            live.renders.append(take)
            self._take_places(live.shown, take)
            live.shown = take
            self.ready.emit(take, True)
            return
        if any(other.name == take.name for other in self.items):  # the one before it was kept meanwhile
            take = dataclasses.replace(take, name=self.free_name(take.name.rpartition("-")[0]))
        self.live.begin(take)
        self.add(take)

    def show_known(self, sound: Transfer, *, play: bool) -> bool:
        """Show what was rendered of a sound before, if it was: undo and a slider that comes back want it.

        Args:
            play: it is to be heard.
        """
        found = self.live.find(sound)
        if found is None or self._index_of(found[0].shown) is None:
            listed = next((take for take in reversed(self.items) if makes(take, sound)), None)
            if listed is not None and play:
                self.ready.emit(listed, False)
            return listed is not None
        live, take = found
        before, follows = live.shown, live is self.live.current
        self.live.current, live.shown = live, take
        if place_of(before) != place_of(take):
            self._take_places(before, take)
        if play:
            self.ready.emit(take, follows)
        return True

    def gives_way(self, take: Take) -> bool:
        """Whether the next rendering may stand in a take's place: it is listed, and nothing was done with it."""
        return not self.live.is_kept(take) and self._index_of(take) is not None

    def free_name(self, wished: str) -> str:
        """A name for a take that no take, no folder and no rendering under way has."""
        stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in wished)[:60] or "take"
        taken = {take.name for take in self.items} | {request.name for request in self.under_way()}
        number = 1
        while (name := f"{stem}-{number}") in taken or (self._context.takes_dir / name).exists():
            number += 1
        return name

    def folder_beside(self, name: str) -> Path:
        """A folder for one more sound of the take of that name."""
        taken = {Path(request.out_dir) for request in self.under_way()}
        number = 2
        while (folder := self._context.takes_dir / f"{name}.{number}").exists() or folder in taken:
            number += 1
        return folder

    def under_way(self) -> list[Transfer]:
        """What is being rendered, or will be."""
        jobs = [job for job in self._context.link.active() if job.wish is not Control.CANCEL]
        return [job.request for job in jobs if isinstance(job.request, Transfer)]

    def folders(self) -> list[str]:
        """Folders of the takes on the list and of those under way to it."""
        listed = [str(Path(take.transformed).parent) for take in self.items]
        return listed + [request.out_dir for request in self.under_way()]

    def _take_places(self, before: Take, after: Take) -> None:
        """after stands where before stood; beside it, if that was kept."""
        index = self._index_of(before)
        assert index is not None
        if self.live.is_kept(before):
            index += 1
        else:
            del self.items[index]
        if self._index_of(after) is None:
            self.items.insert(index, after)
        self._edited()

    def _index_of(self, take: Take) -> int | None:
        """Where a take stands now: by its file, which goes along when the project gets another folder."""
        known = place_of(take)
        return next((i for i, other in enumerate(self.items) if place_of(other) == known), None)

    def _put_name(self, take: Take, name: str) -> None:
        if (index := self._index_of(take)) is not None:
            self.items[index] = dataclasses.replace(self.items[index], name=name)
            self._edited()

    def _put_star(self, take: Take, starred: bool) -> None:
        if (index := self._index_of(take)) is not None:
            sound = self.items[index].transformed
            (self.starred.add if starred else self.starred.discard)(sound)
            self._edited()

    def _drop(self, take: Take) -> None:
        if (index := self._index_of(take)) is not None:
            self.starred.discard(self.items.pop(index).transformed)
            self._edited()

    def _edited(self) -> None:
        self.changed.emit()
        self._context.mark_changed()
