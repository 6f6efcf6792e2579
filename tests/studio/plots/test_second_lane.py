"""Lane of seconds: what a drop reaches, and chips that are drawn as they are."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPalette
from pytestqt.qtbot import QtBot

from studio.plots.second_chip import Second, paint_second
from studio.plots.second_lane import SecondLane, reached
from studio.plots.timeline import Timeline


def second(number: int) -> Second:
    return Second(QColor("white"), QColor("black"), str(number), f"second {number}")


def test_a_drop_on_a_selected_second_reaches_the_whole_selection() -> None:
    assert reached(2, (1, 2, 3)) == {1, 2, 3}
    assert reached(5, (1, 2, 3)) == {5}
    assert reached(None, (1, 2, 3)) == set()


def test_seconds_that_are_gone_are_not_selected_any_more(qtbot: QtBot) -> None:
    timeline = Timeline()
    timeline.set_duration(4.0)
    lane = SecondLane(timeline)
    qtbot.addWidget(lane)
    lane.set_seconds([second(number) for number in range(4)])
    lane.select([1, 3, 3, 9])
    assert lane.selection == (1, 3)
    with qtbot.waitSignal(lane.selection_changed) as changed:
        lane.set_seconds([second(number) for number in range(2)])
    assert changed.args == [[1]]


def painted(**how: bool) -> QImage:
    image = QImage(60, 40, QImage.Format.Format_RGB32)
    image.fill(QColor("grey"))
    painter = QPainter(image)
    given = (QColor("red"), 1.0)
    chip = Second(QColor("white"), QColor("black"), "", "", given)
    paint_second(
        painter,
        QRectF(0, 0, 60, 40),
        chip,
        QPalette(),
        **{"selected": False, "marked": False, "focused": False} | how,
    )
    painter.end()
    return image


def test_what_an_edit_gives_covers_the_lower_half_of_its_chip(qtbot: QtBot) -> None:
    image = painted()
    assert image.pixelColor(30, 10) == QColor("white")
    assert image.pixelColor(30, 30) == QColor("red")


def test_selection_brush_and_keyboard_are_seen(qtbot: QtBot) -> None:
    looks = [painted(), painted(selected=True), painted(marked=True), painted(focused=True)]
    assert all(one != other for i, one in enumerate(looks) for other in looks[:i])
