"""Colours for how a second is said: arousal and valence at once, or distance from a chosen second.

Arousal is lightness (calm = dark, excited = light), valence runs from blue (unpleasant) over grey to orange
(pleasant). Blue and orange stay apart in every colour vision, and lightness is seen by all (Okabe and Ito 2008).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtGui import QColor, QImage

Floats = npt.NDArray[np.floating]

UNPLEASANT = np.array((0, 114, 178), np.float64)
NEUTRAL = np.array((125, 125, 125), np.float64)
PLEASANT = np.array((214, 130, 0), np.float64)
CALM, EXCITED = 0.45, 0.55  # how much of a colour is left towards black, how much white is added
DISTANCE_MAP = "viridis"


def of_affect(arousal: float, valence: float) -> QColor:
    """arousal 0..1, valence -1..1; what is beyond is drawn as the end of the scale."""
    a, v = min(max(arousal, 0.0), 1.0), min(max(valence, -1.0), 1.0)
    hue = NEUTRAL + abs(v) * ((PLEASANT if v > 0 else UNPLEASANT) - NEUTRAL)
    rgb = hue * (CALM + 2 * a * (1 - CALM)) if a < 0.5 else hue + (2 * a - 1) * EXCITED * (255 - hue)
    return QColor(*(round(float(part)) for part in rgb))


def affect_key(side: int = 32) -> QImage:
    """The key: valence to the right, arousal upwards."""
    image = QImage(side, side, QImage.Format.Format_RGB32)
    for y in range(side):
        for x in range(side):
            image.setPixelColor(x, y, of_affect(1 - y / (side - 1), 2 * x / (side - 1) - 1))
    return image


def of_distance(share: float) -> QColor:
    """0 = like the chosen second, 1 = the most unlike of the recording."""
    rgb = pg.colormap.get(DISTANCE_MAP).map(min(max(share, 0.0), 1.0), mode="byte")
    return QColor(*(int(part) for part in rgb[:3]))


def distance_key(length: int = 64) -> QImage:
    """From alike to unlike, one pixel high."""
    image = QImage(length, 1, QImage.Format.Format_RGB32)
    for x in range(length):
        image.setPixelColor(x, 0, of_distance(x / (length - 1)))
    return image


def distances(m: Floats, chosen: Floats) -> Floats:
    """Cosine distance (0 = one direction, 2 = opposite) of each second's m (seconds, latent) from one (latent,)."""
    length = np.linalg.norm(m, axis=1) * max(float(np.linalg.norm(chosen)), 1e-9)
    return np.asarray(1.0 - (m @ chosen) / np.maximum(length, 1e-9))


def ink_on(ground: QColor) -> QColor:
    """Black or white, whichever is read better (WCAG 2.1 relative luminance)."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else float(((part + 0.055) / 1.055) ** 2.4)

    luminance = 0.2126 * linear(ground.redF()) + 0.7152 * linear(ground.greenF()) + 0.0722 * linear(ground.blueF())
    return QColor("#000000") if luminance > 0.179 else QColor("#ffffff")
