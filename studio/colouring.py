"""Which colour each point of a map gets: classes of a label, or a scale of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor

from engine.api import MapPoints
from studio import theme
from studio.session import Clip

USUAL_LABELS = ("speaker", "gender", "emotion")
F0 = "F0"
TIME = "time"
LONGEST_CLASS = 40  # letters
STEPS = 64  # colours of a scale
# From dark blue to yellow; its ends differ in lightness, so it can be read without colour vision.
SCALE = "viridis"
FRAMES_PER_SECOND = 64.0


@dataclass(frozen=True)
class Colouring:
    """index[i] is point i's place in the palette. Classes have names and counts; a scale has its ends."""

    index: npt.NDArray[np.intp]
    palette: list[QColor]
    names: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    ends: tuple[str, str] | None = None


def choices(clips: Mapping[str, Clip], latent: str) -> list[str]:
    """What points can be coloured by: the usual labels, every other label in use, then the numbers."""
    found: set[str] = set()
    prose: set[str] = set()  # a transcript has no classes
    for clip in clips.values():
        for name, value in clip.labels.items():
            (prose if len(value) > LONGEST_CLASS else found).add(name)
    own = sorted(found - prose - set(USUAL_LABELS), key=str.casefold)
    return [*USUAL_LABELS, *own, F0, *([TIME] if latent != "h" else [])]


def colouring(points: MapPoints, clips: Mapping[str, Clip], by: str, *, dark: bool) -> Colouring:
    """Colours of a map's points by a label's name, F0 (the clip's median) or TIME (place within the clip)."""
    if by == F0:
        f0 = [clips[i].f0_median_hz if i in clips else None for i in points.ids]
        return _scale(np.array([np.nan if v is None else v for v in f0], float), "{:.0f} Hz", log=True)
    if by == TIME:
        seconds = points.index / (FRAMES_PER_SECOND if points.latent == "z" else 1.0)
        return _scale(np.asarray(seconds, float), "{:.0f} s", log=False)
    values = [clips[i].labels.get(by, "") if i in clips else "" for i in points.ids]
    counted = Counter(values)
    unknown = counted.pop("", 0)
    names = sorted(counted, key=_natural)
    place = {name: i for i, name in enumerate(names)} | {"": len(names)}
    palette = theme.label_colours(len(names), dark=dark)
    counts = [counted[name] for name in names]
    if unknown:
        names.append(_tr("not given"))
        counts.append(unknown)
        palette = [*palette, QColor(128, 128, 128)]
    return Colouring(np.array([place[value] for value in values], np.intp), palette, names, counts)


def _scale(values: npt.NDArray[np.float64], form: str, *, log: bool) -> Colouring:
    """Unknown values (NaN) become grey."""
    table = pg.colormap.get(SCALE).getLookupTable(0.0, 1.0, STEPS)
    palette = [QColor(*(int(v) for v in row[:3])) for row in table]
    known = values[np.isfinite(values)]
    if not len(known):
        return Colouring(np.full(len(values), STEPS, np.intp), [*palette, QColor(128, 128, 128)], ends=("–", "–"))
    low, high = float(known.min()), float(known.max())
    warp = np.log if log else np.asarray  # pitch is heard in ratios
    span = float(warp(high) - warp(low)) or 1.0
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num((warp(values) - warp(low)) / span)
    index = np.where(np.isfinite(values), np.rint(share * (STEPS - 1)), STEPS).astype(np.intp)
    return Colouring(index, [*palette, QColor(128, 128, 128)], ends=(form.format(low), form.format(high)))


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """speaker 9 before speaker 10."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for letter in [*name.casefold(), ""]:
        if letter.isdecimal():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, letter))
    return tuple(parts)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Colouring", text)
