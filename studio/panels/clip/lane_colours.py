"""What the colours of the seconds say: affect or distance, with a key."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox

from studio.panels.clip import affect_colours
from studio.panels.clip.lane_cells import AFFECT, DISTANCE
from studio.plots.colour_key import ColourKey
from studio.services.preferences import Preferences


class LaneColours(QObject):
    """A choice (`mode`) and its `key`; what was chosen is remembered.

    Signals:
        chosen(): the user wants the other.
    """

    chosen = Signal()

    def __init__(self, preferences: Preferences, parent: QObject) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._wanted = preferences.get("m_lane/colours", AFFECT)
        self.mode = QComboBox()
        self.mode.setObjectName("laneColours")
        self.mode.setAccessibleName(self.tr("Colours of the seconds"))
        self.mode.addItem(self.tr("Affect"), AFFECT)
        self.mode.addItem(self.tr("Distance"), DISTANCE)
        self.mode.setItemData(
            1, self.tr("Cosine distance of each second's m from one that is chosen"), Qt.ItemDataRole.ToolTipRole
        )
        why = self.tr("Arousal and valence: known where the model carries readings of them (triptych probe --keep)")
        self.mode.setItemData(0, why, Qt.ItemDataRole.ToolTipRole)
        self.mode.activated.connect(lambda _place: self.choose(str(self.mode.currentData())))
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.mode.setMinimumContentsLength(8)
        self.key = ColourKey()

    def choose(self, mode: str) -> None:
        self._wanted = mode
        self._preferences.set("m_lane/colours", mode)
        self.chosen.emit()

    def show_possible(self, *, affect_known: bool) -> str:
        """Show what was chosen, distance where affect is not known; returns the mode that holds."""
        with QSignalBlocker(self.mode):
            disabled = None if affect_known else 0
            self.mode.setItemData(0, disabled, Qt.ItemDataRole.UserRole - 1)  # Qt's own role for disabled items
            self.mode.setCurrentIndex(0 if affect_known and self._wanted == AFFECT else 1)
        mode = str(self.mode.currentData())
        if mode == AFFECT:
            self.key.show_key(
                affect_colours.affect_key(),
                (self.tr("unpleasant"), self.tr("pleasant")),
                (self.tr("calm"), self.tr("excited")),
            )
        else:
            self.key.show_key(affect_colours.distance_key(), (self.tr("alike"), self.tr("unlike")))
        return mode
