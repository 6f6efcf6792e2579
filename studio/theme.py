"""Colours, spacing and icons; follows the system's light or dark."""

from __future__ import annotations

import colorsys

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget

from studio import paths

SPACE = 8  # pixels between things that belong together

# Okabe and Ito's eight, without black: distinguishable with every common colour vision.
_DISTINCT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#F0E442")
_GOLDEN = 0.618033988749895

ACCENT = QColor("#3D7BE0")


def is_dark(widget: QWidget | None = None) -> bool:
    palette = widget.palette() if widget is not None else QGuiApplication.palette()
    return palette.color(QPalette.ColorRole.Window).lightness() < 128


def label_colours(count: int, *, dark: bool) -> list[QColor]:
    """Colours for any number of classes: the first seven colour-blind safe, then hues by the golden ratio."""
    colours = [QColor(name) for name in _DISTINCT[:count]]
    for i in range(len(colours), count):
        lightness = (0.72, 0.52, 0.62)[i % 3] if dark else (0.38, 0.55, 0.46)[i % 3]
        red, green, blue = colorsys.hls_to_rgb((i * _GOLDEN) % 1.0, lightness, 0.6)
        colours.append(QColor.fromRgbF(red, green, blue))
    return colours


def warning_colours(level: str, *, dark: bool) -> tuple[QColor, QColor]:
    """Background and text of a banner; every pair has a contrast above 4.5 to 1."""
    pairs = {
        "info": ("#E3EDFB", "#12305C", "#1D2F4A", "#D6E4FA"),
        "warning": ("#FBF0D0", "#553C00", "#463710", "#F8E7B5"),
        "error": ("#FBE0DE", "#6B1410", "#4E1F1C", "#FBD5D2"),
    }[level]
    return (QColor(pairs[2]), QColor(pairs[3])) if dark else (QColor(pairs[0]), QColor(pairs[1]))


def icon(name: str, widget: QWidget | None = None) -> QIcon:
    """resources/icons/<name>.svg, drawn in the text colour (and paler where disabled)."""
    palette = widget.palette() if widget is not None else QGuiApplication.palette()
    made = QIcon()
    for mode, group in (
        (QIcon.Mode.Normal, QPalette.ColorGroup.Active),
        (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled),
    ):
        colour = palette.color(group, QPalette.ColorRole.WindowText)
        for size in (16, 24, 32, 48, 64):
            made.addPixmap(_drawn(name, size, colour), mode)
    return made


def _drawn(name: str, size: int, colour: QColor) -> QPixmap:
    source = (paths.resources_dir() / "icons" / f"{name}.svg").read_bytes()
    renderer = QSvgRenderer(QByteArray(source))
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), colour)
    painter.end()
    return pixmap


def apply(app: QApplication) -> None:
    """Fusion with our accent; its palette follows the system's colour scheme."""
    app.setStyle("Fusion")
    restyle(app)
    app.styleHints().colorSchemeChanged.connect(lambda _scheme: restyle(app))


def restyle(app: QApplication) -> None:
    dark = app.styleHints().colorScheme() == Qt.ColorScheme.Dark
    role = QPalette.ColorRole
    plain = {
        role.Window: "#26282C" if dark else "#F4F5F7",
        role.Base: "#1D1F22" if dark else "#FFFFFF",
        role.AlternateBase: "#23262A" if dark else "#F7F8FA",
        role.Button: "#33363C" if dark else "#FAFBFC",
        role.WindowText: "#E6E8EB" if dark else "#1B1E23",
        role.Text: "#E6E8EB" if dark else "#1B1E23",
        role.ButtonText: "#E6E8EB" if dark else "#1B1E23",
        role.PlaceholderText: "#9AA1AB" if dark else "#666D78",
        role.ToolTipBase: "#3A3E45" if dark else "#FFFFFF",
        role.ToolTipText: "#F0F1F3" if dark else "#1B1E23",
        role.Highlight: "#3D7BE0" if dark else "#2F6FD6",
        role.HighlightedText: "#FFFFFF",
        role.Link: "#7FB0FF" if dark else "#1F5FC4",
        role.Mid: "#4A4E56" if dark else "#C9CDD4",
        role.Light: "#3C4047" if dark else "#FFFFFF",
        role.Dark: "#17181B" if dark else "#B4B9C2",
        role.Shadow: "#000000" if dark else "#8A909A",
    }
    palette = QPalette()
    for which, name in plain.items():
        palette.setColor(which, QColor(name))
    faint = QColor("#7C838D" if dark else "#8A909A")
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, faint)
    app.setPalette(palette)
