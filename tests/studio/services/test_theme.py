"""Theme: readable in light and dark, icons sharp and tinted."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QColor, QIcon, QPalette, QPixmap, QRegion
from PySide6.QtWidgets import QApplication, QCheckBox, QPushButton, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from studio.services import theme

READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3


VISIBLE = 3.0  # WCAG 2.2, success criterion 1.4.11: what shows where a control is


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def dark(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[bool]:
    before = qapp.palette()
    theme.restyle(qapp, dark=request.param)
    yield request.param
    qapp.setPalette(before)


def contrast(first: QColor, second: QColor) -> float:
    def luminance(colour: QColor) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_words_can_be_read(dark: bool, qapp: QApplication) -> None:
    shades = theme.colours()
    for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base, QPalette.ColorRole.AlternateBase):
        ground = qapp.palette().color(role)
        for name in ("text", "muted", "accent", "error", "warning", "good"):
            assert contrast(getattr(shades, name), ground) >= READABLE, f"{name} on {role}"


def test_selected_words_and_hints_can_be_read(dark: bool, qapp: QApplication) -> None:
    role, palette = QPalette.ColorRole, qapp.palette()
    pairs = [
        (role.HighlightedText, role.Highlight),
        (role.PlaceholderText, role.Base),
        (role.ButtonText, role.Button),
    ]
    for ink, ground in [*pairs, (role.ToolTipText, role.ToolTipBase), (role.Link, role.Window)]:
        assert contrast(palette.color(ink), palette.color(ground)) >= READABLE, f"{ink} on {ground}"


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_banners_can_be_read(level: str, dark: bool) -> None:
    assert contrast(*theme.warning_colours(level, dark=dark)) >= READABLE


@pytest.mark.parametrize("count", [1, 6, 7, 60, 251])
def test_any_number_of_classes_gets_different_colours(count: int) -> None:
    for dark in (False, True):
        assert len({colour.name() for colour in theme.label_colours(count, dark=dark)}) == count


def test_every_icon_is_drawn_in_the_text_s_colour(dark: bool, qapp: QApplication) -> None:
    ink = qapp.palette().color(QPalette.ColorRole.WindowText)
    for name in theme.icon_names():
        image = theme.icon(name).pixmap(24, 24).toImage()
        solid = {
            image.pixelColor(x, y).name()
            for x in range(image.width())
            for y in range(image.height())
            if image.pixelColor(x, y).alpha() > 250
        }
        assert solid == {ink.name()}, name


def test_buttons_and_commands_follow_a_change_of_the_theme(qapp: QApplication, qtbot: QtBot) -> None:
    before = qapp.palette()
    theme.restyle(qapp, dark=False)
    button, command = QPushButton(theme.icon("stop"), "Stop"), QAction(theme.icon("play"), "Play")
    button.addAction(command)
    qtbot.addWidget(button)
    light = [holder.icon().pixmap(24, 24).toImage() for holder in (button, command)]
    theme.restyle(qapp, dark=True)
    dark = [holder.icon().pixmap(24, 24).toImage() for holder in (button, command)]
    assert all(now != then for now, then in zip(dark, light, strict=True))
    qapp.setPalette(before)


def test_an_icon_outlives_its_copies(qapp: QApplication) -> None:
    """An engine in Python did not: its clone was freed under the icon."""
    copies = [QIcon(theme.icon("play")) for _ in range(50)]
    for copy in copies:
        copy.addPixmap(QPixmap(3, 3))  # which makes it a clone
    gc.collect()
    assert all(not copy.pixmap(24, 24).isNull() for copy in copies)


@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
def test_the_outline_of_an_empty_box_can_be_seen(
    dark: bool, kind: type[QCheckBox] | type[QRadioButton], qapp: QApplication, qtbot: QtBot
) -> None:
    qapp.setStyle("Fusion")
    theme.restyle(qapp, dark=dark)
    box = kind("")
    qtbot.addWidget(box)
    box.resize(box.sizeHint())
    drawn = QPixmap(box.size())
    ground = qapp.palette().color(QPalette.ColorRole.Window)
    drawn.fill(ground)
    box.render(drawn, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
    picture = drawn.toImage()
    middle = picture.height() // 2
    assert max(contrast(picture.pixelColor(x, middle), ground) for x in range(picture.width())) >= VISIBLE


def test_a_disabled_icon_is_paler(dark: bool) -> None:
    icon = theme.icon("stop")
    disabled = icon.pixmap(24, 24, QIcon.Mode.Disabled).toImage()
    assert disabled != icon.pixmap(24, 24).toImage()
