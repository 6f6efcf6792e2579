"""The window: everything in its place, files dropped anywhere, words shown, closing asked about."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMetaMethod, QMimeData, QObject, QPoint, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox, QPlainTextEdit, QTabBar
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from engine.api import RunSpec, presets
from studio.app import Studio
from studio.window.main_window import MainWindow


@pytest.fixture
def studio(qtbot: QtBot) -> Iterator[Studio]:
    made = Studio()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    made.close()


@pytest.fixture
def window(studio: Studio) -> MainWindow:
    return studio.window


def files(*paths: str) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return mime


def enter(window: MainWindow, mime: QMimeData) -> bool:
    event = QDragEnterEvent(
        QPoint(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dragEnterEvent(event)
    return event.isAccepted()


def test_every_panel_has_its_place_and_no_tab_bar_is_left_over(window: MainWindow) -> None:
    shown = {dock.windowTitle() for dock in window.docks.values() if dock.isVisible()}
    assert shown == {"Library", "Map", "Training", "Dashboard", "Transfer desk", "Jobs", "History"}
    of_docks = [bar for bar in window.findChildren(QTabBar) if bar.parent() is window]
    assert len(of_docks) == 2


def test_the_layout_is_remembered_and_can_be_reset(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    window.docks["jobs"].hide()
    window.closeEvent(QCloseEvent())
    again = MainWindow(studio.session, studio.messages, studio.preferences)
    qtbot.addWidget(again)
    again.show()
    assert not again.docks["jobs"].isVisible()
    again.places.reset()
    assert not again.docks["jobs"].isHidden()


def test_the_window_fits_a_screen_of_1280_by_720_whatever_it_shows(window: MainWindow) -> None:
    window.map_view.show_latent("all")
    window.training.pages.setCurrentIndex(1)
    window.training.empty.hide()
    window.training.split.show()
    for name in window.docks:
        window.places.show(name)
        QApplication.processEvents()
        least = window.minimumSizeHint()
        assert least.width() <= 1280, name
        assert least.height() <= 640, f"{name}: title bar and the desktop's own bar want room, too"


def test_menus_are_where_people_look_for_them(window: MainWindow) -> None:
    titles = [action.text().replace("&", "") for action in window.menuBar().actions()]
    assert titles == ["File", "Edit", "View", "Playback", "Map", "Model", "Transfer", "Window", "Help"]


def test_no_two_commands_share_a_shortcut(window: MainWindow) -> None:
    keys: dict[str, str] = {}
    for menu in window.menuBar().actions():
        for action in menu.menu().actions():
            key = action.shortcut().toString()
            assert key == "" or key not in keys, f"{key}: {action.text()} and {keys.get(key)}"
            keys[key] = action.text()


def test_files_can_be_dropped_anywhere_and_the_window_says_so(
    window: MainWindow, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(studio.session.imports, "add_files", asked.append)
    mime = files("/r/a.wav", "/r/folder")
    assert enter(window, mime)
    assert window.overlay.isVisible()
    window.dragLeaveEvent(QDragLeaveEvent())
    assert not window.overlay.isVisible()
    assert enter(window, mime)
    drop = QDropEvent(
        QPoint(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(drop)
    assert drop.isAccepted()
    assert not window.overlay.isVisible()
    assert asked == [["/r/a.wav", "/r/folder"]]


def test_text_is_not_taken_for_files(window: MainWindow) -> None:
    mime = QMimeData()
    mime.setText("/r/a.wav")
    assert not enter(window, mime)
    assert not window.overlay.isVisible()


def test_small_news_goes_to_the_status_bar_and_trouble_to_the_banner(window: MainWindow, studio: Studio) -> None:
    studio.messages.say("Saved a.wav")
    assert window.statusBar().currentMessage() == "Saved a.wav"
    assert not window.banner.isVisible()
    studio.messages.say("The disk is full.", "Free some space.", details="errno 28", level="error")
    assert window.banner.isVisible()
    assert window.banner.words.accessibleName() == "The disk is full. Free some space."


def test_a_hint_stands_in_the_status_bar_until_it_is_taken_away(window: MainWindow, studio: Studio) -> None:
    studio.messages.hint("Let go to add it.")
    assert window.statusBar().currentMessage() == "Let go to add it."
    studio.messages.hint("")
    assert window.statusBar().currentMessage() == ""
    assert studio.messages.history == []


def test_details_can_be_read_and_copied(
    window: MainWindow, studio: Studio, qapp: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtGui import QGuiApplication

    from studio.dialogs.error import ErrorDialog

    def look(dialog: ErrorDialog) -> int:
        shown = dialog.findChild(QPlainTextEdit, "errorDetails")
        assert shown is not None
        assert shown.toPlainText() == "line 1\nline 2"
        dialog.copy_all()
        return 0

    monkeypatch.setattr(QDialog, "exec", look)
    studio.messages.say("What.", "Do.", details="line 1\nline 2", level="error")
    window.banner.details.click()
    assert QGuiApplication.clipboard().text() == "What.\n\nDo.\n\nline 1\nline 2"


def test_the_button_of_a_message_does_what_it_says(window: MainWindow, studio: Studio) -> None:
    done: list[bool] = []
    studio.messages.say("Half done.", level="warning", action=("Go on", lambda: done.append(True)))
    assert window.banner.action.text() == "Go on"
    window.banner.action.click()
    assert done == [True]
    assert not window.banner.isVisible()


def test_closing_asks_while_a_training_runs(
    window: MainWindow, studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quick = presets()["quick"]
    spec = RunSpec(
        dataclasses.replace(quick.train, minutes=0.05), quick.model, folders=(str(tmp_path),), name="my run"
    )
    studio.link.idle = True
    job = studio.session.runs.start(spec)
    assert job is not None
    asked: list[str] = []

    def stay(box: QMessageBox) -> int:
        asked.append(box.text())
        return 0

    monkeypatch.setattr(QMessageBox, "exec", stay)
    event = QCloseEvent()
    window.closeEvent(event)
    assert not event.isAccepted()
    assert "my run" in asked[0]


def test_closing_asks_nothing_when_nothing_would_be_interrupted(window: MainWindow) -> None:
    event = QCloseEvent()
    window.closeEvent(event)
    assert event.isAccepted()


def listeners(*senders: QObject) -> dict[str, int]:
    """How many connections every signal of some objects has."""
    found = {}
    for sender in senders:
        kind = sender.metaObject()
        for method in (kind.method(i) for i in range(kind.methodCount())):
            if method.methodType() == QMetaMethod.MethodType.Signal:
                signature = bytes(method.methodSignature().data()).decode()
                found[f"{kind.className()}.{signature}"] = sender.receivers(f"2{signature}")
    return found


def test_a_closed_window_and_its_recorder_hear_nothing_more(studio: Studio) -> None:
    heard_by = (studio.session, studio.session.link, studio.messages)
    before = listeners(*heard_by)
    again = MainWindow(studio.session, studio.messages, studio.preferences)
    again.show()
    again.record()
    assert listeners(*heard_by) != before
    again.close()
    delete(again)
    assert listeners(*heard_by) == before
