"""The map panel: what it shows, what it says when it cannot, and how selection and dragging leave it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, Control, FitMap, MapPoints, ModelInfo
from studio import colouring
from studio.engine_link import EngineLink
from studio.jobs import Job
from studio.messages import Messages
from studio.panels.map_view import MapViewPanel
from studio.preferences import Preferences
from studio.session import Clip, Session

HASH = "abcdef0123456789"
EMOTIONS = ("calm", "angry", "")


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    link = EngineLink()
    made = Session(link, tmp_path / "data")
    yield made
    made.close()
    link.shutdown()


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> MapViewPanel:
    made = MapViewPanel(session, Messages(), Preferences())
    qtbot.addWidget(made)
    made.resize(640, 420)
    made.show()
    return made


def give_model(session: Session) -> None:
    session.model = ModelInfo("model.safetensors", HASH, 1, AudioSpec().to_dict(), {}, {}, {})
    session.model_changed.emit()


def give_clips(panel: MapViewPanel, session: Session, count: int) -> None:
    for i in range(count):
        clip = Clip(id=f"c{i}", path=f"/r/c{i}.wav", name=f"c{i}.wav")
        clip.state, clip.folder, clip.model_hash = "ready", f"/nowhere/c{i}", HASH
        clip.labels = {"speaker": f"s{i % 12}", "gender": "female", "emotion": EMOTIONS[i % 3], "room": "studio"}
        clip.f0_median_hz = 100.0 + 10 * i if i else None
        session.clips[clip.id] = clip
    session.clips_added.emit(list(session.clips))
    panel.refresh()  # which would come by itself a tenth of a second later


def give_map(session: Session, latent: str = "h", each: int = 1, *, shift: float = 0.0) -> MapPoints:
    ids = tuple(clip for clip in session.clips for _ in range(each))
    index = np.tile(np.arange(each, dtype=np.int32), len(session.clips))
    xy = np.random.default_rng(0).normal(size=(len(ids), 2)).astype(np.float32) + np.float32(shift)
    points = MapPoints(latent, ids, index, xy, {"perplexity": 5.0, "seed": 3, "model_hash": HASH})
    session.maps[latent] = points
    session.map_changed.emit(latent)
    return points


def empty_words(panel: MapViewPanel) -> str:
    label = panel.findChild(QLabel, "mapEmpty")
    assert label is not None
    return label.text() if label.isVisible() else ""


def test_without_clips_it_says_where_to_begin(panel: MapViewPanel) -> None:
    assert "Drop recordings" in empty_words(panel)


def test_without_a_model_it_says_where_one_comes_from(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 5)
    assert "needs a model" in empty_words(panel)


def test_two_clips_make_no_map(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 2)
    assert "at least 3" in empty_words(panel)
    assert not panel.fit_button.isEnabled()


def test_nothing_is_laid_out_unasked_and_one_button_does_it(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(session, "fit_map", lambda latent, **settings: asked.append((latent, settings)))
    give_model(session)
    give_clips(panel, session, 5)
    assert asked == []
    panel.settings.perplexity.setValue(7)
    panel.settings.seed.setValue(11)
    button = panel.findChild(QPushButton, "fitMapFirst")
    assert button is not None
    button.click()
    assert asked == [("h", {"perplexity": 7.0, "pca": 50, "metric": "euclidean", "seed": 11})]


def test_a_map_shows_its_points_and_what_it_is(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    assert panel.scatter.isVisible()
    assert panel.scatter.keys == [(f"c{i}", 0) for i in range(6)]
    for fact in ("h", "6 points", "perplexity 5", "seed 3", HASH[:8]):
        assert fact in panel.scatter._caption.text()


def test_partial_layouts_move_the_same_points(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    session.select(["c2"])
    points = give_map(session, shift=3.0)
    np.testing.assert_array_equal(panel.scatter.xy, points.xy)
    assert panel.scatter.selection() == [("c2", 0)]


def test_colours_follow_the_label_and_its_later_changes(
    panel: MapViewPanel, session: Session, qtbot: QtBot
) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    panel.colour_by.setCurrentIndex(panel.colour_by.findData("emotion"))
    assert [panel.legend.item(i).text() for i in range(panel.legend.count())] == [
        "angry  (2)", "calm  (2)", "not given  (2)",
    ]  # fmt: skip
    session.clips["c2"].labels["emotion"] = "sad"
    session.clips_changed.emit(["c2"])
    qtbot.waitUntil(lambda: panel.legend.count() == 4)
    assert "sad  (1)" in [panel.legend.item(i).text() for i in range(panel.legend.count())]


def test_numbers_get_a_scale_instead_of_a_legend(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    panel.colour_by.setCurrentIndex(panel.colour_by.findData(colouring.F0))
    assert panel.scale.isVisible()
    assert not panel.legend.isVisible()
    assert "110 Hz" in panel.scale.accessibleName()
    assert "150 Hz" in panel.scale.accessibleName()


def test_a_free_label_can_be_coloured_by_too(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    assert panel.colour_by.findData("room") >= 0


def test_a_transcript_is_no_class_and_does_not_flood_the_card(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    session.clips["c1"].labels["text"] = "AS YOU KNOW " * 30
    panel.refresh()
    assert panel.colour_by.findData("text") < 0
    assert len(panel._card(("c1", 0))) < 250


def test_a_class_clicked_in_the_legend_stands_alone(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    panel.legend.item(1).setSelected(True)
    assert panel.scatter._shown is not None
    assert panel.scatter._shown.sum() == 1


def test_one_selection_is_shared_both_ways(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    session.select(["c1", "c4"])
    assert panel.scatter.selection() == [("c1", 0), ("c4", 0)]
    panel.scatter.selected.emit([("c3", 0)])
    assert session.selection == ["c3"]


def test_single_seconds_stay_selected_when_their_clip_is(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    panel.show_latent("m")
    give_map(session, "m", each=3)
    panel.scatter.set_selection([("c1", 2)])
    panel.scatter.selected.emit([("c1", 2)])
    assert session.selection == ["c1"]
    assert panel.scatter.selection() == [("c1", 2)]
    session.select(["c0"])
    assert panel.scatter.selection() == [("c0", 0), ("c0", 1), ("c0", 2)]


def test_a_click_makes_the_clip_current_and_plays_it(panel: MapViewPanel, session: Session, qtbot: QtBot) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session)
    with qtbot.waitSignal(session.play_requested) as asked:
        panel.scatter.clicked.emit(("c2", 0))
    assert asked.args == ["c2"]
    assert session.current == "c2"


def test_a_click_on_a_second_asks_to_hear_that_second(panel: MapViewPanel, session: Session, qtbot: QtBot) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    panel.show_latent("m")
    give_map(session, "m", each=3)
    with qtbot.waitSignal(panel.second_requested) as asked:
        panel.scatter.clicked.emit(("c2", 1))
    assert asked.args == ["c2", 1]
    assert session.current == "c2"


def test_a_layout_under_way_can_be_stopped_and_later_continued(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    job = session.map_job = Job(1, FitMap(()), "map")
    give_map(session)
    assert panel.stop_button.isVisible()
    assert not panel.fit_button.isVisible()
    job.progress.emit(0.25, "laying out", 3.0)
    assert panel.progress.isVisible()
    assert panel.progress.value() == 250
    panel.stop_button.click()
    assert job.wish is Control.STOP
    session.map_job = None
    session.map_changed.emit("h")
    assert not panel.progress.isVisible()
    asked: list[object] = []
    monkeypatch.setattr(session, "fit_map", lambda latent, **settings: asked.append((latent, settings["go_on"])))
    panel.go_on_button.click()
    assert asked == [("h", True)]


def test_points_of_m_are_dragged_as_seconds_and_others_as_clips(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    assert panel.payload([("c0", 0), ("c1", 0)]).clips == ("c0", "c1")
    panel.show_latent("m")
    carried = panel.payload([("c0", 2), ("c0", 0)])
    assert carried.kind == "seconds"
    assert carried.seconds == (("c0", 2), ("c0", 0))
    panel.show_latent("z")
    assert panel.payload([("c0", 9), ("c0", 10)]).clips == ("c0",)


def test_the_hover_card_names_the_clip_and_escapes_it(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    session.clips["c1"].name = "<script>.wav"
    card = panel._card(("c1", 0))
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
    assert len(panel.scatter.keys) == 8
    panel.commands["h"].trigger()
    assert len(panel.scatter.keys) == 4


def test_a_removed_clip_leaves_no_dangling_card(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session)
    session.remove(["c1"])
    assert "no longer" in panel._card(("c1", 0))


# ---------------------------------------------------------------- colouring
def test_speakers_are_sorted_as_people_count() -> None:
    clips = {f"c{i}": Clip(id=f"c{i}", path="", name="") for i in range(3)}
    for clip, name in zip(clips.values(), ("s10", "s9", "s1"), strict=True):
        clip.labels = {"speaker": name}
    points = MapPoints("h", tuple(clips), np.zeros(3, np.int32), np.zeros((3, 2), np.float32), {})
    found = colouring.colouring(points, clips, "speaker", dark=False)
    assert found.names == ["s1", "s9", "s10"]
    assert found.index.tolist() == [2, 1, 0]


def test_sixty_speakers_get_sixty_different_colours() -> None:
    clips = {f"c{i}": Clip(id=f"c{i}", path="", name="") for i in range(60)}
    for i, clip in enumerate(clips.values()):
        clip.labels = {"speaker": str(i)}
    points = MapPoints("h", tuple(clips), np.zeros(60, np.int32), np.zeros((60, 2), np.float32), {})
    found = colouring.colouring(points, clips, "speaker", dark=False)
    assert len({colour.name() for colour in found.palette}) == 60


def test_a_clip_without_pitch_is_grey_on_the_scale() -> None:
    clips = {name: Clip(id=name, path="", name="") for name in "ab"}
    clips["a"].f0_median_hz = 120.0
    points = MapPoints("h", ("a", "b"), np.zeros(2, np.int32), np.zeros((2, 2), np.float32), {})
    found = colouring.colouring(points, clips, colouring.F0, dark=False)
    assert found.index[1] == len(found.palette) - 1
    assert found.index[0] < len(found.palette) - 1


def test_until_the_first_layout_is_there_it_says_that_it_is_on_the_way(
    panel: MapViewPanel, session: Session
) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    session.map_job = Job(1, FitMap(()), "map")
    session.map_changed.emit("h")
    assert "Laying out" in empty_words(panel)
    assert not panel.findChild(QPushButton, "fitMapFirst").isVisible()
    session.map_job = None
