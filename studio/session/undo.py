"""Undo and redo: one stack for everything the user does to the project.

To make an action undoable, do it through `UndoActions.undoable` (the session inherits it):

    def set_strength(self, strength: float) -> None:
        before = self.transfer.strength
        self.undoable(
            self.tr("Strength"),
            do=lambda: self._put_strength(strength),
            undo=lambda: self._put_strength(before),
            merge="strength",
        )

`do` runs at once, and again on redo; `undo` takes back exactly what `do` did. Both name things by id, never by
place, hold references to takes and clips but never to audio, and emit the signals that panels listen to. For the
transfer desk there is a shorter way, `TransferActions._change_desk`. Several actions in one step: `with
session.one_step(words)`.

What the engine finds out (analyses, layouts, finished takes) is no step: it arrives when it arrives, and pushing it
would cut off what can be redone. It is told to `_results_changed`. Playing, zooming, selecting and training are no
steps either. Nothing on the stack ever deletes a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

MOST_STEPS = 500  # each is a few references
_ids: dict[str, int] = {}  # Qt merges by number


class Step(QUndoCommand):
    """One thing the user did. It is done already when it is pushed."""

    def __init__(
        self, words: str, do: Callable[[], object], undo: Callable[[], object], merge: str, actions: UndoActions
    ) -> None:
        super().__init__(words)
        self._do, self._undo, self._merge, self._actions = do, undo, merge, actions
        self._done = True
        self.closed = False

    def redo(self) -> None:
        if self._done:
            self._done = False
            return
        with self._actions.replaying():
            self._do()

    def undo(self) -> None:
        with self._actions.replaying():
            self._undo()

    def id(self) -> int:
        return _ids.setdefault(self._merge, len(_ids) + 1) if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """A slider's next value: the way back stays the first one's."""
        if self.closed or not isinstance(other, Step) or other._merge != self._merge:
            return False
        self._do = other._do
        self.setText(other.text())
        other._do = other._undo = _nothing  # PySide keeps what was merged; not what it holds, too
        return True


def _nothing() -> None:
    """What a step does that has become a part of another."""


class UndoActions(QObject):
    """What can be taken back. `undo_stack` serves menus and the history as it is."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(MOST_STEPS)
        self._replaying = 0

    def undoable(
        self, words: str, do: Callable[[], object], undo: Callable[[], object], *, merge: str = ""
    ) -> None:
        """Do something that can be undone; see the module's text.

        Args:
            words: what it is called in the Edit menu and the history.
            merge: steps of the same name that follow each other become one; "" = never.
        """
        if self._replaying:  # a part of a larger action, which takes back the whole
            do()
            return
        with self.replaying():
            do()
        self.undo_stack.push(Step(words, do, undo, merge, self))

    def close_step(self) -> None:
        """Nothing merges with the last step any more: the slider has come to rest, and something is made of it."""
        last = self.undo_stack.command(self.undo_stack.index() - 1)
        if isinstance(last, Step):
            last.closed = True

    @contextmanager
    def one_step(self, words: str) -> Iterator[None]:
        """What is done inside is undone as one."""
        if self._replaying:
            yield
            return
        self.undo_stack.beginMacro(words)
        try:
            yield
        finally:
            self.undo_stack.endMacro()

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Inside, actions are parts of the step that is being done or undone, not steps of their own."""
        self._replaying += 1
        try:
            yield
        finally:
            self._replaying -= 1
