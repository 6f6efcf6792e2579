"""Frequency axes: the Hz of every row of a picture, the ticks, and the nearest note."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication

from engine.api import AudioSpec

TICK_APART_PX = 22
CONCERT_PITCH_HZ = 440.0  # A4
NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
# Labels in order of importance; each is drawn only if there is room.
_MEL_TIERS = (
    (100, 200, 500, 1000, 2000, 4000, 8000),
    (300, 700, 1500, 3000, 6000),
    tuple(range(100, 1000, 100)) + tuple(range(1000, 24_001, 500)),
    tuple(range(50, 1000, 50)) + tuple(range(1000, 24_001, 100)),
    tuple(range(10, 1000, 10)) + tuple(range(1000, 24_001, 50)),
)
_STEPS_HZ = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class FrequencyScale(Protocol):
    """The vertical axis of a picture.

    rows: how many there are; row i is drawn from i - 0.5 to i + 0.5. span: lowest and highest row shown.
    """

    rows: int
    span: tuple[float, float]

    def row_of_hz(self, hz: npt.ArrayLike) -> Any:
        """Fractional row of a frequency."""

    def hz_of_row(self, row: float) -> float:
        """The inverse."""

    def ticks_hz(self, low: float, high: float, size_px: float) -> list[int]:
        """Round frequencies for the rows low..high on an axis of so many pixels, in rising order."""

    def row_text(self, row: int) -> str:
        """What the readout says of a row beside its frequency; may be empty."""


class MelScale:
    """The model's bands; ticks stand at their true positions among the band centres."""

    def __init__(self, spec: AudioSpec) -> None:
        self.rows = spec.bands
        self.span = (-1.0, float(spec.bands))
        self._edges_hz = spec.mel_edges_hz()
        self._edge_rows = np.arange(-1, spec.bands + 1)
        self._highest_hz = spec.high_hz

    def row_of_hz(self, hz: npt.ArrayLike) -> Any:
        """As AudioSpec.band_of_hz, and on to the outer edges (-1 and bands)."""
        return np.interp(np.asarray(hz, np.float64), self._edges_hz, self._edge_rows)

    def hz_of_row(self, row: float) -> float:
        return float(np.interp(row, self._edge_rows, self._edges_hz))

    def ticks_hz(self, low: float, high: float, size_px: float) -> list[int]:
        chosen: list[tuple[float, int]] = []
        apart = TICK_APART_PX * (high - low) / max(1.0, size_px)
        for tier in _MEL_TIERS:
            self._add_ticks(tier, low, high, apart, chosen)
            if len(chosen) >= 5:
                break
        return sorted(hz for _, hz in chosen)

    def row_text(self, row: int) -> str:
        return QCoreApplication.translate("MelScale", "band {0}").format(row)

    def _add_ticks(
        self, tier: Iterable[int], low: float, high: float, apart: float, chosen: list[tuple[float, int]]
    ) -> None:
        for hz in tier:
            row = float(self.row_of_hz(hz))
            there = low <= row <= high and hz <= self._highest_hz
            if there and all(abs(row - other) >= apart for other, _ in chosen):
                chosen.append((row, hz))


class LinearScale:
    """The bins of the Fourier transform: equal steps in Hz from 0 to half the rate."""

    def __init__(self, spec: AudioSpec) -> None:
        self.rows = spec.bins
        self.span = (-0.5, spec.bins - 0.5)
        self._bin_hz = spec.rate_hz / spec.n_fft

    def row_of_hz(self, hz: npt.ArrayLike) -> Any:
        return np.asarray(hz, np.float64) / self._bin_hz

    def hz_of_row(self, row: float) -> float:
        return float(np.clip(row, 0, self.rows - 1)) * self._bin_hz

    def ticks_hz(self, low: float, high: float, size_px: float) -> list[int]:
        first, last = self.hz_of_row(low), self.hz_of_row(high)
        apart = TICK_APART_PX * (last - first) / max(1.0, size_px)
        step = next((step for step in _STEPS_HZ if step >= apart), _STEPS_HZ[-1])
        return list(range(math.ceil(first / step) * step, math.floor(last) + 1, step))

    def row_text(self, row: int) -> str:
        return ""


class HzAxis(pg.AxisItem):  # type: ignore[misc]
    """Labels in Hz on an axis that counts rows."""

    def __init__(self, scale: FrequencyScale) -> None:
        super().__init__("left")
        self.frequencies = scale

    def set_frequencies(self, scale: FrequencyScale) -> None:
        self.frequencies = scale
        self.picture = None  # drawn anew
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """One level of ticks, at least 22 pixels apart."""
        rows: Sequence[float] = [
            float(self.frequencies.row_of_hz(hz)) for hz in self.frequencies.ticks_hz(low, high, size)
        ]
        return [(1.0, list(rows))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [hz_text(round(self.frequencies.hz_of_row(value))) for value in values]


def hz_text(hz: float) -> str:
    """500 -> "500 Hz", 2000 -> "2 kHz", 1500 -> "1.5 kHz"."""
    return f"{hz:.0f} Hz" if hz < 1000 else f"{hz / 1000:.5g} kHz"


def note_text(hz: float) -> str:
    """The nearest note of equal temperament (A4 = 440 Hz) and the way to it: 446 -> "A4 +23 ct"; none below C0."""
    if hz < 16.0:
        return ""
    semitones = 69 + 12 * math.log2(hz / CONCERT_PITCH_HZ)
    nearest = round(semitones)
    cents = round(100 * (semitones - nearest))
    name = f"{NOTES[nearest % 12]}{nearest // 12 - 1}"
    return name if cents == 0 else f"{name} {cents:+d} ct".replace("-", "−")
