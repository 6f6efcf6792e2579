"""The finder: searches, the nearest points, and points that are walked to."""

from __future__ import annotations

import pytest
from laid_out import EMOTIONS, give_clips, give_map, give_model, seen
from pytestqt.qtbot import QtBot

from engine.api import FitMap, LatentRef, Neighbours
from studio.engine_link.job import Job
from studio.panels.map import pane
from studio.panels.map.panel import MapViewPanel
from studio.session.session import Session


def test_a_search_lights_up_what_it_finds_and_lists_it(panel: MapViewPanel, session: Session, qtbot: QtBot) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    panel.finder.list.field.setText("ANGRY  c4")
    qtbot.waitUntil(lambda: panel.finder.found is not None)
    assert seen(panel) == 1
    assert [row.key for row in panel.finder.list.rows()] == [("c4", 0)]
    panel.commands["select_found"].trigger()
    assert session.library.selection == ["c4"]
    session.library.select([])
    panel.finder.list.field.clear()
    qtbot.waitUntil(lambda: panel.finder.found is None)
    assert seen(panel) == 6


def test_a_row_chosen_rings_its_point_and_enter_plays_it(
    panel: MapViewPanel, session: Session, qtbot: QtBot
) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    panel.finder.search("female")
    rows = panel.finder.list.list
    rows.setCurrentItem(rows.topLevelItem(3))
    assert panel.pane.scatter.focus == 3
    assert session.library.selection == ["c3"]
    with qtbot.waitSignal(session.listening.play_requested) as asked:
        rows.itemActivated.emit(rows.topLevelItem(3), 0)
    assert asked.args == ["c3"]


def test_the_neighbours_of_a_point_are_asked_for_and_listed_with_their_distances(
    panel: MapViewPanel, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    job = Job(1, FitMap(()), "near")
    asked: list[object] = []

    def find(latent: str, query: list[LatentRef], metric: str) -> Job:
        asked.append((latent, query[0].folder, metric))
        return job

    monkeypatch.setattr(session.maps, "find_nearest", find)
    panel.pane.scatter.set_focus(2, announce=True)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked == [("h", "/nowhere/c2", "euclidean")]
    job.done.emit(Neighbours("h", ("c5", "c1"), (0, 0), (0.5, 1.25)))
    rows = panel.finder.list.rows()
    assert [(row.key, row.detail) for row in rows] == [(("c5", 0), "0.5"), (("c1", 0), "1.25")]
    assert "c2.wav" in panel.finder.list.heading.text()


def test_a_point_walked_to_is_announced(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pane.QAccessible, "updateAccessibility", lambda event: said.append(event.message()))
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    panel.pane.scatter.walk("right")
    first = panel.pane.scatter.focus
    assert said == [f"c{first}.wav, s{first}, female" + (f", {EMOTIONS[first % 3]}" if EMOTIONS[first % 3] else "")]
    assert panel.pane.spoken.whole == said[0]
