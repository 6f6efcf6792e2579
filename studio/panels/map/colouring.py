"""Which colour and shape each point of a map gets: classes of a label, or a scale of numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor

from engine.api import MapPoints
from studio.domain.clip import Clip
from studio.panels.map.points.point_table import FRAMES_A_SECOND, PointTable
from studio.plots.scatter.point_cloud import Mark
from studio.services import theme
from studio.services.natural_sort import natural

USUAL_LABELS = ("speaker", "gender", "emotion")
F0 = "F0"
DURATION = "duration"
TIME = "time"
LONGEST_CLASS = 40  # letters
# A label of so many different numbers is a measure; fewer are names (speaker 1, 2, 3), unless they have a fraction.
FEWEST_MEASURES = 25
STEPS = 64  # colours of a scale
# From dark blue to yellow; its ends differ in lightness, so it can be read without colour vision.
SCALE = "viridis"
# Six safe colours, then the same in other shapes: what colour alone cannot distinguish, shape does.
SYMBOLS = ("o", "s", "t1", "d", "t", "p", "star", "+")
UNKNOWN = QColor(128, 128, 128)


@dataclass(frozen=True)
class Colouring:
    """index[i] says which mark point i has. Classes have names and counts; a scale has its ends."""

    index: npt.NDArray[np.intp]
    marks: list[Mark]
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
    return [*USUAL_LABELS, *own, F0, DURATION, *([TIME] if latent != "h" else [])]


def colouring(points: MapPoints | PointTable, clips: Mapping[str, Clip], by: str, *, dark: bool) -> Colouring:
    """Colours of a map's points by a label's name, F0 (median of the clip), DURATION or TIME (within the clip)."""
    table = points if isinstance(points, PointTable) else PointTable(points)
    values, form = _values(table, clips, by)
    if form is not None:
        return _scale(np.asarray(values, float), form, log=by == F0)
    return _classes(table, [str(value) for value in values], dark)


def texts(table: PointTable, clips: Mapping[str, Clip], by: str) -> tuple[str, ...]:
    """What each point is coloured by, as a figure takes it: its class, or its number with a decimal point."""
    values, form = _values(table, clips, by)
    if form is None:
        return tuple(str(values[row]) for row in table.row)
    numbers = np.asarray(values, float).tolist()
    return tuple("" if math.isnan(number) else f"{number:.4f}" for number in numbers)


def _values(
    table: PointTable, clips: Mapping[str, Clip], by: str
) -> tuple[list[str], None] | tuple[npt.NDArray[np.float64], str]:
    """Classes, one a clip; or numbers, one a point, and how to write them."""
    known = [clips.get(clip) for clip in table.clips]
    if by == TIME:
        return table.index / (FRAMES_A_SECOND if table.latent == "z" else 1.0), "{:.0f} s"
    if by in (F0, DURATION):
        found = [None if c is None else c.f0_median_hz if by == F0 else c.duration_s for c in known]
        form = "{:.0f} Hz" if by == F0 else "{:.1f} s"
        return _by_point(table, np.array([np.nan if value is None else value for value in found], float)), form
    values = [clip.labels.get(by, "") if clip else "" for clip in known]
    if by not in USUAL_LABELS and (measured := _measures(values)) is not None:
        return _by_point(table, measured), "{:.3g}"
    return values, None


def _by_point(table: PointTable, by_clip: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return by_clip[table.row] if len(table) else np.zeros(0)


def class_marks(count: int, *, dark: bool) -> list[Mark]:
    """`count` looks, no two alike: the first 48 in safe colours, then in any, all shapes going round."""
    safe = theme.label_colours(6, dark=dark)
    many = theme.label_colours(max(6, count), dark=dark)
    own = len(safe) * len(SYMBOLS)
    return [
        Mark(safe[i % len(safe)] if i < own else many[i], SYMBOLS[(i // len(safe)) % len(SYMBOLS)])
        for i in range(count)
    ]


def _classes(table: PointTable, values: list[str], dark: bool) -> Colouring:
    weight = np.bincount(table.row, minlength=len(values)) if values else np.zeros(0, np.intp)
    count_of: Counter[str] = Counter()
    for value, number in zip(values, weight.tolist(), strict=True):
        count_of[value] += number
    unknown = count_of.pop("", 0)
    names = sorted(count_of, key=natural)
    row = {name: i for i, name in enumerate(names)} | {"": len(names)}
    marks = class_marks(len(names), dark=dark)
    counts = [count_of[name] for name in names]
    if unknown:
        names = [*names, _tr("not given")]
        counts.append(unknown)
        marks = [*marks, Mark(UNKNOWN)]
    of_clip = np.array([row[value] for value in values], np.intp)
    index = of_clip[table.row] if len(table.row) else np.zeros(0, np.intp)
    return Colouring(index, marks, names, counts)


def _measures(values: list[str]) -> npt.NDArray[np.float64] | None:
    """Numbers, if that is what a label holds; "" is an unknown one."""
    labelled = [value for value in values if value]
    if not labelled:
        return None
    try:
        numbers = [float(value) for value in labelled]
    except ValueError:
        return None
    if not all(map(math.isfinite, numbers)):
        return None
    fractions = any(not number.is_integer() for number in numbers)
    if not fractions and len(set(numbers)) < FEWEST_MEASURES:
        return None
    return np.array([float(value) if value else np.nan for value in values])


def _scale(values: npt.NDArray[np.float64], form: str, *, log: bool) -> Colouring:
    """Unknown values (NaN) become grey."""
    table = pg.colormap.get(SCALE).getLookupTable(0.0, 1.0, STEPS)
    marks = [*(Mark(QColor(*(int(v) for v in row[:3]))) for row in table), Mark(UNKNOWN)]
    known = values[np.isfinite(values)]
    if not len(known):
        return Colouring(np.full(len(values), STEPS, np.intp), marks, ends=("–", "–"))
    low, high = float(known.min()), float(known.max())
    warp = np.log if log and low > 0 else np.asarray  # pitch is perceived in ratios
    span = float(warp(high) - warp(low)) or 1.0
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num((warp(values) - warp(low)) / span)
    index = np.where(np.isfinite(values), np.rint(share * (STEPS - 1)), STEPS).astype(np.intp)
    return Colouring(index, marks, ends=(form.format(low), form.format(high)))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Colouring", text)
