"""Spectrogram over the shared timeline: mel bands as the model sees them, linear, or the difference of two."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from engine.api import AudioSpec
from studio.plots.frequency import FrequencyScale, HzAxis, MelScale, note_text
from studio.plots.mel_image import LevelImage, MelImage
from studio.plots.time_plot import TimePlot
from studio.plots.timeline import Timeline, clock_text
from studio.services import theme

COLOUR_MAPS = ("magma", "viridis", "inferno", "cividis", "grey")  # all even steps in lightness
# Blue is less, yellow is more, for every colour vision; the middle is the theme's ground.
DIFFERENCE_MAPS = {"light": "CET-CBD1", "dark": "CET-D6"}
DEFAULT_LEVELS_DB = (-80.0, 0.0)
INTENSITY_DB = (-80.0, 0.0)  # bottom and top of the plot for the intensity's line
NOW, BEFORE, INTENSITY = QColor("#5fe3ff"), QColor("#ffd166"), QColor("#ffffff")
SHADOW = QColor(0, 0, 0, 170)
OVER_IMAGE = "background: rgba(0, 0, 0, 165); color: white; border-radius: 3px; padding: 2px 6px;"
Track = npt.NDArray[np.float32]
NO_TRACK: Track = np.zeros(0, np.float32)


class SpectrogramView(TimePlot):
    """One picture over a shared timeline, with pitch before and after, and intensity."""

    def __init__(self, timeline: Timeline) -> None:
        self.scale: FrequencyScale = MelScale(AudioSpec())
        self._hz_axis = HzAxis(self.scale)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._before_curve = pg.PlotCurveItem(connect="finite")
        self._f0_curve = pg.PlotCurveItem(connect="finite")
        self.intensity_curve = pg.PlotCurveItem(connect="finite")
        self._unsigned = True  # levels; a difference is written with its sign
        self._colour_map = COLOUR_MAPS[0]
        super().__init__(timeline, left_axis=self._hz_axis, vertical_zoom=True, over_image=True)
        self._frames_per_second = AudioSpec().frames_per_second
        self.picture: LevelImage | None = None
        self.f0_hz = self.before_hz = self._intensity = NO_TRACK
        self._shown = {"f0": True, "intensity": False}
        self._levels = DEFAULT_LEVELS_DB
        self.addItem(self._image)
        for curve, height in ((self.intensity_curve, 4), (self._before_curve, 5), (self._f0_curve, 6)):
            self.addItem(curve, ignoreBounds=True)
            curve.setZValue(height)
            # Line by line, which looks the same: Qt takes ten times as long to stroke one long path.
            curve.setSegmentedLineMode("on")
        self._key = QLabel(self)
        self._key.setObjectName("trackKey")
        self._words = QLabel(self)  # instead of a picture that is still computed
        self._words.setObjectName("pictureWords")
        for label in (self._key, self._words):
            label.setStyleSheet(OVER_IMAGE)
            label.hide()
        self._refresh = QTimer(self, singleShot=True, interval=0)
        self._refresh.timeout.connect(self.draw)
        timeline.view_changed.connect(lambda *_: self._refresh.start())
        self.box.sigResized.connect(lambda *_: self._refresh.start())
        self.box.sigYRangeChanged.connect(lambda *_: self._refresh.start())
        self.setAccessibleName(self.tr("Spectrogram"))
        self._fit_rows()

    def set_mel(self, mel: npt.NDArray[Any] | None, spec: AudioSpec) -> None:
        """Show a log-mel (frames, bands), natural-log amplitude; None shows nothing."""
        self.set_picture(None if mel is None or not len(mel) else MelImage(mel), MelScale(spec), spec)

    def set_picture(
        self, picture: LevelImage | None, scale: FrequencyScale, spec: AudioSpec, *, difference: bool = False
    ) -> None:
        """Show a picture and forget the lines of the one before; the frequencies in view stay."""
        kept_hz = [self.scale.hz_of_row(row) for row in self.box.viewRange()[1]]
        whole = np.allclose(self.box.viewRange()[1], self.scale.span)
        self.scale = scale
        self._hz_axis.set_frequencies(scale)
        self._frames_per_second = spec.frames_per_second
        self.picture = picture
        self._image.setVisible(picture is not None)
        self.f0_hz = self.before_hz = self._intensity = NO_TRACK
        self._fit_rows(None if whole else (float(scale.row_of_hz(kept_hz[0])), float(scale.row_of_hz(kept_hz[1]))))
        if difference == self._unsigned:
            self._unsigned = not difference
            self._colour()
        self.set_words("")
        self._refresh.start()

    def set_words(self, words: str) -> None:
        """Words over the middle of the plot, such as why there is no picture yet."""
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._place_labels()

    def set_f0(self, f0_hz: Track | None, before_hz: Track | None = None) -> None:
        """Draw pitch lines: (frames,) Hz, NaN where unvoiced; `before_hz` of the sound it is compared with."""
        self.f0_hz = NO_TRACK if f0_hz is None else np.asarray(f0_hz, np.float32)
        self.before_hz = NO_TRACK if before_hz is None else np.asarray(before_hz, np.float32)
        self._refresh.start()

    def set_intensity(self, level_db: Track | None) -> None:
        """Draw a level line: (frames,) dBFS, from -80 at the bottom of the plot to 0 at its top."""
        self._intensity = NO_TRACK if level_db is None else np.asarray(level_db, np.float32)
        self._refresh.start()

    def show_f0(self, shown: bool) -> None:
        self._show_track("f0", shown)

    def show_intensity(self, shown: bool) -> None:
        self._show_track("intensity", shown)

    def set_levels(self, low_db: float, high_db: float) -> None:
        self._levels = (low_db, high_db)
        self._image.setLevels(self._levels)

    def set_colour_map(self, name: str) -> npt.NDArray[np.uint8]:
        """One of COLOUR_MAPS, for levels; returns the table (256, 3) now in use, from low to high."""
        self._colour_map = name
        return self._colour()

    def colour_table(self) -> npt.NDArray[np.uint8]:
        """The table now in use: the chosen map, or the one for differences. uint8 (256, 3), from low to high."""
        if not self._unsigned:
            return _table(DIFFERENCE_MAPS["dark" if theme.is_dark() else "light"])
        table = _table("CET-L1" if self._colour_map == "grey" else self._colour_map)
        # Phoneticians read grey spectrograms as ink on paper: dark is loud.
        return np.ascontiguousarray(table[::-1]) if self._colour_map == "grey" else table

    def fit(self) -> None:
        """All of the time and all of the frequencies."""
        self.timeline.fit()
        self._fit_rows()

    def describe(self, at: QPointF) -> str:
        frame, row = round(at.x() * self._frames_per_second), round(at.y())
        low, high = self.scale.span
        if self.picture is None or not 0 <= frame < self.picture.frames or not low <= at.y() <= high:
            return ""
        row = min(max(row, 0), self.scale.rows - 1)
        hz = self.scale.hz_of_row(at.y())
        level = self.picture.db(frame, row)
        words = [
            clock_text(at.x(), 3),
            self.tr("{0} Hz").format(f"{hz:,.0f}".replace(",", "\u202f")),
            note_text(hz),
            self.scale.row_text(row),
            self.tr("{0} dB").format(f"{level:.1f}" if self._unsigned else f"{level:+.1f}"),
        ]
        f0, before = _at(self.f0_hz, frame), _at(self.before_hz, frame)
        if f0 is not None and before is not None:
            words.append(self.tr("F0 {0} → {1} Hz").format(f"{before:.0f}", f"{f0:.0f}"))
        elif f0 is not None:
            words.append(self.tr("F0 {0} Hz ({1})").format(f"{f0:.0f}", note_text(f0)))
        if (intensity := _at(self._intensity, frame)) is not None:
            words.append(self.tr("RMS {0} dBFS").format(f"{intensity:.1f}"))
        return "   ".join(word for word in words if word).replace("-", "−")

    def style(self, ink: QColor, ground: QColor) -> None:
        for curve, colour, width in (
            (self._f0_curve, NOW, 1.8),
            (self._before_curve, BEFORE, 1.4),
            (self.intensity_curve, INTENSITY, 1.0),
        ):
            curve.setPen(self.pen(colour, width))
            curve.setShadowPen(self.pen(SHADOW, width + 1.6))
        self._colour()

    def _colour(self) -> npt.NDArray[np.uint8]:
        table = self.colour_table()
        self._image.setLookupTable(table)
        return table

    def _show_track(self, name: str, shown: bool) -> None:
        self._shown[name] = shown
        self._refresh.start()

    def _fit_rows(self, rows: tuple[float, float] | None = None) -> None:
        low, high = self.scale.span
        self.box.setLimits(yMin=low, yMax=high, minYRange=4)
        first, last = rows or (low, high)
        self.box.setYRange(max(low, first), min(high, last), padding=0)

    def draw(self) -> None:
        """Bring the picture up to date now; happens by itself a moment after every change."""
        rate = self._frames_per_second
        start, stop = self.timeline.view_s
        first, last = int(start * rate) - 1, int(stop * rate) + 2
        columns = max(1, round(self.box.width() * self.devicePixelRatioF()))
        if self.picture is not None:
            picture, at, each = self.picture.columns(first, last, columns)
            if picture.size:
                self._image.setImage(picture, levels=self._levels, autoLevels=False)
                # Frame i is centred on i / rate: its cell reaches half a frame to either side.
                self._image.setRect((at - 0.5) / rate, -0.5, picture.shape[1] * each / rate, self.scale.rows)
        pitch = self._shown["f0"] and self.picture is not None
        for curve, f0 in ((self._f0_curve, self.f0_hz), (self._before_curve, self.before_hz)):
            self._draw_track(curve, f0 if pitch else NO_TRACK, self.scale.row_of_hz, first, last, columns)
        loud = self._shown["intensity"] and self.picture is not None
        intensity = self._intensity if loud else NO_TRACK
        self._draw_track(self.intensity_curve, intensity, self._row_of_db, first, last, columns)
        self._write_key()

    def _draw_track(self, curve: Any, values: Track, rows_of: Any, first: int, last: int, columns: int) -> None:
        first, last = max(0, first), min(len(values), last)
        step = max(1, (last - first) // (2 * columns))
        frames = np.arange(first, max(first, last), step)
        shown = np.asarray(values[first : max(first, last) : step], np.float64)
        curve.setData(frames / self._frames_per_second, np.where(np.isfinite(shown), rows_of(shown), np.nan))

    def _row_of_db(self, level_db: Any) -> Any:
        low, high = self.box.viewRange()[1]
        share = (np.asarray(level_db) - INTENSITY_DB[0]) / (INTENSITY_DB[1] - INTENSITY_DB[0])
        return low + np.clip(share, 0.0, 1.0) * (high - low)

    def _write_key(self) -> None:
        """Which line is which, as soon as there are several."""
        pitch = self._shown["f0"] and len(self.f0_hz) > 0
        compared = pitch and len(self.before_hz) > 0
        lines = [(BEFORE, self.tr("F0 before"))] if compared else []
        if pitch:
            lines.append((NOW, self.tr("F0 now") if compared else self.tr("F0")))
        if self._shown["intensity"] and len(self._intensity):
            lines.append((INTENSITY, self.tr("intensity, −80 to 0 dBFS")))
        shown = len(lines) > 1 and self.picture is not None
        self._key.setVisible(shown)
        if shown:
            self._key.setText(
                "&nbsp;&nbsp; ".join(f"<span style='color:{c.name()}'>▬</span> {words}" for c, words in lines)
            )
        self._place_labels()

    def _place_labels(self) -> None:
        area = self.box.sceneBoundingRect()
        for label in (self._key, self._words):
            label.adjustSize()
        self._key.move(round(area.right() - self._key.width() - 6), round(area.top() + 6))
        self._words.move(
            round(area.center().x() - self._words.width() / 2), round(area.center().y() - self._words.height() / 2)
        )


def _table(name: str) -> npt.NDArray[np.uint8]:
    table: npt.NDArray[np.uint8] = pg.colormap.get(name).getLookupTable(nPts=256, alpha=False)
    return np.ascontiguousarray(table)


def _at(track: Track, frame: int) -> float | None:
    return float(track[frame]) if frame < len(track) and np.isfinite(track[frame]) else None
