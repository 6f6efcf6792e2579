"""Light and dark of the whole window: every control follows at once, whichever way it goes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtGui import QColor, QPalette, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QCheckBox, QLabel, QRadioButton, QWidget
from pytestqt.qtbot import QtBot
from stage import Idle

from engine.api import SpecError
from studio import app
from studio.app import Studio
from studio.dialogs.get_corpus import GetCorpusDialog
from studio.dialogs.preferences.dialog import APPEARANCE, PreferencesDialog
from studio.panels.training.new_run_form import NewRunForm
from studio.services import theme


@pytest.fixture
def studio(qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    style, palette = qapp.style().objectName(), qapp.palette()
    qapp.setStyle("Fusion")
    theme.choose(qapp, "light")
    monkeypatch.setattr(app, "EngineLink", Idle)
    made = Studio()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    made.close()
    theme.choose(qapp, "system")
    qapp.setStyle(style)
    qapp.setPalette(palette)


def grounds(root: QWidget) -> dict[str, QColor]:
    """The colour that most of each button shows."""
    found = {}
    for button in root.findChildren(QAbstractButton):
        if button.isVisible() and not isinstance(button, QCheckBox | QRadioButton) and button.width() > 12:
            image = button.grab().toImage()
            pixels = [
                image.pixelColor(x, y) for x in range(3, image.width() - 3, 2) for y in (4, image.height() - 5)
            ]
            name = f"{button.objectName()} {button.accessibleName() or button.text() or button.toolTip()}"
            found[name] = sorted(pixels, key=lambda colour: colour.lightness())[len(pixels) // 2]
    return found


@pytest.mark.parametrize(("first", "then"), [("light", "dark"), ("dark", "light")])
def test_no_button_stays_as_it_was_when_the_scheme_changes(
    qtbot: QtBot, qapp: QApplication, studio: Studio, first: str, then: str
) -> None:
    theme.choose(qapp, first)
    qapp.processEvents()
    theme.choose(qapp, then)
    qapp.processEvents()
    shown = grounds(studio.window)
    assert len(shown) > 15
    dark = then == "dark"
    wrong = {name: colour.name() for name, colour in shown.items() if (colour.lightness() < 128) is not dark}
    assert not wrong


def test_a_banner_follows_when_the_scheme_changes(qapp: QApplication, studio: Studio) -> None:
    studio.messages.say("What.", "Do.", level="warning")
    banner = studio.window.banner
    for scheme in ("dark", "light", "dark"):
        theme.choose(qapp, scheme)
        qapp.processEvents()
        ground, ink = theme.warning_colours("warning", dark=scheme == "dark")
        assert banner.palette().color(QPalette.ColorRole.Window) == ground
        assert banner.words.palette().color(QPalette.ColorRole.WindowText) == ink


def ink(label: QLabel) -> QColor:
    """The colour that a label's words are drawn in."""
    return label.palette().color(label.foregroundRole())


def test_what_is_said_to_be_wrong_stays_readable_when_the_scheme_changes(
    qtbot: QtBot, qapp: QApplication, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    corpus = GetCorpusDialog(str(tmp_path))
    run = NewRunForm(studio.session.library, studio.session.model)
    for widget in (corpus, run):
        qtbot.addWidget(widget)
        widget.show()
    run.show_problem("It cannot be started.")
    run.settings.mark(SpecError("Too few.", "Give more.", "epochs"))
    told = run.settings.findChild(QLabel, "problem_epochs")
    assert told is not None
    for scheme in ("dark", "light", "dark"):
        theme.choose(qapp, scheme)
        qapp.processEvents()
        colours = theme.colours()
        for label in (corpus.room, run.problem, told):
            assert ink(label) == colours.error
        wash = run.settings.editor("epochs").palette().color(QPalette.ColorRole.Base)
        plain = qapp.palette().color(QPalette.ColorRole.Base)
        assert wash == theme.mixed(colours.error, plain, 0.22)
        assert ink(QLabel()) == colours.text  # what is not wrong has the usual colour


def pictures(root: QWidget) -> list[QPixmap]:
    """Of the labels that show one."""
    return [label.pixmap() for label in root.findChildren(QLabel) if not label.pixmap().isNull()]


def test_the_picture_of_an_empty_library_follows_the_scheme(qapp: QApplication, studio: Studio) -> None:
    seen = []
    for scheme in ("dark", "light"):
        theme.choose(qapp, scheme)
        qapp.processEvents()
        (pixmap,) = pictures(studio.window.library)
        picture = pixmap.toImage()
        points = [picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())]
        drawn = [point.lightness() for point in points if point.alpha() > 200]
        seen.append(sum(drawn) / len(drawn))
    assert seen[0] > 128 > seen[1]


def test_the_choice_is_made_on_the_page_kept_and_taken_up_again(
    qtbot: QtBot, qapp: QApplication, studio: Studio
) -> None:
    dialog = PreferencesDialog(studio.session, studio.preferences, studio.window.shortcuts, APPEARANCE)
    qtbot.addWidget(dialog)
    dialog.appearance.choices["dark"].click()
    assert theme.is_dark()
    theme.choose(qapp, "light")
    studio.open([])
    assert theme.is_dark()


def test_like_the_system_follows_the_system(
    qapp: QApplication, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    theme.choose(qapp, "dark")
    theme.choose(qapp, "system")
    assert theme.is_dark() is (qapp.styleHints().colorScheme().name == "Dark")
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() > 128
