"""The mel spectrogram as the model sees it: bands upwards, ticks in Hz at their true places."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QTimer
from PySide6.QtGui import QColor

from engine.api import AudioSpec
from studio.widgets.mel_image import MelImage
from studio.widgets.time_plot import TimePlot
from studio.widgets.timeline import Timeline, clock_text

COLOUR_MAPS = ("magma", "viridis", "inferno", "cividis", "grey")
DEFAULT_LEVELS_DB = (-80.0, 0.0)
TICK_APART_PX = 22
# Labels to place, the most telling first; each takes its place only if there is room.
_TICK_TIERS = (
    (100, 200, 500, 1000, 2000, 4000, 8000),
    (300, 700, 1500, 3000, 6000),
    tuple(range(100, 1000, 100)) + tuple(range(1000, 24_001, 500)),
    tuple(range(50, 1000, 50)) + tuple(range(1000, 24_001, 100)),
    tuple(range(10, 1000, 10)) + tuple(range(1000, 24_001, 50)),
)


class HzAxis(pg.AxisItem):  # type: ignore[misc]
    """Labels in Hz on an axis that counts mel bands."""

    def __init__(self) -> None:
        super().__init__("left")
        self.spec = AudioSpec()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """One level of ticks, at least 22 pixels apart."""
        return [(1.0, [row_of_hz(hz, self.spec) for hz in ticks_hz(self.spec, low, high, size)])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [hz_text(round(hz_of_row(value, self.spec))) for value in values]


def row_of_hz(hz: npt.ArrayLike, spec: AudioSpec) -> Any:
    """Band index of a frequency, fractional; as AudioSpec.band_of_hz, and on to the outer edges (-1 and bands)."""
    return np.interp(np.asarray(hz, np.float64), spec.mel_edges_hz(), np.arange(-1, spec.bands + 1))


def hz_of_row(row: float, spec: AudioSpec) -> float:
    """The inverse of `row_of_hz`."""
    return float(np.interp(row, np.arange(-1, spec.bands + 1), spec.mel_edges_hz()))


def ticks_hz(spec: AudioSpec, low: float, high: float, size_px: float) -> list[int]:
    """Round frequencies for the rows low..high on an axis of so many pixels, in rising order."""
    chosen: list[tuple[float, int]] = []
    apart = TICK_APART_PX * (high - low) / max(1.0, size_px)
    for tier in _TICK_TIERS:
        for hz in tier:
            row = float(row_of_hz(hz, spec))
            if low <= row <= high and hz <= spec.high_hz and all(abs(row - other) >= apart for other, _ in chosen):
                chosen.append((row, hz))
        if len(chosen) >= 5:
            break
    return sorted(hz for _, hz in chosen)


def hz_text(hz: float) -> str:
    """500 -> "500 Hz", 2000 -> "2 kHz", 1500 -> "1.5 kHz"."""
    return f"{hz:.0f} Hz" if hz < 1000 else f"{hz / 1000:.5g} kHz"


class SpectrogramView(TimePlot):
    """The mel spectrogram of one recording over a shared timeline, with its F0."""

    def __init__(self, timeline: Timeline) -> None:
        self._hz_axis = HzAxis()
        self._image = pg.ImageItem(axisOrder="row-major")
        self._f0_curve = pg.PlotCurveItem(connect="finite")
        super().__init__(timeline, left_axis=self._hz_axis, vertical_zoom=True, over_image=True)
        self.spec = AudioSpec()
        self._mel: MelImage | None = None
        self._f0: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._f0_rows: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._levels = DEFAULT_LEVELS_DB
        self.addItem(self._image)
        self.addItem(self._f0_curve, ignoreBounds=True)
        self._f0_curve.setZValue(5)
        self._refresh = QTimer(self, singleShot=True, interval=0)
        self._refresh.timeout.connect(self._draw)
        timeline.view_changed.connect(lambda *_: self._refresh.start())
        self.box.sigResized.connect(lambda *_: self._refresh.start())
        self.set_colour_map(COLOUR_MAPS[0])
        self.setAccessibleName(self.tr("Mel spectrogram"))
        self._fit_bands()

    # ------------------------------------------------------------------ content
    def set_mel(self, mel: npt.NDArray[Any] | None, spec: AudioSpec) -> None:
        """Show a log-mel (frames, bands), natural-log amplitude; None shows nothing."""
        self.spec = self._hz_axis.spec = spec
        self._mel = None if mel is None or not len(mel) else MelImage(mel)
        self._image.setVisible(self._mel is not None)
        self.set_f0(None)
        self._fit_bands()
        self._refresh.start()

    def set_f0(self, f0_hz: npt.NDArray[np.float32] | None) -> None:
        """Draw a pitch line: (frames,) Hz, NaN where unvoiced; None draws none."""
        self._f0 = np.zeros(0, np.float32) if f0_hz is None else np.asarray(f0_hz, np.float32)
        self._f0_rows = np.asarray(row_of_hz(self._f0, self.spec), np.float32)
        self._f0_rows[~np.isfinite(self._f0)] = np.nan
        self._refresh.start()

    def show_f0(self, shown: bool) -> None:
        self._f0_curve.setVisible(shown)

    # ------------------------------------------------------------------ look
    def set_levels(self, low_db: float, high_db: float) -> None:
        self._levels = (low_db, high_db)
        self._image.setLevels(self._levels)

    def set_colour_map(self, name: str) -> npt.NDArray[np.uint8]:
        """One of COLOUR_MAPS; returns its table (256, 3), from low to high."""
        # Phoneticians read grey spectrograms as ink on paper: dark is loud.
        table = pg.colormap.get("CET-L1" if name == "grey" else name).getLookupTable(nPts=256, alpha=False)
        table = np.ascontiguousarray(table[::-1] if name == "grey" else table)
        self._image.setLookupTable(table)
        return table

    def fit(self) -> None:
        """All of the time and all of the bands."""
        self.timeline.fit()
        self._fit_bands()

    def describe(self, place: QPointF) -> str:
        frame = round(place.x() * self.spec.frames_per_second)
        band = round(place.y())
        if self._mel is None or not 0 <= frame < len(self._mel.mel) or not -1 <= place.y() <= self.spec.bands:
            return ""
        band = min(max(band, 0), self.spec.bands - 1)
        words: str = self.tr("{0}   {1} Hz   band {2}   {3} dB").format(
            clock_text(place.x(), 3),
            f"{hz_of_row(place.y(), self.spec):,.0f}".replace(",", "\u202f"),
            band,
            f"{self._mel.db(frame, band):.1f}".replace("-", "−"),
        )
        if frame < len(self._f0) and np.isfinite(self._f0[frame]):
            words += self.tr("   F0 {0} Hz").format(f"{self._f0[frame]:.0f}")
        return words

    # ------------------------------------------------------------------ drawing
    def style(self, ink: QColor, ground: QColor) -> None:
        self._f0_curve.setPen(self.pen(QColor("#5fe3ff"), 1.8))
        self._f0_curve.setShadowPen(self.pen(QColor(0, 0, 0, 190), 4.0))

    def _fit_bands(self) -> None:
        self.box.setLimits(yMin=-1, yMax=self.spec.bands, minYRange=4)
        self.box.setYRange(-1, self.spec.bands, padding=0)

    def _draw(self) -> None:
        if self._mel is None:
            self._f0_curve.setData([], [])
            return
        rate = self.spec.frames_per_second
        start, stop = self.timeline.view_s
        first, last = int(start * rate) - 1, int(stop * rate) + 2
        columns = max(1, round(self.box.width() * self.devicePixelRatioF()))
        picture, at, each = self._mel.columns(first, last, columns)
        self._image.setImage(picture, levels=self._levels, autoLevels=False)
        # Frame i is centred on i / rate: its cell reaches half a frame to either side.
        self._image.setRect((at - 0.5) / rate, -0.5, picture.shape[1] * each / rate, self.spec.bands)
        first, last = max(0, first), min(len(self._f0_rows), last)
        step = max(1, (last - first) // (2 * columns))
        frames = np.arange(first, last, step)
        self._f0_curve.setData(frames / rate, self._f0_rows[first:last:step])
