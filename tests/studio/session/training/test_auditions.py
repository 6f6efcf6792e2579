"""The audition set, and its rendering at every checkpoint of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from auditioned import Run, asked, fulfil, voices
from stage import Idle, some_take

from engine.api import (
    Audition,
    AuditionDone,
    AuditionSound,
    Control,
    Done,
    Failed,
    Heard,
    RunSpec,
    Train,
)
from studio.domain.drag_payload import Payload
from studio.domain.run_record import RunRecord
from studio.project import project_file
from studio.services.messages import Message
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
        "anna.wav, reconstructed",
        "emil.wav, reconstructed",
        "anna.wav ← emil.wav",
        "mira.wav, reconstructed",
    ]
    assert len({entry.id for entry in session.auditions.entries}) == 4


def test_what_is_added_and_taken_away_can_be_undone(session: Session) -> None:
    anna, emil, _ = session.library.clips
    session.auditions.add_clips([anna, emil])
    first = session.auditions.entries[0]
    session.auditions.remove([first.id])
    assert [entry.title for entry in session.auditions.entries] == ["emil.wav, reconstructed"]
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


def test_every_checkpoint_kept_is_heard_in_the_background_one_job_at_a_time(
    session: Session, run: Run, link: Idle
) -> None:
    session.auditions.add_clips(list(session.library.clips)[:2])
    run.keep(100)
    job = asked(link)
    assert job.background
    assert (job.request.run_dir, job.request.steps) == (str(run.folder), (100,))
    assert [item.title for item in job.request.items] == ["anna.wav, reconstructed", "emil.wav, reconstructed"]
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
    assert [item.title for item in asked(link).request.items] == ["emil.wav, reconstructed"]


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


def test_a_run_is_asked_to_train_with_checkpoints(run: Run, link: Idle) -> None:
    assert [job.request for job in link.asked(Train)] == [Train(str(run.folder))]
    assert RunSpec.read(run.folder).train.checkpoints == 8
