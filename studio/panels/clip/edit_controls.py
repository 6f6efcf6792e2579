"""How seconds take an m: rule, weight and fade, of the edit that is selected, else of the next one."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox

from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import LaneEdit
from studio.domain.transfer_words import rule_words

USUAL = "usual"  # the rule that fits what is given
RULES = (USUAL, "mean", "tile", "stretch", "nearest")


class EditControls(QObject):
    """Three controls: `rule`, `weight` (per cent), `fade` (seconds).

    Signals:
        changed(dict): values of the selected edit that the user has changed.
        next_changed(): values of the next edit, as none is selected.
    """

    changed = Signal(dict)
    next_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._edit: LaneEdit | None = None
        self._next = (USUAL, 100, 0.0)
        self.rule: QComboBox = QComboBox()
        self.rule.setObjectName("laneRule")
        self.rule.setAccessibleName(self.tr("Rule where the numbers of seconds differ"))
        for place, rule in enumerate(RULES):
            name, sentence = self._words(rule)
            self.rule.addItem(name, rule)
            self.rule.setItemData(place, sentence, Qt.ItemDataRole.ToolTipRole)
        self.rule.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.rule.setMinimumContentsLength(8)
        self.rule.activated.connect(lambda _place: self._rule_chosen())
        self.weight: QSpinBox = QSpinBox(minimum=0, maximum=150, value=100, suffix=" %", singleStep=10)
        self.weight.setObjectName("laneWeight")
        self.weight.setAccessibleName(self.tr("Weight of the given m"))
        self.weight.setToolTip(self.tr("How much of the given m the seconds take; beyond 100 % exaggerates"))
        self.weight.setKeyboardTracking(False)
        self.weight.valueChanged.connect(lambda percent: self._change(weight=percent / 100))
        self.fade: QDoubleSpinBox = QDoubleSpinBox(minimum=0.0, maximum=20.0, singleStep=0.5, decimals=1)
        self.fade.setSuffix(self.tr(" s fade"))
        self.fade.setObjectName("laneFade")
        self.fade.setAccessibleName(self.tr("Crossfade at the ends"))
        self.fade.setToolTip(self.tr("Over how many seconds the given m fades in and out at the ends"))
        self.fade.setKeyboardTracking(False)
        self.fade.valueChanged.connect(lambda s: self._change(fade_in_s=s, fade_out_s=s))

    def show_edit(self, edit: LaneEdit | None, *, enabled: bool) -> None:
        """Show the values of an edit; None shows those of the next one."""
        self._edit = edit
        rule, percent, fade_s = self._next
        if edit is not None:
            rule, percent, fade_s = edit.rule, round(100 * edit.weight), edit.fade_in_s
        with QSignalBlocker(self.rule), QSignalBlocker(self.weight), QSignalBlocker(self.fade):
            self.rule.setCurrentIndex(self.rule.findData(rule))
            self.weight.setValue(percent)
            self.fade.setValue(fade_s)
        self.rule.setToolTip(self._words(str(self.rule.currentData()))[1])
        for control in (self.rule, self.weight, self.fade):
            control.setEnabled(enabled)

    def of_next(self, payload: Payload) -> tuple[str, float, float]:
        """Rule, weight (1 = all) and fade (seconds) with which a payload is given now.

        Seconds go one by one; of whole recordings the mean says most.
        """
        rule = self._next[0] if self._edit is not None else str(self.rule.currentData())
        if rule == USUAL:
            rule = "stretch" if payload.kind == "seconds" else "mean"
        if self._edit is not None:
            return rule, 1.0, 0.0
        return rule, self.weight.value() / 100, self.fade.value()

    def _rule_chosen(self) -> None:
        rule = str(self.rule.currentData())
        if self._edit is not None and rule == USUAL:
            rule = "stretch" if self._edit.payload.kind == "seconds" else "mean"
        self._change(rule=rule)

    def _change(self, **values: object) -> None:
        if self._edit is not None:
            self.changed.emit(values)
        else:
            self._next = (str(self.rule.currentData()), self.weight.value(), self.fade.value())
            self.next_changed.emit()

    def _words(self, rule: str) -> tuple[str, str]:
        if rule != USUAL:
            return rule_words(rule)
        return (
            self.tr("Usual rule"),
            self.tr("Copied seconds one by one, stretched where their number differs; of whole clips the mean."),
        )
