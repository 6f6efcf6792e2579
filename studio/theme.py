"""How the studio looks: spacing, colours that follow the system's light or dark, icons tinted to the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget

from studio import paths

SMALL = 4  # between things that belong together, in device-independent pixels
SPACE = 8  # between things
LARGE = 16  # round things that stand alone
ICON = 20

# Okabe and Ito (2008), readable with every colour vision; black and yellow left out, as they vanish on one theme.
_SAFE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
_SAFE_DARK = ("#4C9BE8", "#E69F00", "#2BB98F", "#DD9BBF", "#F07A3C", "#8CCBF2")


@dataclass(frozen=True)
class Colours:
    """Colours with a meaning; text colours have a contrast of at least 4.5:1 on the window's background."""

    text: QColor
    muted: QColor
    accent: QColor
    error: QColor
    warning: QColor
    good: QColor
    error_fill: QColor  # backgrounds of banners, for `text`
    warning_fill: QColor
    info_fill: QColor
    line: QColor


def is_dark(widget: QWidget | None = None) -> bool:
    """Whether a widget (the program) is drawn light on dark."""
    palette = widget.palette() if widget is not None else QApplication.palette()
    return palette.color(QPalette.ColorRole.Window).lightness() < 128


def colours(widget: QWidget | None = None) -> Colours:
    """The colours for a widget as its palette is now; ask again on a palette change."""
    palette = widget.palette() if widget is not None else QApplication.palette()
    text = palette.color(QPalette.ColorRole.WindowText)
    window = palette.color(QPalette.ColorRole.Window)
    muted, line = mixed(text, window, 0.68), mixed(text, window, 0.2)
    if is_dark(widget):
        named = ("#7db7ff", "#ff8f87", "#f0b54a", "#6fce93", "#532c2b", "#4d3d1c", "#243a55")
    else:
        named = ("#0b57c2", "#b3261e", "#835200", "#186c3a", "#fbdcd9", "#fdeec8", "#dde9fb")
    accent, error, warning, good, error_fill, warning_fill, info_fill = (QColor(name) for name in named)
    return Colours(text, muted, accent, error, warning, good, error_fill, warning_fill, info_fill, line)


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """`share` of the first colour, the rest of the second."""
    parts = zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)  # type: ignore[call-overload,index,misc]
    return QColor(*(round(share * a + (1 - share) * b) for a, b in parts))


def label_colours(count: int, *, dark: bool) -> list[QColor]:
    """`count` different colours for classes, the first six safe for every colour vision.

    Beyond them hues go round by the golden angle while lightness alternates, so that no number of classes repeats.
    """
    safe = _SAFE_DARK if dark else _SAFE
    found = [QColor(name) for name in safe[:count]]
    seen = {colour.rgb() for colour in found}
    step = 0
    while len(found) < count:
        hue = (step * 0.618033988749895 + 0.03) % 1.0
        lightness = (0.62, 0.74, 0.54)[step % 3] if dark else (0.40, 0.52, 0.32)[step % 3]
        saturation = (0.75, 0.5, 0.95)[(step // 3) % 3]
        colour = QColor.fromHslF(hue, saturation, lightness)
        if colour.rgb() not in seen:
            seen.add(colour.rgb())
            found.append(colour)
        step += 1
    return found


# ---------------------------------------------------------------------------------------------- icons
class _Tinted(QIconEngine):
    """An SVG drawn in the palette's text colour of the moment, sharp at any size and scale."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def paint(self, painter: QPainter, rect, mode: QIcon.Mode, state: QIcon.State) -> None:  # type: ignore[no-untyped-def]
        group = QPalette.ColorGroup.Disabled if mode == QIcon.Mode.Disabled else QPalette.ColorGroup.Active
        role = QPalette.ColorRole.HighlightedText if mode == QIcon.Mode.Selected else QPalette.ColorRole.WindowText
        colour = QApplication.palette().color(group, role)
        _renderer(self._name, colour.name()).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _Tinted(self._name)


def icon(name: str, widget: QWidget | None = None) -> QIcon:
    """An icon of resources/icons by its name, tinted to the text colour; it follows the theme by itself.

    widget: whose theme counts; kept for callers that tint by hand.
    """
    del widget  # the engine asks the palette whenever it paints
    return QIcon(_Tinted(name))


def coloured(name: str, colour: QColor, size: int = ICON, ratio: float = 2.0) -> QPixmap:
    """An icon in a colour with a meaning (an error, a success)."""
    pixmap = QPixmap(QSize(size, size) * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    _renderer(name, colour.name()).render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    source = (paths.resources_dir() / "icons" / f"{name}.svg").read_text("utf-8")
    return QSvgRenderer(QByteArray(source.replace("currentColor", colour).encode()))


def icon_names() -> Sequence[str]:
    return sorted(path.stem for path in (paths.resources_dir() / "icons").glob("*.svg"))
