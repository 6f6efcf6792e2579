"""One recording to look at: waveform above mel spectrogram, colour bar, readout, and how it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from engine.api import AudioSpec
from studio.widgets.choice_button import ChoiceButton
from studio.widgets.level_bar import LevelBar
from studio.widgets.spectrogram import COLOUR_MAPS, DEFAULT_LEVELS_DB, SpectrogramView
from studio.widgets.timeline import Span, Timeline, clock_text
from studio.widgets.waveform import WaveformView


class RecordingView(QWidget):
    """Waveform and spectrogram over one timeline.

    Signals:
        look_changed(): the user changed colours, levels or overlays (see `look`).
    """

    look_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.timeline = Timeline(self)
        self.waveform = WaveformView(self.timeline)
        self.waveform.setObjectName("waveform")
        self.spectrogram = SpectrogramView(self.timeline)
        self.spectrogram.setObjectName("spectrogram")
        self.levels = LevelBar(*DEFAULT_LEVELS_DB)
        self.levels.setObjectName("levelBar")
        self.readout = QLabel()
        self.readout.setObjectName("readout")
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setToolTip(
            self.tr(
                "Wheel zooms time at the cursor, Ctrl+wheel zooms frequency, Shift+wheel scrolls; click sets the "
                "playhead, drag selects a time, with Shift in whole seconds."
            )
        )
        self.readout.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.colour_map = QComboBox()
        self.colour_map.setObjectName("colourMap")
        self.colour_map.addItems(list(COLOUR_MAPS))
        self.colour_map.setAccessibleName(self.tr("Colour map"))
        self.colour_map.setToolTip(
            self.tr("Colours of the spectrogram; all keep their order when printed in grey.")
        )
        self.colour_map.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # the wheel and letter keys stay with the picture

        self.commands = {
            "fit": self._command(self.tr("&Fit"), "F", self.tr("Show the whole recording and all bands"), self.fit),
            "zoom_selection": self._command(
                self.tr("&Zoom to selection"),
                "Z",
                self.tr("Show the selected time"),
                self.timeline.zoom_to_selection,
            ),
            "show_f0": self._command(
                self.tr("Show &pitch"), "P", self.tr("Draw the fundamental frequency (F0)"), self._toggle_f0
            ),
        }
        self.commands["show_f0"].setCheckable(True)
        self.commands["show_f0"].setChecked(True)
        self.commands["zoom_selection"].setEnabled(False)

        plots = QSplitter(Qt.Orientation.Vertical)
        plots.addWidget(self.waveform)
        plots.addWidget(self.spectrogram)
        plots.setStretchFactor(0, 1)
        plots.setStretchFactor(1, 4)
        plots.setSizes([110, 360])
        plots.setChildrenCollapsible(False)
        middle = QGridLayout()
        middle.setSpacing(4)
        middle.addWidget(plots, 0, 0)
        middle.addWidget(self.levels, 0, 1)
        middle.setColumnStretch(0, 1)
        below = QHBoxLayout()
        below.setSpacing(6)
        below.addWidget(self.readout, 1)
        for name, words in (("show_f0", "F0"), ("fit", self.tr("Fit")), ("zoom_selection", self.tr("Zoom"))):
            self.commands[name].setIconText(words)
            button = ChoiceButton(self.commands[name])
            button.setObjectName(name)
            below.addWidget(button)
        below.addWidget(self.colour_map)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(middle, 1)
        column.addLayout(below)

        self.waveform.readout.connect(self._read_out)
        self.spectrogram.readout.connect(self._read_out)
        self.timeline.selection_changed.connect(self._selection_changed)
        self.levels.levels_changed.connect(self._levels_changed)
        self.colour_map.currentTextChanged.connect(self._colours_changed)
        self._colours_changed(COLOUR_MAPS[0])
        self._read_out("")

    # ------------------------------------------------------------------ content
    def show_recording(self, duration_s: float) -> None:
        """A new recording of this length: its pictures follow by `show_sound` and `show_mel`."""
        self.timeline.set_duration(duration_s)

    def show_sound(
        self, audio: npt.NDArray[np.float32], rate_hz: int, peaks: npt.NDArray[np.float32] | None
    ) -> None:
        self.waveform.set_audio(audio, rate_hz, peaks)

    def show_mel(
        self, mel: npt.NDArray[Any] | None, f0_hz: npt.NDArray[np.float32] | None, spec: AudioSpec
    ) -> None:
        self.spectrogram.set_mel(mel, spec)
        self.spectrogram.set_f0(f0_hz)

    # ------------------------------------------------------------------ look
    def look(self) -> dict[str, Any]:
        """What to remember of how it is drawn: colour_map, low_db, high_db, f0."""
        low, high = self.levels.levels
        return {
            "colour_map": self.colour_map.currentText(),
            "low_db": low,
            "high_db": high,
            "f0": self.commands["show_f0"].isChecked(),
        }

    def set_look(self, *, colour_map: str, low_db: float, high_db: float, f0: bool) -> None:
        if colour_map in COLOUR_MAPS:
            self.colour_map.setCurrentText(colour_map)
        self.levels.set_levels(low_db, high_db)
        self.commands["show_f0"].setChecked(f0)
        self.spectrogram.show_f0(f0)

    def fit(self) -> None:
        self.spectrogram.fit()

    # ------------------------------------------------------------------ inside
    def _command(self, text: str, key: str, tip: str, slot: Any) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(key))
        # Only within this view: elsewhere letters belong to lists and fields.
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setToolTip(f"{tip} ({key})")
        action.setStatusTip(tip)
        action.triggered.connect(lambda _checked=False: slot())
        self.addAction(action)
        return action

    def _toggle_f0(self) -> None:
        self.spectrogram.show_f0(self.commands["show_f0"].isChecked())
        self.look_changed.emit()

    def _levels_changed(self, low_db: float, high_db: float) -> None:
        self.spectrogram.set_levels(low_db, high_db)
        self.look_changed.emit()

    def _colours_changed(self, name: str) -> None:
        self.levels.set_colours(self.spectrogram.set_colour_map(name))
        self.look_changed.emit()

    def _selection_changed(self, span: Span | None) -> None:
        self.commands["zoom_selection"].setEnabled(span is not None)
        self._read_out("")

    def _read_out(self, words: str) -> None:
        """What is under the cursor; when the cursor is away, what is selected, or how to begin."""
        span = self.timeline.selection_s
        if not words and span is not None:
            words = self.tr("Selected {0} to {1}   ({2} s)").format(
                clock_text(span[0], 3), clock_text(span[1], 3), f"{span[1] - span[0]:.3f}"
            )
        elif not words:
            words = self.tr("Drag selects, Shift snaps to seconds; the wheel zooms.")
        self.readout.setText(words)
