"""What is taken out of the program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from stage import encoded

from engine.api import (
    MapPoints,
)
from studio.session.session import Session


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
