"""Auditions in the training panel, and checkpoints in the player."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from auditioned import Run, asked, fulfil, keep_three, voices
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from stage import Idle

from engine.api import (
    CheckpointProbes,
    Failed,
    Heard,
    Inspect,
    ProbeReading,
)
from studio.audio.loudspeaker import ClockOutput
from studio.audio.player import Player
from studio.domain.run_record import RunRecord
from studio.panels.clip.panel import ClipViewPanel
from studio.panels.dashboard.probes_model import task_titles
from studio.panels.training.auditions import AuditionSection
from studio.panels.training.checkpoints_model import OBJECTIVE, PROBES, SOUND, STEP, best_words
from studio.services.messages import Message
from studio.services.preferences import Preferences
from studio.session.session import Session


@pytest.fixture
def session(link: Idle, tmp_path: Path) -> Iterator[Session]:
    made = voices(link, tmp_path / "data")
    yield made
    made.project.close()


@pytest.fixture
def said(session: Session) -> list[Message]:
    heard: list[Message] = []
    session.messages.said.connect(heard.append)
    return heard


@pytest.fixture
def run(session: Session) -> Run:
    return Run(session)


@pytest.fixture
def view(session: Session, qtbot: QtBot, tmp_path: Path) -> ClipViewPanel:
    player = Player(open_output=lambda _name: ClockOutput())
    made = ClipViewPanel(session, session.messages, Preferences(tmp_path / "settings.ini"), player=player)
    qtbot.addWidget(made)
    player.setParent(made)
    made.show()
    return made


@pytest.fixture
def three(run: Run, link: Idle) -> Run:
    return keep_three(run, link)


def test_the_player_flips_between_checkpoints_at_the_same_place(
    session: Session, three: Run, view: ClipViewPanel
) -> None:
    assert session.checkpoints.play(str(three.folder), session.auditions.entries[0].id, 100)
    assert view.player.sounds == ("original", "step 100", "step 200", "step 300")
    assert (view.player.sound, view.player.state) == ("step 100", "playing")
    view.player.seek(1.0)
    session.checkpoints.flip(1)
    assert view.player.sound == "step 200"
    assert view.player.position_s >= 1.0
    assert view.player.state == "playing"
    session.checkpoints.flip(1)
    session.checkpoints.flip(1)
    assert (view.player.sound, session.checkpoints.heard_step) == ("step 300", 300), "the last stays the last"
    session.checkpoints.flip(-1)
    assert session.checkpoints.heard_step == 200
    view.player.switch("original")
    assert session.checkpoints.heard_step is None
    session.checkpoints.flip(1)
    assert session.checkpoints.heard_step == 100


def played_level(view: ClipViewPanel, name: str) -> float:
    """The level at which one of the constant sounds is played."""
    view.player.switch(name)
    view.player.seek(1.0)
    view.player.play()
    source = view.player.source
    assert source is not None
    source.read(800)  # past the crossfade
    return float(source.read(800).mean())


def test_checkpoints_are_played_at_one_loudness(
    session: Session, run: Run, link: Idle, view: ClipViewPanel
) -> None:
    session.auditions.add_clips(list(session.library.clips)[:1])
    run.keep(100)
    run.keep(200)
    item = session.auditions.entries[0].id
    run.render(asked(link), 100, item, lufs=-23.0 - 20.0 * np.log10(2.0))
    run.render(asked(link), 200, item, lufs=-23.0)
    session.checkpoints.play(str(run.folder), item, 100)
    assert played_level(view, "step 100") == pytest.approx(played_level(view, "step 200"), rel=1e-6)
    assert played_level(view, "original") == pytest.approx(played_level(view, "step 200") / 2.0, rel=1e-6)


def test_a_new_checkpoint_comes_in_under_the_playhead(
    session: Session, three: Run, view: ClipViewPanel, link: Idle
) -> None:
    session.checkpoints.play(str(three.folder), session.auditions.entries[0].id, 300)
    view.player.seek(0.7)
    three.keep(400)
    fulfil(three, link)
    assert view.player.sounds[-1] == "step 400"
    assert (view.player.sound, view.player.state) == ("step 300", "playing")
    assert view.player.position_s >= 0.7


def test_a_checkpoint_that_makes_room_while_it_is_heard_gives_way_to_its_neighbour(
    session: Session, three: Run, view: ClipViewPanel
) -> None:
    session.checkpoints.play(str(three.folder), session.auditions.entries[0].id, 100)
    three.let_go(100)
    three.keep(400)
    assert (view.player.sound, session.checkpoints.heard_step) == ("step 200", 200)


def test_another_recording_and_a_take_end_the_audition(session: Session, three: Run, view: ClipViewPanel) -> None:
    anna, emil, _ = session.library.clips
    session.checkpoints.play(str(three.folder), session.auditions.entries[0].id, 100)
    session.library.set_current(emil)
    assert session.checkpoints.hearing is None
    assert view.player.sounds == ("original",)
    session.library.set_current(anna)
    assert view.player.sounds == ("original",)


@pytest.fixture
def section(session: Session, qtbot: QtBot) -> AuditionSection:
    made = AuditionSection(session)
    qtbot.addWidget(made)
    made.resize(440, 600)
    made.show()
    return made


def cells(section: AuditionSection, column: int) -> list[str]:
    table = section.table
    return [str(table.data(table.index(row, column))) for row in range(table.rowCount())]


def test_the_table_tells_steps_numbers_probes_and_sounds(section: AuditionSection, three: Run) -> None:
    section.show_run(three.record)
    assert cells(section, STEP) == ["100", "★ 200", "300"]
    assert cells(section, OBJECTIVE) == ["−12.000", "−9.000", "−11.000"]
    assert cells(section, SOUND) == ["♪", "♪", "♪"]
    assert cells(section, 4) == ["90 %"] * 3
    tip = section.table.data(section.table.index(0, 4), Qt.ItemDataRole.ToolTipRole)
    assert tip == "Accuracy, of 20 clips that the run does not train on; guessing gives 25 %."
    assert section.step() == 300, "the newest is chosen"


def test_five_probes_fit_the_window_s_side(section: AuditionSection, three: Run) -> None:
    scores = {task: ProbeReading(0.875, 0.25, 20, "accuracy") for task in PROBES}
    three.heard = Heard({k.step: CheckpointProbes(k.step, scores) for k in three.kept}, three.heard.sounds)
    three.write()
    three.record.look_again()
    section.resize(424, 600)
    section.show_run(three.record)
    header = section.view.horizontalHeader()
    assert header.count() == 4 + len(PROBES) == 9
    assert header.length() <= section.view.viewport().width()
    table, names = section.table, task_titles()
    for column, task in enumerate(PROBES, start=4):
        tip = table.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        assert str(tip).startswith(names[task])


def test_the_best_is_named_with_its_reason(section: AuditionSection, three: Run) -> None:
    section.show_run(three.record)
    assert section.best.text() == (
        "Best: step 200, because its objective on held-out speech is the largest, −9.000. Its probes: speaker 90 %."
    )
    assert best_words(RunRecord("/r", "r", "running")) == ""


def test_buttons_add_hear_flip_and_use(
    section: AuditionSection, three: Run, session: Session, view: ClipViewPanel, link: Idle
) -> None:
    section.show_run(three.record)
    assert not section.commands["add_clips"].isEnabled()
    session.library.select([list(session.library.clips)[1]])
    section.commands["add_clips"].trigger()
    titles = [section.entries.item(row).text() for row in range(2)]
    assert titles == ["anna.wav, reconstructed", "emil.wav, reconstructed"]
    section.choose(100)
    section.commands["play"].trigger()
    assert cells(section, SOUND) == ["▶", "♪", "♪"]
    section.commands["after"].trigger()
    assert section.step() == 200
    assert view.player.sound == "step 200"
    section.commands["use"].trigger()
    assert link.asked(Inspect)[0].request.model.endswith("step-200.triptych.safetensors")


def test_what_is_under_way_is_shown_and_can_be_stopped(
    section: AuditionSection, run: Run, session: Session, link: Idle
) -> None:
    section.show_run(run.record)
    assert section.none.isVisible()
    run.keep(100)
    section.show_run(run.record)
    assert section.stop_button.isVisible()
    section.commands["stop"].trigger()
    asked(link).take(Failed("", "", cancelled=True))
    assert section.state.text() == "1 checkpoint lacks sounds or probes."
    assert not section.stop_button.isVisible()
    section.commands["render"].trigger()
    assert asked(link).request.steps == (100,)


def test_an_absent_recording_is_marked(section: AuditionSection, session: Session, run: Run) -> None:
    session.auditions.add_clips(list(session.library.clips)[:1])
    session.library.remove(list(session.library.clips)[:1])
    section.refresh()
    item = section.entries.item(0)
    assert item.font().italic()
    assert "not in the library" in item.toolTip()
