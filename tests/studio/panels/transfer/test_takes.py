"""The takes of the transfer desk: played, compared with the control, named, starred, removed, dragged out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from at_the_desk import CONTROL, cell, take, words
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.panels.transfer.panel import TransferDeskPanel
from studio.panels.transfer.takes_model import NAME, PITCH, STAR, VOICE
from studio.session.session import Session

pytestmark = pytest.mark.usefixtures("four_recordings")


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


def test_takes_are_listed_newest_first_and_the_newest_is_shown(two_takes: TransferDeskPanel) -> None:
    assert [cell(two_takes, row, NAME) for row in range(2)] == ["second", "first"]
    assert cell(two_takes, 1, PITCH) == "+8.2 st"
    assert cell(two_takes, 1, VOICE) == "–"
    current = two_takes.takes.current()
    assert current is not None
    assert current.name == "second"


def test_choosing_an_older_take_shows_its_evidence(two_takes: TransferDeskPanel) -> None:
    two_takes.takes.view.setCurrentIndex(two_takes.takes.table.index(1, NAME))
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
