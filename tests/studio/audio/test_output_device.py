"""Output device: devices that come and go while something plays, and the menu that lists them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from studio.audio import loudspeaker
from studio.audio.device_menu import DeviceMenu
from studio.audio.loudspeaker import ClockOutput, open_output
from studio.audio.output_device import OutputDevice
from studio.audio.player import Player
from studio.audio.sound_source import SoundSource
from studio.panels.clip.transport import TransportBar

RATE = 16_000


def tone(hz: float, seconds: float = 1.0, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_machine_without_a_device_gets_a_note_and_a_moving_playhead(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
    monkeypatch.setattr(audio_sink, "open_sink", lambda _name: None)
    player = Player()
    player.set_sounds({"original": tone(200)}, RATE)
    with qtbot.waitSignal(player.output.note) as noted:
        player.play()
    assert "No sound device" in noted.args[0]
    qtbot.waitUntil(lambda: player.position_s > 0.05)
    player.shut_down()


def test_a_missing_system_library_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "studio.audio.audio_sink", None)
    monkeypatch.delattr("studio.audio.audio_sink", raising=False)
    output = open_output()
    assert isinstance(output, loudspeaker.ClockOutput)
    assert "apt install libpulse0" in output.note


def test_a_device_that_goes_away_is_replaced_while_playing(qtbot: QtBot) -> None:
    clock = Clock()
    opened: list[ClockOutput] = []

    def open_one(_name: str) -> ClockOutput:
        opened.append(ClockOutput(clock=clock))
        return opened[-1]

    player = Player(open_output=open_one)
    player.set_sounds({"original": tone(200, 2.0)}, RATE)
    player.play()
    clock.now += 0.5
    opened[0].lost.emit("The headphones went away.")
    clock.now += 0.2
    player.update()
    assert len(opened) == 2
    assert player.state == "playing"
    assert player.position_s == pytest.approx(0.7, abs=0.02)


class Devices:
    """The system's devices, as the player asks for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.names = list(names)
        self.audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
        monkeypatch.setattr(self.audio_sink, "open_sink", self.open)
        monkeypatch.setattr(self.audio_sink, "device_names", lambda: list(self.names))
        monkeypatch.setattr(self.audio_sink, "default_name", lambda: self.names[0] if self.names else "")
        monkeypatch.setattr(self.audio_sink, "watch_devices", self.watch)
        self.watchers: list[Callable[[], None]] = []

    def watch(self, changed: Callable[[], None], parent: QObject) -> QObject:
        self.watchers.append(changed)
        return QObject(parent)

    def become(self, *names: str) -> None:
        """Plug in and pull out until these are there; the first is the system's choice."""
        self.names = list(names)
        for changed in self.watchers:
            changed()

    def open(self, name: str) -> ClockOutput | None:
        if not self.names:
            return None
        output = ClockOutput()
        output.name = name if name in self.names else self.names[0]
        return output


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> Devices:
    return Devices(monkeypatch, "Speakers", "Headphones")


@pytest.fixture
def player(devices: Devices, qtbot: QtBot) -> Iterator[Player]:
    made = Player()
    made.set_sounds({"original": tone(200, 5.0)}, RATE)
    yield made
    made.shut_down()


def test_unplugging_the_device_in_use_goes_on_elsewhere_and_says_so(
    devices: Devices, player: Player, qtbot: QtBot
) -> None:
    notes: list[str] = []
    player.output.note.connect(notes.append)
    player.output.choose("Headphones")
    player.play()
    assert player.output.name == "Headphones"
    devices.become("Speakers")
    assert player.state == "playing"
    assert player.output.name == "Speakers"
    assert notes[-1] == "The sound device “Headphones” is not there. Playing on “Speakers”."
    devices.become("Speakers", "Headphones")
    assert player.output.name == "Headphones"
    assert notes[-1] == "Playing on “Headphones” again."


def test_without_a_wish_the_system_s_choice_is_followed(devices: Devices, player: Player) -> None:
    player.play()
    assert player.output.name == "Speakers"
    devices.become("Headphones", "Speakers")  # the system chose the newcomer
    assert player.output.name == "Headphones"


def test_without_a_device_the_transport_says_so_in_place_of_a_volume(
    qtbot: QtBot, devices: Devices, player: Player
) -> None:
    bar = TransportBar(player)
    qtbot.addWidget(bar)
    bar.show()
    player.play()
    assert bar.volume.isVisible()
    for names in ([], ["Television"]):
        devices.become(*names)
        assert bar.volume.isVisible() is bool(names)
        assert bar.device.isVisible() is not bool(names)


def test_the_last_device_gone_leaves_a_silent_clock_and_a_new_one_is_used_at_once(
    devices: Devices, player: Player
) -> None:
    notes: list[str] = []
    player.output.note.connect(notes.append)
    player.play()
    devices.become()
    assert player.state == "playing"
    assert player.output.name == ""
    assert "No sound device" in notes[-1]
    devices.become("Television")
    assert player.output.name == "Television"


def test_the_menu_lists_what_there_is_and_what_is_missed(devices: Devices, player: Player, qtbot: QtBot) -> None:
    menu = DeviceMenu(player.output)
    qtbot.addWidget(menu)
    menu.aboutToShow.emit()

    def listed() -> dict[str, bool]:
        return {action.text(): action.isChecked() for action in menu.actions() if action.isCheckable()}

    assert listed() == {"&System default (now Speakers)": True, "Speakers": False, "Headphones": False}
    headphones = next(action for action in menu.actions() if action.text() == "Headphones")
    with qtbot.waitSignal(menu.device_chosen) as chosen:
        headphones.trigger()
    assert chosen.args == ["Headphones"]
    assert listed() == {"&System default": False, "Speakers": False, "Headphones": True}
    devices.become("Speakers")
    assert listed() == {"&System default": False, "Speakers": False, "Headphones (not connected)": True}


def test_another_player_follows_device_and_volume(devices: Devices, player: Player, qtbot: QtBot) -> None:
    other = Player()
    player.set_volume(0.5)
    other.follow(player)
    other.set_sounds({"original": tone(200, 1.0)}, RATE)
    other.output.open()
    player.output.choose("Headphones")
    player.set_volume(0.25)
    assert other.output.name == "Headphones"
    assert other.volume == 0.25
    other.shut_down()


def test_a_correction_belongs_to_the_device_in_use(devices: Devices, player: Player, qtbot: QtBot) -> None:
    menu = DeviceMenu(player.output)
    qtbot.addWidget(menu)
    player.output.open()
    with qtbot.waitSignal(menu.latency_chosen) as chosen:
        menu.set_latency(180)
    assert chosen.args == ["Speakers", 180]
    assert "180 ms" in menu.latency.text()


def test_an_output_is_opened_once_and_its_samples_wait_for_a_slow_device(qtbot: QtBot) -> None:
    clock = Clock()
    output = OutputDevice(open_output=lambda _name: ClockOutput(clock=clock))
    assert not output.is_silent  # not opened yet
    with qtbot.waitSignal(output.changed):
        output.open()
    with qtbot.assertNotEmitted(output.changed):
        output.open()
    assert output.is_silent
    output.start(SoundSource({"original": tone(200)}, RATE))
    output.set_latency_ms(100)
    clock.now = 0.05
    assert output.heard(RATE) == 0
    clock.now = 0.6
    assert output.heard(RATE) == RATE // 2
    output.close()
