"""How large a figure is, and in which letters: asked before it is drawn."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLayout,
    QVBoxLayout,
    QWidget,
)

from studio.services import theme
from studio.services.preferences import Preferences

SIZES_CM = (2.0, 100.0)
LETTERS_PT = (3.0, 36.0)
WIDTH_PX = 400


class ExportFigureDialog(QDialog):
    """Width, height, font and size of letters; remembered."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self.setWindowTitle(self.tr("Export the map as a figure"))
        get = preferences.get
        self.width_cm = self._number("width_cm", SIZES_CM, get("figure/width_cm", 16.0), " cm")
        self.height_cm = self._number("height_cm", SIZES_CM, get("figure/height_cm", 13.0), " cm")
        self.fits = QCheckBox(self.tr("as fits the map"))
        self.fits.setObjectName("fits")
        self.fits.toggled.connect(lambda fits: self.height_cm.setEnabled(not fits))
        self.fits.setChecked(get("figure/fits", True))
        self.font_name = QComboBox()
        self.font_name.setObjectName("font")
        self.font_name.addItem(self.tr("DejaVu Sans (always there)"), "")
        for family in QFontDatabase.families():
            if QFontDatabase.isSmoothlyScalable(family) and not QFontDatabase.isPrivateFamily(family):
                self.font_name.addItem(family, family)
        self.font_name.setCurrentIndex(max(0, self.font_name.findData(get("figure/font", ""))))
        self.font_pt = self._number("font_pt", LETTERS_PT, get("figure/font_pt", 8.0), " pt")
        note = QLabel(
            self.tr(
                "Drawn on white whatever the window looks like, with the settings of the map in the file.\n"
                "The file's name says which format: PDF and SVG have lines and text, PNG 300 dots an inch."
            )
        )
        note.setWordWrap(True)
        small = QFont(note.font())
        small.setPointSizeF(0.92 * small.pointSizeF())
        note.setFont(small)
        form = QFormLayout()
        form.addRow(self.tr("&Width"), self.width_cm)
        form.addRow(self.tr("&Height"), self.height_cm)
        form.addRow("", self.fits)
        form.addRow(self.tr("&Font"), self.font_name)
        form.addRow(self.tr("&Letters"), self.font_pt)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Save).setText(self.tr("Choose a file …"))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.setMinimumWidth(WIDTH_PX)
        column = QVBoxLayout(self)
        column.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)  # a wrapped text hides how high it is
        column.setSpacing(theme.LARGE)
        column.addLayout(form)
        column.addWidget(note)
        column.addWidget(buttons)

    def look(self) -> dict[str, Any]:
        """As `Session.export_figure` takes it."""
        return {
            "width_cm": self.width_cm.value(),
            "height_cm": None if self.fits.isChecked() else self.height_cm.value(),
            "font": self.font_name.currentData(),
            "font_pt": self.font_pt.value(),
        }

    def accept(self) -> None:
        for name, value in (
            ("width_cm", self.width_cm.value()),
            ("height_cm", self.height_cm.value()),
            ("fits", self.fits.isChecked()),
            ("font", self.font_name.currentData()),
            ("font_pt", self.font_pt.value()),
        ):
            self._preferences.set(f"figure/{name}", value)
        super().accept()

    def _number(self, name: str, bounds: tuple[float, float], value: float, unit: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setObjectName(name)
        box.setRange(*bounds)
        box.setDecimals(1)
        box.setSuffix(unit)
        box.setValue(value)
        return box
