"""The player and its sources: clocked by hand here, and once through a real sound server."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from studio.audio import loudspeaker
from studio.audio.device_menu import DeviceMenu
from studio.audio.loudspeaker import ClockOutput, open_output
from studio.audio.player import Player
from studio.audio.sound_source import SoundSource
from studio.panels.clip.transport import TransportBar

RATE = 16_000


def tone(hz: float, seconds: float = 1.0, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def ramp(seconds: float = 1.0) -> np.ndarray:
    """A sound whose value tells its place."""
    return np.linspace(0.0, 0.5, round(seconds * RATE), dtype=np.float32)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A player on a clock that the test moves."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.player = Player(open_output=lambda _name: ClockOutput(clock=self.clock))
        self.states: list[str] = []
        self.player.state_changed.connect(self.states.append)

    def pass_time(self, seconds: float) -> None:
        """Let time pass as the player sees it: in ticks."""
        for _ in range(round(seconds / 0.02)):
            self.clock.now += 0.02
            if self.player._timer.isActive():
                self.player._tick()


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    made = Bench()
    made.player.set_sounds({"original": tone(200, 2.0), "transformed": tone(300, 2.0)}, RATE)
    return made


# ---------------------------------------------------------------- the source
def test_a_source_hands_out_the_whole_sound_once_and_then_silence() -> None:
    sound = tone(200, 0.5)
    source = SoundSource({"a": sound}, RATE)
    source.play()
    heard = np.concatenate([source.read(1000) for _ in range(10)])
    np.testing.assert_allclose(heard[80 : len(sound)], sound[80:], atol=1e-6)
    assert not heard[len(sound) + 80 :].any()
    assert source.ended_at == len(sound)


def test_the_place_follows_what_was_heard_across_seek_and_loop() -> None:
    source = SoundSource({"a": ramp(1.0)}, RATE)
    source.output_started()
    source.set_range(4000, 8000, loop=True)
    source.play()
    source.read(5000)  # 4000..8000, then 1000 of the second round
    assert source.position_at(0) == 4000
    assert source.position_at(3999) == 7999
    assert source.position_at(4500) == 4500
    source.seek(6000)
    source.read(100)
    assert source.position_at(4999) == 4999
    assert source.position_at(5050) == 6050


def test_a_loop_comes_back_to_its_first_sample() -> None:
    sound = ramp(1.0)
    source = SoundSource({"a": sound}, RATE)
    source.set_range(4000, 6000, loop=True)
    source.play()
    heard = source.read(6000)
    np.testing.assert_allclose(heard[2100:3900], sound[4100:5900], atol=1e-6)
    assert source.moving


@pytest.mark.parametrize("action", ["pause", "seek", "switch", "loop", "end"])
def test_nothing_the_user_does_makes_a_click(action: str) -> None:
    low = tone(110, 1.0, 0.5)
    source = SoundSource({"a": low, "b": -low}, RATE)
    if action in ("loop", "end"):
        source.set_range(0, 4037, loop=action == "loop")
    source.play()
    before = source.read(4000)
    if action == "pause":
        source.pause()
    elif action == "seek":
        source.seek(12_345)
    elif action == "switch":
        source.switch("b")
    heard = np.concatenate([before, source.read(4000)])
    steepest = np.abs(np.diff(low)).max()
    assert np.abs(np.diff(heard)).max() < steepest + 2 * 0.5 / 80


def test_a_switch_goes_on_at_the_same_place() -> None:
    a, b = tone(200), tone(333)
    source = SoundSource({"a": a, "b": b}, RATE)
    source.play()
    source.read(4000)
    source.switch("b")
    heard = source.read(4000)
    np.testing.assert_allclose(heard[100:], b[4100:8000], atol=1e-6)


def test_a_shorter_version_ends_in_silence_and_not_in_an_error() -> None:
    source = SoundSource({"a": tone(200, 0.5), "b": tone(200, 0.4)}, RATE)
    source.switch("b")
    source.play()
    heard = source.read(8000)
    assert np.abs(heard[1000:6000]).max() > 0.2
    assert not heard[6400:].any()


def test_volume_is_heard_and_never_clips() -> None:
    source = SoundSource({"a": tone(200, 1.0, 0.9)}, RATE)
    source.set_volume(0.5)
    source.play()
    source.read(1000)
    assert np.abs(source.read(4000)).max() == pytest.approx(0.45, abs=0.01)


# ---------------------------------------------------------------- the player
def test_playing_moves_the_playhead_with_the_clock(bench: Bench) -> None:
    bench.player.play()
    bench.pass_time(0.5)
    assert bench.player.position_s == pytest.approx(0.5, abs=0.03)


def test_space_plays_pauses_and_goes_on_from_there(bench: Bench) -> None:
    bench.player.toggle()
    bench.pass_time(0.4)
    bench.player.toggle()
    bench.pass_time(0.4)
    held = bench.player.position_s
    bench.player.toggle()
    bench.pass_time(0.2)
    assert held == pytest.approx(0.4, abs=0.03)
    assert bench.player.position_s == pytest.approx(0.6, abs=0.03)
    assert bench.states == ["playing", "paused", "playing"]


def test_the_end_returns_to_the_beginning_and_stops(bench: Bench) -> None:
    bench.player.play()
    bench.pass_time(2.2)
    assert bench.player.state == "stopped"
    assert bench.player.position_s == 0.0


def test_an_output_is_let_go_once_the_fade_is_out(bench: Bench) -> None:
    bench.player.play()
    bench.pass_time(0.2)
    bench.player.pause()
    bench.pass_time(0.2)
    assert not bench.player._timer.isActive()


def test_a_selection_bounds_what_is_played(bench: Bench) -> None:
    bench.player.set_selection((0.5, 1.0))
    bench.player.play()
    bench.pass_time(0.2)
    assert bench.player.position_s == pytest.approx(0.7, abs=0.03)
    bench.pass_time(0.4)
    assert bench.player.state == "stopped"
    assert bench.player.position_s == 0.5


def test_a_loop_stays_within_the_selection(bench: Bench) -> None:
    bench.player.set_selection((0.5, 1.0))
    bench.player.set_loop(True)
    bench.player.play()
    bench.pass_time(1.2)
    assert bench.player.state == "playing"
    assert bench.player.position_s == pytest.approx(0.7, abs=0.03)


def test_seeking_while_playing_plays_on_from_there(bench: Bench) -> None:
    bench.player.play()
    bench.pass_time(0.2)
    bench.player.seek(1.5)
    bench.pass_time(0.2)
    assert bench.player.position_s == pytest.approx(1.7, abs=0.03)


def test_switching_versions_keeps_the_place_and_says_so(bench: Bench, qtbot: QtBot) -> None:
    bench.player.play()
    bench.pass_time(0.5)
    with qtbot.waitSignal(bench.player.sound_changed) as caught:
        bench.player.switch("transformed")
    bench.pass_time(0.1)
    assert caught.args == ["transformed"]
    assert bench.player.position_s == pytest.approx(0.6, abs=0.03)


def test_new_versions_come_in_under_a_running_playhead(bench: Bench) -> None:
    bench.player.switch("transformed")
    bench.player.play()
    bench.pass_time(0.5)
    fresh = {"original": tone(200, 2.0), "transformed": tone(250, 2.0)}
    bench.player.set_sounds(fresh, RATE, keep_place=True)
    bench.pass_time(0.1)
    assert bench.player.state == "playing"
    assert bench.player.sound == "transformed"
    assert bench.player.position_s == pytest.approx(0.6, abs=0.03)


def test_every_version_is_heard_at_its_own_gain(bench: Bench) -> None:
    sounds = {"original": tone(200, 1.0, 0.2), "transformed": tone(200, 1.0, 0.02)}
    bench.player.set_sounds(sounds, RATE, gains={"transformed": 10.0})
    assert bench.player._source is not None
    bench.player.switch("transformed")
    bench.player.play()
    bench.player._source.read(1000)
    assert np.abs(bench.player._source.read(2000)).max() == pytest.approx(0.2, abs=0.005)
    bench.player.switch("original")
    bench.player._source.read(1000)
    assert np.abs(bench.player._source.read(2000)).max() == pytest.approx(0.2, abs=0.005)


def test_playing_nothing_is_harmless(qtbot: QtBot) -> None:
    player = Player(open_output=lambda _name: ClockOutput())
    player.toggle()
    player.seek(1.0)
    player.stop()
    assert player.state == "stopped"


def test_a_machine_without_a_device_gets_a_note_and_a_moving_playhead(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
    monkeypatch.setattr(audio_sink, "open_sink", lambda _name: None)
    player = Player()
    player.set_sounds({"original": tone(200)}, RATE)
    with qtbot.waitSignal(player.device_note) as noted:
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
    player._tick()
    assert len(opened) == 2
    assert player.state == "playing"
    assert player.position_s == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16_000, 48_000), (16_000, 44_100), (48_000, 16_000)])
def test_a_device_of_another_rate_hears_the_same_tone(from_hz: int, to_hz: int) -> None:
    audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
    at = 0

    def read(count: int) -> np.ndarray:
        nonlocal at
        piece = np.sin(2 * np.pi * 440 * (at + np.arange(count)) / from_hz).astype(np.float32)
        at += count
        return piece

    resampler = audio_sink.Resampler(read, from_hz, to_hz)
    heard = np.concatenate([resampler.read(n) for n in (1, 999, 3000, 4000)])[500:]
    t = np.arange(len(heard)) / to_hz
    basis = np.stack([np.sin(2 * np.pi * 440 * t), np.cos(2 * np.pi * 440 * t)], 1)
    left = heard - basis @ np.linalg.lstsq(basis, heard, rcond=None)[0]
    assert np.sqrt(np.mean(left**2)) < 2e-3


def test_the_playhead_waits_for_what_the_server_holds_in_its_buffers() -> None:
    audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
    clock = audio_sink.HeardClock()
    assert clock.heard_s(0.05, 0.005) == pytest.approx(0.005)  # 45 ms taken at once
    assert clock.heard_s(0.145, 0.1) == pytest.approx(0.1)
    assert clock.heard_s(1.045, 1.0) == pytest.approx(1.0)
    # half a second is lost: the server went on late, and holds as much as before
    assert clock.heard_s(2.545, 3.0) == pytest.approx(2.5)


def test_a_correction_of_the_user_s_holds_the_playhead_back(bench: Bench) -> None:
    bench.player.set_latency_ms(200)
    bench.player.play()
    bench.pass_time(1.0)
    assert bench.player.position_s == pytest.approx(0.8, abs=0.03)
    bench.pass_time(1.1)
    assert bench.player.state == "playing"  # the last 100 ms are still to be heard
    bench.pass_time(0.2)
    assert bench.player.state == "stopped"


# ---------------------------------------------------------------- devices that come and go
class Devices:
    """The system's devices, as the player asks for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.names = list(names)
        self.audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
        monkeypatch.setattr(self.audio_sink, "open_sink", self.open)
        monkeypatch.setattr(self.audio_sink, "device_names", lambda: list(self.names))
        monkeypatch.setattr(self.audio_sink, "default_name", lambda: self.names[0] if self.names else "")
        monkeypatch.setattr(self.audio_sink, "watch_devices", lambda changed, parent: QObject(parent))

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
    player.device_note.connect(notes.append)
    player.set_device("Headphones")
    player.play()
    assert player.output_name == "Headphones"
    devices.names = ["Speakers"]
    player._devices_changed()
    assert player.state == "playing"
    assert player.output_name == "Speakers"
    assert notes[-1] == "The sound device “Headphones” is not there. Playing on “Speakers”."
    devices.names = ["Speakers", "Headphones"]
    player._devices_changed()
    assert player.output_name == "Headphones"
    assert notes[-1] == "Playing on “Headphones” again."


def test_without_a_wish_the_system_s_choice_is_followed(devices: Devices, player: Player) -> None:
    player.play()
    assert player.output_name == "Speakers"
    devices.names = ["Headphones", "Speakers"]  # the system chose the newcomer
    player._devices_changed()
    assert player.output_name == "Headphones"


def test_without_a_device_the_transport_says_so_in_place_of_a_volume(
    qtbot: QtBot, devices: Devices, player: Player
) -> None:
    bar = TransportBar(player)
    qtbot.addWidget(bar)
    bar.show()
    player.play()
    assert bar.volume.isVisible()
    for names in ([], ["Television"]):
        devices.names = list(names)
        player._devices_changed()
        assert bar.volume.isVisible() is bool(names)
        assert bar.device.isVisible() is not bool(names)


def test_the_last_device_gone_leaves_a_silent_clock_and_a_new_one_is_used_at_once(
    devices: Devices, player: Player
) -> None:
    notes: list[str] = []
    player.device_note.connect(notes.append)
    player.play()
    devices.names = []
    player._devices_changed()
    assert player.state == "playing"
    assert player.output_name == ""
    assert "No sound device" in notes[-1]
    devices.names = ["Television"]
    player._devices_changed()
    assert player.output_name == "Television"


def test_the_menu_lists_what_there_is_and_what_is_missed(devices: Devices, player: Player, qtbot: QtBot) -> None:
    menu = DeviceMenu(player)
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
    devices.names = ["Speakers"]
    player._devices_changed()
    assert listed() == {"&System default": False, "Speakers": False, "Headphones (not connected)": True}


def test_another_player_follows_device_and_volume(devices: Devices, player: Player, qtbot: QtBot) -> None:
    other = Player()
    player.set_volume(0.5)
    other.follow(player)
    other.set_sounds({"original": tone(200, 1.0)}, RATE)
    other.prepare()
    player.set_device("Headphones")
    player.set_volume(0.25)
    assert other.output_name == "Headphones"
    assert other.volume == 0.25
    other.shut_down()


def test_a_correction_belongs_to_the_device_in_use(devices: Devices, player: Player, qtbot: QtBot) -> None:
    menu = DeviceMenu(player)
    qtbot.addWidget(menu)
    player.prepare()
    with qtbot.waitSignal(menu.latency_chosen) as chosen:
        menu.set_latency(180)
    assert chosen.args == ["Speakers", 180]
    assert "180 ms" in menu.latency.text()
