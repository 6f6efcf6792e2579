"""View of one recording: waveform above spectrogram, colour bar, readout, and how it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from engine.api import AudioSpec
from studio.plots.frequency import FrequencyScale
from studio.plots.level_bar import LevelBar, LevelRange
from studio.plots.mel_image import LevelImage
from studio.plots.recording_commands import RecordingCommands
from studio.plots.spectrogram import COLOUR_MAPS, DEFAULT_LEVELS_DB, SpectrogramView, Track
from studio.plots.timeline import Span, Timeline, clock_text
from studio.plots.waveform import WaveformView
from studio.widgets.choice_button import ChoiceButton

# What the colours span: the model's bands at the level that the model knows, the sound at its own, and differences.
SPANS = {
    "mel": LevelRange(-120, 20, DEFAULT_LEVELS_DB),
    "linear": LevelRange(-120, 0, (-100.0, -30.0)),
    "difference": LevelRange(-60, 60, (-30.0, 30.0), symmetric=True),
}
# What `look` calls a choice, and the command that makes it.
_REMEMBERED = {
    "f0": "show_f0",
    "intensity": "show_intensity",
    "linear": "linear",
    "snap": "snap",
    "lane_tools": "lane_tools",
}
# Below these heights nothing can be read from them; what is around the view gives way first.
WAVEFORM_LEAST_PX, SPECTROGRAM_LEAST_PX = 40, 190


class RecordingView(QWidget):
    """Waveform and spectrogram over one timeline.

    Signals:
        look_changed(): the user changed colours, levels, overlays or snapping (see `look`).
        picture_wanted(): the user asks for another picture or line; `linear`, `difference`, `intensity` say which.
    """

    look_changed = Signal()
    picture_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.timeline = Timeline(self)
        self.waveform = WaveformView(self.timeline)
        self.waveform.setObjectName("waveform")
        self.waveform.setMinimumHeight(WAVEFORM_LEAST_PX)
        self.spectrogram = SpectrogramView(self.timeline)
        self.spectrogram.setObjectName("spectrogram")
        self.spectrogram.setMinimumHeight(SPECTROGRAM_LEAST_PX)
        self.levels = LevelBar(SPANS["mel"])
        self.levels.setObjectName("levelBar")
        self._controls: QWidget | None = None  # of the strip below
        self._kind = "mel"
        self._levels = {kind: span.default_db for kind, span in SPANS.items()}
        self.readout = QLabel()
        self.readout.setObjectName("readout")
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setToolTip(
            self.tr(
                "Wheel zooms time at the cursor, Ctrl+wheel zooms frequency, Shift+wheel scrolls; click sets the "
                "playhead, drag selects a time, with Shift in whole seconds. Right-click for the commands."
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
        self._commands = RecordingCommands(self, self.timeline, self.fit)
        self._commands.chosen.connect(self._choose)
        self._commands.picture_wanted.connect(self._want_picture)
        self.commands = self._commands.actions
        # A right click anywhere on the pictures offers what their keys do.
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._lay_out()

        self.waveform.readout.connect(self.read_out)
        self.spectrogram.readout.connect(self.read_out)
        self.timeline.selection_changed.connect(self._selection_changed)
        self.levels.levels_changed.connect(self._levels_changed)
        self.colour_map.currentTextChanged.connect(self._colours_changed)
        self._colours_changed(COLOUR_MAPS[0])
        self.read_out("")

    def show_recording(self, duration_s: float) -> None:
        """A new recording of this length: its pictures follow by `show_sound` and `show_picture`."""
        self.timeline.set_duration(duration_s)

    def show_sound(
        self, audio: npt.NDArray[np.float32], rate_hz: int, peaks: npt.NDArray[np.float32] | None
    ) -> None:
        self.waveform.set_audio(audio, rate_hz, peaks)

    def show_picture(
        self, picture: LevelImage | None, scale: FrequencyScale, spec: AudioSpec, kind: str = "mel"
    ) -> None:
        """Show a picture of a kind of SPANS at that kind's levels; None = none yet."""
        self._kind = kind
        self.spectrogram.set_picture(picture, scale, spec, difference=kind == "difference")
        self.levels.set_span(SPANS[kind], *self._levels[kind])
        self.levels.set_colours(self.spectrogram.colour_table())
        self.spectrogram.set_levels(*self._levels[kind])
        self.colour_map.setEnabled(kind != "difference")  # it has colours of its own, with a middle

    def show_tracks(self, f0_hz: Track | None, before_hz: Track | None, intensity_db: Track | None) -> None:
        """Pitch, the pitch it is compared with, and intensity: (frames,) each, or None."""
        self.spectrogram.set_f0(f0_hz, before_hz)
        self.spectrogram.set_intensity(intensity_db)

    def put_below(self, lane: QWidget, controls: QWidget) -> None:
        """A strip right below the spectrogram, as wide as it is; its controls beneath, as wide as the view.

        The strip may be flatter where height is short, and the controls can be folded away.
        """
        self._controls = controls
        fold = ChoiceButton(self.commands["lane_tools"])
        fold.setObjectName("laneTools")
        self._middle.addWidget(lane, 1, 0)
        self._middle.addWidget(fold, 1, 1, Qt.AlignmentFlag.AlignCenter)
        self._below.addWidget(controls)
        self._show_choices()

    def allow_difference(self, possible: bool) -> None:
        """Whether there are two versions to compare; without them the choice waits."""
        self.commands["difference"].setEnabled(possible)

    @property
    def linear(self) -> bool:
        return self._commands.is_checked("linear")

    @property
    def difference(self) -> bool:
        return self._commands.is_checked("difference")

    @property
    def intensity(self) -> bool:
        return self._commands.is_checked("show_intensity")

    def look(self) -> dict[str, Any]:
        """What to remember of how it is drawn."""
        values: dict[str, Any] = {"colour_map": self.colour_map.currentText()}
        for kind, prefix in (("mel", ""), ("linear", "linear_"), ("difference", "difference_")):
            values[f"{prefix}low_db"], values[f"{prefix}high_db"] = self._levels[kind]
        checked = {name: self.commands[command].isChecked() for name, command in _REMEMBERED.items()}
        return values | checked

    def set_look(self, values: dict[str, Any]) -> None:
        """Take up what `look` gave; all of its names must be there."""
        if values["colour_map"] in COLOUR_MAPS:
            self.colour_map.setCurrentText(values["colour_map"])
        for kind, prefix in (("mel", ""), ("linear", "linear_"), ("difference", "difference_")):
            self._levels[kind] = SPANS[kind].kept(values[f"{prefix}low_db"], values[f"{prefix}high_db"])
        self.levels.set_span(SPANS[self._kind], *self._levels[self._kind])
        self.spectrogram.set_levels(*self._levels[self._kind])
        for name, command in _REMEMBERED.items():
            self.commands[command].setChecked(values[name])
        self._show_choices()

    def fit(self) -> None:
        self.spectrogram.fit()

    def _lay_out(self) -> None:
        plots = QSplitter(Qt.Orientation.Vertical)
        plots.addWidget(self.waveform)
        plots.addWidget(self.spectrogram)
        plots.setStretchFactor(0, 1)
        plots.setStretchFactor(1, 4)
        plots.setSizes([110, 360])
        plots.setChildrenCollapsible(False)
        self._middle = middle = QGridLayout()
        middle.setSpacing(4)
        middle.addWidget(plots, 0, 0)
        middle.addWidget(self.levels, 0, 1)
        middle.setColumnStretch(0, 1)
        above = QHBoxLayout()
        above.setSpacing(4)
        for group in (
            ("linear", "difference"),
            ("show_f0", "show_intensity"),
            ("snap",),
            ("fit", "zoom_selection"),
        ):
            if above.count():
                above.addWidget(_divider())
            for name in group:
                button = ChoiceButton(self.commands[name])
                button.setObjectName(name)
                above.addWidget(button)
        above.addStretch(1)
        above.addWidget(self.colour_map)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(above)
        column.addLayout(middle, 1)
        self._below = QVBoxLayout()
        column.addLayout(self._below)
        column.addWidget(self.readout)

    def _want_picture(self) -> None:
        """Another picture or track is wanted; whoever has the data shows it."""
        self._choose()
        self.picture_wanted.emit()

    def _choose(self) -> None:
        self._show_choices()
        self.look_changed.emit()

    def _show_choices(self) -> None:
        self.spectrogram.show_f0(self.commands["show_f0"].isChecked())
        self.spectrogram.show_intensity(self.intensity)
        self.timeline.snapping = self.commands["snap"].isChecked()
        if self._controls is not None:
            self._controls.setVisible(self.commands["lane_tools"].isChecked())

    def _levels_changed(self, low_db: float, high_db: float) -> None:
        self._levels[self._kind] = (low_db, high_db)
        self.spectrogram.set_levels(low_db, high_db)
        self.look_changed.emit()

    def _colours_changed(self, name: str) -> None:
        self.levels.set_colours(self.spectrogram.set_colour_map(name))
        self.look_changed.emit()

    def changeEvent(self, event: Any) -> None:
        super().changeEvent(event)
        if event.type() == event.Type.PaletteChange:  # differences have a middle in the theme's own ground
            self.levels.set_colours(self.spectrogram.colour_table())

    def _selection_changed(self, span: Span | None) -> None:
        self.commands["zoom_selection"].setEnabled(span is not None)
        self.read_out("")

    def read_out(self, words: str) -> None:
        """Show what is under the cursor, here or in a strip below; for "", what is selected or how to begin."""
        span = self.timeline.selection_s
        if not words and span is not None:
            words = self.tr("Selected {0} to {1}   ({2} s)").format(
                clock_text(span[0], 3), clock_text(span[1], 3), f"{span[1] - span[0]:.3f}"
            )
        elif not words:
            words = self.tr("Drag selects, Shift snaps to seconds; the wheel zooms; right-click for the commands.")
        self.readout.setText(words)


def _divider() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.VLine)
    line.setForegroundRole(QPalette.ColorRole.Mid)
    line.setFixedHeight(16)
    return line
