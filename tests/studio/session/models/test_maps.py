"""Maps: recordings that join one."""

from __future__ import annotations

import numpy as np
from stage import encoded

from engine.api import (
    Done,
    MapPoints,
    PlaceOnMap,
)
from studio.session.models.maps import joined
from studio.session.session import Session


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


def test_new_points_join_a_map_without_moving_it(session: Session) -> None:
    old = MapPoints("h", ("a",), np.zeros(1, np.int32), np.ones((1, 2), np.float32), {"seed": 1})
    new = MapPoints("h", ("b",), np.zeros(1, np.int32), np.zeros((1, 2), np.float32), {})
    both = joined(old, new)
    assert both.ids == ("a", "b")
    assert both.xy.tolist() == [[1, 1], [0, 0]]
    assert both.settings == {"seed": 1}
