"""The map panel: what it shows, what it says when it cannot, and how selection and dragging leave it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, Control, FitMap, LatentRef, MapPoints, ModelInfo, MorphDone, Neighbours
from studio.domain.clip import Clip
from studio.engine_link.engine_link import EngineLink
from studio.engine_link.job import Job
from studio.panels.map import colouring, exports, pane
from studio.panels.map.panel import MapViewPanel
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.models.maps import joined
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


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    link = EngineLink()
    made = Session(link, tmp_path / "data")
    yield made
    made.project.close()
    link.shutdown()


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> MapViewPanel:
    made = MapViewPanel(session, Messages(), Preferences())
    qtbot.addWidget(made)
    made.resize(760, 520)
    made.show()
    return made


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


def test_colours_follow_the_label_and_its_later_changes(
    panel: MapViewPanel, session: Session, qtbot: QtBot
) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    colour_by(panel, "emotion")
    assert legend_texts(panel) == ["angry  (2)", "calm  (2)", "not given  (2)"]
    session.library.clips["c2"].labels["emotion"] = "sad"
    session.library.changed.emit(["c2"])
    qtbot.waitUntil(lambda: panel.colours.legend.count() == 4)
    assert "sad  (1)" in legend_texts(panel)


def test_marks_and_words_follow_when_the_scheme_changes(
    panel: MapViewPanel, session: Session, qapp: QApplication
) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    before = qapp.palette()
    try:
        for dark in (True, False, True):
            theme.restyle(qapp, dark=dark)
            qapp.processEvents()
            first = theme.label_colours(1, dark=dark)[0]
            assert first in [mark.colour for mark in panel.pane.scatter.cloud.shown_marks]
            role = panel.pane.about.caption.foregroundRole()
            assert panel.pane.about.caption.palette().color(role) == theme.colours().muted
    finally:
        qapp.setPalette(before)


def test_numbers_get_a_scale_instead_of_a_legend(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    colour_by(panel, colouring.F0)
    assert panel.colours.scale.isVisible()
    assert not panel.colours.legend.isVisible()
    assert "110 Hz" in panel.colours.scale.accessibleName()
    assert "150 Hz" in panel.colours.scale.accessibleName()


def test_a_free_label_can_be_coloured_by_too(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    assert panel.colours.choice.findData("room") >= 0


def test_a_transcript_is_no_class_and_does_not_flood_the_card(panel: MapViewPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    session.library.clips["c1"].labels["text"] = "AS YOU KNOW " * 30
    panel.refresh()
    assert panel.colours.choice.findData("text") < 0
    assert len(panel.pane.card.text(("c1", 0))) < 250


def test_a_class_of_the_legend_stands_alone_or_is_left_out(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    colour_by(panel, "emotion")
    legend = panel.colours.legend
    legend.isolate(1)
    assert seen(panel) == 2
    legend.clearSelection()
    assert seen(panel) == 6
    legend.toggle_hidden(0)
    assert len(panel.pane.scatter.cloud.xy) == 4
    legend.hide_rows(set())
    assert len(panel.pane.scatter.cloud.xy) == 6


def test_what_is_isolated_stays_so_while_the_layout_goes_on(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    colour_by(panel, "emotion")
    panel.colours.legend.isolate(1)
    give_map(session, shift=3.0)
    panel.refresh()
    assert seen(panel) == 2


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


def test_speakers_are_sorted_as_people_count() -> None:
    clips = {f"c{i}": Clip(id=f"c{i}", path="", name="") for i in range(3)}
    for clip, name in zip(clips.values(), ("s10", "s9", "s1"), strict=True):
        clip.labels = {"speaker": name}
    points = MapPoints("h", tuple(clips), np.zeros(3, np.int32), np.zeros((3, 2), np.float32), {})
    found = colouring.colouring(points, clips, "speaker", dark=False)
    assert found.names == ["s1", "s9", "s10"]
    assert found.index.tolist() == [2, 1, 0]


def test_six_hundred_speakers_get_six_hundred_different_looks() -> None:
    clips = {f"c{i}": Clip(id=f"c{i}", path="", name="") for i in range(600)}
    for i, clip in enumerate(clips.values()):
        clip.labels = {"speaker": str(i)}
    points = MapPoints("h", tuple(clips), np.zeros(600, np.int32), np.zeros((600, 2), np.float32), {})
    found = colouring.colouring(points, clips, "speaker", dark=False)
    assert len({(mark.colour.name(), mark.symbol) for mark in found.marks}) == 600
    assert (
        len({mark.colour.name() for mark in found.marks[:48]}) == 6
    )  # safe for every colour vision, shapes differ


@pytest.mark.parametrize(
    ("values", "is_scale"),
    [
        (["0.25", "0.5", ""], True),
        (["1", "2", "3"], False),  # names
        ([str(i) for i in range(40)], True),
        (["1.5", "high", "2"], False),
        (["nan", "1.5", "2"], False),
    ],
)
def test_a_label_of_numbers_is_a_scale_unless_they_are_names(values: list[str], is_scale: bool) -> None:
    clips = {str(i): Clip(id=str(i), path="", labels={"score": value}) for i, value in enumerate(values)}
    count = len(clips)
    points = MapPoints("h", tuple(clips), np.zeros(count, np.int32), np.zeros((count, 2), np.float32), {})
    found = colouring.colouring(points, clips, "score", dark=False)
    assert (found.ends is not None) == is_scale


def test_a_clip_without_pitch_is_grey_on_the_scale() -> None:
    clips = {name: Clip(id=name, path="", name="") for name in "ab"}
    clips["a"].f0_median_hz = 120.0
    points = MapPoints("h", ("a", "b"), np.zeros(2, np.int32), np.zeros((2, 2), np.float32), {})
    found = colouring.colouring(points, clips, colouring.F0, dark=False)
    assert found.index[1] == len(found.marks) - 1
    assert found.index[0] < len(found.marks) - 1


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


def three_maps(panel: MapViewPanel, session: Session) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session, "h")
    give_map(session, "m", each=3)
    give_map(session, "z", each=128)  # two seconds of frames
    panel.commands["all"].trigger()


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


def test_every_map_is_coloured_and_isolated_alike(panel: MapViewPanel, session: Session) -> None:
    three_maps(panel, session)
    colour_by(panel, "emotion")
    panel.colours.legend.isolate(0)  # angry: c1
    for latent, points in (("h", 1), ("m", 3), ("z", 128)):
        panel.activate(latent)
        assert seen(panel) == points


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
    assert "barycentre of the 3 nearest h" in words
    assert "c1.wav" in words


def test_a_pin_reaches_the_transfer_desk_as_a_voice_or_as_an_emotion(panel: MapViewPanel, session: Session) -> None:
    three_maps(panel, session)
    panel.panes["h"].set_pin((0.0, 0.0))
    panel.commands["give_pin"].trigger()
    assert [chip.title for chip in session.transfer.setup.voices] == ["Pin on the map of h"]
    assert session.transfer.setup.voices[0].payload.weights
    panel.activate("m")
    panel.panes["m"].set_pin((0.0, 0.0))
    panel.pins_and_paths.bar.give.click()
    assert [chip.title for chip in session.transfer.setup.emotions] == ["Pin on the map of m"]
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


def test_a_morph_is_saved_whole_or_told_why_not(panel: MapViewPanel, session: Session, tmp_path: Path) -> None:
    give_model(session)
    give_clips(panel, session, 6)
    give_map(session)
    made = tmp_path / "morph.wav"
    made.write_bytes(b"sound")
    panel.pins_and_paths._made = MorphDone("morph", str(made), "h", (0.0,), (1.0,), (None,))
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


def test_a_figure_is_drawn_in_the_size_and_font_asked_for_with_what_is_seen_as_colour(
    panel: MapViewPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session)
    colour_by(panel, colouring.F0)
    asked: list[tuple[tuple[object, ...], dict[str, object]]] = []
    monkeypatch.setattr(session.exports, "figure", lambda *given, **look: asked.append((given, look)))
    monkeypatch.setattr(exports.ExportFigureDialog, "exec", lambda dialog: True)
    monkeypatch.setattr(exports.QFileDialog, "getSaveFileName", lambda *_: ("/out/map.svg", ""))
    panel._preferences.set("figure/width_cm", 8.5)
    panel.exports.figure()
    given, look = asked[0]
    assert given == ("/out/map.svg", "h", ("", "110.0000", "120.0000", "130.0000"), "Median F0")
    assert look == {"width_cm": 8.5, "height_cm": None, "font": "", "font_pt": 8.0}


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
