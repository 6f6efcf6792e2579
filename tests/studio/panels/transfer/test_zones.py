"""The zones of the transfer desk: drops and their menu twins, chips, shares and strengths."""

from __future__ import annotations

import pytest
from at_the_desk import ANNA, FIRST, words
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from engine.api import VOCODERS
from studio.domain import drag_payload
from studio.domain.drag_payload import Payload
from studio.domain.transfer_words import all_sounds
from studio.panels.transfer.panel import TransferDeskPanel
from studio.panels.transfer.zones import DeskZones
from studio.services.messages import Messages
from studio.session.session import Session

pytestmark = pytest.mark.usefixtures("four_recordings")


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


def test_clearing_the_desk_keeps_the_takes(two_takes: TransferDeskPanel, session: Session) -> None:
    two_takes.on_drop.setChecked(False)
    two_takes.drop("source", FIRST)
    two_takes.drop("voice", ANNA)
    two_takes.clear_button.click()
    assert session.transfer.setup.source is None
    assert session.transfer.setup.voices == []
    assert len(session.takes.items) == 2
