"""Label that gives way, and a chip made of two of them."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.widgets.chip import MOST_TEXT_PX, Chip
from studio.widgets.elided_label import ElidedLabel

LONG = "a very long name of a recording that nobody would ever give.wav"


def test_a_label_asks_for_the_width_of_its_text_up_to_a_limit(qtbot: QtBot) -> None:
    short, long = ElidedLabel("a.wav", most_px=200), ElidedLabel(LONG * 3, most_px=200)
    for label in (short, long):
        qtbot.addWidget(label)
    assert short.sizeHint().width() < 200
    assert long.sizeHint().width() == 200
    assert long.minimumSizeHint().width() == 30


def test_a_label_without_a_limit_takes_what_is_left_over(qtbot: QtBot) -> None:
    label = ElidedLabel(LONG)
    qtbot.addWidget(label)
    assert label.minimumSizeHint().width() == 0
    label.resize(80, 20)
    label.show()
    assert label.text().count("…") == 1
    label.setText("b.wav")
    assert label.text() == label.toolTip() == label.accessibleName() == "b.wav"


def test_a_chip_leaves_its_detail_out_where_room_is_short(qtbot: QtBot) -> None:
    chip = Chip(LONG, "mean of 12 clips")
    qtbot.addWidget(chip)
    chip.show()
    title, detail = (label for label in chip.findChildren(QLabel) if isinstance(label, ElidedLabel))
    chip.resize(chip.sizeHint())
    assert detail.text() == "mean of 12 clips"
    assert title.sizeHint().width() <= MOST_TEXT_PX
    chip.resize(90, chip.height())
    assert detail.width() == 0
    assert "mean of 12 clips" in chip.toolTip()
