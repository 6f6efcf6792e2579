"""Legend of curves, by itself."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from studio.plots.curves.legend import CurvesLegend, LegendRow, value_text


@pytest.fixture
def legend(qtbot: QtBot) -> CurvesLegend:
    made = CurvesLegend({"train": "Train", "validation": "Validation"})
    qtbot.addWidget(made)
    return made


def test_a_row_shows_a_value_a_split_and_a_dash_where_there_is_none(legend: CurvesLegend, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(legend.shown_changed):
        legend.set_rows([LegendRow("kl_h", "KL of h", QColor("red"), True, [-1.5, None])])
    assert [legend.item(0, column).text() for column in range(3)] == ["KL of h", "-1.5", "–"]


def test_ticking_asks_to_show_the_series_by_its_name(legend: CurvesLegend, qtbot: QtBot) -> None:
    legend.set_rows([LegendRow("kl_h", "KL of h", QColor("red"), False, [1.0, 2.0])])
    with qtbot.waitSignal(legend.shown_changed) as asked:
        legend.item(0, 0).setCheckState(Qt.CheckState.Checked)
    assert asked.args == ["kl_h", True]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-110.0, "-110"), (0.00012345, "0.0001234"), (123456.0, "1.235e+05"), (float("nan"), "not a number")],
)
def test_values_are_short_at_any_size(value: float, text: str) -> None:
    assert value_text(value) == text
