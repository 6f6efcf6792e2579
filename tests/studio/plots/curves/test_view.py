"""Training curves: points in, legend and readout out."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.plots.curves.signed_log import log_scaled
from studio.plots.curves.view import CurvesView


@pytest.fixture
def view(qtbot: QtBot) -> CurvesView:
    view = CurvesView()
    qtbot.addWidget(view)
    view.set_titles({"total": "Total", "reconstruction": "Reconstruction"})
    for step in range(1, 101):
        view.add(step, "train", {"reconstruction": -200.0 + step, "total": -210.0 + step})
    view.add(50, "validation", {"total": -165.0})
    view.add(100, "validation", {"total": -120.0})
    view.draw()
    return view


def test_series_stand_in_the_order_of_their_titles(view: CurvesView) -> None:
    assert view.series() == ["total", "reconstruction"]
    assert [view.legend.item(row, 0).text() for row in range(2)] == ["Total", "Reconstruction"]


def test_without_a_pointer_the_legend_shows_the_newest_values(view: CurvesView) -> None:
    assert view.legend.item(0, 1).text() == "-110"
    assert view.legend.item(0, 2).text() == "-120"
    assert view.legend.item(1, 2).text() == "–", "no validation of this term yet"


def test_under_the_pointer_it_shows_the_nearest_ones(view: CurvesView) -> None:
    view.hover(50.4)
    assert view.readout("total", "train") == -160.0
    assert view.readout("total", "validation") == -165.0
    view.hover(None)
    assert view.readout("total", "train") == -110.0


def test_unticking_a_term_hides_its_curves_and_ticking_brings_them_back(view: CurvesView) -> None:
    view.legend.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
    assert not view.is_shown("total")
    assert view.is_shown("reconstruction")
    view.legend.item(0, 0).setCheckState(Qt.CheckState.Checked)
    assert view.is_shown("total")


def test_a_click_on_the_numbers_of_a_term_hides_it_too(qtbot: QtBot, view: CurvesView) -> None:
    view.show()
    place = view.legend.visualItemRect(view.legend.item(1, 1)).center()
    qtbot.mouseClick(view.legend.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert not view.is_shown("reconstruction")


def test_a_resumed_run_replaces_the_points_it_repeats(view: CurvesView) -> None:
    view.add(91, "train", {"total": -1.0})
    steps, values = view.values("total", "train")
    assert steps[-2:] == (90.0, 91.0)
    assert values[-1] == -1.0


def test_a_value_that_is_not_a_number_leaves_a_gap_and_is_named(view: CurvesView) -> None:
    view.add(101, "train", {"total": math.inf})
    view.draw()
    assert view.legend.item(0, 1).text() == "not a number"


def test_switching_to_logarithmic_redraws_every_curve(view: CurvesView) -> None:
    view.logarithmic.setChecked(True)
    item = next(i for i in view.plot.listDataItems() if len(i.yData) == 100)
    assert item.yData.min() == pytest.approx(float(log_scaled(-209.0)), abs=0.05)
    ticks = view.plot.getAxis("left").tickStrings([float(log_scaled(-100.0)), 0.0], 1.0, 1.0)
    assert ticks == ["-100", "0"]


def test_points_are_drawn_a_moment_later_without_being_asked(qtbot: QtBot) -> None:
    view = CurvesView()
    qtbot.addWidget(view)
    view.add(1, "train", {"total": 1.0})
    assert view.legend.rowCount() == 0
    qtbot.waitUntil(lambda: view.legend.rowCount() == 1)


def test_clearing_forgets_points_and_brings_the_invitation_back(view: CurvesView) -> None:
    view.clear()
    assert view.series() == []
    assert not view.plot.listDataItems()
    assert view.legend.rowCount() == 0
