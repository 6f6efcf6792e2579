"""The record dialog: from the button to the library and the map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine.api import MapPoints
from studio.audio.microphone import AudioInput, NoInput
from studio.audio.recorder import Recorder
from studio.dialogs.record import RecordDialog
from studio.engine_link.engine_link import EngineLink
from studio.services.preferences import Preferences
from studio.session.session import Session


class FakeInput(AudioInput):
    name = "Microphone"

    def say(self, seconds: float) -> None:
        self.received.emit(np.full(round(seconds * self.rate_hz), 0.1, np.float32))


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    link = EngineLink()
    made = Session(link, tmp_path / "data")
    monkeypatch.setattr(made.library.analysis, "pump", lambda: None)  # nothing here needs the engine
    yield made
    made.project.close()
    link.shutdown()


@pytest.fixture
def microphone() -> FakeInput:
    return FakeInput()


@pytest.fixture
def dialog(session: Session, microphone: FakeInput, qtbot: QtBot) -> RecordDialog:
    made = RecordDialog(session, Preferences(), recorder=Recorder(open_input=lambda _name: microphone))
    qtbot.addWidget(made)
    made.recorder.setParent(made)
    made.countdown.setCurrentIndex(0)
    made.show()
    microphone.say(0.1)
    return made


def test_a_recording_is_in_the_library_chosen_and_labelled(
    dialog: RecordDialog, session: Session, microphone: FakeInput, qtbot: QtBot
) -> None:
    dialog.name.setText("me: first/try")
    dialog.speaker.setText("anna")
    with qtbot.waitSignal(session.listening.stop_requested):  # the loudspeaker is silent while the microphone hears
        dialog.button.click()
    assert dialog.button.text() == "&Stop"
    assert not dialog.name.isEnabled()
    microphone.say(1.5)
    assert dialog.clock.text() == "1.5 s"
    dialog.button.click()
    (clip,) = session.library.clips.values()
    assert Path(clip.path) == session.context.folder / "recordings" / "me- first-try.wav"
    assert Path(clip.path).is_file()
    assert clip.labels == {"speaker": "anna"}
    assert session.library.current == clip.id
    assert session.library.selection == [clip.id]
    assert "being analysed" in dialog.words.text()
    assert dialog.name.text() == ""  # ready for the next


def test_undo_takes_it_off_the_library_and_keeps_the_file(
    dialog: RecordDialog, session: Session, microphone: FakeInput
) -> None:
    dialog.button.click()
    microphone.say(1.0)
    dialog.button.click()
    (clip,) = session.library.clips.values()
    session.undo.stack.undo()
    assert not session.library.clips
    assert Path(clip.path).is_file()
    session.undo.stack.redo()
    assert list(session.library.clips) == [clip.id]


def test_the_dialog_tells_when_it_is_analysed_and_when_it_stands_on_the_map(
    dialog: RecordDialog, session: Session, microphone: FakeInput
) -> None:
    dialog.button.click()
    microphone.say(1.0)
    dialog.button.click()
    (clip,) = session.library.clips.values()
    clip.state = "ready"
    session.library.changed.emit([clip.id])
    assert "Lay out the map" in dialog.words.text()
    where = np.zeros((1, 2), np.float32)
    session.maps.points["h"] = MapPoints("h", ("other",), np.zeros(1, np.int32), where, {})
    session.maps.changed.emit("h")
    assert "on its way to the map" in dialog.words.text()
    session.maps.points["h"] = MapPoints("h", (clip.id,), np.zeros(1, np.int32), where, {})
    session.maps.changed.emit("h")
    assert "selected on the map" in dialog.words.text()


def test_recordings_of_one_name_stand_beside_each_other(session: Session) -> None:
    first = session.listening.free_recording_path("again")
    first.parent.mkdir(parents=True)
    first.write_bytes(b"")
    assert session.listening.free_recording_path("again").name == "again 2.wav"
    assert session.listening.free_recording_path("../..").parent == first.parent
    assert session.listening.free_recording_path("").stem == "Recording"


def test_countdown_and_speaker_are_remembered(dialog: RecordDialog, session: Session, qtbot: QtBot) -> None:
    dialog.countdown.setCurrentIndex(dialog.countdown.findData(5))
    dialog.speaker.setText("emil")
    dialog.toggle()
    dialog.recorder.stop()
    again = RecordDialog(session, Preferences(), recorder=Recorder(open_input=lambda _name: FakeInput()))
    qtbot.addWidget(again)
    again.recorder.setParent(again)
    assert again.countdown.currentData() == 5
    assert again.speaker.text() == "emil"


def test_closing_while_recording_keeps_it(dialog: RecordDialog, session: Session, microphone: FakeInput) -> None:
    dialog.button.click()
    microphone.say(1.0)
    dialog.close()
    assert len(session.library.clips) == 1


@pytest.mark.parametrize("how", ["close", "reject"])
def test_the_cross_and_escape_close_it(session: Session, qtbot: QtBot, how: str) -> None:
    recorder = Recorder(open_input=lambda _name: FakeInput())
    dialog = RecordDialog(session, Preferences(), recorder=recorder)
    qtbot.addWidget(dialog)
    recorder.setParent(dialog)
    for _ in range(2):
        dialog.show()
        assert recorder.input_name
        getattr(dialog, how)()
        assert not dialog.isVisible()
        assert not recorder.input_name, "the microphone is let go"


def test_without_a_microphone_the_dialog_says_so_and_offers_nothing(session: Session, qtbot: QtBot) -> None:
    none = Recorder(open_input=lambda _name: NoInput("No microphone was found. Connect one; it is used at once."))
    dialog = RecordDialog(session, Preferences(), recorder=none)
    qtbot.addWidget(dialog)
    none.setParent(dialog)
    dialog.show()
    assert not dialog.button.isEnabled()
    assert "No microphone was found" in dialog.words.text()
