"""The map panel: what it shows, what it says when it cannot, and how selection and dragging leave it."""

from __future__ import annotations

import numpy as np
import pytest
from laid_out import HASH, choose, empty_words, give_clips, give_map, give_model, selected, three_maps
from pytestqt.qtbot import QtBot

from engine.api import Control, FitMap
from studio.engine_link.job import Job
from studio.panels.map.panel import MapViewPanel
from studio.session.session import Session


def test_without_clips_it_says_where_to_begin(panel: MapViewPanel) -> None:
    assert "Drop recordings" in empty_words(panel)


def test_without_a_model_it_says_where_one_comes_from(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 5)
    assert "needs a model" in empty_words(panel)


def test_two_clips_make_no_map(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 2)
    assert "at least 3" in empty_words(panel)
    assert not panel.bar.fit.isEnabled()


def test_nothing_is_laid_out_unasked_and_one_button_does_it(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(session.maps, "fit", lambda latent, **settings: asked.append((latent, settings)))
    give_model(session)
    give_clips(panel, session, 5)
    assert asked == []
    panel.settings.perplexity.setValue(7)
    panel.settings.seed.setValue(11)
    panel.pane.empty_fit.click()
    assert asked == [("h", {"perplexity": 7.0, "pca": 50, "metric": "euclidean", "seed": 11})]


def test_a_map_shows_its_points_and_what_it_is(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    assert panel.pane.scatter.isVisible()
    assert panel.pane.keys_at([0, 5]) == [("c0", 0), ("c5", 0)]
    for fact in ("h", "6 points", "perplexity 5", "seed 3", HASH[:8], "62% of 10 neighbours kept", "0.97"):
        assert fact in f"{panel.pane.about.caption.whole} {panel.pane.about.score.whole}"
    assert panel.pane.about.score.isVisible()


def test_partial_layouts_move_the_same_points(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    session.library.select(["c2"])
    points = give_map(session, shift=3.0)
    np.testing.assert_array_equal(panel.pane.scatter.xy, points.xy)
    assert selected(panel) == [("c2", 0)]


def test_one_selection_is_shared_both_ways(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    session.library.select(["c1", "c4"])
    assert selected(panel) == [("c1", 0), ("c4", 0)]
    choose(panel, ("c3", 0))
    assert session.library.selection == ["c3"]


def test_single_seconds_stay_selected_when_their_clip_is(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    panel.show_latent("m")
    give_map(session, "m", each=3)
    choose(panel, ("c1", 2))
    assert session.library.selection == ["c1"]
    assert selected(panel) == [("c1", 2)]
    session.library.select(["c0"])
    assert selected(panel) == [("c0", 0), ("c0", 1), ("c0", 2)]


def test_a_click_makes_the_clip_current_and_plays_it(panel: MapViewPanel, session: Session, qtbot: QtBot) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session)
    with qtbot.waitSignal(session.listening.play_requested) as asked:
        panel.pane.scatter.clicked.emit(2)
    assert asked.args == ["c2"]
    assert session.library.current == "c2"


def test_a_click_on_a_second_asks_to_hear_that_second(panel: MapViewPanel, session: Session, qtbot: QtBot) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    panel.show_latent("m")
    give_map(session, "m", each=3)
    with qtbot.waitSignal(panel.second_requested) as asked:
        panel.pane.scatter.clicked.emit(2 * 3 + 1)
    assert asked.args == ["c2", 1]
    assert session.library.current == "c2"


def test_a_layout_under_way_can_be_stopped_and_later_continued(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    job = session.maps.jobs["h"] = Job(1, FitMap(()), "map")
    give_map(session)
    assert panel.bar.stop.isVisible()
    assert not panel.bar.fit.isVisible()
    job.progress.emit(0.25, "laying out", 3.0)
    assert panel.pane.progress.isVisible()
    assert panel.pane.progress.value() == 250
    panel.bar.stop.click()
    assert job.wish is Control.STOP
    del session.maps.jobs["h"]
    session.maps.changed.emit("h")
    assert not panel.pane.progress.isVisible()
    asked: list[object] = []
    monkeypatch.setattr(session.maps, "fit", lambda latent, **settings: asked.append((latent, settings["go_on"])))
    panel.bar.go_on.click()
    assert asked == [("h", True)]


def test_points_of_m_are_dragged_as_seconds_and_others_as_clips(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    assert panel.pane.latents.payload([("c0", 0), ("c1", 0)]).clips == ("c0", "c1")
    panel.show_latent("m")
    carried = panel.pane.latents.payload([("c0", 2), ("c0", 0)])
    assert carried.kind == "seconds"
    assert carried.seconds == (("c0", 2), ("c0", 0))
    panel.show_latent("z")
    assert panel.pane.latents.payload([("c0", 9), ("c0", 10)]).clips == ("c0",)


def test_the_hover_card_names_the_clip_and_escapes_it(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    session.library.clips["c1"].name = "<script>.wav"
    card = panel.pane.card.text(("c1", 0))
    assert "&lt;script&gt;.wav" in card
    assert "speaker: s1" in card
    assert "110 Hz" in card


def test_switching_the_latent_shows_that_map(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session)
    panel.commands["m"].trigger()
    assert "one point a second" in empty_words(panel)
    give_map(session, "m", each=2)
    assert len(panel.pane.scatter.xy) == 8
    panel.commands["h"].trigger()
    assert len(panel.pane.scatter.xy) == 4


def test_a_removed_clip_leaves_no_dangling_card(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session)
    session.library.remove(["c1"])
    assert "no longer" in panel.pane.card.text(("c1", 0))


def test_until_the_first_layout_is_there_it_says_that_it_is_on_the_way(
    panel: MapViewPanel, session: Session
) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    session.maps.jobs["h"] = Job(1, FitMap(()), "map")
    session.maps.changed.emit("h")
    assert "Laying out" in empty_words(panel)
    assert not panel.pane.empty_fit.isVisible()
    assert panel.pane.empty_stop.isVisible()
    session.maps.jobs.clear()


def test_the_three_maps_stand_side_by_side_and_one_is_meant(panel: MapViewPanel, session: Session) -> None:
    three_maps(panel, session)
    assert all(pane.isVisible() and pane.scatter.isVisible() for pane in panel.panes.values())
    panel.panes["m"].scatter.tapped.emit()
    assert panel.latent == "m"
    assert panel.panes["m"].title.text().startswith("<b>")
    assert not panel.panes["h"].title.text().startswith("<b>")
    panel.commands["h"].trigger()
    assert [latent for latent, pane in panel.panes.items() if pane.isVisible()] == ["h"]
    assert not panel.pane.title.isVisible()


def test_a_selection_on_one_map_is_the_same_time_on_the_others(panel: MapViewPanel, session: Session) -> None:
    three_maps(panel, session)
    panel.activate("m")
    choose(panel, ("c2", 1))
    assert panel.panes["h"].keys() == [("c2", 0)]
    assert panel.panes["z"].keys() == [("c2", frame) for frame in range(64, 128)]
    panel.activate("z")
    choose(panel, ("c0", 3), ("c1", 100))
    assert panel.panes["m"].keys() == [("c0", 0), ("c1", 1)]
    assert session.library.selection == ["c0", "c1"]


def test_alt_and_hovering_lets_a_second_be_heard_and_leaving_ends_it(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    panel.show_latent("m")
    give_map(session, "m", each=3)
    heard: list[object] = []
    monkeypatch.setattr(
        panel.audition, "scrub", lambda folder, rate, latent, key: heard.append((folder, latent, key))
    )
    panel.pane.scatter.scrubbed.emit(4)
    assert heard == [("/nowhere/c1", "m", ("c1", 1))]
    panel.pane.scatter.scrubbed.emit(-1)
    assert len(heard) == 1
