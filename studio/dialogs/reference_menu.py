"""Menu of references: what a drag brings from the library, for those who choose from a menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QMenu, QWidget

from studio.dialogs.choose_clip import ChooseClip
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION, SOURCE
from studio.services.natural_sort import natural
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.transfers.second_edits import SecondEdits

MENU_CLIPS = 25  # more are found by typing


class ReferenceMenu:
    """Fills menus with everything in the library whose voice or emotion can be taken, or that can be a source.

    Args:
        refusal: why a payload cannot be taken, None when it can: such entries are there, disabled, and say why.
        take: what to do with the payload chosen.
        parent: of the dialog that finds a clip.
    """

    def __init__(
        self,
        library: Library,
        second_edits: SecondEdits,
        zone: str,
        refusal: Callable[[Payload], str | None],
        take: Callable[[Payload], object],
        parent: QWidget,
    ) -> None:
        self._library, self._second_edits = library, second_edits
        self._zone = zone
        self._refusal = refusal
        self._take = take
        self._parent = parent

    def fill(self, menu: QMenu) -> None:
        """Add an entry for everything that can be chosen now."""
        tr, library, second_edits = self._parent.tr, self._library, self._second_edits
        clips = list(library.clips.values())
        if selected := tuple(library.selection):
            words = counted(len(selected), tr("&Selected clip"), tr("&Selected clips ({0})"))
            self._add(menu, words, Payload("clips", clips=selected))
        if self._zone == EMOTION and second_edits.copied is not None:
            self._add(menu, tr("&Copied seconds"), second_edits.copied)
        speakers = library.speakers()
        if self._zone != SOURCE and speakers:
            submenu = menu.addMenu(tr("S&peakers"))
            for speaker in sorted(speakers, key=natural):
                self._add(submenu, speaker, Payload("speaker", speaker=speaker))
        if self._zone != SOURCE:
            self._add_labels(menu)
        if not clips:
            menu.addAction(tr("Drop recordings into the window first")).setEnabled(False)
            return
        submenu = menu.addMenu(tr("&Clips"))
        for clip in clips[:MENU_CLIPS]:
            self._add(submenu, clip.name, Payload("clips", clips=(clip.id,)))
        menu.addAction(tr("&Find a clip…"), self._find_clip)

    def refill(self, menu: QMenu) -> None:
        """Empty a menu that opens again, and fill it with what there is now."""
        for action in menu.actions():
            if isinstance(below := action.menu(), QMenu):
                below.deleteLater()  # clear() deletes actions, not the menus below them
        menu.clear()
        self.fill(menu)

    def _add_labels(self, menu: QMenu) -> None:
        """Every emotion in use, every gender, and so on, with how many clips carry it."""
        titles = {"emotion": self._parent.tr("&Emotions"), "gender": self._parent.tr("&Genders")}
        for name, title in titles.items():
            counts: dict[str, int] = {}
            for clip in self._library.clips.values():
                if value := clip.labels.get(name):
                    counts[value] = counts.get(value, 0) + 1
            if not counts:
                continue
            submenu = menu.addMenu(title)
            for value in sorted(counts, key=natural):
                how_many = counted(counts[value], self._parent.tr("1 clip"), self._parent.tr("{0} clips"))
                self._add(submenu, f"{value} ({how_many})", Payload("label", label=(name, value)))

    def _add(self, menu: QMenu, words: str, payload: Payload) -> None:
        plain = words if words.startswith("&") else words.replace("&", "&&")
        action = menu.addAction(plain, lambda: self._take(payload))
        reason = self._refusal(payload)
        action.setEnabled(reason is None)
        action.setToolTip(reason or "")
        menu.setToolTipsVisible(True)

    def _find_clip(self) -> None:
        dialog = ChooseClip(
            self._parent.tr("Choose a clip"),
            list(self._library.clips.values()),
            with_second=self._zone == EMOTION,
            parent=self._parent,
        )
        if dialog.exec() != QDialog.DialogCode.Accepted or (clip := dialog.clip_id()) is None:
            return
        second = dialog.second_chosen()
        whole = Payload("clips", clips=(clip,))
        self._take(whole if second is None else Payload("seconds", seconds=((clip, second),)))
