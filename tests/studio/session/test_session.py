"""The session: what the user does, and what is still there after a restart."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pytestqt.qtbot import QtBot
from stage import HASH, Idle, found

from engine.api import (
    AudioSpec,
    Done,
    Evidence,
    LatentRef,
    MapPoints,
    ModelInfo,
    Morph,
    Partial,
    PlaceOnMap,
    RunSpec,
    Scan,
    ScanDone,
    SecondEdit,
    Take,
    TrainPoint,
    Transfer,
    presets,
)
from studio.domain.clip import Clip, new_ids
from studio.domain.payload import Payload
from studio.engine_link.engine_link import EngineLink
from studio.services.messages import Message, Messages
from studio.session.maps import joined
from studio.session.session import Session

WORK_MS = 60_000


@pytest.fixture
def real(qtbot: QtBot, messages: Messages, tmp_path: Path) -> Iterator[Session]:
    """With a worker that works."""
    link = EngineLink(tmp_path / "logs")
    made = Session(link, tmp_path / "data", messages)
    yield made
    made.project.close()
    link.shutdown()


def give(session: Session, *names: str, **values: Any) -> list[str]:
    """Recordings as if they had been found."""
    before = set(session.library.clips)
    session.library.insert_found([(f"/r/{name}.wav", {"speaker": name[0]}) for name in names])
    ids = [clip_id for clip_id in session.library.clips if clip_id not in before]
    for clip_id in ids:
        for name, value in values.items():
            setattr(session.library.clips[clip_id], name, value)
    return ids


def model(hash_: str = HASH) -> ModelInfo:
    return ModelInfo("/m/model.safetensors", hash_, 1, AudioSpec().to_dict(), {}, {}, {})


def encoded(session: Session, *names: str) -> list[str]:
    session.model.use(model())
    return give(session, *names, state="ready", folder="/nowhere", model_hash=HASH)


def take(name: str = "t-1", transformed: str = "/nowhere/t.wav") -> Take:
    none = Evidence(None, None, None, None, None, None, -26.0)
    return Take(
        name,
        "/nowhere",
        "o.wav",
        "c.wav",
        transformed,
        1.0,
        (),
        (),
        "",
        None,
        None,
        none,
        none,
        HASH,
        1.0,
        "t",
        "c",
    )


# ------------------------------------------------------------------------------------------- the library
def test_a_dropped_recording_has_its_row_at_once(session: Session, link: Idle, tmp_path: Path) -> None:
    session.imports.add_files([tmp_path / "a.wav", tmp_path / "folder"])
    assert [clip.name for clip in session.library.clips.values()] == ["a.wav"]
    assert [job.title for job in link.jobs()] == ["Look through 2 items"]


def test_the_same_file_twice_is_one_row_and_gets_the_labels_found_later(session: Session) -> None:
    session.imports.add_files(["/r/a.wav"])
    found(session, ("/r/a.wav", {"speaker": "s"}), ("/r/a.wav", {}), ("/r/b.wav", {}))
    assert [(clip.name, clip.labels) for clip in session.library.clips.values()] == [
        ("a.wav", {"speaker": "s"}),
        ("b.wav", {}),
    ]


def test_what_the_user_wrote_wins_over_what_is_found(session: Session) -> None:
    (a,) = give(session, "a")
    session.library.set_label([a], "speaker", "mine")
    found(session, ("/r/a.wav", {"speaker": "theirs", "gender": "female"}))
    assert session.library.clips[a].labels == {"speaker": "mine", "gender": "female"}


def test_an_emptied_label_is_gone(session: Session) -> None:
    a, b = give(session, "a", "b")
    session.library.set_label([a, b], "speaker", "")
    assert session.library.clips[a].labels == {}


def test_removing_takes_the_clip_out_of_everything(session: Session, qtbot: QtBot) -> None:
    a, b = give(session, "a", "b")
    session.library.select([a, b])
    session.library.set_current(a)
    session.transfer.set_source(a)
    with qtbot.waitSignals(
        [session.library.removed, session.library.selection_changed, session.library.current_changed]
    ):
        session.library.remove([a, "unknown"])
    assert list(session.library.clips) == [b]
    assert session.library.selection == [b]
    assert session.library.current is None
    assert session.transfer.setup.source is None


def test_a_removed_file_can_come_again(session: Session) -> None:
    (a,) = give(session, "a")
    session.library.remove([a])
    (again,) = give(session, "a")
    assert again != a


def test_the_same_selection_is_not_told_twice(session: Session) -> None:
    (a,) = give(session, "a")
    told: list[list[str]] = []
    session.library.selection_changed.connect(told.append)
    session.library.select([a])
    session.library.select([a, "unknown"])
    assert told == [[a]]


def test_a_real_folder_is_found_analysed_and_its_bad_file_told(
    real: Session, speech: list[Path], tmp_path: Path, qtbot: QtBot
) -> None:
    bad = tmp_path / "bad 😀.wav"
    bad.write_text("no sound")
    short = tmp_path / "short.wav"
    soundfile.write(short, np.zeros(100), 16_000)
    real.imports.add_files([speech[0], bad, short])
    qtbot.waitUntil(
        lambda: [c.state for c in real.library.clips.values()] == ["ready", "failed", "failed"], timeout=WORK_MS
    )
    good, *others = real.library.clips.values()
    assert good.duration_s is not None
    assert good.f0_median_hz is not None
    assert Path(good.folder or "", "mel.npy").is_file()
    assert all(clip.error is not None and all(clip.error) for clip in others)


def test_the_analysis_survives_the_death_of_the_engine(
    real: Session, speech: list[Path], qtbot: QtBot, said: list[Message]
) -> None:
    real.imports.add_files(speech)
    qtbot.waitUntil(lambda: any(c.state == "analysing" for c in real.library.clips.values()), timeout=WORK_MS)
    pid = real.link.worker_pid
    assert pid is not None
    with qtbot.waitSignal(real.link.worker_died, timeout=WORK_MS):
        os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(
        lambda: all(c.state in ("ready", "failed") for c in real.library.clips.values()), timeout=WORK_MS
    )
    lost = [clip for clip in real.library.clips.values() if clip.state == "failed"]
    assert len(lost) <= 1  # the one at hand
    assert not any(message.level == "error" for message in said)  # the link tells it, once
    real.library.analyse_again([clip.id for clip in lost])
    qtbot.waitUntil(lambda: all(c.state == "ready" for c in real.library.clips.values()), timeout=WORK_MS)


def test_rows_of_tables_without_a_recording_are_counted_and_listed(
    session: Session, link: Idle, said: list[Message]
) -> None:
    session.imports.add_files(["/corpus"])
    (job,) = link.asked(Scan)
    job.take(
        Done(
            ScanDone(
                3, (("/corpus/a.wav", "The file is empty."),), (("/corpus/omg.csv, line 3", "It has no video."),)
            )
        )
    )
    (told,) = said
    assert told.what == "1 file skipped. 1 row of a table could not be used."
    assert told.details == "/corpus/a.wav: The file is empty.\n/corpus/omg.csv, line 3: It has no video."


def test_skipped_files_are_counted_and_named(
    real: Session, speech: list[Path], tmp_path: Path, qtbot: QtBot, said: list[Message]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "empty.wav").touch()
    (tmp_path / "in" / "good.flac").write_bytes(speech[0].read_bytes())
    job = real.imports.add_files([tmp_path / "in"])
    assert job is not None
    with qtbot.waitSignal(job.done, timeout=WORK_MS):
        pass
    told = next(message for message in said if "skipped" in message.what)
    assert told.what == "1 file skipped."
    assert "empty.wav" in told.hint
    assert "empty.wav" in told.details


# ------------------------------------------------------------------------------------------------- analysis
def test_what_the_user_looks_at_is_analysed_first(session: Session, link: Idle) -> None:
    ids = give(session, "a", "b", "c")
    session.library.analysis.look_at([ids[2]])
    session.library.analysis.pump()
    (job,) = link.active()
    assert [clip.id for clip in job.request.clips] == [ids[2], ids[0], ids[1]]
    assert job.background


def test_another_model_means_another_analysis_and_no_mixed_maps(session: Session, link: Idle) -> None:
    ids = encoded(session, "a", "b")
    session.maps.points["h"] = MapPoints(
        "h", tuple(ids), np.zeros(2, np.int32), np.zeros((2, 2), np.float32), {"model_hash": HASH}
    )
    assert session.library.analysis.job is None  # all is up to date
    told: list[str] = []
    session.maps.changed.connect(told.append)
    session.model.use(model("cd" * 32))
    assert session.maps.points == {}
    assert told == ["h"]
    assert session.library.analysis.job is not None
    assert session.model.encoded() == []


def test_a_cancelled_analysis_waits_for_the_user(session: Session, link: Idle, said: list[Message]) -> None:
    give(session, "a")
    session.library.analysis.pump()
    assert session.library.analysis.job is not None
    session.library.analysis.job.cancel()
    assert session.library.analysis.job is None
    assert said[-1].action is not None
    said[-1].action[1]()
    assert session.library.analysis.job is not None


# --------------------------------------------------------------------------------------------- the file
def test_library_takes_and_model_survive_a_restart(session: Session, messages: Messages, tmp_path: Path) -> None:
    ids = encoded(session, "a", "b")
    session.library.set_label(ids[:1], "mood ✓", "odd\n=1+1")
    edit = SecondEdit((1, 2), (LatentRef("/of/b", 3), LatentRef("/of/b")), 0.5, 1.0, 0.0, "nearest")
    session.takes.add(replace(take(), edits=(edit,), strength_m=0.25, emotion_rule="tile"))
    session.takes.star(0, True)
    session.project.close()
    again = Session(Idle(tmp_path / "logs2"), tmp_path / "data", messages)
    again.project.restore()
    assert again.context.uuid == session.context.uuid
    assert [vars(clip) for clip in again.library.clips.values()] == [
        vars(clip) for clip in session.library.clips.values()
    ]
    assert again.takes.items == session.takes.items
    assert again.takes.starred == session.takes.starred


def test_an_interrupted_analysis_begins_again_after_a_restart(
    session: Session, messages: Messages, tmp_path: Path
) -> None:
    give(session, "a", state="analysing")
    session.context.mark_changed()
    session.project.close()
    again = Session(Idle(tmp_path / "logs2"), tmp_path / "data", messages)
    again.project.restore()
    assert [clip.state for clip in again.library.clips.values()] == ["waiting"]


EMPTY = {"format": "triptych-library", "version": 1, "uuid": "u", "clips": [], "takes": [], "model": None}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps(EMPTY | {"version": 99}),
        json.dumps(EMPTY | {"format": "other"}),
        json.dumps(EMPTY | {"clips": [{"id": "../x", "state": "ready"}]}),
        json.dumps(EMPTY | {"takes": [{"name": "half"}]}),
    ],
)
def test_a_damaged_library_is_set_aside_and_told(
    session: Session, tmp_path: Path, said: list[Message], content: str
) -> None:
    file = tmp_path / "data" / "library.json"
    file.parent.mkdir()
    file.write_text(content)
    session.project.restore()
    assert session.library.clips == {}
    assert said[0].level == "error"
    (aside,) = (tmp_path / "data").glob("library.damaged-*.json")
    assert aside.read_text() == content
    assert str(aside) in said[0].hint


def test_a_full_disk_is_told_and_the_old_library_stays(
    session: Session, tmp_path: Path, said: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(session, "a")
    session.project.close()
    before = json.loads((tmp_path / "data" / "library.json").read_text())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    give(session, "b")
    session.project.close()
    assert "No space left" in said[-1].what
    assert json.loads((tmp_path / "data" / "library.json").read_text()) == before


# ---------------------------------------------------------------------------------------------- transfer
def test_without_a_model_a_transfer_says_where_one_comes_from(session: Session, said: list[Message]) -> None:
    assert session.rendering.render() is None
    assert "model" in said[-1].what
    assert "quick" in said[-1].hint


def test_a_transfer_names_its_latents_and_their_shares(session: Session, link: Idle) -> None:
    a, b1, b2, c = encoded(session, "a", "b1", "b2", "c")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("speaker", (b1, b2), "b"))
    session.transfer.add_voice(Payload("clips", (c,)))
    session.transfer.weigh_voices([1.0, 3.0])
    session.transfer.add_emotion(Payload("seconds", seconds=((c, 2),)))
    session.transfer.set_strength(1.2)
    session.rendering.render()
    (job,) = link.asked(Transfer)
    assert [ref.weight for ref in job.request.voice] == [0.5, 0.5, 3.0]
    assert [(ref.second, ref.weight) for ref in job.request.emotion] == [(2, 1.0)]
    assert job.request.strength == 1.2


def test_a_newer_transfer_takes_the_place_of_the_older(session: Session, link: Idle) -> None:
    a, b = encoded(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", (b,)))
    first, second = session.rendering.render(), session.rendering.render()
    assert first is not None
    assert second is not None
    assert first.state == "cancelled"
    assert session.rendering.job is second


def test_the_same_voice_dropped_twice_is_one_chip(session: Session) -> None:
    _a, b = encoded(session, "a", "b")
    session.transfer.add_voice(Payload("clips", (b,)))
    session.transfer.add_voice(Payload("clips", (b,)))
    assert [voice.title for voice in session.transfer.setup.voices] == ["b.wav"]


def test_takes_are_never_overwritten(session: Session, link: Idle) -> None:
    a, b = encoded(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", (b,)))
    session.takes.add(take("a-1"))
    session.context.takes_dir.joinpath("a-2").mkdir(parents=True)
    session.rendering.render()
    assert link.asked(Transfer)[-1].request.name == "a-3"


# ---------------------------------------------------------------------------------------------- training
def spec(name: str = "first", **train: Any) -> RunSpec:
    quick = presets()["quick"]
    return RunSpec(replace(quick.train, **train), quick.model, folders=("/r",), name=name)


def test_a_run_is_listed_follows_its_curve_and_can_be_found_again(
    session: Session, messages: Messages, tmp_path: Path
) -> None:
    job = session.runs.start(spec("my run"))
    assert job is not None
    (record,) = session.runs.records
    assert record.state == "running"
    for step in (10, 20, 15):  # the last one after a resume from an earlier save
        job.take(Partial(TrainPoint(step, 0.1, "train", {"total": 1.0}, 1.0)))
    assert [point.step for point in record.points] == [10, 15]
    again = Session(Idle(tmp_path / "logs2"), tmp_path / "data", messages)
    again.project.restore()
    assert [(run.name, run.state, run.resumable) for run in again.runs.records] == [("my run", "stopped", True)]


def test_two_runs_of_one_second_have_folders_of_their_own(session: Session) -> None:
    for _ in range(3):
        session.runs.start(spec("same"))
    assert len({record.run_dir for record in session.runs.records}) == 3


def test_a_running_run_is_not_resumed_or_removed(session: Session) -> None:
    session.runs.start(spec())
    run_dir = session.runs.records[0].run_dir
    assert session.runs.resume(run_dir) is None
    session.runs.remove(run_dir)
    assert len(session.runs.records) == 1


def test_a_run_on_nothing_fails_in_words(real: Session, tmp_path: Path, qtbot: QtBot, said: list[Message]) -> None:
    job = real.runs.start(replace(spec(), folders=(str(tmp_path / "gone"),)))
    assert job is not None
    with qtbot.waitSignal(job.failed, timeout=WORK_MS):
        pass
    assert real.runs.records[0].state == "failed"
    assert real.runs.records[0].error is not None
    assert said[-1].level == "error"


# ------------------------------------------------------------------------------------------- maps
def test_new_recordings_are_placed_on_a_map_that_another_worker_made(session: Session) -> None:
    a, b = encoded(session, "a", "b")
    session.maps.points["h"] = MapPoints("h", (a,), np.zeros(1, np.int32), np.ones((1, 2), np.float32), {})
    session.maps.add_new()
    session.maps.add_new()  # while the first is under way, nothing is asked twice
    (job,) = session.link.asked(PlaceOnMap)  # type: ignore[attr-defined]
    assert [clip for clip, _ in job.request.clips] == [b]
    assert job.request.onto is session.maps.points["h"]
    assert [clip for clip, _ in job.request.of] == [a]
    job.take(Done(MapPoints("h", (b,), np.zeros(1, np.int32), np.zeros((1, 2), np.float32), {})))
    assert session.maps.points["h"].ids == (a, b)
    session.maps.add_new()
    assert session.link.asked(PlaceOnMap) == []  # type: ignore[attr-defined]


def test_a_morph_needs_a_recording_and_takes_the_desks_source_first(session: Session, said: list[Message]) -> None:
    a, b = encoded(session, "a", "b")
    assert session.morphs.render("h", [[LatentRef("/x")]]) is None
    assert said[-1].level == "warning"
    session.library.current = a
    first = session.morphs.render("h", [[LatentRef("/x")], [LatentRef("/y")]])
    session.transfer.setup.source = b
    second = session.morphs.render("m", [[LatentRef("/x", 1)]])
    assert first is not None
    assert second is not None
    assert [job.request.source for job in (first, second)] == [
        session.library.clips[a].folder,
        session.library.clips[b].folder,
    ]
    assert first.request.steps == ((LatentRef("/x"),), (LatentRef("/y"),))
    assert second.request.latent == "m"
    assert session.link.asked(Morph) == [second]  # type: ignore[attr-defined]  # the newer one wins


# ------------------------------------------------------------------------------------------- small things
def test_coordinates_are_safe_in_a_spreadsheet(session: Session, tmp_path: Path) -> None:
    (a,) = encoded(session, "a")
    session.library.clips[a].labels["note"] = "=cmd()"
    session.maps.points["h"] = MapPoints("h", (a,), np.zeros(1, np.int32), np.ones((1, 2), np.float32), {})
    session.exports.coordinates(tmp_path / "c.csv", "h")
    session.context.threads.wait()
    assert (tmp_path / "c.csv").read_text().splitlines() == [
        "clip,path,index,x,y,note,speaker",
        "a.wav,/r/a.wav,0,1,1,'=cmd(),a",
    ]


def test_new_points_join_a_map_without_moving_it(session: Session) -> None:
    old = MapPoints("h", ("a",), np.zeros(1, np.int32), np.ones((1, 2), np.float32), {"seed": 1})
    new = MapPoints("h", ("b",), np.zeros(1, np.int32), np.zeros((1, 2), np.float32), {})
    both = joined(old, new)
    assert both.ids == ("a", "b")
    assert both.xy.tolist() == [[1, 1], [0, 0]]
    assert both.settings == {"seed": 1}


def test_a_clip_is_called_by_its_file_unless_named() -> None:
    assert Clip("a", "/r/x.wav").name == "x.wav"
    assert Clip("a", "/r/x.wav", "y").name == "y"


def test_new_ids_are_like_those_of_uuid4() -> None:
    made = new_ids(100)
    assert len(set(made)) == 100
    assert {(uuid.UUID(one).version, uuid.UUID(one).hex == one) for one in made} == {(4, True)}
