"""The library panel: a table that finds, labels, plays and gives away recordings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, ModelInfo
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload
from studio.engine_link.engine_link import EngineLink
from studio.panels.library.panel import LibraryPanel
from studio.panels.library.table_model import DURATION, EMOTION, F0, NAME, SPEAKER, STATE, length_text
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

HASH = "ab" * 32


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    link = EngineLink(tmp_path / "logs")
    made = Session(link, tmp_path / "data")
    yield made
    made.project.close()
    link.shutdown()


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> LibraryPanel:
    made = LibraryPanel(session, Messages(), Preferences())
    qtbot.addWidget(made)
    made.resize(560, 400)
    made.show()
    return made


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def give(session: Session, *names: str, **values: object) -> None:
    clips = [Clip(name, f"/r/{name}.wav", labels={"speaker": name[0]}) for name in names]
    for clip in clips:
        for key, value in values.items():
            setattr(clip, key, value)
    session.library.insert(clips)


def shown(panel: LibraryPanel, column: int = NAME) -> list[str]:
    return [panel.table.index(row, column).data() for row in range(panel.table.rowCount())]


def choose(panel: LibraryPanel, *ids: str) -> None:
    """As a person clicks, then clicks again with Ctrl."""
    how = QItemSelectionModel.SelectionFlag
    panel.view.clearSelection()
    for clip_id in ids:
        row = panel.table.row_of(clip_id)
        assert row is not None
        panel.view.selectionModel().setCurrentIndex(panel.table.index(row, NAME), how.Select | how.Rows)


def test_an_empty_library_says_how_to_begin_and_offers_the_example(
    panel: LibraryPanel, session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(session.imports, "add_files", asked.append)
    button = panel.findChild(QPushButton, "loadExample")
    assert button is not None
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    (files,) = asked
    assert files == [Path(__file__).resolve().parents[4] / "resources" / "example"]


def test_recordings_appear_as_they_come_and_go(panel: LibraryPanel, session: Session) -> None:
    give(session, "a1", "b1")
    give(session, "c1")
    assert shown(panel) == ["a1.wav", "b1.wav", "c1.wav"]
    session.library.remove(["b1"])
    assert shown(panel) == ["a1.wav", "c1.wav"]
    session.library.remove(["a1", "c1"])
    button = panel.findChild(QPushButton, "loadExample")
    assert button is not None
    assert button.isVisible()


def test_a_state_says_what_is_the_matter(panel: LibraryPanel, session: Session) -> None:
    give(session, "a", "b", "c", "d")
    clips = session.library.clips
    clips["a"].state, clips["a"].model_hash = "ready", HASH
    clips["b"].state, clips["b"].error = "failed", ("It is silent.", "Record it again.")
    clips["c"].state = "analysing"
    session.library.changed.emit(["a", "b", "c"])
    assert shown(panel, STATE) == ["Ready, no model", "Failed", "Analysing", "Waiting"]
    assert "It is silent.\nRecord it again." in panel.table.index(1, STATE).data(Qt.ItemDataRole.ToolTipRole)
    session.model.info = ModelInfo("m", "cd" * 32, 1, AudioSpec().to_dict(), {}, {}, {})
    session.model.changed.emit()
    assert shown(panel, STATE)[0] == "Other model"


def test_lengths_are_read_as_people_say_them() -> None:
    assert [length_text(s) for s in (None, 0.25, 59.94, 61, 3599.6, 7322)] == [
        "",
        "0.2 s",
        "59.9 s",
        "1:01",
        "1:00:00",
        "2:02:02",
    ]


def test_the_filter_looks_for_every_word_in_every_column(
    panel: LibraryPanel, session: Session, qtbot: QtBot
) -> None:
    give(session, "anna1", "anna2", "bert1")
    session.library.set_label(["anna2"], "emotion", "Happy")
    panel.filter.setText("ANNA happy")
    qtbot.waitUntil(lambda: shown(panel) == ["anna2.wav"])
    give(session, "anna3", "carl")
    assert shown(panel) == ["anna2.wav"]
    panel.filter.setText("nobody")
    nothing = panel.findChild(QLabel, "libraryNothing")
    assert nothing is not None
    qtbot.waitUntil(nothing.isVisible)
    panel.filter.clear()
    qtbot.waitUntil(lambda: len(shown(panel)) == 5)


def test_rows_are_sorted_as_people_count_and_unknown_comes_last(panel: LibraryPanel, session: Session) -> None:
    give(session, "s10", "s9", "s1")
    session.library.clips["s9"].duration_s, session.library.clips["s10"].duration_s = 2.0, 10.0
    panel.table.sort(NAME)
    assert shown(panel) == ["s1.wav", "s9.wav", "s10.wav"]
    panel.table.sort(DURATION, Qt.SortOrder.DescendingOrder)
    assert shown(panel) == ["s10.wav", "s9.wav", "s1.wav"]
    panel.table.sort(DURATION, Qt.SortOrder.AscendingOrder)
    assert shown(panel) == ["s9.wav", "s10.wav", "s1.wav"]
    panel.table.sort(-1)
    assert shown(panel) == ["s10.wav", "s9.wav", "s1.wav"]


def test_new_rows_find_their_places_in_a_sorted_table(panel: LibraryPanel, session: Session, qtbot: QtBot) -> None:
    give(session, "b", "d")
    panel.view.horizontalHeader().setSortIndicator(NAME, Qt.SortOrder.AscendingOrder)
    give(session, "c", "a")
    qtbot.waitUntil(lambda: shown(panel) == ["a.wav", "b.wav", "c.wav", "d.wav"])


def test_columns_and_order_are_remembered(panel: LibraryPanel, session: Session, qtbot: QtBot) -> None:
    panel.view.horizontalHeader().resizeSection(NAME, 231)
    panel.view.horizontalHeader().setSortIndicator(F0, Qt.SortOrder.DescendingOrder)
    again = LibraryPanel(session, Messages(), Preferences())
    qtbot.addWidget(again)
    assert again.view.columnWidth(NAME) == 231
    assert again.view.horizontalHeader().sortIndicatorSection() == F0


def test_twenty_thousand_recordings_stay_quick(panel: LibraryPanel, session: Session) -> None:
    started = time.perf_counter()
    for chunk in range(40):
        give(session, *(f"speaker{chunk}-{i}" for i in range(500)))
    panel.table.sort(NAME)
    panel.table.set_filter("39-4")
    panel.table.set_filter("")
    panel.view.selectAll()
    panel.repaint()
    assert len(session.library.selection) == 20_000
    assert time.perf_counter() - started < 6.0  # about 1.5 s on two cores


def test_only_rows_in_sight_are_painted_anew(panel: LibraryPanel, session: Session, qtbot: QtBot) -> None:
    session.library.insert_found([(f"/far/clip{i:03}.wav", {}) for i in range(200)])
    painted = Paints(panel.view.viewport())
    qtbot.wait(20)
    painted.count = 0
    ids = panel.table.shown_ids()
    session.library.changed.emit(ids[150:160])
    qtbot.wait(20)
    assert painted.count == 0
    session.library.changed.emit(ids[1:3])
    qtbot.waitUntil(lambda: painted.count > 0)
    panel.view.scrollTo(panel.table.index(199, 0))
    qtbot.wait(20)
    painted.count = 0
    session.library.changed.emit(ids[:10])
    qtbot.wait(20)
    assert painted.count == 0


def test_one_selection_is_shared_both_ways(panel: LibraryPanel, session: Session) -> None:
    give(session, "a", "b", "c")
    choose(panel, "a", "c")
    assert session.library.selection == ["a", "c"]
    assert session.library.current == "c"
    session.library.select(["b"], origin="map")
    assert panel.selection.ids() == ["b"]
    session.library.set_current("a")
    assert panel.view.currentIndex().row() == 0
    assert session.library.selection == ["b"]


def test_the_selection_outlives_sorting_and_filtering(panel: LibraryPanel, session: Session) -> None:
    give(session, "c", "a", "b")
    choose(panel, "a", "b")
    panel.table.sort(NAME)
    assert panel.selection.ids() == ["a", "b"]
    panel.table.set_filter("nothing")
    assert session.library.selection == ["a", "b"]
    panel.table.set_filter("")
    assert panel.selection.ids() == ["a", "b"]


def test_a_label_is_edited_in_place_with_completion(panel: LibraryPanel, session: Session, qtbot: QtBot) -> None:
    give(session, "a", "b")
    session.library.set_label(["b"], "emotion", "surprised")
    choose(panel, "a")
    panel.view.setFocus()
    panel.view.edit(panel.table.index(0, EMOTION))
    editor = panel.view.findChild(QLineEdit)
    assert editor is not None
    completer = editor.completer()
    completer.setCompletionPrefix("surp")
    assert completer.currentCompletion() == "surprised"
    editor.setText("  calm ")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.library.clips["a"].labels.get("emotion") == "calm")
    assert session.library.clips["b"].labels["emotion"] == "surprised"


def test_an_edit_of_one_of_several_selected_rows_changes_them_all(panel: LibraryPanel, session: Session) -> None:
    give(session, "a", "b", "c")
    choose(panel, "a", "b")
    panel.table.setData(panel.table.index(0, SPEAKER), "zoe")
    assert [clip.labels["speaker"] for clip in session.library.clips.values()] == ["zoe", "zoe", "c"]
    panel.table.setData(panel.table.index(2, SPEAKER), "yan")
    assert [clip.labels["speaker"] for clip in session.library.clips.values()] == ["zoe", "zoe", "yan"]


def test_a_label_of_the_selection_can_be_asked_for(
    panel: LibraryPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(session, "a", "b")
    choose(panel, "a", "b")
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("female", True))
    panel.set_label_of_selected("gender", "Gender")
    assert {clip.labels["gender"] for clip in session.library.clips.values()} == {"female"}


def test_names_cannot_be_edited(panel: LibraryPanel, session: Session) -> None:
    give(session, "a")
    assert not panel.table.setData(panel.table.index(0, NAME), "other")
    assert not panel.table.flags(panel.table.index(0, NAME)) & Qt.ItemFlag.ItemIsEditable


def test_enter_and_double_click_play_and_space_is_left_to_the_window(
    panel: LibraryPanel, session: Session, qtbot: QtBot
) -> None:
    give(session, "a", "b")
    played: list[str] = []
    session.listening.play_requested.connect(played.append)
    choose(panel, "b")
    QTest.keyClick(panel.view, Qt.Key.Key_Return)
    where = panel.view.visualRect(panel.table.index(0, NAME)).center()
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert played == ["b", "a"]
    assert session.library.current == "a"
    QTest.keyClick(panel.view, Qt.Key.Key_Space)
    assert session.library.selection == ["a"]


def test_del_removes_the_selection_and_keeps_the_place(panel: LibraryPanel, session: Session) -> None:
    give(session, "a", "b", "c")
    choose(panel, "b")
    panel.view.setFocus()
    panel.commands["remove"].trigger()
    assert list(session.library.clips) == ["a", "c"]
    assert session.library.selection == ["c"]


def test_dragging_a_speakers_name_carries_the_speaker_and_any_other_cell_the_recordings(
    panel: LibraryPanel, session: Session
) -> None:
    give(session, "a1", "a2", "b1")
    choose(panel, "a1", "b1")
    assert panel.drags.payload(NAME) == Payload("clips", ("a1", "b1"))
    assert panel.drags.payload(SPEAKER) == Payload("speaker", ("b1",), "b")
    session.library.set_label(["b1"], "speaker", "")
    assert panel.drags.payload(SPEAKER) == Payload("clips", ("a1", "b1"))


def test_every_drag_has_a_twin_in_the_menu(panel: LibraryPanel, session: Session) -> None:
    give(session, "a1", "a2", "b1")
    choose(panel, "a1")
    for name in ("source", "voice", "emotion", "speaker"):
        panel.commands[name].trigger()
    setup = session.transfer.setup
    assert setup.source == "a1"
    assert [voice.payload for voice in setup.voices] == [
        Payload("clips", ("a1",)),
        Payload("speaker", ("a1", "a2"), "a"),
    ]
    assert [emotion.payload for emotion in setup.emotions] == [Payload("clips", ("a1",))]


def test_the_context_menu_offers_another_try_where_one_helps(
    panel: LibraryPanel, session: Session, qtbot: QtBot
) -> None:
    give(session, "a", "b")
    session.library.clips["b"].state, session.library.clips["b"].error = "failed", ("x", "y")
    choose(panel, "a")
    menu = panel.context_menu()
    assert "Analyse again" not in [action.text() for action in menu.actions()]
    choose(panel, "b")
    menu = panel.context_menu()
    again = next(action for action in menu.actions() if action.text() == "Analyse again")
    again.trigger()
    assert session.library.clips["b"].error is None


def test_the_menu_opens_where_the_mouse_is(panel: LibraryPanel, session: Session, qtbot: QtBot) -> None:
    give(session, "a")
    choose(panel, "a")
    where = panel.view.rect().center()
    with qtbot.waitSignal(panel.view.menu_wanted):
        panel.view.contextMenuEvent(
            QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, panel.view.mapToGlobal(where))
        )


def test_a_row_is_seen_when_the_mouse_lets_go_so_that_it_can_be_dragged_onto_another(
    qtbot: QtBot, panel: LibraryPanel, session: Session
) -> None:
    give(session, "a", "b")
    panel.show()
    first, second = "a", "b"
    session.library.set_current(first)
    row = panel.table.row_of(second)
    assert row is not None
    at = panel.view.visualRect(panel.table.index(row, 0)).center()
    viewport = panel.view.viewport()
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=at)
    assert session.library.current == first
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at)
    assert session.library.current == second
