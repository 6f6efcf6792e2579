"""Context menu of the m lane: the twin of every drag and key."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from studio.dialogs.reference_menu import ReferenceMenu
from studio.domain.transfer_setup import span_words
from studio.panels.clip.second_actions import SecondActions
from studio.session.session import Session


class LaneMenu(QMenu):
    """Says what can be done with the selected seconds, as they are when it is made.

    Args:
        chosen: the selected seconds.
        references: fills the menu of what can be given to them.

    Signals:
        play_wanted(second), phrase_wanted(second)
        distances_wanted(second): colour every second by its distance from this one.
    """

    play_wanted = Signal(int)
    phrase_wanted = Signal(int)
    distances_wanted = Signal(int)

    def __init__(
        self,
        session: Session,
        actions: SecondActions,
        chosen: tuple[int, ...],
        references: ReferenceMenu,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self._chosen = chosen
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._add_actions()
        below = self.addMenu(self.tr("&Give it the emotion (m) of"))
        below.setEnabled(bool(chosen) and actions.clip is not None)
        references.fill(below)
        self.addSeparator()
        self._add_edits()

    def _add_actions(self) -> None:
        actions, chosen = self._actions, self._chosen
        first = chosen[0] if chosen else 0
        copied = self._session.second_edits.copied is not None
        for words, slot, possible in (
            (self.tr("&Play"), partial(self.play_wanted.emit, first), bool(chosen)),
            (self.tr("Select the p&hrase (double click)"), partial(self.phrase_wanted.emit, first), bool(chosen)),
            (self.tr("&Copy (Ctrl+C)"), actions.copy, bool(chosen)),
            (self.tr("Pa&ste (Ctrl+V)"), actions.paste, bool(chosen) and copied),
            (self.tr("&Restore its own emotion (Delete)"), actions.restore, actions.restorable),
            (
                self.tr("&Measure distances from here"),
                partial(self.distances_wanted.emit, first),
                len(chosen) == 1,
            ),
        ):
            self.addAction(words, slot).setEnabled(possible and actions.clip is not None)

    def _add_edits(self) -> None:
        """What edits of the selected seconds, and of the whole recording, can be taken back."""
        clip, edits, second_edits = self._actions.clip, self._actions.edits, self._session.second_edits
        for index, edit in enumerate(edits):
            if clip is not None and set(edit.target) & set(self._chosen):
                words = self.tr("Take back: {0} on {1}").format(edit.title, span_words(edit.target))
                self.addAction(words, partial(second_edits.remove, clip.id, index))
        everything = self.addAction(self.tr("Take back &every edit of this recording"))
        everything.setEnabled(bool(edits))
        everything.triggered.connect(lambda: second_edits.restore_all(self._session.library.current or ""))
