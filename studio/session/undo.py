"""Undo and redo: one history for everything the user does to the project.

To make an action undoable, a part of the session does it through `context.undo`:

    def set_strength(self, strength: float) -> None:
        before = self.setup.strength
        self._context.undo.undoable(
            self.tr("Strength"),
            do=lambda: self._put_strength(strength),
            undo=lambda: self._put_strength(before),
            merge="strength",
        )

`do` runs at once, and again on redo; `undo` takes back exactly what `do` did. Both name things by id, never by
index, hold references to takes and clips but never to audio, and emit the signals that panels listen to. For the
setup of a transfer there is a shorter way, `Transfer.change`. Several actions in one step: `with
context.undo.one_step(words)`.

What the engine finds out (analyses, layouts, finished takes) is no step: it arrives when it arrives, and pushing it
would cut off what can be redone. Playing, zooming, selecting and training are no steps either. Nothing in the
history ever deletes a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

MOST_STEPS = 500  # each is a few references


class Step(QUndoCommand):
    """One thing the user did. It is done already when it is pushed.

    Args:
        number: steps of the same number that follow each other become one; -1 = never.
    """

    def __init__(
        self,
        words: str,
        do: Callable[[], object],
        undo: Callable[[], object],
        number: int,
        history: UndoHistory,
    ) -> None:
        super().__init__(words)
        self._do, self._undo, self._number, self._history = do, undo, number, history
        self._done = True
        self.closed = False

    def redo(self) -> None:
        if self._done:
            self._done = False
            return
        with self._history.replaying():
            self._do()

    def undo(self) -> None:
        with self._history.replaying():
            self._undo()

    def id(self) -> int:
        return self._number

    def mergeWith(self, other: QUndoCommand) -> bool:
        """A slider's next value: the way back stays the first one's."""
        if self.closed or not isinstance(other, Step) or other._number != self._number:
            return False
        self._do = other._do
        self.setText(other.text())
        other._do = other._undo = _nothing  # PySide keeps what was merged; not what it holds, too
        return True


def _nothing() -> None:
    """What a step does that has become a part of another."""


class UndoHistory(QObject):
    """What can be taken back. `stack` serves menus and the history panel as it is."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(MOST_STEPS)
        self._replaying = 0
        self._numbers: dict[str, int] = {}  # Qt merges by number

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
        number = self._numbers.setdefault(merge, len(self._numbers) + 1) if merge else -1
        self.stack.push(Step(words, do, undo, number, self))

    def close_step(self) -> None:
        """Nothing merges with the last step any more: the slider has come to rest, and something is made of it."""
        last = self.stack.command(self.stack.index() - 1)
        if isinstance(last, Step):
            last.closed = True

    @contextmanager
    def one_step(self, words: str) -> Iterator[None]:
        """What is done inside is undone as one."""
        if self._replaying:
            yield
            return
        self.stack.beginMacro(words)
        try:
            yield
        finally:
            self.stack.endMacro()

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Inside, actions are parts of the step that is being done or undone, not steps of their own."""
        self._replaying += 1
        try:
            yield
        finally:
            self._replaying -= 1

    @property
    def is_replaying(self) -> bool:
        """Whether a step is being done, undone or redone right now."""
        return self._replaying > 0
