"""Without a mouse and without eyes: every control says what it is, and the keyboard reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from stage import analysed, some_take

from studio.app import Studio
from studio.dialogs.about import AboutDialog
from studio.dialogs.compare_takes import CompareTakes
from studio.dialogs.error import ErrorDialog
from studio.dialogs.preferences.dialog import PreferencesDialog
from studio.dialogs.take_recipe import TakeRecipe
from studio.domain.drag_payload import Payload
from studio.services.messages import Message

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
)


BY_KEY = {"removeChip"}  # Delete on the chip itself: see test_transfer_desk


@dataclass
class Control:
    widget: QWidget

    def __str__(self) -> str:
        chain, at = [], self.widget
        while at is not None and len(chain) < 5:
            chain.append(f"{type(at).__name__}{f'#{at.objectName()}' if at.objectName() else ''}")
            at = at.parentWidget()
        return " < ".join(chain)

    @property
    def name(self) -> str:
        face = QAccessible.queryAccessibleInterface(self.widget)
        return face.text(QAccessible.Text.Name).strip() if face is not None else ""

    @property
    def tabbed(self) -> bool:
        return bool(self.widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


def controls(root: QWidget) -> list[Control]:
    """Everything one can work, less what Qt itself makes inside of it or works for the keyboard in another way."""
    found = []
    for widget in root.findChildren(QWidget):
        inside = widget.parentWidget()
        if (
            not isinstance(widget, CONTROLS)
            or isinstance(widget, QScrollBar | QHeaderView)  # the arrow keys of what they belong to move them
            or widget.objectName().startswith("qt_")
            or isinstance(
                inside, QAbstractSpinBox | QComboBox | QKeySequenceEdit | QTabBar | QDockWidget | QLineEdit
            )
            or (
                isinstance(widget, QTabBar) and isinstance(inside, QMainWindow)
            )  # of docks: the Window menu shows them
            or type(inside).__name__ in ("QMenuBar", "QComboBoxPrivateContainer", "QTableCornerButton")
            or (inside is not None and isinstance(inside.parentWidget(), QComboBox))  # its list of choices
        ):
            continue
        found.append(Control(widget))
    return found


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path) -> Iterator[Studio]:
    """A window with something in every list: empty places have fewer controls."""
    made = Studio()
    made.link.idle = True
    qtbot.addWidget(made.window)
    made.window.show()
    session = made.session
    a, b = analysed(session, "a", "b")
    made.window.desk.on_drop.setChecked(False)
    session.transfer.add_voice(Payload("clips", clips=(b,)))
    session.transfer.add_voice(Payload("speaker", clips=(a,), speaker="a"))
    for name in ("one", "two"):
        session.takes.add(some_take(name, str(tmp_path / f"{name}.wav"), str(session.library.clips[a].folder)))
    session.maps.fit("h")
    made.messages.say("What.", "Do.", details="why", level="warning", action=("Go on", lambda: None))
    yield made
    made.close()


def nameless(root: QWidget) -> list[str]:
    return [str(control) for control in controls(root) if not control.name]


def unreachable(root: QWidget) -> list[str]:
    """Controls that Tab passes over, and that no command or mnemonic stands for."""
    reached: set[QWidget] = set()
    for window in {control.widget.window() for control in controls(root)}:  # a menu has a round of its own
        at = window.nextInFocusChain()
        while at is not window and at not in reached:
            reached.add(at)
            at = at.nextInFocusChain()
    left = []
    for control in controls(root):
        if control.tabbed and control.widget in reached:
            continue
        if control.widget.objectName() in BY_KEY:
            continue
        action = control.widget.defaultAction() if isinstance(control.widget, QToolButton) else None
        if action is not None and (not action.shortcut().isEmpty() or action.associatedObjects()):
            continue  # its command is in a menu or has a key
        left.append(str(control))
    return left


def test_every_control_of_the_window_has_a_name_for_a_screen_reader(studio: Studio) -> None:
    assert len(controls(studio.window)) > 60
    assert "\n".join(nameless(studio.window)) == ""


def test_every_control_of_the_window_is_reached_by_the_keyboard(studio: Studio) -> None:
    assert "\n".join(unreachable(studio.window)) == ""


def test_every_control_of_a_dialog_has_a_name_and_is_reached(studio: Studio) -> None:
    session, window = studio.session, studio.window
    dialogs: list[QDialog] = [
        PreferencesDialog(session, studio.preferences, window.shortcuts, parent=window),
        TakeRecipe(session.recipes, session.messages, session.takes.items[0], window),
        CompareTakes(session.takes, session.recipes, session.takes.items, window),
        AboutDialog(window),
        ErrorDialog(Message("What.", "Do.", "details"), window),
    ]
    for dialog in dialogs:
        dialog.show()
        assert controls(dialog), dialog.objectName()
        assert "\n".join(nameless(dialog)) == ""
        assert "\n".join(unreachable(dialog)) == ""
        dialog.close()


def test_tab_goes_round_the_window_and_never_gets_stuck(qtbot: QtBot, studio: Studio) -> None:
    window = studio.window
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.library.filter.setFocus()
    seen: list[QWidget] = []
    for _ in range(300):
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused in seen:
            break
        seen.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    visible = [c.widget for c in controls(window) if c.tabbed and c.widget.isVisible() and c.widget.isEnabled()]
    assert len(seen) >= len(visible) * 0.8, [str(Control(w)) for w in visible if w not in seen]


def test_the_menu_bar_opens_by_the_keyboard(studio: Studio) -> None:
    mnemonics = [a.text()[a.text().index("&") + 1].lower() for a in studio.window.menuBar().actions()]
    assert len(set(mnemonics)) == len(mnemonics)
