"""Autosave: what is written beside the file, and when there is something to save."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from stage import Idle

from studio.project import project_file
from studio.project.project_file import AUTOSAVE, UNTITLED_FILE, Project
from studio.services.messages import Message, Messages
from studio.session.autosave import Autosave
from studio.session.context import Context


@pytest.fixture
def context(link: Idle, messages: Messages, tmp_path: Path) -> Context:
    return Context(link, tmp_path, messages)


@pytest.fixture
def autosave(context: Context) -> Autosave:
    return Autosave(context, lambda: Project(context.uuid))


def test_a_change_is_written_aside_soon(context: Context, autosave: Autosave, qtbot: QtBot) -> None:
    with qtbot.waitSignal(autosave.first_change):
        context.mark_changed()
    assert autosave.changed
    assert not autosave.file.exists()  # in a second
    qtbot.waitUntil(autosave.file.exists)
    stored = project_file.read(autosave.file)
    assert stored is not None
    assert stored.uuid == context.uuid


def test_only_the_first_change_is_news_and_steps_of_undo_are_told_by_their_stack(
    context: Context, autosave: Autosave
) -> None:
    news: list[bool] = []
    autosave.first_change.connect(lambda: news.append(True))
    context.undo.undoable("Write", context.mark_changed, lambda: None)
    assert (news, autosave.changed) == ([], False)
    context.mark_changed(analyses=True)
    assert (news, autosave.changed, autosave.analysed) == ([], False, True)
    context.mark_changed()
    context.mark_changed()
    assert news == [True]
    autosave.forget()
    assert not autosave.changed


def test_it_writes_beside_the_file_of_a_saved_project(context: Context, autosave: Autosave, tmp_path: Path) -> None:
    assert autosave.file == tmp_path / UNTITLED_FILE
    context.enter(tmp_path / "mine.triptych", named=True)
    assert autosave.file == tmp_path / "mine.triptych" / AUTOSAVE


def test_what_is_stopped_is_not_written(context: Context, autosave: Autosave) -> None:
    context.mark_changed()
    assert autosave.stop()
    assert not autosave.stop()


def test_a_full_disk_is_said(
    context: Context, autosave: Autosave, said: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: Path, _project: Project) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project_file, "write", full)
    autosave.write()
    assert "No space left" in said[-1].what
    assert said[-1].level == "error"
