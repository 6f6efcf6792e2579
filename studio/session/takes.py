"""The list of takes: what comes into it, what takes another's place, and what the user does with one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PySide6.QtCore import Signal

from engine.api import Control, Take, Transfer
from studio.domain.clip import Clip
from studio.domain.live_takes import makes, place_of, sound_of_take
from studio.session.model import ModelActions


class TakeListActions(ModelActions):
    """Takes by their place in `takes`, the newest last.

    Signals:
        take_ready(Take, follows): to be heard now; follows: it has taken the place of one that was heard.
    """

    take_ready = Signal(object, bool)

    # ------------------------------------------------------------------ what the user does
    def play_take(self, take: Take, which: str) -> None:
        """Show the clip a take was made of and play "original", "reconstruction" or "transformed"."""
        source = next((clip.id for clip in self.clips.values() if clip.folder == take.source), None)
        if source is not None:
            self.set_current(source)
        self.take_play_requested.emit(take, which)

    def follow_take(self, take: Take) -> None:
        """Go on with a take that has taken another's place: where that was heard, in the version that was heard."""
        self.take_follow_requested.emit(take)

    def rename_take(self, index: int, name: str) -> None:
        """Call a take differently; its files keep their names."""
        take, name = self.takes[index], name.strip()
        if name and name != take.name:
            self.keep_take(take)
            self.undoable(
                self.tr("Rename the take {0}").format(take.name),
                lambda: self._put_name(take, name),
                lambda: self._put_name(take, take.name),
            )

    def star_take(self, index: int, starred: bool) -> None:
        """Mark a take as a good one, or no longer."""
        take = self.takes[index]
        if starred != (take.transformed in self.starred):
            self.keep_take(take)
            words = self.tr("Star the take {0}") if starred else self.tr("Take the star off {0}")
            self.undoable(
                words.format(take.name),
                lambda: self._put_star(take, starred),
                lambda: self._put_star(take, not starred),
            )

    def remove_take(self, index: int) -> None:
        """Take a take off the list. Its sounds stay on the disk: it can be had back."""
        take = self.takes[index]
        starred = take.transformed in self.starred

        def put_back() -> None:
            self.takes.insert(min(index, len(self.takes)), take)
            if starred:
                self.starred.add(take.transformed)
            self._takes_edited()

        self.undoable(self.tr("Remove the take {0}").format(take.name), lambda: self._drop_take(take), put_back)

    def keep_take(self, take: Take) -> None:
        """Something was done with a take: what the sliders make next stands beside it, not in its place."""
        self.live.keep(take)

    # ------------------------------------------------------------------ what the engine made
    def _rendered(self, take: Take) -> None:
        """A take of its own."""
        self.takes.append(take)
        self._takes_edited()
        self.take_ready.emit(take, False)

    def _rendered_live(self, take: Take) -> None:
        """One that came by itself takes the place of the one before it, if only sliders were moved since."""
        live = self.live.current
        if live is not None and live.follows_to(sound_of_take(take)) and self._gives_way(live.shown):
            live.renders.append(take)
            self._take_places(live.shown, take)
            live.shown = take
            self.take_ready.emit(take, True)
            return
        if any(other.name == take.name for other in self.takes):  # the one before it was kept meanwhile
            take = dataclasses.replace(take, name=self._free_name(take.name.rpartition("-")[0]))
        self.live.begin(take)
        self._rendered(take)

    def _show_known(self, sound: Transfer, *, tell: bool) -> bool:
        """Show what was rendered of a sound before: undo and a slider that comes back want it. Whether it was.

        Args:
            tell: it is to be heard.
        """
        found = self.live.find(sound)
        if found is None or self._place_of(found[0].shown) is None:
            listed = next((take for take in reversed(self.takes) if makes(take, sound)), None)
            if listed is not None and tell:
                self.take_ready.emit(listed, False)
            return listed is not None
        live, take = found
        before, follows = live.shown, live is self.live.current
        self.live.current, live.shown = live, take
        if place_of(before) != place_of(take):
            self._take_places(before, take)
        if tell:
            self.take_ready.emit(take, follows)
        return True

    def _gives_way(self, take: Take) -> bool:
        return not self.live.is_kept(take) and self._place_of(take) is not None

    def _take_places(self, before: Take, after: Take) -> None:
        """after stands where before stood; beside it, if that was kept."""
        place = self._place_of(before)
        assert place is not None
        if self.live.is_kept(before):
            place += 1
        else:
            del self.takes[place]
        if self._place_of(after) is None:
            self.takes.insert(place, after)
        self._takes_edited()

    # ------------------------------------------------------------------ inside
    def _place_of(self, take: Take) -> int | None:
        """Where a take stands now: by its file, which goes along when the project gets another folder."""
        known = place_of(take)
        return next((i for i, other in enumerate(self.takes) if place_of(other) == known), None)

    def _put_name(self, take: Take, name: str) -> None:
        if (place := self._place_of(take)) is not None:
            self.takes[place] = dataclasses.replace(self.takes[place], name=name)
            self._takes_edited()

    def _put_star(self, take: Take, starred: bool) -> None:
        if (place := self._place_of(take)) is not None:
            sound = self.takes[place].transformed
            (self.starred.add if starred else self.starred.discard)(sound)
            self._takes_edited()

    def _drop_take(self, take: Take) -> None:
        if (place := self._place_of(take)) is not None:
            self.starred.discard(self.takes.pop(place).transformed)
            self._takes_edited()

    def _takes_edited(self) -> None:
        self.takes_changed.emit()
        self._save_soon()

    def _free_take_name(self, source: Clip) -> str:
        return self._free_name(Path(source.path).stem)

    def _free_name(self, wished: str) -> str:
        """A name for a take that no take, no folder and no rendering under way has."""
        stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in wished)[:60] or "take"
        taken = {take.name for take in self.takes} | {request.name for request in self._under_way()}
        number = 1
        while (name := f"{stem}-{number}") in taken or (self.takes_dir / name).exists():
            number += 1
        return name

    def _folder_beside(self, name: str) -> Path:
        """A folder for one more sound of the take of that name."""
        taken = {Path(request.out_dir) for request in self._under_way()}
        number = 2
        while (folder := self.takes_dir / f"{name}.{number}").exists() or folder in taken:
            number += 1
        return folder

    def _under_way(self) -> list[Transfer]:
        """What is being rendered, or will be."""
        jobs = [job for job in self.link.active() if job.wish is not Control.CANCEL]
        return [job.request for job in jobs if isinstance(job.request, Transfer)]
