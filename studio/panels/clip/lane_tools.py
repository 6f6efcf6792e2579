"""Tools of the m lane: one row of controls for the colours of the seconds and for what is given to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QMenu, QSpinBox, QToolButton, QWidget

from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import LaneEdit
from studio.domain.transfer_words import rule_words
from studio.panels.clip import affect_colours
from studio.panels.clip.lane_cells import AFFECT, DISTANCE
from studio.plots.colour_key import ColourKey
from studio.services import theme
from studio.widgets.choice_button import ChoiceButton

USUAL = "usual"  # a rule that fits what is given
LANE_RULES = (USUAL, "mean", "tile", "stretch", "nearest")
ENABLED_ROLE = Qt.ItemDataRole.UserRole - 1  # where a QComboBox keeps whether an item can be chosen


@dataclass(frozen=True)
class EditSettings:
    """How something is given to seconds: its rule (or USUAL), its weight (1 = wholly) and its fade in seconds."""

    rule: str = USUAL
    weight: float = 1.0
    fade_s: float = 0.0

    def rule_for(self, payload: Payload) -> str:
        """The rule, resolved for what is given."""
        return usual_rule(payload) if self.rule == USUAL else self.rule


def usual_rule(payload: Payload) -> str:
    """The rule that fits what is given: seconds go one by one; of whole recordings the mean says most."""
    return "stretch" if payload.kind == "seconds" else "mean"


class LaneTools(QWidget):
    """Shows the settings of the edit that is selected, else those of the next edit, which it keeps.

    Signals:
        colours_chosen(str): AFFECT or DISTANCE.
        edit_changed(dict): fields of the selected edit that are to change.
        next_changed(): the settings of the next edit are others.
        brush_toggled(bool), restore_wanted().
    """

    colours_chosen = Signal(str)
    edit_changed = Signal(dict)
    next_changed = Signal()
    brush_toggled = Signal(bool)
    restore_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edit: LaneEdit | None = None
        self._next = EditSettings()
        self._make_colours()
        self._make_rule()
        self._make_amounts()
        self._make_buttons()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SMALL)
        for control in self.controls:
            row.addWidget(control)
        row.addStretch(1)

    @property
    def controls(self) -> tuple[QWidget, ...]:
        """All that stands in the row, from left to right."""
        settings = (self.mode, self.key, self.rule, self.weight, self.fade)
        return (*settings, self.brush, self.give_button, self.restore_button)

    @property
    def settings(self) -> EditSettings:
        """What the next edit is made with; whole and without a fade while the controls show a selected edit."""
        if self._edit is not None:
            return EditSettings(self._next.rule)
        return self._next

    def offer_references(self, refill: Callable[[QMenu], None]) -> None:
        """Let the Give button open a menu that is filled anew each time."""
        menu = QMenu(self.give_button)
        menu.aboutToShow.connect(lambda: refill(menu))
        self.give_button.setMenu(menu)

    def show_colours(self, mode: str, *, affect_known: bool) -> None:
        """Show what the colours of the seconds mean; affect can be chosen only where it is known."""
        with QSignalBlocker(self.mode):
            self.mode.setItemData(0, None if affect_known else 0, ENABLED_ROLE)
            self.mode.setCurrentIndex(self.mode.findData(mode))
        if mode == AFFECT:
            self.key.show_key(
                affect_colours.affect_key(),
                (self.tr("unpleasant"), self.tr("pleasant")),
                (self.tr("calm"), self.tr("excited")),
            )
        else:
            self.key.show_key(affect_colours.distance_key(), (self.tr("alike"), self.tr("unlike")))

    def show_edit(self, edit: LaneEdit | None, *, enabled: bool, selected: bool, restorable: bool) -> None:
        """Show the settings of an edit, or with None those of the next one.

        Args:
            enabled: whether there are seconds at all.
            selected: whether some of them are selected.
            restorable: whether some of the selected ones carry an edit.
        """
        self._edit = edit
        shown = self._next if edit is None else EditSettings(edit.rule, edit.weight, edit.fade_in_s)
        with QSignalBlocker(self.rule), QSignalBlocker(self.weight), QSignalBlocker(self.fade):
            self.rule.setCurrentIndex(self.rule.findData(shown.rule))
            self.weight.setValue(round(100 * shown.weight))
            self.fade.setValue(shown.fade_s)
        self.rule.setToolTip(self._words_of(str(self.rule.currentData()))[1])
        for control in (self.rule, self.weight, self.fade, self.brush):
            control.setEnabled(enabled)
        self.give_button.setEnabled(enabled and selected)
        self.restore_button.setEnabled(enabled and restorable)

    def _words_of(self, rule: str) -> tuple[str, str]:
        """The name of a rule and a sentence about it."""
        if rule != USUAL:
            return rule_words(rule)
        return (
            self.tr("Usual rule"),
            self.tr("Copied seconds one by one, stretched where their number differs; of whole clips the mean."),
        )

    def _changed(self, **changes: object) -> None:
        """A control was moved: for the edit that is shown, else for the next one."""
        if self._edit is not None:
            self.edit_changed.emit(changes)
        else:
            self._next = EditSettings(str(self.rule.currentData()), self.weight.value() / 100, self.fade.value())
            self.next_changed.emit()

    def _rule_chosen(self) -> None:
        rule = str(self.rule.currentData())
        if self._edit is not None and rule == USUAL:
            rule = usual_rule(self._edit.payload)
        self._changed(rule=rule)

    def _make_colours(self) -> None:
        self.mode = QComboBox()
        self.mode.setObjectName("laneColours")
        self.mode.setAccessibleName(self.tr("Colours of the seconds"))
        self.mode.addItem(self.tr("Affect"), AFFECT)
        self.mode.addItem(self.tr("Distance"), DISTANCE)
        self.mode.setItemData(
            1,
            self.tr("Cosine distance of each second's emotion (m) from one that is chosen"),
            Qt.ItemDataRole.ToolTipRole,
        )
        why = self.tr("Arousal and valence: known where the model carries probes of them (triptych probe --keep)")
        self.mode.setItemData(0, why, Qt.ItemDataRole.ToolTipRole)
        self.mode.activated.connect(lambda _index: self.colours_chosen.emit(str(self.mode.currentData())))
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.mode.setMinimumContentsLength(8)
        self.key = ColourKey()

    def _make_rule(self) -> None:
        self.rule: QComboBox = QComboBox()
        self.rule.setObjectName("laneRule")
        self.rule.setAccessibleName(self.tr("Rule where the numbers of seconds differ"))
        for index, rule in enumerate(LANE_RULES):
            name, sentence = self._words_of(rule)
            self.rule.addItem(name, rule)
            self.rule.setItemData(index, sentence, Qt.ItemDataRole.ToolTipRole)
        self.rule.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.rule.setMinimumContentsLength(8)
        self.rule.activated.connect(lambda _index: self._rule_chosen())

    def _make_amounts(self) -> None:
        self.weight: QSpinBox = QSpinBox(minimum=0, maximum=150, value=100, suffix=" %", singleStep=10)
        self.weight.setObjectName("laneWeight")
        self.weight.setAccessibleName(self.tr("Weight of the new emotion (m)"))
        self.weight.setToolTip(
            self.tr("How much of the new emotion (m) the seconds take; beyond 100 % exaggerates")
        )
        self.weight.setKeyboardTracking(False)
        self.weight.valueChanged.connect(lambda percent: self._changed(weight=percent / 100))
        self.fade: QDoubleSpinBox = QDoubleSpinBox(minimum=0.0, maximum=20.0, singleStep=0.5, decimals=1)
        self.fade.setSuffix(self.tr(" s fade"))
        self.fade.setObjectName("laneFade")
        self.fade.setAccessibleName(self.tr("Crossfade at the ends"))
        self.fade.setToolTip(self.tr("Over how many seconds the new emotion (m) fades in and out at the ends"))
        self.fade.setKeyboardTracking(False)
        self.fade.valueChanged.connect(lambda s: self._changed(fade_in_s=s, fade_out_s=s))

    def _make_buttons(self) -> None:
        paint = QAction(theme.icon("brush"), self.tr("Brush"), self)
        paint.setCheckable(True)
        paint.setToolTip(self.tr("Draw over seconds to give them the copied emotion (m)"))
        self.brush = ChoiceButton(paint)
        self.brush.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.brush.setObjectName("laneBrush")
        self.brush.toggled.connect(self.brush_toggled)
        self.give_button = QToolButton()
        self.give_button.setText(self.tr("Give"))
        self.give_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.give_button.setObjectName("laneGive")
        self.give_button.setToolTip(
            self.tr("Give the selected seconds the emotion (m) of a label, a clip or a speaker")
        )
        self.restore_button = QToolButton()
        self.restore_button.setIcon(theme.icon("restore"))
        self.restore_button.setAccessibleName(self.tr("Restore"))
        self.restore_button.setObjectName("laneRestore")
        self.restore_button.setToolTip(self.tr("Give the selected seconds their own emotion back (Delete)"))
        self.restore_button.clicked.connect(self.restore_wanted)
