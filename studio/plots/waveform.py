"""Waveform: lowest and highest sample of every pixel column, or the samples themselves when near enough."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QTimer
from PySide6.QtGui import QColor

from studio.plots.time_plot import TOP_PX, TimePlot
from studio.plots.timeline import Timeline, clock_text
from studio.services import theme

PEAK_BLOCK = 256  # samples behind one stored pair of peaks
LABELS_FROM_PX = 48
Array = npt.NDArray[np.float32]


class AmplitudeAxis(pg.AxisItem):  # type: ignore[misc]
    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """As always, or where labels would lie on each other, the middle alone."""
        if size < LABELS_FROM_PX:
            return [(maxVal - minVal, [0.0])]
        found: list[tuple[float, list[float]]] = super().tickValues(minVal, maxVal, size)
        return found

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{value:g}".replace("-", "−") for value in values]


class WaveformView(TimePlot):
    """The waveform of one recording over a shared timeline."""

    preferred_px = 70

    def __init__(self, timeline: Timeline) -> None:
        self.curve = pg.PlotCurveItem(skipFiniteCheck=True)
        super().__init__(timeline, left_axis=AmplitudeAxis("left"), vertical_zoom=False, over_image=False)
        self.getPlotItem().layout.setContentsMargins(0, TOP_PX, 0, TOP_PX)
        self.getPlotItem().hideAxis("bottom")  # the spectrogram below carries the times
        self._audio: Array = np.zeros(0, np.float32)
        self._peaks: Array = np.zeros((0, 2), np.float32)
        self._rate_hz = 1
        self.addItem(self.curve)
        self._refresh = QTimer(self, singleShot=True, interval=0)
        self._refresh.timeout.connect(self._draw)
        timeline.view_changed.connect(lambda *_: self._refresh.start())
        self.box.sigResized.connect(lambda *_: self._refresh.start())
        self.setAccessibleName(self.tr("Waveform"))
        self.set_audio(self._audio, 1)

    def set_audio(self, audio: Array, rate_hz: int, peaks: Array | None = None) -> None:
        """Show a recording.

        Args:
            audio: float32 (samples,), memory-mapped or not.
            peaks: (blocks, 2), lowest and highest of every 256 samples; measured here if not given.
        """
        self._audio, self._rate_hz = audio, rate_hz
        self._peaks = peaks_of(audio) if peaks is None else np.asarray(peaks)
        loudest = float(np.abs(self._peaks).max(initial=0.0)) or 1.0
        self.box.setYRange(-loudest, loudest, padding=0.05)
        self._refresh.start()

    def describe(self, at: QPointF) -> str:
        index = round(at.x() * self._rate_hz)
        if not 0 <= index < len(self._audio):
            return ""
        value = float(self._audio[index])
        level = f"{20 * np.log10(abs(value)):.1f}".replace("-", "−") if value else "−∞"
        words: str = self.tr("{0}   amplitude {1}   {2} dBFS")
        return words.format(clock_text(at.x(), 3), f"{value:+.4f}".replace("-", "−"), level)

    def style(self, ink: QColor, ground: QColor) -> None:
        self.curve.setPen(self.pen(theme.mixed(ink, ground, 0.7), 1.0))

    def _draw(self) -> None:
        start, stop = (round(edge * self._rate_hz) for edge in self.timeline.view_s)
        columns = max(1, round(self.box.width() * self.devicePixelRatioF()))
        times, values = envelope(self._audio, self._peaks, start, stop, columns)
        self.curve.setData(times / self._rate_hz, values)


def peaks_of(audio: Array) -> Array:
    """Lowest and highest sample of every block of 256, (blocks, 2)."""
    if not len(audio):
        return np.zeros((0, 2), np.float32)
    starts = np.arange(0, len(audio), PEAK_BLOCK)
    return np.stack([np.minimum.reduceat(audio, starts), np.maximum.reduceat(audio, starts)], axis=1)


def envelope(
    audio: Array, peaks: Array, start: int, stop: int, columns: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """What to draw of samples [start, stop) on so many pixel columns.

    Returns:
        sample positions and values of one polyline: a zigzag between lowest and highest of each column, or the
        samples themselves where a column holds fewer than two.
    """
    start, stop = max(0, start - 1), min(len(audio), stop + 2)
    if stop <= start:
        return np.zeros(0), np.zeros(0, np.float32)
    each = (stop - start) / columns
    if each < 2:
        return np.arange(start, stop, dtype=np.float64), np.asarray(audio[start:stop], np.float32)
    # Columns sit on whole multiples of their width, so that the picture does not flicker while it scrolls.
    if each < 2 * PEAK_BLOCK:
        width = int(each)
        first = start // width
        piece = np.asarray(audio[first * width : stop], np.float32)
        edges = np.arange(0, len(piece), width)
        low, high = np.minimum.reduceat(piece, edges), np.maximum.reduceat(piece, edges)
    else:
        blocks = int(each / PEAK_BLOCK)
        width = blocks * PEAK_BLOCK
        first = start // width
        piece = peaks[first * blocks : -(-stop // PEAK_BLOCK)]
        edges = np.arange(0, len(piece), blocks)
        low, high = np.minimum.reduceat(piece[:, 0], edges), np.maximum.reduceat(piece[:, 1], edges)
    middles = (first + np.arange(len(low)) + 0.5) * width
    return np.repeat(middles, 2), np.stack([low, high], axis=1).reshape(-1)
