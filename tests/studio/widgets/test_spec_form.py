"""A form made from a spec: what it shows, what it gives back, and how it tells what is wrong."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, ModelSpec, SpecError, TrainSpec, presets
from studio.widgets.spec_form import SpecForm

BASIC = ("epochs", "minutes", "learning_rate")


@pytest.fixture
def form(qtbot: QtBot) -> SpecForm:
    form = SpecForm(TrainSpec(), basic=BASIC, suggestions={"device": ("auto", "cpu", "cuda")}, hidden=("preset",))
    qtbot.addWidget(form)
    form.show()
    return form


def line(form: SpecForm, name: str) -> QLineEdit:
    editor = form.editor(name)
    assert isinstance(editor, QLineEdit)
    return editor


@pytest.mark.parametrize("preset", list(presets()))
def test_an_untouched_form_gives_back_the_spec_it_was_given(qtbot: QtBot, preset: str) -> None:
    for spec in (presets()[preset].train, presets()[preset].model, AudioSpec()):
        form = SpecForm(spec)
        qtbot.addWidget(form)
        assert form.spec() == spec


def test_another_spec_of_the_class_replaces_every_value(form: SpecForm) -> None:
    other = dataclasses.replace(
        TrainSpec(), epochs=7, minutes=2.5, learning_rate=3e-5, device="cuda", schedule="cosine", seed=11
    )
    form.set_spec(other)
    assert form.spec() == other


def test_hidden_settings_keep_the_value_they_came_with(form: SpecForm) -> None:
    form.set_spec(dataclasses.replace(TrainSpec(), preset="paper"))
    assert form.spec().preset == "paper"  # type: ignore[attr-defined]


def test_each_kind_of_setting_gets_a_fitting_editor(qtbot: QtBot, form: SpecForm) -> None:
    assert isinstance(form.editor("epochs"), QSpinBox)
    assert isinstance(form.editor("learning_rate"), QLineEdit)
    assert isinstance(form.editor("schedule"), QComboBox)
    assert not form.editor("schedule").isEditable()
    assert form.editor("device").isEditable(), "suggestions do not forbid cuda:1"


def test_units_and_reasons_come_from_the_fields(form: SpecForm) -> None:
    units = [label.text() for label in form.findChildren(QLabel)]
    assert "min" in units
    assert "clips" in units
    assert "step size" in form.editor("learning_rate").toolTip()
    assert "1e-07 to 1" in form.editor("learning_rate").toolTip()
    assert "Default: 0.0001" in form.editor("learning_rate").toolTip()


def test_every_field_has_an_accessible_name_and_a_label_that_leads_to_it(form: SpecForm) -> None:
    for name in BASIC:
        editor = form.editor(name)
        assert editor.accessibleName()
        assert any(label.buddy() is editor for label in form.findChildren(QLabel))


def test_advanced_settings_fold_away(form: SpecForm) -> None:
    fold = form.findChild(QToolButton, "advancedToggle")
    assert form.editor("epochs").isVisible()
    assert not form.editor("alpha").isVisible()
    fold.click()
    assert form.editor("alpha").isVisible()


def test_a_value_out_of_range_is_told_below_its_field_while_typing(form: SpecForm) -> None:
    line(form, "learning_rate").setText("50")
    assert form.problem("learning_rate") == "Learning rate is 50.0. It can be 1e-07 to 1.0."
    assert form.problem("epochs") == ""
    line(form, "learning_rate").setText("0.001")
    assert form.problem("learning_rate") == ""


def test_words_in_a_number_are_refused_in_words(form: SpecForm) -> None:
    line(form, "learning_rate").setText("fast")
    assert form.problem("learning_rate").startswith("Learning rate is “fast”, not a number.")
    with pytest.raises(SpecError) as caught:
        form.spec()
    assert caught.value.name == "learning_rate"


def test_asking_for_the_spec_unfolds_and_focuses_the_first_bad_field(form: SpecForm) -> None:
    line(form, "alpha").setText("-1")
    with pytest.raises(SpecError):
        form.spec()
    assert form.editor("alpha").isVisible()
    assert form.editor("alpha").accessibleDescription().startswith("Alpha is -1.0")


def test_an_optional_value_may_be_left_empty(form: SpecForm) -> None:
    line(form, "minutes").setText("5")
    assert form.spec().minutes == 5.0  # type: ignore[attr-defined]
    line(form, "minutes").setText("")
    assert form.spec().minutes is None  # type: ignore[attr-defined]


def test_a_decimal_comma_is_understood(form: SpecForm) -> None:
    line(form, "minutes").setText("2,5")
    assert form.spec().minutes == 2.5  # type: ignore[attr-defined]


def test_sizes_are_edited_as_a_list(qtbot: QtBot) -> None:
    form = SpecForm(ModelSpec())
    qtbot.addWidget(form)
    sizes = line(form, "global_channels")
    assert sizes.text() == "128, 256, 512"
    sizes.setText("64,128")
    assert form.spec().global_channels == (64, 128)  # type: ignore[attr-defined]
    for bad in ("", "64, many", "64, -1"):
        sizes.setText(bad)
        assert form.problem("global_channels")


def test_a_problem_found_later_is_marked_at_the_field_it_names(form: SpecForm) -> None:
    form.mark(SpecError("crop_s is longer than every clip.", "Choose a shorter piece.", "crop_s"))
    assert form.problem("crop_s") == "crop_s is longer than every clip. Choose a shorter piece.".replace(
        "crop_s", "Crop", 1
    )


def test_editing_tells_so_but_showing_a_spec_tells_once(qtbot: QtBot, form: SpecForm) -> None:
    told: list[int] = []
    form.changed.connect(lambda: told.append(1))
    form.set_spec(TrainSpec(seed=3))
    assert len(told) == 1
    line(form, "alpha").setText("0.5")
    assert len(told) == 2
