"""Theme of the studio: spacing, colours that follow the system's light or dark, icons tinted to the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QObject, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from studio.services import paths

SMALL = 4  # between things that belong together, in device-independent pixels
SPACE = 8  # between things
LARGE = 16  # round things that stand alone
ICON = 20
SCHEMES = ("system", "light", "dark")
_CHOSEN = "triptychColourScheme"

# Okabe and Ito (2008), readable with every colour vision; black and yellow left out, as they vanish on one theme.
_SAFE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
_SAFE_DARK = ("#4C9BE8", "#E69F00", "#2BB98F", "#DD9BBF", "#F07A3C", "#8CCBF2")

_MEANINGS = {  # accent, error, warning, good; by whether it is dark
    False: ("#0b57c2", "#b3261e", "#835200", "#186c3a"),
    True: ("#7db7ff", "#ff8f87", "#f0b54a", "#6fce93"),
}
# What has such a foreground role follows a change of the scheme by itself. Nothing else here is drawn in this role.
ERROR = QPalette.ColorRole.BrightText


@dataclass(frozen=True)
class Colours:
    """Colours with a meaning; text colours have a contrast of at least 4.5:1 on the window's background."""

    text: QColor
    muted: QColor
    accent: QColor
    error: QColor
    warning: QColor
    good: QColor
    line: QColor


def is_dark() -> bool:
    """Whether the program is drawn light on dark.

    No widget is asked: when the scheme changes, those inside of another one learn of it after that one.
    """
    return QApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128


def colours() -> Colours:
    """The colours of now; ask again on a palette change."""
    palette = QApplication.palette()
    text = palette.color(QPalette.ColorRole.WindowText)
    window = palette.color(QPalette.ColorRole.Window)
    muted, line = mixed(text, window, 0.68), mixed(text, window, 0.2)
    accent, error, warning, good = (QColor(name) for name in _MEANINGS[is_dark()])
    return Colours(text, muted, accent, error, warning, good, line)


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """`share` of the first colour, the rest of the second."""
    parts = zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)  # type: ignore[index]
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


def warning_colours(level: str, *, dark: bool) -> tuple[QColor, QColor]:
    """Background and text of a banner; every pair has a contrast above 4.5 to 1."""
    pairs = {
        "info": ("#E3EDFB", "#12305C", "#1D2F4A", "#D6E4FA"),
        "warning": ("#FBF0D0", "#553C00", "#463710", "#F8E7B5"),
        "error": ("#FBE0DE", "#6B1410", "#4E1F1C", "#FBD5D2"),
    }[level]
    return (QColor(pairs[2]), QColor(pairs[3])) if dark else (QColor(pairs[0]), QColor(pairs[1]))


_SIZES = (16, 20, 24, 32, 40, 48, 64)


class _MadeIcons(QObject):
    """Names of the icons made here, by their cache key, which copies share; kept by the program's QApplication."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.names: dict[int, str] = {}


def _made_icons() -> _MadeIcons:
    app = QApplication.instance()
    assert app is not None
    return app.findChild(_MadeIcons) or _MadeIcons(app)


def icon(name: str, widget: QWidget | None = None) -> QIcon:
    """An icon of resources/icons by its name, tinted to the text colour; `restyle` tints it anew.

    Made of pixmaps: an icon engine written in Python dies with its first clone, as PySide does not keep that alive.

    Args:
        widget: whose palette counts, if not the program's.
    """
    palette = widget.palette() if widget is not None else QApplication.palette()
    text, chosen = QPalette.ColorRole.WindowText, QPalette.ColorRole.HighlightedText
    made = _icon(
        name,
        palette.color(QPalette.ColorGroup.Active, text).name(),
        palette.color(QPalette.ColorGroup.Disabled, text).name(),
        palette.color(QPalette.ColorGroup.Active, chosen).name(),
    )
    _made_icons().names[made.cacheKey()] = name
    return made


@cache
def _icon(name: str, normal: str, disabled: str, selected: str) -> QIcon:
    made = QIcon()
    for mode, colour in (
        (QIcon.Mode.Normal, normal),
        (QIcon.Mode.Disabled, disabled),
        (QIcon.Mode.Selected, selected),
    ):
        for size in _SIZES:
            made.addPixmap(coloured(name, QColor(colour), size, 1.0), mode)
    return made


def _tint_again() -> None:
    """Give every button and command the icon it has, and every style sheet its look, in the colours of now."""
    names = _made_icons().names
    for widget in QApplication.allWidgets():
        holders: list[QAction | QAbstractButton] = list(widget.actions())
        if isinstance(widget, QAbstractButton):
            holders.append(widget)
        for holder in holders:
            if (name := names.get(holder.icon().cacheKey())) is not None:
                holder.setIcon(icon(name))
        if widget.styleSheet():  # a style sheet keeps the colours of when it was set
            widget.setStyleSheet(widget.styleSheet())


def coloured(name: str, colour: QColor, size: int = ICON, ratio: float = 2.0) -> QPixmap:
    """An icon as a square pixmap in one colour, `size` device-independent pixels wide."""
    pixmap = QPixmap(QSize(size, size) * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    _renderer(name).render(painter, QRectF(pixmap.rect()))
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), colour)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@cache
def _renderer(name: str) -> QSvgRenderer:
    return QSvgRenderer(str(paths.resources_dir() / "icons" / f"{name}.svg"))


def icon_names() -> Sequence[str]:
    return sorted(path.stem for path in (paths.resources_dir() / "icons").glob("*.svg"))


def tighten(*buttons: QAbstractButton) -> None:
    """Let buttons be as narrow as their words; by itself the style makes none narrower than 80 pixels."""
    for button in buttons:
        words = button.fontMetrics().horizontalAdvance(button.text().replace("&", ""))
        button.setMinimumWidth(words + (0 if button.icon().isNull() else button.iconSize().width()) + 2 * SPACE)


def apply(app: QApplication) -> None:
    """Fusion with our accent; its palette follows the system's colour scheme, unless one is chosen."""
    app.setStyle("Fusion")
    restyle(app)
    app.styleHints().colorSchemeChanged.connect(lambda _scheme: restyle(app))


def choose(app: QApplication, scheme: str) -> None:
    """One of SCHEMES: "system" follows what the system has, now and when it changes."""
    app.setProperty(_CHOSEN, scheme if scheme in SCHEMES else SCHEMES[0])
    hint = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(scheme, Qt.ColorScheme.Unknown)
    app.styleHints().setColorScheme(hint)  # frames and the system's own dialogs follow, where they can
    restyle(app)


def restyle(app: QApplication, *, dark: bool | None = None) -> None:
    """Light or dark as asked, else as chosen, else as the system has it now."""
    chosen = app.property(_CHOSEN)
    if dark is None and chosen in ("light", "dark"):
        dark = chosen == "dark"
    if dark is None:
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
        ERROR: _MEANINGS[dark][1],
        role.ToolTipBase: "#3A3E45" if dark else "#FFFFFF",
        role.ToolTipText: "#F0F1F3" if dark else "#1B1E23",
        role.Highlight: "#3570D4" if dark else "#2F6FD6",
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
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(plain[role.Mid]))
    app.setPalette(palette)
    # Fusion takes the outline of their boxes from the window behind them, and none is seen on a dark one.
    outlined = QPalette(palette)
    outlined.setColor(role.Window, QColor("#B4BAC4" if dark else "#A8ADB6"))
    for kind in ("QCheckBox", "QRadioButton"):
        app.setPalette(outlined, kind)  # type: ignore[arg-type]  # PySide's own stub wants bytes, PySide a str
    _tint_again()
