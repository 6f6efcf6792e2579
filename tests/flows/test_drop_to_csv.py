"""From a folder dropped on the library to a table of embeddings, through the real worker processes."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QMimeData, QUrl
from pytestqt.qtbot import QtBot

from engine.api import RunSpec, StoredClip, presets
from studio.domain import payload
from studio.engine_link.engine_link import EngineLink, Job
from studio.session.session import Session

JOB_MS = 100_000


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    link = EngineLink(tmp_path / "logs")
    session = Session(link, tmp_path / "data")
    yield session
    session.project.close()
    link.shutdown()


@pytest.fixture
def dropped(example_set: Path, tmp_path: Path) -> Path:
    """Two clips each of two voices, one broken file, and the table of labels."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("anna_calm_1", "anna_sad_2", "georg_calm_1", "georg_excited_3"):
        shutil.copyfile(example_set / f"{name}.flac", folder / f"{name}.flac")
    shutil.copyfile(example_set / "labels.csv", folder / "labels.csv")
    (folder / "broken.flac").write_bytes(b"fLaC and then nothing")
    return folder


def finish(qtbot: QtBot, job: Job | None) -> None:
    assert job is not None
    qtbot.waitUntil(lambda: job.ended, timeout=JOB_MS)
    assert job.state == "done", job.words


def settle(qtbot: QtBot, session: Session) -> None:
    """Until every recording of the library is analysed, or known to be bad."""
    clips = session.library.clips.values()
    qtbot.waitUntil(lambda: not any(clip.state in ("waiting", "analysing") for clip in clips), timeout=JOB_MS)


def test_a_dropped_folder_becomes_a_table(qtbot: QtBot, session: Session, dropped: Path, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(dropped))])
    finish(qtbot, session.imports.add_files(payload.files_of(mime)))
    settle(qtbot, session)
    ready = {clip.name: clip for clip in session.library.clips.values() if clip.state == "ready"}
    assert sorted(ready) == ["anna_calm_1.flac", "anna_sad_2.flac", "georg_calm_1.flac", "georg_excited_3.flac"]
    assert ready["georg_calm_1.flac"].labels["speaker"] == "georg"
    assert ready["georg_calm_1.flac"].labels["gender"] == "male"
    with open(dropped / "labels.csv", encoding="utf-8", newline="") as file:
        truth = {row["file"]: float(row["pitch_hz"]) for row in csv.DictReader(file)}
    for name, clip in ready.items():
        assert clip.f0_median_hz == pytest.approx(truth[name], rel=0.05)
        assert clip.duration_s == pytest.approx(soundfile.info(clip.path).duration, abs=1e-3)

    quick = presets()["quick"]
    spec = RunSpec(
        dataclasses.replace(quick.train, minutes=0.05, device="cpu"),
        quick.model,
        clips=tuple(clip.ref() for clip in ready.values()),
    )
    finish(qtbot, session.runs.start(spec))
    done = session.runs.records[-1].done
    assert done is not None
    finish(qtbot, session.model.open(done.model))  # once more, as a user may: the session took it by itself
    qtbot.waitUntil(lambda: len(session.model.encoded()) == len(ready), timeout=JOB_MS)

    table = tmp_path / "embeddings.csv"
    finish(qtbot, session.exports.embeddings(table, "h"))
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(ready)
    assert session.model.info is not None
    (sidecar,) = [path for path in tmp_path.glob("embeddings*.json") if path.is_file()]
    assert session.model.info.hash in json.dumps(json.loads(sidecar.read_text("utf-8")))
    seen = set()
    for row in rows:
        h = StoredClip(str(ready[Path(row["file"]).name].folder)).array("h")
        assert np.isfinite(h).all()
        columns = [name for name in row if name.startswith("h_")]
        np.testing.assert_allclose([float(row[name]) for name in columns], h, rtol=1e-4, atol=1e-6)
        seen.add(h.tobytes())
    assert len(seen) == len(ready)  # every clip its own h


def test_the_broken_one_is_told_in_two_parts(qtbot: QtBot, session: Session, dropped: Path) -> None:
    finish(qtbot, session.imports.add_files([dropped]))
    settle(qtbot, session)
    failed = [clip for clip in session.library.clips.values() if clip.state == "failed"]
    if failed:
        assert [clip.name for clip in failed] == ["broken.flac"]
        assert failed[0].error is not None
        assert all(failed[0].error)
    else:  # the look through the folder may sort it out already
        told = [message for message in session.messages.history if "skipped" in message.what]
        assert told
        assert "broken.flac" in told[0].hint + told[0].details
