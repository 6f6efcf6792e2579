"""The map with the real worker on real speech: laid out, asked who is near, pinned, and heard along a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pytestqt.qtbot import QtBot
from small_model import save_small_model

from studio.audio.loudspeaker import ClockOutput
from studio.engine_link.engine_link import EngineLink, Job
from studio.panels.map.listening import Audition
from studio.panels.map.panel import MapViewPanel
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

JOB_MS = 100_000


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    link = EngineLink(tmp_path / "logs")
    session = Session(link, tmp_path / "data")
    yield session
    session.project.close()
    link.shutdown()


def finish(qtbot: QtBot, job: Job | None) -> None:
    assert job is not None
    qtbot.waitUntil(lambda: job.ended, timeout=JOB_MS)
    assert job.state == "done", job.words


def test_a_map_is_laid_out_searched_pinned_and_heard(
    qtbot: QtBot, session: Session, speech: list[Path], tmp_path: Path
) -> None:
    preferences = Preferences()
    audition = Audition(preferences, open_output=lambda _name: ClockOutput(clock=lambda: 0.0))
    panel = MapViewPanel(session, Messages(), preferences, audition=audition)
    qtbot.addWidget(panel)
    panel.resize(700, 500)
    panel.show()
    finish(qtbot, session.model.open(save_small_model(tmp_path)))
    finish(qtbot, session.imports.add_files(speech[:3]))
    qtbot.waitUntil(lambda: len(session.model.encoded()) == 3, timeout=JOB_MS)

    panel.show_latent("m")
    panel.fit()
    finish(qtbot, session.maps.jobs["m"])
    qtbot.waitUntil(lambda: panel.pane.points is not None and panel.pane.points.final, timeout=JOB_MS)
    table = panel.pane.table
    assert table is not None
    seconds = sum(int(np.ceil(clip.duration_s or 0.0)) for clip in session.library.clips.values())
    assert abs(len(table) - seconds) <= 3  # a point a second
    assert "neighbours kept" in panel.pane.about.score.whole

    # A clip that comes later is placed, and no point moves.
    before = panel.pane.scatter.xy.copy()
    finish(qtbot, session.imports.add_files(speech[3:]))
    qtbot.waitUntil(lambda: len(panel.pane.scatter.xy) > len(before), timeout=JOB_MS)
    np.testing.assert_array_equal(panel.pane.scatter.xy[: len(before)], before)
    assert len(panel.pane.table.clips) == 4  # type: ignore[union-attr]

    # Who is near the point that the keys walk to? The list comes from the worker.
    panel.pane.scatter.walk("right")
    qtbot.waitUntil(lambda: bool(panel.finder.list.rows()), timeout=JOB_MS)
    distances = [float(row.detail) for row in panel.finder.list.rows()]
    assert distances == sorted(distances)
    assert panel.pane.keys_at([panel.pane.scatter.focus])[0] not in [row.key for row in panel.finder.list.rows()]

    # A path of three steps is rendered on the current recording and played as one sound.
    session.library.set_current(next(iter(session.library.clips)))
    panel.pins_and_paths.bar.steps.setValue(3)
    panel.pane.set_path(panel.pane.scatter.xy[[0, -1]].astype(float))
    panel.pins_and_paths.bar.hear.click()
    qtbot.waitUntil(lambda: audition.playing_morph, timeout=JOB_MS)
    panel.pins_and_paths.save_as(str(tmp_path / "morph.wav"))
    sound, rate_hz = soundfile.read(tmp_path / "morph.wav")
    duration = next(iter(session.library.clips.values())).duration_s or 0.0
    assert len(sound) / rate_hz == pytest.approx(3 * duration + 0.5, abs=0.1)
    assert np.abs(sound).max() > 0.01
    panel.close_down()
