"""Files, folders, tables and corpora that come into the library, and imports that are undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from pytestqt.qtbot import QtBot
from stage import Idle

from engine.api import (
    OFFERS,
    ClipsFound,
    CorpusGot,
    Done,
    Partial,
    Scan,
    ScanDone,
)
from studio.services.messages import Message
from studio.session.session import Session

WORK_MS = 60_000


def test_a_dropped_recording_has_its_row_at_once(session: Session, link: Idle, tmp_path: Path) -> None:
    session.imports.add_files([tmp_path / "a.wav", tmp_path / "folder"])
    assert [clip.name for clip in session.library.clips.values()] == ["a.wav"]
    assert [job.title for job in link.jobs()] == ["Look through 2 items"]


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


def names(session: Session) -> list[str]:
    return sorted(clip.name for clip in session.library.clips.values())


def test_an_import_is_undone_whole_and_redone_with_the_labels_it_found(session: Session) -> None:
    job = session.imports.add_files(["/r/a.wav", "/r/folder"])
    assert job is not None
    job.take(Partial(ClipsFound((("/r/folder/b.wav", {"speaker": "b"}), ("/r/a.wav", {"speaker": "a"})))))
    session.undo.stack.undo()
    assert names(session) == []
    session.undo.stack.redo()
    assert names(session) == ["a.wav", "b.wav"]
    assert sorted(session.library.speakers()) == ["a", "b"]


def test_what_an_undone_import_still_finds_stays_outside(session: Session) -> None:
    job = session.imports.add_files(["/r/folder"])
    assert job is not None
    session.undo.stack.undo()
    job.take(Partial(ClipsFound((("/r/folder/b.wav", {}),))))
    assert names(session) == []


def test_undoing_an_import_leaves_what_was_there_before(session: Session) -> None:
    session.imports.add_files(["/r/a.wav"])
    job = session.imports.add_files(["/r"])
    assert job is not None
    job.take(Partial(ClipsFound((("/r/a.wav", {"speaker": "a"}), ("/r/b.wav", {})))))
    session.undo.stack.undo()
    assert names(session) == ["a.wav"]
    assert session.library.speakers() == []


@pytest.mark.parametrize("add", [True, False])
def test_a_corpus_that_is_there_comes_into_the_library_or_is_offered(
    session: Session, link: Idle, said: list[Message], tmp_path: Path, add: bool
) -> None:
    job = session.imports.get_corpus(OFFERS[0], str(tmp_path), add=add)
    job.begin()
    job.take(Done(CorpusGot(str(tmp_path), OFFERS[0], new=True)))
    assert len(link.asked(Scan)) == add
    assert str(tmp_path) in said[-1].what
    if not add:
        assert said[-1].action is not None
        said[-1].action[1]()
        assert link.asked(Scan)[0].request.paths == (str(tmp_path),)
