"""Synthetic input: what is dropped on a widget reaches it by the window's own way, and waiting has an end."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from studio.selftest import synthetic_input
from studio.selftest.synthetic_input import StepError


class Taker(QWidget):
    """Takes text that begins with `yes`."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.setMinimumSize(80, 80)
        self.taken: list[str] = []

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().text().startswith("yes"):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.taken.append(event.mimeData().text())
        event.acceptProposedAction()


class Two(QWidget):
    """Two takers side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = Taker(), Taker()
        row = QHBoxLayout(self)
        row.addWidget(self.left)
        row.addWidget(self.right)


@pytest.fixture
def window(qtbot: QtBot) -> Two:
    window = Two()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def text(words: str) -> QMimeData:
    mime = QMimeData()
    mime.setText(words)
    return mime


def test_the_widget_under_the_pointer_takes_it(window: Two) -> None:
    synthetic_input.drop(window, window.right, text("yes, please"))
    assert window.right.taken == ["yes, please"]
    assert window.left.taken == []


def test_what_nobody_takes_is_an_error(window: Two) -> None:
    with pytest.raises(StepError, match="did not take"):
        synthetic_input.drop(window, window.left, text("no"))
    assert window.left.taken == []


def test_waiting_ends_with_the_condition(qtbot: QtBot) -> None:
    looks: list[int] = []

    def third_look() -> bool:
        looks.append(1)
        return len(looks) >= 3

    synthetic_input.wait(third_look, 5.0, "it never came")
    assert len(looks) >= 3


def test_waiting_in_vain_ends_in_words(qtbot: QtBot) -> None:
    with pytest.raises(StepError, match="it never came within 0 s"):
        synthetic_input.wait(lambda: False, 0.05, "it never came")
