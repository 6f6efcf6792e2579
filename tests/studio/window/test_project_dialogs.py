"""What the window asks about projects, and what it does with the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from studio.app import Studio
from studio.project.project_file import AUTOSAVE, FILE

Answer = Callable[[str], None]


@pytest.fixture
def studio(qtbot: QtBot) -> Iterator[Studio]:
    made = Studio()
    made.link.idle = True
    qtbot.addWidget(made.window)
    made.window.show()
    made.window.projects.open_at_start(None)
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return []


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> Answer:
    """The next question is answered by the button with these words."""

    def set_answer(words: str) -> None:
        def choose(box: QMessageBox) -> int:
            asked.append(box.text())
            buttons = {button.text().replace("&", ""): button for button in box.buttons()}
            buttons[words].click()
            return 0

        monkeypatch.setattr(QMessageBox, "exec", choose)

    return set_answer


def saved_as(qtbot: QtBot, studio: Studio, path: Path) -> None:
    with qtbot.waitSignal(studio.session.project.saved):
        studio.session.project.save_as(path)


def add(studio: Studio, name: str) -> None:
    studio.session.library.insert_found([(f"/r/{name}", {})])


def names(studio: Studio) -> list[str]:
    return sorted(clip.name for clip in studio.session.library.clips.values())


def test_the_title_names_the_project_and_marks_what_is_not_saved(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    window = studio.window
    assert (window.windowTitle(), window.isWindowModified()) == ("Untitled[*]", False)
    add(studio, "a.wav")
    assert window.isWindowModified()
    saved_as(qtbot, studio, tmp_path / "voices")
    assert (window.windowTitle(), window.isWindowModified()) == ("voices[*]", False)
    studio.session.library.set_label(list(studio.session.library.clips), "emotion", "calm")
    assert window.isWindowModified()
    studio.session.undo.stack.undo()
    assert not window.isWindowModified()


def test_saving_for_the_first_time_asks_where(
    qtbot: QtBot, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(studio, "a.wav")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "voices"), ""))
    with qtbot.waitSignal(studio.session.project.saved):
        studio.window.menus.actions["file.save"].trigger()
    assert (tmp_path / "voices.triptych" / FILE).is_file()


def test_a_new_project_asks_first_and_does_nothing_when_cancelled(
    studio: Studio, answer: Answer, asked: list[str]
) -> None:
    add(studio, "a.wav")
    answer("Cancel")
    studio.window.projects.new()
    assert names(studio) == ["a.wav"]
    answer("Discard")
    studio.window.projects.new()
    assert names(studio) == []
    assert len(asked) == 2


def test_save_then_new_goes_on_only_once_it_is_saved(
    qtbot: QtBot, studio: Studio, tmp_path: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(studio, "a.wav")
    answer("Save")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    studio.window.projects.new()
    assert names(studio) == ["a.wav"]  # they did not say where
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "voices"), ""))
    with qtbot.waitSignal(studio.session.project.saved):
        studio.window.projects.new()
    assert names(studio) == []
    assert studio.session.project.open(tmp_path / "voices.triptych")
    assert names(studio) == ["a.wav"]


def test_projects_opened_lately_are_listed_and_a_lost_one_is_dropped(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    add(studio, "a.wav")
    for name in ("one", "two"):
        saved_as(qtbot, studio, tmp_path / name)
    menu = QMenu()
    qtbot.addWidget(menu)
    studio.window.projects.fill_recent(menu)
    assert [a.text() for a in menu.actions() if not a.isSeparator()] == ["&1 two", "&2 one", "&Forget these"]
    (tmp_path / "one.triptych").rename(tmp_path / "elsewhere.triptych")
    menu.actions()[1].trigger()
    assert studio.window.banner.isVisible()
    studio.window.projects.fill_recent(menu)
    assert menu.actions()[0].text() == "&1 two"
    assert "&2 one" not in [a.text() for a in menu.actions()]


def test_a_project_dropped_on_the_window_is_opened(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    add(studio, "a.wav")
    saved_as(qtbot, studio, tmp_path / "voices")
    studio.window.projects.new()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "voices.triptych"))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    studio.window.dropEvent(QDropEvent(QPoint(5, 5), Qt.DropAction.CopyAction, mime, buttons, keys))
    assert names(studio) == ["a.wav"]


def test_the_last_project_is_open_again_at_the_next_start(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    add(studio, "a.wav")
    saved_as(qtbot, studio, tmp_path / "voices")
    studio.session.project.close()
    second = Studio()
    second.link.idle = True
    qtbot.addWidget(second.window)
    second.window.projects.open_at_start(None)
    assert second.session.project.title == "voices"
    second.close()


@pytest.mark.parametrize(
    ("words", "labelled"), [("Recover them", True), ("Open as it was saved", False), ("Cancel", None)]
)
def test_after_a_crash_the_user_decides(
    qtbot: QtBot,
    studio: Studio,
    tmp_path: Path,
    answer: Answer,
    asked: list[str],
    words: str,
    labelled: bool | None,
) -> None:
    add(studio, "a.wav")
    home = tmp_path / "voices.triptych"
    saved_as(qtbot, studio, home)
    studio.session.library.set_label(list(studio.session.library.clips), "emotion", "calm")
    studio.session.project.autosave.write_aside()
    studio.session.context.threads.wait()
    left = (home / AUTOSAVE).read_bytes()
    studio.session.project.discard_changes()
    studio.session.project.new()
    (home / AUTOSAVE).write_bytes(left)
    answer(words)
    studio.window.projects.open_path(home)
    assert "not closed properly" in asked[-1]
    found = [bool(clip.labels) for clip in studio.session.library.clips.values()]
    assert found == ([] if labelled is None else [labelled])
    studio.session.project.discard_changes()  # or the window asks as it is closed


@pytest.mark.parametrize(("words", "closes"), [("Discard", True), ("Cancel", False)])
def test_closing_asks_about_changes_of_a_saved_project(
    qtbot: QtBot, studio: Studio, tmp_path: Path, answer: Answer, words: str, closes: bool
) -> None:
    add(studio, "a.wav")
    saved_as(qtbot, studio, tmp_path / "voices")
    studio.session.library.set_label(list(studio.session.library.clips), "emotion", "calm")
    answer(words)
    event = QCloseEvent()
    studio.window.closeEvent(event)
    assert event.isAccepted() is closes
    assert studio.session.project.modified is not closes
    studio.session.project.discard_changes()


def test_closing_after_saving_goes_on_by_itself(
    qtbot: QtBot, studio: Studio, tmp_path: Path, answer: Answer
) -> None:
    add(studio, "a.wav")
    saved_as(qtbot, studio, tmp_path / "voices")
    studio.session.library.set_label(list(studio.session.library.clips), "emotion", "calm")
    answer("Save")
    studio.window.close()
    assert studio.window.isVisible()
    qtbot.waitUntil(lambda: not studio.window.isVisible())
    assert not studio.session.project.modified
