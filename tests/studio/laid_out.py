"""What tests of the map share: recordings with labels, layouts as if computed, and what a panel shows of them."""

from __future__ import annotations

import numpy as np

from engine.api import AudioSpec, MapPoints, ModelInfo
from studio.domain.clip import Clip
from studio.panels.map.panel import MapViewPanel
from studio.session.session import Session

HASH = "abcdef0123456789"
EMOTIONS = ("calm", "angry", "")
SETTINGS = {
    "perplexity": 5.0,
    "seed": 3,
    "model_hash": HASH,
    "neighbours_kept": 0.62,
    "trustworthiness": 0.97,
    "score_neighbours": 10,
}


def selected(panel: MapViewPanel) -> list[tuple[str, int]]:
    return panel.pane.keys()


def choose(panel: MapViewPanel, *keys: tuple[str, int]) -> None:
    """As with the mouse."""
    table = panel.pane.table
    assert table is not None
    panel.pane.choose(np.array([table.key(i) in keys for i in range(len(table))], bool))
    panel.pane.scatter.selected.emit()


def colour_by(panel: MapViewPanel, name: str) -> None:
    panel.colours.choice.setCurrentIndex(panel.colours.choice.findData(name))


def legend_texts(panel: MapViewPanel) -> list[str]:
    return [panel.colours.legend.text(i) for i in range(panel.colours.legend.count())]


def seen(panel: MapViewPanel) -> int:
    """How many points are not grey."""
    faint = panel.pane.scatter.unlit_colour.rgba()
    return sum(mark.colour.rgba() != faint for mark in panel.pane.scatter.cloud.shown_marks)


def give_model(session: Session) -> None:
    session.model.info = ModelInfo("model.safetensors", HASH, 1, AudioSpec().to_dict(), {}, {}, {})
    session.model.changed.emit()


def give_clips(panel: MapViewPanel, session: Session, count: int) -> None:
    for i in range(count):
        clip = Clip(id=f"c{i}", path=f"/r/c{i}.wav", name=f"c{i}.wav")
        clip.state, clip.folder, clip.model_hash = "ready", f"/nowhere/c{i}", HASH
        clip.labels = {"speaker": f"s{i % 12}", "gender": "female", "emotion": EMOTIONS[i % 3], "room": "studio"}
        clip.f0_median_hz = 100.0 + 10 * i if i else None
        session.library.insert([clip])
    panel.refresh()  # which would come by itself a tenth of a second later


def give_map(session: Session, latent: str = "h", each: int = 1, *, shift: float = 0.0) -> MapPoints:
    ids = tuple(clip for clip in session.library.clips for _ in range(each))
    index = np.tile(np.arange(each, dtype=np.int32), len(session.library.clips))
    xy = np.random.default_rng(0).normal(size=(len(ids), 2)).astype(np.float32) + np.float32(shift)
    points = MapPoints(latent, ids, index, xy, SETTINGS)
    session.maps.points[latent] = points
    session.maps.changed.emit(latent)
    return points


def empty_words(panel: MapViewPanel) -> str:
    label = panel.pane.empty_words
    return label.text() if label.isVisible() else ""


def three_maps(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session, "h")
    give_map(session, "m", each=3)
    give_map(session, "z", each=128)  # two seconds of frames
    panel.commands["all"].trigger()
