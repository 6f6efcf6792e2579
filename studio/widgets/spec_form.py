"""Form for any settings dataclass of the engine: units, reasons and bounds come from the fields themselves."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.api import Spec, SpecError
from studio.services import theme

_UNIT_ENDINGS = ("_hz", "_s", "_dbfs", "_samples", "_frames")


@dataclass
class _Row:
    """One setting on screen: how to read it, how to show a value, and where its problem is shown."""

    name: str
    title: str
    label: QLabel
    editor: QWidget
    unit: QLabel
    problem: QLabel
    read: Callable[[], Any]
    write: Callable[[Any], None]
    advanced: bool = False
    widgets: list[QWidget] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Show what is wrong below the field, or nothing."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        self.editor.setAccessibleDescription(sentence)
        self.tint()

    def tint(self) -> None:
        """A wash over a field with a problem, in the colours of now; a style sheet would change its size."""
        wash = QPalette()
        if self.problem.text():
            base = QApplication.palette().color(QPalette.ColorRole.Base)
            wash.setColor(QPalette.ColorRole.Base, theme.mixed(theme.colours().error, base, 0.22))
        self.editor.setPalette(wash)


class SpecForm(QWidget):
    """Fields for the settings of one spec.

    Args:
        spec: where to start; its class decides the fields.
        basic: names shown at once, in this order; the others fold away under "Advanced". Empty: all are shown.
        titles: names to show instead of the ones made from the field names.
        suggestions: ready answers for a free-text setting.
        hidden: names not shown; they keep the value they have in the spec given.

    Signals:
        changed: a field was edited (or a spec was set).
    """

    changed = Signal()

    def __init__(
        self,
        spec: Spec,
        *,
        basic: Sequence[str] = (),
        titles: Mapping[str, str] | None = None,
        suggestions: Mapping[str, Sequence[str]] | None = None,
        hidden: Iterable[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._rows: dict[str, _Row] = {}
        self._spec = spec
        self._kinds = typing.get_type_hints(type(spec))
        self._titles = dict(titles or {})
        self._suggestions = dict(suggestions or {})
        self._writing = False
        shown = [item for item in _fields(spec) if item.name not in set(hidden) and not _has_one_value(item)]
        order = {name: position for position, name in enumerate(basic)}
        first = sorted((i for i in shown if i.name in order), key=lambda i: order[i.name]) if basic else shown
        folded = [item for item in shown if basic and item.name not in order]

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._group(first, advanced=False))
        self._fold = QToolButton()
        self._fold.setObjectName("advancedToggle")
        self._fold.setText(self.tr("Advanced"))
        self._fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fold.setAutoRaise(True)
        self._fold.setCheckable(True)
        self._advanced = self._group(folded, advanced=True)
        self._fold.toggled.connect(self._show_advanced)
        self._show_advanced(False)
        self._fold.setVisible(bool(folded))
        layout.addWidget(self._fold)
        layout.addWidget(self._advanced)
        layout.addStretch(1)  # room to spare goes below, never between a field and its problem
        widest = max((row.label.sizeHint().width() for row in self._rows.values()), default=0)
        for row in self._rows.values():
            row.label.setMinimumWidth(widest)
        unit = max((row.unit.sizeHint().width() for row in self._rows.values()), default=0)
        for row in self._rows.values():
            row.unit.setMinimumWidth(unit)
        self.set_spec(spec)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            for row in self._rows.values():
                row.tint()

    def set_spec(self, spec: Spec) -> None:
        """Show the values of another spec of the same class."""
        if type(spec) is not type(self._spec):
            raise TypeError(f"a form for {type(self._spec).__name__} cannot show a {type(spec).__name__}")
        self._spec = spec
        self._writing = True
        for row in self._rows.values():
            row.write(getattr(spec, row.name))
            row.say("")
        self._writing = False
        self.changed.emit()

    def spec(self) -> Spec:
        """The spec as filled in.

        Raises:
            SpecError: a field cannot be used; that field is marked, shown and focused.
        """
        values: dict[str, Any] = {}
        first: SpecError | None = None
        for row in self._rows.values():
            error = self._check(row)
            if error is None:
                values[row.name] = row.read()
            first = first or error
        if first is None:
            try:
                return dataclasses.replace(self._spec, **values)  # type: ignore[type-var]
            except SpecError as error:  # a rule that joins several settings
                first = error
        self.mark(first)
        raise first

    def is_valid(self) -> bool:
        """Whether every field holds a usable value; the others are marked."""
        return not [row for row in self._rows.values() if self._check(row) is not None]

    def mark(self, error: SpecError) -> None:
        """Show a problem beside the field it names, and bring that field into view."""
        row = self._rows.get(error.name)
        if row is None:
            return
        row.say(self._sentence(row, error))
        if row.advanced:
            self._fold.setChecked(True)
        ancestor = self.parentWidget()
        while ancestor is not None and not isinstance(ancestor, QScrollArea):
            ancestor = ancestor.parentWidget()
        if ancestor is not None:
            ancestor.ensureWidgetVisible(row.problem)
            ancestor.ensureWidgetVisible(row.editor)
        row.editor.setFocus()

    def problem(self, name: str) -> str:
        """What is wrong with a field now, in words; empty when nothing is."""
        return self._rows[name].problem.text()

    def editor(self, name: str) -> QWidget:
        """The widget a setting is edited in."""
        return self._rows[name].editor

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Lock or free one field (a fine-tuned model keeps its sizes)."""
        for widget in self._rows[name].widgets:
            widget.setEnabled(enabled)

    def _group(self, items: Sequence[dataclasses.Field[Any]], *, advanced: bool) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(theme.SMALL)
        for line, item in enumerate(items):
            row = self._row(item)
            row.advanced = advanced
            self._rows[item.name] = row
            grid.addWidget(row.label, 2 * line, 0)
            grid.addWidget(row.editor, 2 * line, 1)
            grid.addWidget(row.unit, 2 * line, 2)
            grid.addWidget(row.problem, 2 * line + 1, 1, 1, 2)
        return box

    def _row(self, item: dataclasses.Field[Any]) -> _Row:
        title = self._titles.get(item.name) or _title(item.name)
        label = QLabel(title)
        editor, read, write, edited = self._editor(item, title)
        label.setBuddy(editor)
        editor.setObjectName(f"field_{item.name}")
        editor.setAccessibleName(title)
        unit = QLabel(str(item.metadata.get("unit", "")))
        unit.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        problem = QLabel()
        problem.setObjectName(f"problem_{item.name}")
        problem.setWordWrap(True)
        problem.setForegroundRole(theme.ERROR)
        problem.setVisible(False)
        for widget in (label, editor, unit):
            widget.setToolTip(self._tip(item, title))
        row = _Row(item.name, title, label, editor, unit, problem, read, write, widgets=[label, editor, unit])
        edited.connect(lambda *_: self._edited(row))
        return row

    def _editor(
        self, item: dataclasses.Field[Any], title: str
    ) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None], Any]:
        kind = self._kinds[item.name]
        if typing.get_origin(kind) is tuple:
            line = QLineEdit()
            return (
                line,
                partial(self._whole_numbers, line, item.name, title),
                _write_list(line),
                line.textChanged,
            )
        kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
        optional = types.NoneType in kinds
        if bool in kinds:
            tick = QCheckBox()
            return tick, tick.isChecked, tick.setChecked, tick.toggled
        if str in kinds:
            return self._text_editor(item)
        if int in kinds and not optional:
            spin = QSpinBox()
            low, high = item.metadata.get("low"), item.metadata.get("high")
            spin.setRange(
                -(2**31) if low is None else int(low),
                2**31 - 1 if high is None else int(high),
            )
            spin.setGroupSeparatorShown(True)
            _leave_the_wheel_alone(spin)
            return spin, spin.value, spin.setValue, spin.valueChanged
        line = QLineEdit()
        line.setPlaceholderText(self.tr("not set") if optional else "")
        whole = float not in kinds
        return (
            line,
            lambda: self._number(line.text(), item.name, title, optional=optional, whole=whole),
            lambda value: line.setText("" if value is None else f"{value:.10g}"),
            line.textChanged,
        )

    def _text_editor(
        self, item: dataclasses.Field[Any]
    ) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None], Any]:
        choices = tuple(item.metadata.get("choices", ()))
        answers = choices or tuple(self._suggestions.get(item.name, ()))
        if not answers:
            line = QLineEdit()
            return line, lambda: line.text().strip(), line.setText, line.textChanged
        box = QComboBox()
        box.addItems(list(answers))
        box.setEditable(not choices)
        _leave_the_wheel_alone(box)
        return box, lambda: box.currentText().strip(), box.setCurrentText, box.currentTextChanged

    def _tip(self, item: dataclasses.Field[Any], title: str) -> str:
        unit = f" {item.metadata['unit']}" if item.metadata.get("unit") else ""
        low, high = item.metadata.get("low"), item.metadata.get("high")
        lines = [f"<b>{title}</b>"]
        if why := str(item.metadata.get("why", "")):
            lines.append(why[0].upper() + why[1:] + ".")
        if low is not None and high is not None:
            lines.append(
                self.tr("From {low} to {high}{unit}.").format(low=_short(low), high=_short(high), unit=unit)
            )
        default = item.default
        if default is not dataclasses.MISSING and default is not None:
            shown = ", ".join(map(str, default)) if isinstance(default, tuple) else _short(default)
            lines.append(self.tr("Default: {value}{unit}.").format(value=shown, unit=unit))
        return "<br>".join(lines)

    def _number(self, text: str, name: str, title: str, *, optional: bool, whole: bool) -> float | int | None:
        text = text.strip()
        if not text and optional:
            return None
        # A decimal comma is what many keyboards give; "1,000.5" keeps being refused.
        plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
        try:
            return int(plain) if whole else float(plain)
        except ValueError:
            what = self.tr("{title} is empty.") if not text else self.tr("{title} is “{text}”, not a number.")
            hint = self.tr("Type a number such as 0.001 or 1e-4.")
            raise SpecError(what.format(title=title, text=text), hint, name) from None

    def _whole_numbers(self, line: QLineEdit, name: str, title: str) -> tuple[int, ...]:
        text = line.text()
        parts = [part for part in text.replace(";", ",").replace(" ", ",").split(",") if part]
        try:
            numbers = tuple(int(part) for part in parts)
        except ValueError:
            numbers = ()
        if not numbers:
            raise SpecError(
                self.tr("{title} is “{text}”, not a list of whole numbers.").format(title=title, text=text),
                self.tr("Give the sizes separated by commas."),
                name,
            )
        return numbers

    def _check(self, row: _Row) -> SpecError | None:
        """Judge one field by itself, and mark or clear it."""
        try:
            dataclasses.replace(self._spec, **{row.name: row.read()})  # type: ignore[type-var]
        except SpecError as error:
            row.say(self._sentence(row, error))
            return error
        row.say("")
        return None

    def _sentence(self, row: _Row, error: SpecError) -> str:
        what = row.title + error.what[len(row.name) :] if error.what.startswith(f"{row.name} ") else error.what
        return f"{what} {error.hint}"

    def _edited(self, row: _Row) -> None:
        if self._writing:
            return
        self._check(row)
        self.changed.emit()

    def _show_advanced(self, shown: bool) -> None:
        self._fold.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self._advanced.setVisible(shown)


def _fields(spec: Spec) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(spec)  # type: ignore[arg-type]


def _has_one_value(item: dataclasses.Field[Any]) -> bool:
    low = item.metadata.get("low")
    return low is not None and low == item.metadata.get("high")


def _title(name: str) -> str:
    """ "crop_s" -> "Crop": the unit has a column of its own."""
    for ending in _UNIT_ENDINGS:
        name = name.removesuffix(ending)
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _write_list(line: QLineEdit) -> Callable[[Any], None]:
    return lambda values: line.setText(", ".join(str(value) for value in values))


class _WheelGuard(QObject):
    """Lets the wheel scroll the form instead of changing a field the pointer happens to pass."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def _leave_the_wheel_alone(editor: QAbstractSpinBox | QComboBox) -> None:
    editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    editor.installEventFilter(_WheelGuard(editor))
