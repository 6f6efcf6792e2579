"""The transfer desk: drops and their menu twins, rendering by itself, takes, and what is said of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from stage import rendered

from engine.api import VOCODERS, AudioSpec, Evidence, ModelInfo, Take, Transfer
from studio.domain import drag_payload
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload
from studio.domain.transfer_words import all_sounds
from studio.engine_link.engine_link import EngineLink
from studio.engine_link.job import Job
from studio.panels.transfer.panel import TransferDeskPanel
from studio.panels.transfer.takes_model import NAME, PITCH, STAR, VOICE
from studio.panels.transfer.takes_model import SOURCE as SOURCE_OF_TAKE
from studio.panels.transfer.zones import DeskZones
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

ANNA = Payload("speaker", speaker="anna")
FIRST = Payload("clips", clips=("c0",))
CONTROL = Evidence(118.0, 0.2, 0.02, 0.95, 0.41, 3.1, -26.0)
RESULT = Evidence(187.0, 8.2, 0.71, 0.52, 0.79, 4.4, -26.3)


class Asked:
    """Stands where the engine would be: remembers what it was asked for, ends jobs when told to."""

    def __init__(self) -> None:
        self.requests: list[object] = []
        self.jobs: list[Job] = []

    def submit(self, request: object, *, title: str, latest_key: str | None = None, **_: object) -> Job:
        self.requests.append(request)
        self.jobs.append(Job(len(self.jobs), request, title, latest_key=latest_key))  # type: ignore[arg-type]
        return self.jobs[-1]


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    link = EngineLink(tmp_path / "log")
    monkeypatch.setattr(link, "submit", asked.submit)  # of this link only: a desk of an earlier test may still ask
    made = Session(link, tmp_path / "data")
    made.model.info = ModelInfo("m.triptych.safetensors", "abc", 1, AudioSpec().to_dict(), {}, {}, {})
    for i in range(4):
        folder = tmp_path / f"c{i}"
        folder.mkdir()
        np.save(folder / "mel.npy", np.zeros((64, 140), np.float16))
        made.library.clips[f"c{i}"] = Clip(
            f"c{i}",
            f"/r/c{i}.wav",
            labels={"speaker": "anna" if i % 2 else "emil"},
            state="ready",
            duration_s=3.5,
            folder=str(folder),
            model_hash="abc",
        )
    yield made
    made.project.close()
    link.shutdown()


@pytest.fixture
def desk(session: Session, qtbot: QtBot, tmp_path: Path) -> TransferDeskPanel:
    made = TransferDeskPanel(session, session.messages, Preferences(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(1300, 340)
    made.show()
    return made


def take(session: Session, name: str = "one", result: Evidence = RESULT) -> Take:
    return Take(
        name,
        str(session.library.clips["c0"].folder),
        "/o.wav",
        f"/{name}.control.wav",
        f"/{name}.wav",
        1.0,
        (),
        (),
        "",
        116.6,
        228.0,
        CONTROL,
        result,
        "abc",
        0.4,
        "/t",
        "/c",
    )


def finish(session: Session, asked: Asked, made: Take) -> None:
    asked.jobs[-1].done.emit(made)


def words(widget: QWidget, name: str) -> str:
    found = widget.findChild(QLabel, name)
    assert found is not None
    return str(found.text())


def test_an_empty_desk_says_what_belongs_where(desk: TransferDeskPanel) -> None:
    for name in ("sourceZone", "voiceZone", "emotionZone"):
        zone = desk.findChild(QWidget, name)
        assert zone is not None
        assert zone.accessibleName()
        assert zone.invitation().startswith("Drop")
    assert words(desk, "transferState") == "The transfer has no source. Choose a source."
    assert not desk.render_button.isEnabled()


def test_a_drop_on_each_zone_sets_up_the_transfer(desk: TransferDeskPanel, session: Session) -> None:
    for zone, payload in (
        ("source", FIRST),
        ("voice", ANNA),
        ("emotion", Payload("seconds", seconds=(("c1", 2),))),
    ):
        assert desk.zones[zone].offer(drag_payload.to_mime(payload, session.context.uuid)) is None
    assert session.transfer.setup.source == "c0"
    assert [chip.payload for chip in session.transfer.setup.voices] == [ANNA]
    assert [chip.title for chip in session.transfer.setup.emotions] == ["c1.wav · 2 s"]
    assert desk.render_button.isEnabled()


def test_a_refused_drop_says_why_and_changes_nothing(desk: TransferDeskPanel, session: Session) -> None:
    reason = desk.source_zone.offer(drag_payload.to_mime(ANNA, session.context.uuid))
    assert reason == "A speaker is many clips; the source is one. Drop one clip here."
    assert desk.source_zone.invitation() == reason
    assert session.transfer.setup.source is None
    assert session.messages.history[-1].what == reason


def drag_enter(mime: QMimeData) -> QDragEnterEvent:
    return QDragEnterEvent(
        QPointF(5, 5).toPoint(), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0)
    )


def test_a_zone_says_yes_while_hovering_only_to_what_it_takes(desk: TransferDeskPanel, session: Session) -> None:
    good, bad = drag_payload.to_mime(FIRST, session.context.uuid), drag_payload.to_mime(ANNA, session.context.uuid)
    foreign, files = drag_payload.to_mime(FIRST, "another project"), QMimeData()
    files.setUrls([QUrl.fromLocalFile("/r/a.wav")])
    answers = []
    for mime in (good, bad, foreign, files):
        event = drag_enter(mime)
        event.ignore()
        desk.source_zone.dragEnterEvent(event)
        answers.append(event.isAccepted())
    assert answers == [True, False, False, False]


def test_a_real_drop_event_reaches_the_session(desk: TransferDeskPanel, session: Session) -> None:
    mime = drag_payload.to_mime(FIRST, session.context.uuid)
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0)
    )
    desk.source_zone.dropEvent(event)
    assert event.isAccepted()
    assert session.transfer.setup.source == "c0"


def entries(menu: QMenu) -> dict[str, QAction]:
    """Every entry of a menu and its submenus by its words, as it opens now."""
    menu.aboutToShow.emit()
    found: dict[str, QAction] = {}
    for action in menu.actions():
        below = action.menu()
        found |= {a.text(): a for a in below.actions()} if isinstance(below, QMenu) else {action.text(): action}
    return found


def test_every_drop_has_a_menu_twin(desk: TransferDeskPanel, session: Session) -> None:
    session.library.select(["c1", "c2"])
    entries(desk.source_zone.menu)["c0.wav"].trigger()
    voices = entries(desk.voice_zone.menu)
    voices["anna"].trigger()
    entries(desk.emotion_zone.menu)["&Selected clips (2)"].trigger()
    assert session.transfer.setup.source == "c0"
    assert session.transfer.setup.voices[0].payload == ANNA
    assert session.transfer.setup.emotions[0].payload == Payload("clips", clips=("c1", "c2"))


def test_a_menu_entry_that_would_be_refused_is_disabled_and_says_why(
    desk: TransferDeskPanel, session: Session
) -> None:
    session.library.select(["c1", "c2"])
    entry = entries(desk.source_zone.menu)["&Selected clips (2)"]
    assert not entry.isEnabled()
    assert "The source is one clip" in entry.toolTip()


def test_delete_on_a_chip_takes_it_away(qtbot: QtBot, desk: TransferDeskPanel, session: Session) -> None:
    desk.drop("voice", ANNA)
    desk.drop("voice", FIRST)
    qtbot.keyClick(desk.board.chips["voice"][0], Qt.Key.Key_Delete)
    assert [chip.payload for chip in session.transfer.setup.voices] == [FIRST]


def test_the_shares_of_a_mixture_always_add_up(desk: TransferDeskPanel, session: Session) -> None:
    for payload in (ANNA, FIRST, Payload("clips", clips=("c2",))):
        desk.drop("voice", payload)
    spin = desk.board.chips["voice"][0].weight
    assert spin is not None
    spin.setValue(50)
    assert [chip.weight for chip in session.transfer.setup.voices] == pytest.approx([0.5, 0.25, 0.25])
    assert [chip.weight.value() for chip in desk.board.chips["voice"] if chip.weight] == [50, 25, 25]
    assert desk.board.chips["voice"][0].weight is spin, "the field in use stays"


def test_slider_and_spin_box_show_one_strength(desk: TransferDeskPanel, session: Session) -> None:
    desk.board.of_voice.slider.setValue(130)
    assert session.transfer.setup.strength == pytest.approx(1.3)
    assert desk.board.of_voice.field.value() == 130
    session.transfer.set_strength(0.4)
    assert (desk.board.of_voice.slider.value(), desk.board.of_voice.field.value()) == (40, 40)


def test_h_and_m_have_a_strength_each(desk: TransferDeskPanel, session: Session) -> None:
    desk.drop("voice", FIRST)
    assert not desk.board.of_emotion.isEnabled(), "nothing to give strongly"
    desk.drop("emotion", ANNA)
    desk.board.of_voice.slider.setValue(60)
    desk.board.of_emotion.field.setValue(140)
    assert (session.transfer.setup.strength, session.transfer.setup.strength_m) == (0.6, 1.4)


def test_the_rule_and_the_sound_chosen_reach_the_engine(
    desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.on_drop.setChecked(False)
    desk.drop("source", FIRST)
    desk.drop("emotion", ANNA)
    for box, chosen in ((desk.board.rule, "tile"), (desk.board.rendering, "natural")):
        box.setCurrentIndex(box.findData(chosen))
        box.activated.emit(box.currentIndex())
    desk.render_now()
    request = asked.requests[-1]
    assert isinstance(request, Transfer)
    assert (request.rule, request.rendering) == ("tile", "natural")
    session.undo.stack.undo()
    assert desk.board.rendering.currentData() == "model"


def test_single_vocoders_are_offered_where_there_are_several(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in VOCODERS if name != "griffin-lim"]:
        monkeypatch.delitem(VOCODERS, name)
    assert [sound[:2] for sound in all_sounds()] == [("model", "auto"), ("natural", "auto")]
    monkeypatch.setitem(VOCODERS, "another", "For a test.")
    board = DeskZones(session, Messages(), QWidget())
    try:
        assert [board.rendering.itemText(i) for i in range(board.rendering.count())] == [
            "Model",
            "Model · griffin-lim",
            "Model · another",
            "Natural",
        ]
        board.rendering.activated.emit(2)
        assert (session.transfer.setup.rendering, session.transfer.setup.vocoder) == ("model", "another")
        board.refresh()
        assert board.rendering.currentText() == "Model · another"
        assert "For a test." in board.rendering.toolTip()
        board.rendering.activated.emit(3)
        assert (session.transfer.setup.rendering, session.transfer.setup.vocoder) == ("natural", "auto")
    finally:
        board.deleteLater()


def test_another_preferred_vocoder_is_heard_at_once(
    desk: TransferDeskPanel, qtbot: QtBot, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    session.transfer.set_vocoder("griffin-lim")
    qtbot.waitUntil(lambda: len(asked.requests) == 2)
    assert [request.vocoder for request in asked.requests] == ["auto", "griffin-lim"]


def test_a_complete_setup_renders_by_itself_once(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    for percent in (80, 90, 110):
        desk.board.of_voice.slider.setValue(percent)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    request = asked.requests[0]
    assert isinstance(request, Transfer)
    assert request.strength == pytest.approx(1.1)
    assert {ref.folder for ref in request.voice} == {
        session.library.clips["c1"].folder,
        session.library.clips["c3"].folder,
    }
    assert words(desk, "transferState") == "Rendering…"
    finish(session, asked, take(session))
    assert words(desk, "transferState") == ""
    desk._render_if_new()
    assert len(asked.requests) == 1, "the same recipe is not rendered twice by itself"


def test_a_rendering_still_to_come_is_dropped_when_the_project_closes(
    desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    assert desk._soon.isActive()
    session.project.close()
    assert not desk._soon.isActive()
    assert asked.requests == []


def test_render_on_drop_can_be_turned_off_and_is_remembered(
    desk: TransferDeskPanel, session: Session, asked: Asked, tmp_path: Path
) -> None:
    desk.on_drop.setChecked(False)
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    assert not desk._soon.isActive()
    desk.render_button.click()
    assert len(asked.requests) == 1
    assert desk._preferences.get("transfer/render_on_drop", True) is False


def test_what_is_not_analysed_yet_is_waited_for(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    session.library.clips["c0"].state = "analysing"
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    assert "still being analysed" in words(desk, "transferState")
    assert not desk.render_button.isEnabled()
    session.library.clips["c0"].state = "ready"
    session.library.changed.emit(["c0"])
    qtbot.waitUntil(lambda: len(asked.requests) == 1)


def test_a_failed_rendering_says_so_and_is_not_repeated(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    asked.jobs[0].failed.emit("The disk is full.", "Free some space.", "")
    assert words(desk, "transferState") == "The disk is full."
    qtbot.waitUntil(lambda: not desk._soon.isActive())
    assert len(asked.requests) == 1


def test_a_fresh_take_plays_at_once_unless_turned_off(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session
) -> None:
    with qtbot.waitSignal(session.takes.play_requested) as heard:
        session.takes.add(take(session))
    assert heard.args[1] == "transformed"
    desk.play_when_ready.setChecked(False)
    with qtbot.assertNotEmitted(session.takes.play_requested):
        session.takes.add(take(session, "two"))


def test_a_take_that_was_there_before_is_shown_but_not_played(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session
) -> None:
    with qtbot.assertNotEmitted(session.takes.play_requested):
        session.takes.items.append(take(session))  # as a project that is opened brings it, or undo
        session.takes.changed.emit()
    assert desk.takes.current() == session.takes.items[0]


def test_a_take_in_another_s_place_is_heard_where_that_was(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    finish(session, asked, rendered(asked.requests[-1], "abc"))
    desk.board.of_voice.slider.setValue(80)
    qtbot.waitUntil(lambda: len(asked.requests) == 2)
    with qtbot.assertNotEmitted(session.takes.play_requested), qtbot.waitSignal(session.takes.follow_requested):
        finish(session, asked, rendered(asked.requests[-1], "abc"))
    assert [made.strength for made in session.takes.items] == [0.8]
    assert desk.takes.current() == session.takes.items[0]
    session.undo.stack.undo()
    assert [made.strength for made in session.takes.items] == [1.0]
    assert desk.takes.current() == session.takes.items[0]
    qtbot.waitUntil(lambda: not desk._soon.isActive())
    assert len(asked.requests) == 2, "undo renders nothing"


def test_the_button_makes_a_take_beside_the_live_one(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    finish(session, asked, rendered(asked.requests[-1], "abc"))
    desk.render_button.click()
    finish(session, asked, rendered(asked.requests[-1], "abc"))
    assert len(session.takes.items) == 2


def test_three_big_buttons_play_the_three_sounds(qtbot: QtBot, desk: TransferDeskPanel, session: Session) -> None:
    assert not desk.table.buttons["original"].isEnabled()
    session.takes.items.append(take(session))
    session.takes.changed.emit()
    for which in ("original", "reconstruction", "transformed"):
        button = desk.findChild(QPushButton, f"play_{which}")
        assert button is not None
        with qtbot.waitSignal(session.takes.play_requested) as heard:
            button.click()
        assert heard.args == [session.takes.items[0], which]
    assert session.library.current == "c0", "the clip view shows what is heard"


def test_the_evidence_stands_beside_its_control_with_a_plain_sentence(
    desk: TransferDeskPanel, session: Session
) -> None:
    session.takes.items.append(take(session))
    session.takes.changed.emit()
    assert ["Pitch shift", "–", "+0.2 st", "+8.2 st"] in desk.table.values()
    assert "The pitch moved 8.2 of 11.6 semitones" in words(desk, "verdict")
    session.takes.items.append(take(session, "same", CONTROL))
    session.takes.changed.emit()
    assert words(desk, "verdict").startswith("Nothing audible changed")


@pytest.fixture
def two_takes(desk: TransferDeskPanel, session: Session) -> TransferDeskPanel:
    session.takes.items.extend([take(session, "first"), take(session, "second", CONTROL)])
    session.takes.changed.emit()
    return desk


def cell(desk: TransferDeskPanel, row: int, column: int) -> str:
    return str(desk.takes.table.data(desk.takes.table.index(row, column)))


def test_takes_are_listed_newest_first_and_the_newest_is_shown(two_takes: TransferDeskPanel) -> None:
    assert [cell(two_takes, row, NAME) for row in range(2)] == ["second", "first"]
    assert cell(two_takes, 1, PITCH) == "+8.2 st"
    assert cell(two_takes, 1, VOICE) == "–"
    current = two_takes.takes.current()
    assert current is not None
    assert current.name == "second"


def test_choosing_an_older_take_shows_its_evidence(two_takes: TransferDeskPanel) -> None:
    two_takes.takes._choose(1)
    assert "8.2 of 11.6 semitones" in words(two_takes, "verdict")


def test_a_take_can_be_renamed_in_place_but_not_to_nothing(two_takes: TransferDeskPanel, session: Session) -> None:
    table = two_takes.takes.table
    assert table.setData(table.index(0, NAME), "the good one")
    assert not table.setData(table.index(0, NAME), "  ")
    assert [made.name for made in session.takes.items] == ["first", "the good one"]


def test_a_star_goes_on_and_off(two_takes: TransferDeskPanel, session: Session) -> None:
    two_takes.takes.star_button.click()
    assert cell(two_takes, 0, STAR) == "★"
    assert session.takes.starred == {"/second.wav"}
    two_takes.takes.star_button.click()
    assert cell(two_takes, 0, STAR) == "☆"


def test_a_removed_take_comes_back_with_undo(two_takes: TransferDeskPanel, session: Session) -> None:
    two_takes.takes.remove_button.click()
    assert [made.name for made in session.takes.items] == ["first"]
    session.undo.stack.undo()
    assert [made.name for made in session.takes.items] == ["first", "second"]


def test_takes_are_dragged_out_as_copies_of_their_sound_files(
    desk: TransferDeskPanel, session: Session, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.wav").write_bytes(name.encode())
        session.takes.add(dataclasses.replace(take(session, name), transformed=str(tmp_path / f"{name}.wav")))
    desk.takes.view.selectAll()
    files = [Path(url.toLocalFile()) for url in desk.takes.files().urls()]
    assert [file.read_bytes() for file in files] == [b"second", b"first"]
    assert not {str(file) for file in files} & {made.transformed for made in session.takes.items}
    assert desk.takes.view.dragEnabled()


def test_a_take_whose_sound_is_gone_is_not_dragged_out_and_says_why(
    two_takes: TransferDeskPanel, session: Session
) -> None:
    assert two_takes.takes.files().urls() == []
    assert "“second” cannot be dragged out" in session.messages.history[-1].what


def resize_to(desk: TransferDeskPanel, width: int, height: int) -> None:
    """Give the desk this size, and let the parts find theirs."""
    desk.resize(width, height)
    for _ in range(3):  # a layout that changed its form asks those around it for another round
        QApplication.processEvents()


def in_sight(desk: TransferDeskPanel, widget: QWidget) -> bool:
    """Whether it is shown between the desk's sides, no narrower than it must be."""
    left = widget.mapTo(desk, QPoint(0, 0)).x()
    needed = widget.minimumSizeHint().width()
    return widget.isVisible() and left >= 0 and left + max(widget.width(), needed) <= desk.width()


@pytest.mark.parametrize("width", [340, 480, 700, 1239, 1264, 1584])
def test_nothing_is_cut_off_at_any_width(two_takes: TransferDeskPanel, session: Session, width: int) -> None:
    desk = two_takes
    desk.on_drop.setChecked(False)
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    resize_to(desk, width, 600)
    shown: list[QWidget] = [*desk.zones.values(), *desk.card.table.buttons.values(), desk.verdict]
    shown += [desk.board.of_voice, desk.board.of_emotion, desk.board.rule, desk.board.rendering]
    shown += [desk.on_drop, desk.play_when_ready, desk.clear_button, desk.render_button, desk.takes.view]
    shown += [cell for cell in desk.card.table.findChildren(QLabel) if cell.isVisible()]
    assert [widget for widget in shown if not in_sight(desk, widget)] == []


def test_beside_each_other_the_parts_fit_the_foot_of_a_small_screen(two_takes: TransferDeskPanel) -> None:
    resize_to(two_takes, 1264, 226)
    bottom = two_takes.render_button.mapTo(two_takes, QPoint(0, two_takes.render_button.height())).y()
    assert bottom <= 226


@pytest.mark.parametrize("width", [340, 1264, 1584, 2200])
def test_names_of_takes_can_be_read_at_any_width(two_takes: TransferDeskPanel, width: int) -> None:
    resize_to(two_takes, width, 600)
    view = two_takes.takes.view
    assert view.columnWidth(NAME) >= view.fontMetrics().horizontalAdvance("second")
    shown = sum(
        view.columnWidth(c) for c in range(two_takes.takes.table.columnCount()) if not view.isColumnHidden(c)
    )
    assert shown <= view.viewport().width()
    assert view.isColumnHidden(VOICE) is (view.viewport().width() < 340)
    assert view.isColumnHidden(SOURCE_OF_TAKE) is (view.viewport().width() < 480)
    assert not view.isColumnHidden(SOURCE_OF_TAKE) or width < 2200


def test_the_evidence_is_the_same_in_either_form(two_takes: TransferDeskPanel) -> None:
    resize_to(two_takes, 1264, 340)
    beside = two_takes.card.table.values()
    resize_to(two_takes, 340, 600)
    assert two_takes.card.isVisible()
    assert two_takes.card.table.values() == beside
    resize_to(two_takes, 1264, 340)
    assert two_takes.card.isVisible()


def test_clearing_the_desk_keeps_the_takes(two_takes: TransferDeskPanel, session: Session) -> None:
    two_takes.on_drop.setChecked(False)
    two_takes.drop("source", FIRST)
    two_takes.drop("voice", ANNA)
    two_takes.clear_button.click()
    assert session.transfer.setup.source is None
    assert session.transfer.setup.voices == []
    assert len(session.takes.items) == 2
