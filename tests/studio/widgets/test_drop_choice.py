"""The fields that a drag over a picture chooses from: every place belongs to one of them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.widgets.drop_choice import DropChoice, Field


@pytest.mark.parametrize(
    ("x", "key"), [(0.0, "h"), (100.0, "h"), (199.9, "h"), (200.0, "m"), (300.0, "m"), (400.0, "m")]
)
def test_the_gaps_and_the_rim_belong_to_the_nearest_field(qtbot: QtBot, x: float, key: str) -> None:
    under = QWidget()
    qtbot.addWidget(under)
    under.resize(400, 200)
    choice = DropChoice(under)
    assert choice.field_at(QPointF(x, 100.0)) is None  # nothing is offered yet
    choice.offer([Field("h", "Voice", "gives the voice"), Field("m", "Emotion", "gives the emotion")])
    found = choice.field_at(QPointF(x, 100.0))
    assert found is not None
    assert found.key == key
    assert choice.field_at(QPointF(x, 201.0)) is None
