"""Colours of a map: by a label or a number, with a legend whose classes stand alone or are left out."""

from __future__ import annotations

import numpy as np
import pytest
from laid_out import colour_by, give_clips, give_map, give_model, legend_texts, seen, three_maps
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.api import MapPoints
from studio.domain.clip import Clip
from studio.panels.map import colouring, exports
from studio.panels.map.panel import MapViewPanel
from studio.services import theme
from studio.services.preferences import Preferences
from studio.session.session import Session


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


def test_every_map_is_coloured_and_isolated_alike(panel: MapViewPanel, session: Session) -> None:
    three_maps(panel, session)
    colour_by(panel, "emotion")
    panel.colours.legend.isolate(0)  # angry: c1
    for latent, points in (("h", 1), ("m", 3), ("z", 128)):
        panel.activate(latent)
        assert seen(panel) == points


def test_a_figure_is_drawn_in_the_size_and_font_asked_for_with_what_is_seen_as_colour(
    panel: MapViewPanel, session: Session, preferences: Preferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_model(session)
    give_clips(panel, session, 4)
    give_map(session)
    colour_by(panel, colouring.F0)
    asked: list[tuple[tuple[object, ...], dict[str, object]]] = []
    monkeypatch.setattr(session.exports, "figure", lambda *values, **look: asked.append((values, look)))
    monkeypatch.setattr(exports.ExportFigureDialog, "exec", lambda dialog: True)
    monkeypatch.setattr(exports.QFileDialog, "getSaveFileName", lambda *_: ("/out/map.svg", ""))
    preferences.set("figure/width_cm", 8.5)
    panel.exports.figure()
    values, look = asked[0]
    assert values == ("/out/map.svg", "h", ("", "110.0000", "120.0000", "130.0000"), "Median F0")
    assert look == {"width_cm": 8.5, "height_cm": None, "font": "", "font_pt": 8.0}
