"""Projects: saved and opened again, moved, recovered after a crash, refused when newer; nothing is lost."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot
from stage import HASH, Idle, analysed, some_take

from engine.api import Done, LatentRef, MapPoints, ModelInfo, SecondEdit, unfinished
from studio.domain.drag_payload import Payload
from studio.project import project_file
from studio.project.project_file import AUTOSAVE, FILE, DamagedError, Project
from studio.services.messages import Message, Messages
from studio.session.session import Session

Make = Callable[[], Session]


@pytest.fixture
def said() -> list[Message]:
    return []


@pytest.fixture
def make(qtbot: QtBot, tmp_path: Path, said: list[Message]) -> Iterator[Make]:
    """Sessions over one data folder, as if the program were started again and again."""
    made: list[tuple[Session, Idle]] = []

    def one() -> Session:
        messages = Messages()
        messages.said.connect(said.append)
        link = Idle(tmp_path / f"logs{len(made)}")
        made.append((Session(link, tmp_path / "data", messages), link))
        return made[-1][0]

    yield one
    for session, link in made:
        session.project.close()
        link.shutdown()


@pytest.fixture
def session(make: Make) -> Session:
    return make()


def saved(qtbot: QtBot, session: Session, folder: Path | None = None) -> None:
    with qtbot.waitSignal(session.project.saved) as signal:
        if folder is None:
            assert session.project.save()
        else:
            session.project.save_as(folder)
    assert signal.args == [True]


def copy_of(project: Path, target: Path) -> None:
    """The folder as a process that is gone left it."""
    shutil.copytree(project, target, ignore=shutil.ignore_patterns(".lock"))


def recordings(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"RIFF")
    return [folder / name for name in names]


def full(session: Session, tmp_path: Path) -> None:
    """A project with something of everything, all of it lying in the data folder."""
    a, b = analysed(session, "a", "b")
    for clip_id, path in zip((a, b), recordings(tmp_path / "speech", "a.wav", "b.wav"), strict=True):
        session.library.put_paths({clip_id: str(path)})
        (Path(str(session.library.clips[clip_id].folder)) / "mel.npy").write_bytes(b"mel")
    sound = session.context.takes_dir / "a-1" / "a-1.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"RIFF")
    folder = str(session.library.clips[b].folder)
    take = some_take("a-1", str(sound), str(session.library.clips[a].folder))
    given_ = {"voice": (LatentRef(folder, None, 1.0),), "edits": (SecondEdit((1,), (LatentRef(folder, 2),)),)}
    session.takes.add(dataclasses.replace(take, **given_))
    session.takes.star(0, True)
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", clips=(b,)))
    session.transfer.add_emotion(Payload("label", label=("emotion", "angry")))
    session.transfer.set_strength_m(0.5)
    session.transfer.set_rule("nearest")
    session.transfer.set_rendering("model", "griffin-lim")
    session.second_edits.give(a, [0, 1], Payload("seconds", seconds=((b, 1),)), rule="mean", weight=0.8, fade_s=1.0)
    points = MapPoints(
        "h", (a, b), np.zeros(2, np.int32), np.array([[0, 1], [2, 3]], np.float32), {"model_hash": HASH}
    )
    session.maps.show(points)
    session.context.mark_changed()


def state(session: Session) -> dict[str, Any]:
    return {
        "clips": {i: (c.path, c.labels, c.state) for i, c in session.library.clips.items()},
        "takes": [(t.name, t.strength, t.evidence) for t in session.takes.items],
        "starred": len(session.takes.starred),
        "desk": session.transfer.setup,
        "maps": {k: (p.ids, p.xy.tolist()) for k, p in session.maps.points.items()},
        "uuid": session.context.uuid,
    }


@pytest.mark.parametrize(
    ("place", "link"),
    [
        ("/work/mine.triptych/analysis/a1", "analysis/a1"),
        ("/work/mine.triptych/a.wav", "a.wav"),
        ("/work/mine.triptych/..a/b.wav", "..a/b.wav"),
        ("/work/speech/a.wav", {"relative": "../speech/a.wav", "absolute": "/work/speech/a.wav"}),
        ("/work/a.wav", {"relative": "../a.wav", "absolute": "/work/a.wav"}),
        ("/a.wav", {"relative": "../../a.wav", "absolute": "/a.wav"}),
        ("/work/speech/./b/../a.wav", {"relative": "../speech/a.wav", "absolute": "/work/speech/./b/../a.wav"}),
        ("/work/speech/", {"relative": "../speech", "absolute": "/work/speech/"}),
        ("elsewhere/a.wav", {"absolute": "elsewhere/a.wav"}),
    ],
)
def test_links_of_many_files_are_those_of_each(place: str, link: object) -> None:
    base = Path("/work/mine.triptych")
    many = project_file.Links(base)
    assert [many(place), many(place), project_file.link_to(place, base)] == [link] * 3


def test_everything_is_there_again_and_lies_inside_the_project(
    qtbot: QtBot, session: Session, make: Make, tmp_path: Path
) -> None:
    full(session, tmp_path)
    before = state(session)
    assert session.project.modified
    saved(qtbot, session, tmp_path / "mine")
    home = tmp_path / "mine.triptych"
    assert (session.context.folder, session.project.title, session.project.modified) == (home, "mine", False)
    take = session.takes.items[0]
    for place in (take.transformed, take.source, take.voice[0].folder, take.edits[0].givers[0].folder):
        assert Path(place).is_relative_to(home)
        assert Path(place).exists()
    assert session.takes.starred == {take.transformed}
    session.project.close()
    again = make()
    assert again.project.open(home)
    assert state(again) == before
    assert again.takes.items == session.takes.items
    assert not again.project.modified


def test_a_project_moved_whole_finds_everything_in_its_new_place(
    qtbot: QtBot, session: Session, make: Make, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    full(session, tmp_path / "here")
    saved(qtbot, session, tmp_path / "here" / "mine.triptych")
    session.project.close()
    shutil.move(tmp_path / "here", tmp_path / "there")
    shutil.rmtree(tmp_path / "data")
    again = make()
    assert again.project.open(tmp_path / "there" / "mine.triptych")
    take = again.takes.items[0]
    for place in (
        take.transformed,
        take.source,
        take.voice[0].folder,
        *(c.path for c in again.library.clips.values()),
    ):
        assert Path(place).is_relative_to(tmp_path / "there")
        assert Path(place).exists()
    assert set(again.maps.points) == {"h"}


def test_recordings_that_stayed_are_found_when_only_the_project_moves(
    qtbot: QtBot, session: Session, make: Make, tmp_path: Path
) -> None:
    full(session, tmp_path)
    saved(qtbot, session, tmp_path / "mine.triptych")
    session.project.close()
    (tmp_path / "far" / "away").mkdir(parents=True)
    shutil.move(tmp_path / "mine.triptych", tmp_path / "far" / "away" / "mine.triptych")
    again = make()
    assert again.project.open(tmp_path / "far" / "away" / "mine.triptych" / FILE)
    assert {c.path for c in again.library.clips.values()} == {
        str(tmp_path / "speech" / n) for n in ("a.wav", "b.wav")
    }


def test_undo_goes_on_after_the_project_got_its_folder(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    full(session, tmp_path)
    session.takes.rename(0, "the good one")
    session.takes.star(0, False)
    saved(qtbot, session, tmp_path / "mine")
    session.undo.stack.undo()
    assert session.takes.starred == {session.takes.items[0].transformed}
    session.undo.stack.undo()
    assert session.takes.items[0].name == "a-1"
    assert Path(session.takes.items[0].transformed).is_relative_to(session.context.folder)


def test_saved_and_changed_are_told_apart_and_undo_leads_back_to_saved(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    full(session, tmp_path)
    saved(qtbot, session, tmp_path / "mine")
    session.library.set_label(list(session.library.clips), "emotion", "calm")
    assert session.project.modified
    session.undo.stack.undo()
    assert not session.project.modified
    session.takes.add(some_take("late", "/late.wav"))
    assert session.project.modified


def test_a_full_disk_is_told_and_nothing_counts_as_saved(
    qtbot: QtBot, session: Session, tmp_path: Path, said: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    full(session, tmp_path)
    saved(qtbot, session, tmp_path / "mine")
    before = (session.context.folder / FILE).read_text()
    session.library.set_label(list(session.library.clips), "emotion", "calm")

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_room)
    with qtbot.waitSignal(session.project.saved) as signal:
        session.project.save()
    assert signal.args == [False]
    assert session.project.modified
    assert "No space left" in said[-1].what
    assert (session.context.folder / FILE).read_text() == before


def test_another_project_takes_the_place_of_this_one_whole(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    full(session, tmp_path)
    saved(qtbot, session, tmp_path / "first")
    assert session.project.new()
    assert (session.library.clips, session.takes.items, session.maps.points, session.transfer.setup.source) == (
        {},
        [],
        {},
        None,
    )
    assert session.undo.stack.count() == 0
    assert session.project.title == ""
    analysed(session, "c")
    saved(qtbot, session, tmp_path / "second")
    assert session.project.open(tmp_path / "first.triptych")
    assert sorted(c.name for c in session.library.clips.values()) == ["a.wav", "b.wav"]


def test_a_project_is_not_left_while_a_thread_writes_it(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at a time would write into one file."""
    begun, never, most = threading.Event(), threading.Event(), 0
    under_way: list[Path] = []
    write = project_file.write

    def slowly(path: Path, project: Project) -> None:
        nonlocal most
        under_way.append(path)
        most = max(most, len(under_way))
        begun.set()
        write(path, project)
        never.wait(0.05)  # nobody else may begin meanwhile
        under_way.remove(path)

    monkeypatch.setattr(project_file, "write", slowly)
    analysed(session, "a")
    session.project.autosave.write_aside()
    begun.wait()
    assert session.project.new()
    assert most == 1


def test_what_was_never_saved_waits_while_a_project_is_open(
    qtbot: QtBot, make: Make, tmp_path: Path, said: list[Message]
) -> None:
    first = make()
    full(first, tmp_path)
    saved(qtbot, first, tmp_path / "mine")
    first.project.new()
    first.imports.add_files(["/r/loose.wav"])
    assert first.project.open(tmp_path / "mine.triptych")
    assert "loose.wav" not in [c.name for c in first.library.clips.values()]
    first.project.new()
    assert [c.name for c in first.library.clips.values()] == ["loose.wav"]
    assert "never saved" in said[-1].what


def test_a_result_asked_for_in_the_last_project_never_lands_in_this_one(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    a, b = analysed(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", clips=(b,)))
    job = session.rendering.render()
    assert job is not None
    session.project.new()
    job.take(Done(some_take("late", "/late.wav")))
    assert session.takes.items == []
    late = session.model.open("/m/old.safetensors")
    session.project.new()
    late.take(Done(ModelInfo("/m/old.safetensors", "cd" * 32, 1, {}, {}, {}, {})))
    assert session.model.info is None or session.model.info.hash == HASH


def test_a_project_that_is_open_elsewhere_is_not_opened_twice(
    qtbot: QtBot, session: Session, make: Make, tmp_path: Path, said: list[Message]
) -> None:
    full(session, tmp_path)
    saved(qtbot, session, tmp_path / "mine")
    other = make()
    assert not other.project.open(session.context.folder)
    assert "another window" in said[-1].what
    session.project.close()
    assert other.project.open(session.context.folder)


def test_two_windows_never_write_the_same_unsaved_work(make: Make) -> None:
    first, second = make(), make()
    first.project.restore()
    second.project.restore()
    assert first.context.folder != second.context.folder


def test_after_a_crash_what_was_not_saved_is_still_there(
    qtbot: QtBot, session: Session, make: Make, tmp_path: Path
) -> None:
    full(session, tmp_path)
    saved(qtbot, session, tmp_path / "mine")
    home = session.context.folder
    session.library.set_label(list(session.library.clips), "emotion", "calm")
    qtbot.waitUntil((home / AUTOSAVE).exists, timeout=5000)
    copy_of(home, tmp_path / "crashed.triptych")  # as the disk was when the program died
    again = make()
    assert again.project.unsaved_since(tmp_path / "crashed.triptych") is not None
    assert again.project.open(tmp_path / "crashed.triptych", recover=True)
    assert {c.labels.get("emotion") for c in again.library.clips.values()} == {"calm"}
    assert again.project.modified
    third = make()
    copy_of(home, tmp_path / "other.triptych")
    assert third.project.open(tmp_path / "other.triptych")
    assert {c.labels.get("emotion") for c in third.library.clips.values()} == {None}
    assert third.project.unsaved_since(tmp_path / "other.triptych") is None


def test_a_project_closed_properly_has_nothing_to_recover(
    qtbot: QtBot, session: Session, make: Make, tmp_path: Path
) -> None:
    full(session, tmp_path)
    saved(qtbot, session, tmp_path / "mine")
    session.library.set_label(list(session.library.clips), "emotion", "calm")
    saved(qtbot, session)
    session.context.mark_changed(analyses=True)
    session.project.close()
    assert make().project.unsaved_since(session.context.folder) is None


def test_a_newer_project_is_refused_in_words_and_left_alone(
    session: Session, tmp_path: Path, said: list[Message]
) -> None:
    home = tmp_path / "next.triptych"
    home.mkdir()
    content = json.dumps({"format": "triptych-project", "version": 99})
    (home / FILE).write_text(content)
    analysed(session, "a")
    assert not session.project.open(home)
    assert "newer" in said[-1].what
    assert "Update" in said[-1].hint
    assert (home / FILE).read_text() == content
    assert [c.name for c in session.library.clips.values()] == ["a.wav"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["uuid", "clips", "takes", "model", "starred", "runs", "maps", "desk", "version", "format"]),
)
def test_a_strange_file_is_understood_or_refused_never_worse(
    tmp_path_factory: pytest.TempPathFactory, value: Any, where: str
) -> None:
    file = tmp_path_factory.mktemp("strange") / FILE
    project_file.write(file, Project("u"))
    file.write_text(json.dumps(json.loads(file.read_text()) | {where: value}))
    try:
        read = project_file.read(file)
    except DamagedError:
        return
    assert isinstance(read, Project)


def test_a_library_of_the_first_version_is_still_read(session: Session, tmp_path: Path) -> None:
    old = {"id": "c1", "path": "/r/a.wav", "name": "a.wav", "labels": {"speaker": "a"}, "state": "ready"}
    old |= {
        "duration_s": 1.5,
        "f0_median_hz": None,
        "error": None,
        "folder": "/data/analysis/c1",
        "model_hash": HASH,
    }
    file = tmp_path / "data" / "library.json"
    file.parent.mkdir()
    values = {"format": "triptych-library", "version": 1, "uuid": "u", "clips": [old], "takes": [], "model": None}
    file.write_text(json.dumps(values))
    session.project.restore()
    (clip,) = session.library.clips.values()
    assert (clip.path, clip.folder, session.context.uuid) == ("/r/a.wav", "/data/analysis/c1", "u")


def test_missing_recordings_are_told_and_found_again(
    qtbot: QtBot, session: Session, make: Make, tmp_path: Path, said: list[Message]
) -> None:
    full(session, tmp_path)
    recordings(tmp_path / "speech" / "x", "same.wav")
    recordings(tmp_path / "speech" / "y", "same.wav")
    session.library.insert_found([(str(tmp_path / "speech" / n / "same.wav"), {}) for n in ("x", "y")])
    saved(qtbot, session, tmp_path / "mine")
    session.project.close()
    shutil.move(tmp_path / "speech", tmp_path / "archive")
    again = make()
    again.project.open(session.context.folder)
    qtbot.waitUntil(lambda: "not where" in said[-1].what)
    assert "4" in said[-1].what
    assert said[-1].action is not None
    with qtbot.waitSignal(again.missing.folder_wanted):
        said[-1].action[1]()
    again.missing.find(tmp_path / "archive")
    qtbot.waitUntil(lambda: "Found" in said[-1].what)
    assert said[-1].what == "Found 4 recordings."
    assert all(Path(c.path).exists() for c in again.library.clips.values())
    again.undo.stack.undo()
    assert not any(Path(c.path).exists() for c in again.library.clips.values())


def test_a_name_found_twice_is_not_guessed(
    qtbot: QtBot, session: Session, tmp_path: Path, said: list[Message]
) -> None:
    session.library.insert_found([("/gone/a.wav", {})])
    recordings(tmp_path / "one", "a.wav")
    recordings(tmp_path / "two", "a.wav")
    session.missing.find(tmp_path)
    qtbot.waitUntil(lambda: "Found" in said[-1].what)
    assert said[-1].what == "Found 0 recordings."
    assert [c.path for c in session.library.clips.values()] == ["/gone/a.wav"]


def test_nothing_of_a_removed_recording_outlives_the_next_opening_but_takes_do(
    qtbot: QtBot, make: Make, tmp_path: Path
) -> None:
    first = make()
    full(first, tmp_path)
    a, b = first.library.clips
    kept, dropped = Path(str(first.library.clips[a].folder)), first.context.analysis_dir / "c0"
    dropped.mkdir()
    first.library.remove([a])  # its take still shows it
    first.context.mark_changed()
    first.project.close()
    again = make()
    again.project.restore()
    again.context.threads.wait()
    assert kept.is_dir()
    assert not dropped.exists()
    assert Path(again.takes.items[0].transformed).exists()
    assert list(again.library.clips) == [b]


def test_an_opening_leaves_alone_what_is_being_analysed_and_not_what_a_kill_left_behind(
    qtbot: QtBot, make: Make, tmp_path: Path
) -> None:
    first = make()
    saved(qtbot, first, tmp_path / "mine")
    first.imports.add_files([str(tmp_path / "late.wav")])
    (late,) = first.library.clips
    first.library.analysis.go_on()
    assert first.library.analysis.job is not None
    written = [first.context.analysis_dir / late, unfinished(first.context.analysis_dir, late)]
    left = unfinished(first.context.analysis_dir, "killed")
    for folder in (*written, left):
        folder.mkdir(parents=True)
    assert first.project.open(first.context.folder), "what was brought in since the saving is not in it"
    first.context.threads.wait()
    assert late not in first.library.clips
    assert [folder.is_dir() for folder in (*written, left)] == [True, True, False]


KILLED = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication
app = QCoreApplication([])
from stage import Idle
from studio.session.session import Session
home = Path(sys.argv[1])
session = Session(Idle(home / "logs"), home / "data")
session.library.insert_found([("/r/a.wav", {})])
session.project.save_as(home / "mine")
def until(happened):
    while not happened():
        app.processEvents()
        time.sleep(0.01)
until(lambda: session.context.named)
session.library.set_label(list(session.library.clips), "emotion", "calm")
until((session.context.folder / "project.autosave.json").exists)
print("ready", flush=True)
time.sleep(100)
"""


def test_a_killed_program_leaves_a_project_that_opens_and_recovers(make: Make, tmp_path: Path) -> None:
    here = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": here},
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        session = make()
        assert not session.project.open(tmp_path / "mine.triptych")  # it lives, and has the project open
        program.kill()
    assert session.project.unsaved_since(tmp_path / "mine.triptych") is not None
    assert session.project.open(tmp_path / "mine.triptych", recover=True)
    assert [c.labels for c in session.library.clips.values()] == [{"emotion": "calm"}]
