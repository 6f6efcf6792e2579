"""The transfer desk at every width: nothing is cut off, names can be read."""

from __future__ import annotations

import pytest
from at_the_desk import ANNA, FIRST
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from studio.panels.transfer import takes_model
from studio.panels.transfer.panel import TransferDeskPanel
from studio.panels.transfer.takes_model import NAME, VOICE
from studio.session.session import Session

pytestmark = pytest.mark.usefixtures("four_recordings")


def resize_to(desk: TransferDeskPanel, width: int, height: int) -> None:
    """Give the desk this size, and let the parts find theirs."""
    desk.resize(width, height)
    for _ in range(3):  # a layout that changed its form asks those around it for another round
        QApplication.processEvents()


def in_sight(desk: TransferDeskPanel, widget: QWidget) -> bool:
    """Whether it is shown between the desk's sides, no narrower than it must be."""
    left = widget.mapTo(desk, QPoint(0, 0)).x()
    needed = widget.minimumSizeHint().width()
    return widget.isVisible() and left >= 0 and left + max(widget.width(), needed) <= desk.width()


@pytest.mark.parametrize("width", [340, 480, 700, 1239, 1264, 1584])
def test_nothing_is_cut_off_at_any_width(two_takes: TransferDeskPanel, session: Session, width: int) -> None:
    desk = two_takes
    desk.on_drop.setChecked(False)
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    resize_to(desk, width, 600)
    shown: list[QWidget] = [*desk.zones.values(), *desk.card.table.buttons.values(), desk.verdict]
    shown += [desk.board.of_voice, desk.board.of_emotion, desk.board.rule, desk.board.rendering]
    shown += [desk.on_drop, desk.play_when_ready, desk.clear_button, desk.render_button, desk.takes.view]
    shown += [cell for cell in desk.card.table.findChildren(QLabel) if cell.isVisible()]
    assert [widget for widget in shown if not in_sight(desk, widget)] == []


def test_beside_each_other_the_parts_fit_the_foot_of_a_small_screen(two_takes: TransferDeskPanel) -> None:
    resize_to(two_takes, 1264, 226)
    bottom = two_takes.render_button.mapTo(two_takes, QPoint(0, two_takes.render_button.height())).y()
    assert bottom <= 226


@pytest.mark.parametrize("width", [340, 1264, 1584, 2200])
def test_names_of_takes_can_be_read_at_any_width(two_takes: TransferDeskPanel, width: int) -> None:
    resize_to(two_takes, width, 600)
    view = two_takes.takes.view
    assert view.columnWidth(NAME) >= view.fontMetrics().horizontalAdvance("second")
    shown = sum(
        view.columnWidth(c) for c in range(two_takes.takes.table.columnCount()) if not view.isColumnHidden(c)
    )
    assert shown <= view.viewport().width()
    assert view.isColumnHidden(VOICE) is (view.viewport().width() < 340)
    assert view.isColumnHidden(takes_model.SOURCE) is (view.viewport().width() < 480)
    assert not view.isColumnHidden(takes_model.SOURCE) or width < 2200


def test_the_evidence_is_the_same_in_either_form(two_takes: TransferDeskPanel) -> None:
    resize_to(two_takes, 1264, 340)
    beside = two_takes.card.table.values()
    resize_to(two_takes, 340, 600)
    assert two_takes.card.isVisible()
    assert two_takes.card.table.values() == beside
    resize_to(two_takes, 1264, 340)
    assert two_takes.card.isVisible()
