"""Pins and paths: what they stand for, given to the transfer, rendered, played and saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from laid_out import SETTINGS, give_clips, give_map, give_model, selected, three_maps

from engine.api import FitMap, LatentRef, MapPoints, MorphDone
from studio.engine_link.job import Job
from studio.panels.map.panel import MapViewPanel
from studio.session.models.maps import joined
from studio.session.session import Session


def test_a_pin_is_the_barycentre_of_its_neighbours_and_says_so(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    panel.settings.round.setValue(3)
    x, y = map(float, panel.pane.scatter.xy[1])
    panel.pane.set_pin((x + 1e-3, y))
    payload = panel.pins_and_paths.payload()
    assert payload is not None
    assert payload.kind == "clips"
    assert payload.clips[0] == "c1"
    assert len(payload.clips) == 3
    assert sum(payload.weights) == pytest.approx(1.0)
    assert payload.weights[0] > 0.99  # on a point it is that point
    words = panel.pins_and_paths.bar.words.text()
    assert panel.pins_and_paths.bar.isVisible()
    assert "barycentre of the 3 nearest points of voice (h)" in words
    assert "c1.wav" in words


def test_a_pin_reaches_the_transfer_desk_as_a_voice_or_as_an_emotion(panel: MapViewPanel, session: Session) -> None:
    three_maps(panel, session)
    panel.panes["h"].set_pin((0.0, 0.0))
    panel.commands["give_pin"].trigger()
    assert [chip.title for chip in session.transfer.setup.voices] == ["Pin on the map of voice (h)"]
    assert session.transfer.setup.voices[0].payload.weights
    panel.activate("m")
    panel.panes["m"].set_pin((0.0, 0.0))
    panel.pins_and_paths.bar.give.click()
    assert [chip.title for chip in session.transfer.setup.emotions] == ["Pin on the map of emotion (m)"]
    assert session.transfer.setup.emotions[0].payload.kind == "seconds"


def test_a_pin_on_z_says_that_it_cannot_be_given(panel: MapViewPanel, session: Session) -> None:
    three_maps(panel, session)
    panel.activate("z")
    panel.panes["z"].set_pin((0.0, 0.0))
    assert panel.pins_and_paths.payload() is None
    assert not panel.pins_and_paths.bar.give.isVisible()
    assert "cannot be given" in panel.pins_and_paths.bar.words.text()


def test_a_path_is_rendered_step_by_step_and_played_with_its_steps_marked(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    job = Job(1, FitMap(()), "morph")
    asked: list[tuple[str, list[list[LatentRef]]]] = []
    monkeypatch.setattr(session.morphs, "render", lambda latent, steps: asked.append((latent, steps)) or job)
    played: list[MorphDone] = []
    monkeypatch.setattr(panel.audition, "play_morph", played.append)
    xy = panel.pane.scatter.xy.astype(float)
    panel.pins_and_paths.bar.steps.setValue(4)
    panel.pane.set_path(np.array([xy[0], xy[3]]))
    panel.pins_and_paths.bar.hear.click()
    latent, steps = asked[0]
    assert latent == "h"
    assert len(steps) == 4
    assert steps[0][0].folder == "/nowhere/c0"
    assert steps[-1][0].folder == "/nowhere/c3"
    assert panel.pins_and_paths.bar.progress.isVisible()
    done = MorphDone("morph", str(tmp_path / "morph.wav"), "h", (0.0, 1.0), (0.9, 1.9), (100.0, 200.0))
    job.done.emit(done)
    assert played == [done]
    assert not panel.pins_and_paths.bar.progress.isVisible()
    panel.audition.step_changed.emit(1)
    assert panel.pane.scatter.marks.heard_step == 1
    panel.pins_and_paths.bar.hear.click()  # again: nothing is rendered twice
    assert len(asked) == 1
    assert len(played) == 2
    panel.pane.set_path(np.array([xy[0], xy[4]]))
    panel.pins_and_paths.bar.hear.click()  # another path is
    assert len(asked) == 2


def test_a_morph_is_saved_whole_or_said_why_not(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    made = tmp_path / "morph.wav"
    made.write_bytes(b"sound")
    job = Job(1, FitMap(()), "morph")
    monkeypatch.setattr(session.morphs, "render", lambda latent, steps: job)
    monkeypatch.setattr(panel.audition, "play_morph", lambda morph: None)
    panel.pane.set_pin((0.0, 0.0))
    panel.pins_and_paths.hear()
    job.done.emit(MorphDone("morph", str(made), "h", (0.0,), (1.0,), (None,)))
    panel.pins_and_paths.save_as(str(tmp_path / "kept"))
    assert (tmp_path / "kept.wav").read_bytes() == b"sound"
    said: list[str] = []
    session.messages.said.connect(lambda message: said.append(message.what))
    panel.pins_and_paths.save_as(str(tmp_path / "nowhere" / "kept.wav"))
    assert "cannot be written" in said[0]


def test_a_path_can_be_made_of_the_selected_points(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    session.library.select(["c0", "c2", "c4"])
    panel.commands["path_here"].trigger()
    assert panel.pane.path is not None
    corners = {tuple(corner) for corner in panel.pane.path.tolist()}
    assert corners == {tuple(xy) for xy in panel.pane.scatter.xy[[0, 2, 4]].astype(float).tolist()}


def test_every_drag_has_a_twin_in_the_menu(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    menu = panel.menu_for("h", 2, 0.0, 0.0)
    by_words = {action.text(): action for action in menu.actions()}
    by_words["Use as source of the transfer"].trigger()
    assert session.transfer.setup.source == "c2"
    by_words["Give as voice (h)"].trigger()
    assert session.transfer.setup.voices[0].payload.clips == ("c2",)
    by_words["Give as emotion (m)"].trigger()
    assert session.transfer.setup.emotions[0].payload.clips == ("c2",)
    panel.menu_for("h", -1, 0.5, 0.25).actions()[0].trigger()
    assert panel.pane.pin == (0.5, 0.25)


def test_clips_placed_later_leave_selection_view_and_pin_as_they_are(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    points = give_map(session)
    session.library.select(["c2"])
    panel.pane.set_pin((0.0, 0.0))
    panel.pane.scatter.box.setRange(xRange=(-1, 1), yRange=(-1, 1), padding=0)
    before = panel.pane.scatter.box.viewRect()
    more = MapPoints("h", ("c5",), np.ones(1, np.int32), np.full((1, 2), 9.0, np.float32), SETTINGS)
    session.maps.points["h"] = joined(points, more)
    session.maps.changed.emit("h")
    assert len(panel.pane.scatter.xy) == 7
    assert selected(panel) == [("c2", 0)]
    assert panel.pane.pin == (0.0, 0.0)
    assert panel.pane.scatter.box.viewRect() == before
