"""The m lane: seconds seen, chosen by mouse and keys, copied, pasted, painted, faded and restored."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot
from stage import analysed

from studio.domain import drag_payload
from studio.domain.drag_payload import Payload
from studio.panels.clip import affect_colours
from studio.panels.clip.lane_cells import DISTANCE
from studio.panels.clip.m_lane import MLanePanel
from studio.panels.clip.phrases import phrase_at
from studio.plots.timeline import Timeline
from studio.services.preferences import Preferences
from studio.session.session import Session

SECONDS = 6


@pytest.fixture
def ids(session: Session) -> list[str]:
    """Two recordings of six seconds: m turns by ten degrees a second."""
    found = analysed(session, "a1", "b1")
    angles = np.radians(10.0 * np.arange(SECONDS))
    for clip_id in found:
        clip = session.library.clips[clip_id]
        clip.duration_s = 5.5
        np.save(Path(str(clip.folder)) / "m.npy", np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32))
    return found


@pytest.fixture
def timeline(qtbot: QtBot) -> Timeline:
    made = Timeline()
    made.set_duration(5.5)
    return made


@pytest.fixture
def panel(session: Session, ids: list[str], timeline: Timeline, qtbot: QtBot, tmp_path: Path) -> MLanePanel:
    made = MLanePanel(session, session.messages, Preferences(tmp_path / "settings.ini"), timeline)
    timeline.setParent(made)
    qtbot.addWidget(made)
    qtbot.addWidget(made.lane)
    made.lane.resize(656, 46)  # 600 px beside the axis
    made.lane.show()
    session.library.set_current(ids[0])
    return made


def middle(panel: MLanePanel, second: int) -> QPoint:
    return panel.lane.box(second).center().toPoint()


def click(qtbot: QtBot, panel: MLanePanel, second: int, keys: Qt.KeyboardModifier | None = None) -> None:
    plain = Qt.KeyboardModifier.NoModifier
    qtbot.mouseClick(panel.lane, Qt.MouseButton.LeftButton, keys or plain, middle(panel, second))


def targets(session: Session, clip_id: str) -> list[tuple[int, ...]]:
    return [edit.target for edit in session.transfer.setup.edits.get(clip_id, ())]


def test_its_tools_stand_in_one_row_however_narrow(panel: MLanePanel) -> None:
    panel.show()
    for width in (panel.minimumSizeHint().width(), 770):
        panel.resize(width, panel.sizeHint().height())
        boxes = [control.geometry() for control in panel.tools.controls]
        assert max(box.top() for box in boxes) < min(box.bottom() for box in boxes), "in one row"
        assert all(left.right() < right.left() for left, right in pairwise(boxes))
        assert boxes[-1].right() < width
    assert panel.minimumSizeHint().width() < 570, "as wide as the middle of a small screen"


def test_the_key_has_words_where_there_is_room(panel: MLanePanel) -> None:
    panel.show()
    panel.resize(770, 40)
    assert panel.tools.key.width() == panel.tools.key.sizeHint().width()
    panel.resize(panel.minimumSizeHint().width(), 40)
    assert panel.tools.key.width() == panel.tools.key.minimumSizeHint().width() < panel.tools.key.sizeHint().width()


def test_every_second_has_a_chip_where_its_time_is(panel: MLanePanel, timeline: Timeline) -> None:
    assert panel.lane.second(SECONDS - 1) is not None
    assert panel.lane.second(SECONDS) is None
    widths = [panel.lane.box(second).width() for second in range(SECONDS)]
    assert widths[:5] == pytest.approx([600 / 5.5 - 1] * 5)
    assert widths[5] == pytest.approx(300 / 5.5 - 1), "the last one ends with the recording"
    timeline.show(2.0, 4.0)
    assert panel.lane.box(2).left() == pytest.approx(56.5)


def test_distances_are_measured_from_the_second_chosen(panel: MLanePanel) -> None:
    assert panel.tools.mode.currentData() == DISTANCE, "the model reads no arousal"
    panel.measure_from(2)
    shown = [panel.lane.second(i) for i in range(SECONDS)]
    words = [second.words for second in shown if second]
    assert words == [f"{1 - np.cos(np.radians(10.0 * abs(i - 2))):.2f}" for i in range(SECONDS)]
    assert [i for i, second in enumerate(shown) if second and second.chosen] == [2]
    assert shown[1] is not None
    assert shown[3] is not None
    assert shown[1].colour == shown[3].colour != shown[5].colour  # type: ignore[union-attr]


def test_arousal_and_valence_are_shown_where_the_model_reads_them(
    panel: MLanePanel, session: Session, ids: list[str]
) -> None:
    folder = Path(str(session.library.clips[ids[0]].folder))
    np.save(folder / "arousal.npy", np.linspace(0, 1, SECONDS, dtype=np.float32))
    np.save(folder / "valence.npy", np.linspace(-1, 1, SECONDS, dtype=np.float32))
    session.library.changed.emit([ids[0]])
    assert panel.tools.mode.currentIndex() == 0
    second = panel.lane.second(5)
    assert second is not None
    assert second.colour == affect_colours.of_affect(1.0, 1.0)
    assert "arousal 1.00, valence +1.00" in second.description
    assert "excited" in panel.tools.key.accessibleName()


def test_without_an_m_the_lane_says_why(panel: MLanePanel, session: Session, ids: list[str]) -> None:
    session.library.clips[ids[0]].state = "analysing"
    session.library.changed.emit([ids[0]])
    assert "still being analysed" in panel.lane.words
    assert not panel.tools.give_button.isEnabled()
    session.model.info = None
    panel.refresh()
    assert "needs a model" in panel.lane.words


def test_clicks_and_keys_select_and_the_time_follows(qtbot: QtBot, panel: MLanePanel, timeline: Timeline) -> None:
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    click(qtbot, panel, 1)
    click(qtbot, panel, 3, shift)
    assert panel.lane.selection == (1, 2, 3)
    assert timeline.selection_s == (1.0, 4.0)
    click(qtbot, panel, 2, control)
    assert panel.lane.selection == (1, 3)
    assert timeline.selection_s is None, "no one span of time"
    qtbot.keyClick(panel.lane, Qt.Key.Key_Right)
    assert panel.lane.selection == (3,)
    qtbot.keyClick(panel.lane, Qt.Key.Key_Right, shift)
    assert panel.lane.selection == (3, 4)
    qtbot.keyClick(panel.lane, Qt.Key.Key_A, control)
    assert panel.lane.selection == tuple(range(SECONDS))
    assert timeline.selection_s == (0.0, 5.5)


def test_a_time_selected_in_the_picture_selects_the_seconds_in_it(panel: MLanePanel, timeline: Timeline) -> None:
    timeline.select((0.9, 3.4))
    assert panel.lane.selection == (1, 2)
    assert timeline.selection_s == (0.9, 3.4), "the time stays as it was drawn"


def test_a_double_click_asks_for_the_phrase(qtbot: QtBot, panel: MLanePanel) -> None:
    with qtbot.waitSignal(panel.lane.phrase_wanted) as asked:
        panel.lane.phrase_wanted.disconnect(panel.select_phrase)
        qtbot.mouseDClick(panel.lane, Qt.MouseButton.LeftButton, pos=middle(panel, 2))
    assert asked.args == [2]


def test_a_phrase_ends_where_the_speaker_pauses() -> None:
    rate = 64
    mel = np.full((10 * rate, 4), -8.0, np.float16)
    mel[rate : 3 * rate + 20] = 0.0  # a phrase from 1 to 3.3 s
    mel[4 * rate : 8 * rate] = 0.0
    mel[6 * rate : 6 * rate + 10] = -8.0  # a stop within a word is no pause
    assert phrase_at(mel, rate, 2) == (1, 2)
    assert phrase_at(mel, rate, 5) == (4, 7)
    assert phrase_at(mel, rate, 3) == (1, 3), "the second that was pointed at belongs to it"
    assert phrase_at(mel, rate, 9) == (9, 9), "a pause is no phrase"


def test_seconds_are_copied_in_one_recording_and_pasted_in_another(
    qtbot: QtBot, panel: MLanePanel, session: Session, ids: list[str]
) -> None:
    click(qtbot, panel, 4)
    qtbot.keyClick(panel.lane, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    session.library.set_current(ids[1])
    panel.lane.select([1, 2])
    qtbot.keyClick(panel.lane, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    (edit,) = session.transfer.setup.edits[ids[1]]
    assert (edit.target, edit.payload, edit.rule) == ((1, 2), Payload("seconds", seconds=((ids[0], 4),)), "stretch")
    chip = panel.lane.second(1)
    assert chip is not None
    assert chip.given is not None
    assert chip.given[1] == 1.0
    assert "from a1.wav · 4 s, 100 %, rule: Stretch" in chip.description


def test_pasting_nothing_says_what_to_do(panel: MLanePanel, session: Session) -> None:
    panel.editing.paste()
    assert "No seconds are copied" in session.messages.history[-1].what


def test_a_stroke_of_the_brush_is_one_edit(
    qtbot: QtBot, panel: MLanePanel, session: Session, ids: list[str]
) -> None:
    session.second_edits.copy(ids[1], [0])
    panel.tools.brush.click()
    qtbot.mousePress(panel.lane, Qt.MouseButton.LeftButton, pos=middle(panel, 1))
    for second in (2, 3):
        qtbot.mouseMove(panel.lane, middle(panel, second))
    qtbot.mouseRelease(panel.lane, Qt.MouseButton.LeftButton, pos=middle(panel, 3))
    assert targets(session, ids[0]) == [(1, 2, 3)]
    session.undo.stack.undo()
    assert targets(session, ids[0]) == []


def test_a_drop_reaches_the_second_under_it_or_the_whole_selection(
    panel: MLanePanel, session: Session, ids: list[str]
) -> None:
    session.library.set_label([ids[1]], "emotion", "angry")
    mime = drag_payload.to_mime(Payload("label", label=("emotion", "angry")), session.context.uuid)
    copy, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    panel.lane.select([3, 4])
    for second in (0, 3):
        at = middle(panel, second)
        enter, move = (kind(at, copy, mime, left, plain) for kind in (QDragEnterEvent, QDragMoveEvent))
        panel.lane.dragEnterEvent(enter)
        panel.lane.dragMoveEvent(move)
        assert enter.isAccepted()
        assert move.isAccepted()
        panel.lane.dropEvent(QDropEvent(QPointF(at), copy, mime, left, plain))
    assert targets(session, ids[0]) == [(0,), (3, 4)]
    assert {edit.rule for edit in session.transfer.setup.edits[ids[0]]} == {"mean"}, "of a label the mean"


def test_the_controls_change_the_edit_that_is_selected(panel: MLanePanel, session: Session, ids: list[str]) -> None:
    panel.lane.select([1, 2, 3])
    panel.editing.give(Payload("clips", clips=(ids[1],)))
    panel.tools.weight.setValue(60)
    panel.tools.fade.setValue(1.0)
    panel.tools.rule.setCurrentIndex(panel.tools.rule.findData("nearest"))
    panel.tools.rule.activated.emit(panel.tools.rule.currentIndex())
    (edit,) = session.transfer.setup.edits[ids[0]]
    assert (edit.weight, edit.fade_in_s, edit.fade_out_s, edit.rule) == (0.6, 1.0, 1.0, "nearest")
    given = [second.given[1] for i in (1, 2, 3) if (second := panel.lane.second(i)) and second.given]
    assert given == pytest.approx([0.3, 0.6, 0.3], abs=1e-6)
    panel.lane.select([5])
    assert (panel.tools.weight.value(), panel.tools.fade.value()) == (100, 0.0), "the next edit begins as usual"


def test_delete_gives_a_second_its_own_m_back(
    qtbot: QtBot, panel: MLanePanel, session: Session, ids: list[str]
) -> None:
    panel.lane.select([1, 2])
    panel.editing.give(Payload("clips", clips=(ids[1],)))
    panel.lane.select([2])
    qtbot.keyClick(panel.lane, Qt.Key.Key_Delete)
    assert targets(session, ids[0]) == [(1,)]


def test_the_menu_has_a_twin_for_everything(panel: MLanePanel, session: Session, ids: list[str]) -> None:
    session.library.set_label([ids[1]], "emotion", "angry")
    panel.lane.select([1])
    actions = {action.text(): action for action in panel.context_menu().actions()}
    actions["&Copy (Ctrl+C)"].trigger()
    assert session.second_edits.copied is not None
    giving = actions["&Give it the emotion (m) of"].menu()
    assert isinstance(giving, QMenu)
    emotions = next(a.menu() for a in giving.actions() if a.text() == "&Emotions")
    assert isinstance(emotions, QMenu)
    emotions.actions()[0].trigger()
    assert [edit.title for edit in session.transfer.setup.edits[ids[0]]] == ["every angry"]
    again = {action.text(): action for action in panel.context_menu().actions()}
    again["Take back: every angry on 1–2 s"].trigger()
    assert session.transfer.setup.edits == {}


def test_a_reference_of_another_model_is_refused_in_words(
    panel: MLanePanel, session: Session, ids: list[str]
) -> None:
    session.library.clips[ids[1]].model_hash = "other"
    panel.lane.select([1])
    panel.editing.give(Payload("clips", clips=(ids[1],)))
    assert "still being analysed" in session.messages.history[-1].what
    assert session.transfer.setup.edits == {}


def test_words_on_a_chip_are_readable_on_every_colour() -> None:
    def luminance(colour: object) -> float:
        parts = (colour.redF(), colour.greenF(), colour.blueF())  # type: ignore[attr-defined]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    grounds = [affect_colours.of_affect(a, v) for a in np.linspace(0, 1, 11) for v in np.linspace(-1, 1, 11)]
    grounds += [affect_colours.of_distance(share) for share in np.linspace(0, 1, 21)]
    for ground in grounds:
        pair = sorted((luminance(ground), luminance(affect_colours.ink_on(ground))))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_lightness_alone_tells_arousal_and_blue_from_orange_tells_valence() -> None:
    for valence in (-1.0, 0.0, 1.0):
        lights = [affect_colours.of_affect(a, valence).lightnessF() for a in np.linspace(0, 1, 6)]
        assert all(low < high for low, high in pairwise(lights))
    blue, orange = affect_colours.of_affect(0.5, -1.0), affect_colours.of_affect(0.5, 1.0)
    assert blue.blue() - blue.red() > 100
    assert orange.red() - orange.blue() > 100
