"""Hearing a run while it trains: the set, what is asked of the engine, flips in the player, the panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from stage import HASH, Idle, analysed, some_take

from engine.api import (
    AudioSpec,
    Audition,
    AuditionDone,
    AuditionSound,
    CheckpointProbes,
    ClipAnalysed,
    Control,
    Done,
    Failed,
    Heard,
    Inspect,
    KeptCheckpoint,
    Partial,
    ProbeReading,
    RunSpec,
    Train,
    presets,
)
from engine.api.auditions import CHECKPOINTS, LIST, RESULTS, SOUNDS, checkpoints_text, heard_text, step_name
from studio.audio.loudspeaker import ClockOutput
from studio.audio.player import Player
from studio.domain.payload import Payload
from studio.domain.run_record import RunRecord
from studio.engine_link.job import Job
from studio.panels.clip.panel import ClipViewPanel
from studio.panels.dashboard.probes_model import task_titles
from studio.panels.training.auditions import AuditionSection
from studio.panels.training.checkpoints_model import OBJECTIVE, PROBES, SOUND, STEP, best_words
from studio.project import project_file
from studio.services.messages import Message
from studio.services.preferences import Preferences
from studio.session.session import Session

RATE = 16_000
SAMPLES = 2 * RATE


@pytest.fixture
def link(qtbot: QtBot, tmp_path: Path) -> Iterator[Idle]:
    made = Idle(tmp_path / "log")
    yield made
    made.shutdown()


@pytest.fixture
def session(link: Idle, tmp_path: Path) -> Iterator[Session]:
    made = Session(link, tmp_path / "data")
    analysed(made, "anna", "emil", "mira")
    for clip in made.library.clips.values():
        assert clip.folder is not None
        store(Path(clip.folder), 0.1)
    yield made
    made.project.close()


@pytest.fixture
def said(session: Session) -> list[Message]:
    heard: list[Message] = []
    session.messages.said.connect(heard.append)
    return heard


def store(folder: Path, level: float) -> None:
    """A stored sound of one level: which one is heard can be told from a sample."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "audio.npy", np.full(SAMPLES, level, np.float32))
    np.save(folder / "peaks.npy", np.full((SAMPLES // 256, 2), level, np.float32))
    np.save(folder / "mel.npy", np.full((128, 140), -5.0, np.float16))
    np.save(folder / "f0.npy", np.full(128, 150.0, np.float32))
    meta = ClipAnalysed(
        folder.name, str(folder), 2.0, RATE, 1, 0.0, 128, 2, 150.0, HASH, audio=AudioSpec().to_dict()
    )
    (folder / "meta.json").write_text(json.dumps(asdict(meta)))


class Run:
    """A run that trains, and what its two processes would leave in its folder."""

    def __init__(self, session: Session) -> None:
        job = session.runs.start(RunSpec(presets()["quick"].train, presets()["quick"].model, name="a run"))
        assert job is not None
        job.begin()
        self.job, self.session, self.record = job, session, session.runs.records[-1]
        self.folder = Path(self.record.run_dir)
        self.kept: list[KeptCheckpoint] = []
        self.heard = Heard()

    def keep(self, step: int, total: float = -10.0) -> None:
        (self.folder / CHECKPOINTS).mkdir(exist_ok=True)
        model = self.folder / CHECKPOINTS / f"{step_name(step)}.triptych.safetensors"
        model.write_text(f"model of step {step}")
        new = KeptCheckpoint(
            step, step / 10, step / 5, {"total": total}, len(self.kept) + 1, f"h{step}", str(model)
        )
        self.kept.append(new)
        self._write()
        self.job.take(Partial(new))

    def let_go(self, step: int) -> None:
        self.kept = [k if k.step != step else KeptCheckpoint(**vars(k) | {"path": ""}) for k in self.kept]
        self._write()

    def render(self, job: Job, step: int, item: str, lufs: float = -23.0) -> None:
        place = self.folder / SOUNDS / step_name(step) / item
        store(place, step / 1000.0)
        sound = AuditionSound(step, item, str(place), f"{place}.wav", lufs, -23.0)
        self.heard = Heard(self.heard.probes, {**self.heard.sounds, (step, item): sound})
        self._write()
        job.take(Partial(sound))

    def probe(self, job: Job, step: int, **scores: float) -> None:
        readings = {task: ProbeReading(score, 0.25, 20, "accuracy") for task, score in scores.items()}
        found = CheckpointProbes(step, readings, {"emotion": "The corpus has no labels for emotion."})
        self.heard = Heard({**self.heard.probes, step: found}, self.heard.sounds)
        self._write()
        job.take(Partial(found))

    def _write(self) -> None:
        (self.folder / CHECKPOINTS / LIST).write_text(checkpoints_text(self.kept))
        (self.folder / SOUNDS).mkdir(exist_ok=True)
        (self.folder / SOUNDS / RESULTS).write_text(heard_text(self.heard, self.kept))


@pytest.fixture
def run(session: Session) -> Run:
    return Run(session)


def asked(link: Idle) -> Job:
    (job,) = link.asked(Audition)
    return job


def fulfil(run: Run, link: Idle, **scores: float) -> Job:
    """Do all that the job under way was asked for, and end it."""
    job = asked(link)
    for step in job.request.steps:
        for item in job.request.items:
            run.render(job, step, item.id)
        run.probe(job, step, **(scores or {"speaker": 0.9}))
    job.take(Done(AuditionDone(str(run.folder), 1, 1.0)))
    return job


# ------------------------------------------------------------------------------------------------- the set
def test_clips_a_transfer_and_a_take_make_up_the_set_and_each_is_in_it_once(session: Session) -> None:
    anna, emil, mira = session.library.clips
    session.auditions.add_clips([anna, emil, anna])
    session.transfer.set_source(anna)
    session.transfer.add_voice(Payload("clips", (emil,)))
    session.auditions.add_setup()
    session.auditions.add_setup()
    take = some_take("a take", "/t/a.wav", str(session.library.clips[mira].folder))
    session.takes.items.append(take)
    session.auditions.add_take(0)
    assert [entry.title for entry in session.auditions.entries] == [
        "anna.wav, rebuilt", "emil.wav, rebuilt", "anna.wav ← emil.wav", "mira.wav, rebuilt",
    ]  # fmt: skip
    assert len({entry.id for entry in session.auditions.entries}) == 4


def test_what_is_added_and_taken_away_can_be_undone(session: Session) -> None:
    anna, emil, _ = session.library.clips
    session.auditions.add_clips([anna, emil])
    first = session.auditions.entries[0]
    session.auditions.remove([first.id])
    assert [entry.title for entry in session.auditions.entries] == ["emil.wav, rebuilt"]
    session.undo.stack.undo()
    assert session.auditions.entries[0] == first
    session.undo.stack.undo()
    assert session.auditions.entries == []


def test_an_empty_desk_says_why_it_cannot_be_heard(session: Session, said: list[Message]) -> None:
    session.auditions.add_setup()
    assert session.auditions.entries == []
    assert said[-1].what == "The transfer has no source."


def test_the_set_is_kept_in_the_project(session: Session, tmp_path: Path) -> None:
    session.auditions.add_clips(list(session.library.clips))
    file = tmp_path / "project.json"
    project_file.write(file, session.project.dump())
    read = project_file.read(file)
    assert read is not None
    assert read.audition == session.auditions.entries
    values = json.loads(file.read_text())
    values["audition"][0]["id"] = "../elsewhere"
    file.write_text(json.dumps(values))
    with pytest.raises(project_file.DamagedError):
        project_file.read(file)


# ------------------------------------------------------------------------------------------------- rendering
def test_every_checkpoint_kept_is_heard_in_the_background_one_job_at_a_time(
    session: Session, run: Run, link: Idle
) -> None:
    session.auditions.add_clips(list(session.library.clips)[:2])
    run.keep(100)
    job = asked(link)
    assert job.background
    assert (job.request.run_dir, job.request.steps) == (str(run.folder), (100,))
    assert [item.title for item in job.request.items] == ["anna.wav, rebuilt", "emil.wav, rebuilt"]
    assert job.request.device == "cpu", "the card is the run's while it trains"
    run.keep(200)
    run.keep(300)
    assert asked(link) is job
    fulfil(run, link)
    assert asked(link).request.steps == (200, 300)
    fulfil(run, link)
    assert link.asked(Audition) == []
    assert session.auditions.due(run.record) == ((), job.request.items)


def test_a_paused_run_has_freed_the_card_for_its_audition(session: Session, run: Run, link: Idle) -> None:
    run.job.pause()
    run.keep(100)
    assert asked(link).request.device == "auto"


def test_checkpoints_are_probed_though_nothing_is_to_be_heard(run: Run, link: Idle) -> None:
    run.keep(100)
    assert asked(link).request.items == ()
    fulfil(run, link, speaker=0.8)
    assert run.record.heard.probes[100].readings["speaker"].score == 0.8


def test_what_is_added_while_a_run_trains_is_rendered_at_once(session: Session, run: Run, link: Idle) -> None:
    run.keep(100)
    fulfil(run, link)
    session.auditions.add_clips(list(session.library.clips)[:1])
    assert asked(link).request.steps == (100,)


def test_a_cancelled_audition_waits_until_it_is_asked_for(session: Session, run: Run, link: Idle) -> None:
    run.keep(100)
    session.auditions.stop()
    job = asked(link)
    assert job.wish is Control.CANCEL
    job.take(Failed("", "", cancelled=True))
    run.keep(200)
    assert link.asked(Audition) == []
    session.auditions.render(run.record.run_dir)
    assert asked(link).request.steps == (100, 200)


def test_a_failure_is_told_and_not_tried_over_and_over(
    session: Session, run: Run, link: Idle, said: list[Message]
) -> None:
    run.keep(100)
    asked(link).take(Failed("The disk is full.", "Free some space.", "details"))
    run.keep(200)
    assert (said[-1].what, said[-1].hint) == ("The disk is full.", "Free some space.")
    assert link.asked(Audition) == []


def test_a_sound_that_cannot_be_made_is_tried_again_only_when_asked(session: Session, run: Run, link: Idle) -> None:
    session.auditions.add_clips(list(session.library.clips)[:1])
    run.keep(100)
    job = asked(link)
    failed = AuditionSound(100, session.auditions.entries[0].id, trouble=("It is gone.", "Add it again."))
    run.heard = Heard({}, {(100, failed.item): failed})
    run.probe(job, 100, speaker=0.5)
    job.take(Done(AuditionDone(str(run.folder), 1, 1.0)))
    assert link.asked(Audition) == []
    assert session.auditions.due(run.record, again=True)[0] == (100,)
    session.auditions.render(run.record.run_dir)
    assert asked(link).request.steps == (100,)


def test_a_recording_that_left_the_library_is_no_longer_asked_for(session: Session, run: Run, link: Idle) -> None:
    session.auditions.add_clips(list(session.library.clips)[:2])
    session.library.remove([next(iter(session.library.clips))])
    run.keep(100)
    assert [item.title for item in asked(link).request.items] == ["emil.wav, rebuilt"]


def test_a_run_that_is_removed_is_no_longer_heard(session: Session, run: Run, link: Idle) -> None:
    run.keep(100)
    run.job.take(Failed("", "", cancelled=True))
    job = asked(link)
    session.runs.remove(run.record.run_dir)
    assert job.wish is Control.CANCEL


def test_what_was_heard_is_there_after_the_project_is_opened_again(session: Session, run: Run, link: Idle) -> None:
    session.auditions.add_clips(list(session.library.clips)[:1])
    run.keep(100)
    fulfil(run, link, speaker=0.7)
    again = RunRecord(run.record.run_dir, "again", "stopped")
    again.look_again()
    assert again.checkpoints == run.record.checkpoints
    assert again.heard == run.record.heard
    assert session.auditions.due(again)[0] == ()


# ------------------------------------------------------------------------------------------------- hearing
@pytest.fixture
def view(session: Session, qtbot: QtBot, tmp_path: Path) -> ClipViewPanel:
    player = Player(open_output=lambda _name: ClockOutput())
    made = ClipViewPanel(session, session.messages, Preferences(tmp_path / "settings.ini"), player=player)
    qtbot.addWidget(made)
    player.setParent(made)
    made.show()
    return made


@pytest.fixture
def three(session: Session, run: Run, link: Idle) -> Run:
    """A run with three checkpoints, one audition of anna."""
    session.auditions.add_clips(list(session.library.clips)[:1])
    for step, total in ((100, -12.0), (200, -9.0), (300, -11.0)):
        run.keep(step, total)
    fulfil(run, link)
    fulfil(run, link)
    return run


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


def test_no_flip_without_a_checkpoint_that_is_heard(session: Session, said: list[Message]) -> None:
    session.checkpoints.flip(1)
    assert said[-1].what == "No checkpoint is being heard."
    assert said[-1].hint


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
    source = view.player.source
    assert source is not None
    assert source._gains["step 100"] == pytest.approx(2.0 * source._gains["step 200"], rel=1e-6)
    assert source._gains["original"] == pytest.approx(source._gains["step 200"], rel=1e-6)


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


def test_another_recording_and_a_take_end_the_hearing(session: Session, three: Run, view: ClipViewPanel) -> None:
    anna, emil, _ = session.library.clips
    session.checkpoints.play(str(three.folder), session.auditions.entries[0].id, 100)
    session.library.set_current(emil)
    assert session.checkpoints.hearing is None
    assert view.player.sounds == ("original",)
    session.library.set_current(anna)
    assert view.player.sounds == ("original",)


def test_a_checkpoint_without_a_sound_is_not_played(session: Session, run: Run) -> None:
    session.auditions.add_clips(list(session.library.clips)[:1])
    run.keep(100)
    assert not session.checkpoints.play(str(run.folder), session.auditions.entries[0].id, 100)
    assert session.checkpoints.hearing is None


# ------------------------------------------------------------------------------------------------- using one
def test_a_checkpoint_becomes_the_model_under_a_name_that_stays(session: Session, three: Run, link: Idle) -> None:
    session.runs.use_checkpoint(str(three.folder), 200)
    model = three.folder / "step-200.triptych.safetensors"
    assert [job.request.model for job in link.asked(Inspect)] == [str(model)]
    (three.folder / CHECKPOINTS / f"{step_name(200)}.triptych.safetensors").unlink()
    assert model.read_text() == "model of step 200"


def test_one_that_made_room_cannot_be_used(session: Session, three: Run, link: Idle, said: list[Message]) -> None:
    three.let_go(100)
    three.record.look_again()
    assert session.runs.use_checkpoint(str(three.folder), 100) is None
    assert "has made room" in said[-1].what


# ------------------------------------------------------------------------------------------------- the section
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
    three._write()
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
    assert [section.entries.item(row).text() for row in range(2)] == ["anna.wav, rebuilt", "emil.wav, rebuilt"]
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


def test_a_run_is_asked_to_train_with_checkpoints(run: Run, link: Idle) -> None:
    assert [job.request for job in link.asked(Train)] == [Train(str(run.folder))]
    assert RunSpec.read(run.folder).train.checkpoints == 8
