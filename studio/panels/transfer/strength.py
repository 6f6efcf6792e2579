"""A slider and a field that show one strength in percent."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QSpinBox, QWidget

from studio.services import theme

MOST_STRENGTH = 150  # percent


class StrengthRow(QWidget):
    """0 to 150 %.

    Args:
        name: for the screen reader ("Strength of the voice").
        tip: what it does.
        object_name: the field's; the slider's ends in "Slider".

    Signals:
        changed(float): 1 = 100 %.
    """

    changed = Signal(float)

    def __init__(self, name: str, tip: str, object_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName(f"{object_name}Slider")
        self.slider.setRange(0, MOST_STRENGTH)
        self.slider.setTickInterval(50)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setPageStep(10)
        self.slider.setMinimumWidth(60)
        self.field = QSpinBox()
        self.field.setObjectName(object_name)
        self.field.setRange(0, MOST_STRENGTH)
        self.field.setSuffix(" %")
        self.field.setKeyboardTracking(False)
        self.field.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SMALL)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        for control in (self.slider, self.field):
            control.setAccessibleName(name)
            control.setToolTip(tip)
            control.valueChanged.connect(self._moved)

    def show_strength(self, strength: float) -> None:
        """Show a strength, without a signal."""
        for control in (self.slider, self.field):
            with QSignalBlocker(control):
                control.setValue(round(100 * strength))

    def _moved(self, percent: int) -> None:
        self.show_strength(percent / 100)
        self.changed.emit(percent / 100)
