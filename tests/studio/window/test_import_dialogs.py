"""Corpora in the window: fetching one, and what the columns of a dropped table mean."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from engine.api import (
    OFFERS,
    Done,
    Failed,
    GetCorpus,
    PreviewTable,
    Scan,
    TableColumns,
    TablePreview,
    worker_kind,
)
from studio.app import Studio
from studio.dialogs.get_corpus import GetCorpusDialog
from studio.dialogs.table_columns import TableDialog

WORK_MS = 60_000


@pytest.fixture
def studio(qtbot: QtBot) -> Iterator[Studio]:
    made = Studio()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    made.close()


def asked(studio: Studio, kind: type) -> list[Any]:
    return [job for job in studio.link.jobs() if isinstance(job.request, kind)]


def choose(dialog: GetCorpusDialog, row: int) -> None:
    dialog.parts.setCurrentItem(dialog.parts.topLevelItem(row))


def test_the_dialog_shows_address_checksum_licence_and_size_of_every_part(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = GetCorpusDialog(str(tmp_path))
    qtbot.addWidget(dialog)
    for row, offer in enumerate(OFFERS):
        choose(dialog, row)
        assert dialog.offer() is offer
        assert dialog.url.text() == offer.url
        assert dialog.checksum.text().replace("\n", "") == offer.sha256
        assert offer.licence in dialog.licence.text()
        assert offer.licence_url in dialog.licence.text()
        assert dialog.add.isChecked() == (offer.hours < 20)
    assert "GB" in dialog.parts.topLevelItem(4).text(3)  # type: ignore[union-attr]


def test_without_room_a_corpus_cannot_be_asked_for(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    dialog = GetCorpusDialog(str(tmp_path))
    qtbot.addWidget(dialog)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert ok.isEnabled()  # dev-clean fits into a gigabyte
    choose(dialog, 4)
    assert not ok.isEnabled()
    assert "are free" in dialog.room.text()
    choose(dialog, 0)
    dialog.folder.setText("")
    assert not ok.isEnabled()
    (tmp_path / "LibriSpeech" / "dev-clean").mkdir(parents=True)
    dialog.folder.setText(str(tmp_path))
    assert ok.isEnabled()
    assert "there already" in dialog.room.text()


def test_the_command_asks_for_the_part_chosen_and_remembers_the_folder(studio: Studio, tmp_path: Path) -> None:
    studio.link.idle = True
    studio.window.menus.actions["file.get_corpus"].trigger()
    dialog = studio.window.findChild(GetCorpusDialog)
    assert dialog is not None
    choose(dialog, 1)
    dialog.folder.setText(str(tmp_path))
    dialog.accept()
    (job,) = asked(studio, GetCorpus)
    assert job.request == GetCorpus(OFFERS[1], str(tmp_path))
    assert worker_kind(job.request).own_process, "the engine stays free"
    assert studio.preferences.get("corpora/folder", "") == str(tmp_path)
    job.take(Failed("The transfer broke off.", "Try again."))
    assert studio.messages.history[-1].what == "The transfer broke off."


@pytest.fixture
def table(tmp_path: Path, speech: list[Path]) -> Path:
    for path in speech[:2]:
        shutil.copy(path, tmp_path)
    table = tmp_path / "list.csv"
    first, second = (path.name for path in speech[:2])
    table.write_text(f"wavefile,who,mood\n{first},Ann,happy\n{second},Bea,sad\nnone.wav,X,sad\n", "utf-8")
    return table


def dropped(studio: Studio, *files: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    studio.window.dropEvent(
        QDropEvent(
            QPoint(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )


def test_a_dropped_table_asks_what_its_columns_mean_and_labels_what_it_names(
    studio: Studio, table: Path, qtbot: QtBot
) -> None:
    dropped(studio, table)
    dialog = studio.window.findChild(TableDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: len(dialog.meanings) == 3, timeout=WORK_MS)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert not ok.isEnabled()
    assert "names the recordings" in dialog.verdict.text()
    for choice, meaning in zip(dialog.meanings, ("file", "speaker", "emotion"), strict=True):
        choice.setCurrentIndex(choice.findData(meaning))
    qtbot.waitUntil(ok.isEnabled, timeout=WORK_MS)
    assert dialog.verdict.text().startswith("2 recordings found for 3 rows.")
    assert "line 4: none.wav: No such recording." in dialog.unmatched.item(0).text()
    assert dialog.columns() == TableColumns("wavefile", {"speaker": "who", "emotion": "mood"})
    dialog.accept()
    qtbot.waitUntil(lambda: len(studio.session.library.clips) == 2, timeout=WORK_MS)
    labels = sorted((c.labels["speaker"], c.labels["emotion"]) for c in studio.session.library.clips.values())
    assert labels == [("Ann", "happy"), ("Bea", "sad")]


def seen(headings: tuple[str, ...], columns: TableColumns | None, matched: int = 1) -> TablePreview:
    rows = (tuple(f"{h} 1" for h in headings),)
    return TablePreview("/t.csv", headings, rows, 1, columns, matched)


def test_a_meaning_belongs_to_one_column(studio: Studio, qtbot: QtBot) -> None:
    studio.link.idle = True
    dialog = TableDialog(studio.session.imports, "/t.csv", studio.window)
    (job,) = asked(studio, PreviewTable)
    job.take(Done(seen(("file", "a", "b"), TableColumns("file", {"speaker": "a", "b": "b"}))))
    assert [choice.currentData() for choice in dialog.meanings] == ["file", "speaker", "own"]
    dialog.meanings[2].setCurrentIndex(dialog.meanings[2].findData("speaker"))
    assert dialog.columns() == TableColumns("file", {"a": "a", "speaker": "b"})
    dialog.meanings[1].setCurrentIndex(dialog.meanings[1].findData(""))
    assert dialog.columns() == TableColumns("file", {"speaker": "b"})
    with qtbot.waitSignal(studio.link.job_added):
        pass  # a moment after the last choice it is looked into again
    assert asked(studio, PreviewTable)[-1].request.columns == dialog.columns()
    dialog.reject()


def test_a_table_that_cannot_be_read_says_why(studio: Studio) -> None:
    studio.link.idle = True
    dialog = TableDialog(studio.session.imports, "/t.csv", studio.window)
    asked(studio, PreviewTable)[0].take(Failed("The table t.csv is empty.", "Give it a line of headings."))
    assert dialog.verdict.text() == "The table t.csv is empty. Give it a line of headings."
    assert not dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()
    dialog.reject()


def test_a_table_that_is_refused_leaves_the_other_files(studio: Studio, table: Path, speech: list[Path]) -> None:
    studio.link.idle = True
    dropped(studio, table, speech[3])
    assert asked(studio, Scan) == []
    dialog = studio.window.findChild(TableDialog)
    assert dialog is not None
    dialog.reject()
    (job,) = asked(studio, Scan)
    assert job.request.paths == (str(speech[3]),)
