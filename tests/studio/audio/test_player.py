"""Player on a clock that the test moves."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from studio.audio.loudspeaker import ClockOutput
from studio.audio.player import Player

RATE = 16_000


def tone(hz: float, seconds: float = 1.0, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


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
            if self.player.running:
                self.player.update()


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    made = Bench()
    made.player.set_sounds({"original": tone(200, 2.0), "transformed": tone(300, 2.0)}, RATE)
    return made


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
    assert not bench.player.running


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
    assert bench.player.source is not None
    bench.player.switch("transformed")
    bench.player.play()
    bench.player.source.read(1000)
    assert np.abs(bench.player.source.read(2000)).max() == pytest.approx(0.2, abs=0.005)
    bench.player.switch("original")
    bench.player.source.read(1000)
    assert np.abs(bench.player.source.read(2000)).max() == pytest.approx(0.2, abs=0.005)


def test_playing_nothing_is_harmless(qtbot: QtBot) -> None:
    player = Player(open_output=lambda _name: ClockOutput())
    player.toggle()
    player.seek(1.0)
    player.stop()
    assert player.state == "stopped"


def test_a_correction_of_the_user_s_holds_the_playhead_back(bench: Bench) -> None:
    bench.player.output.set_latency_ms(200)
    bench.player.play()
    bench.pass_time(1.0)
    assert bench.player.position_s == pytest.approx(0.8, abs=0.03)
    bench.pass_time(1.1)
    assert bench.player.state == "playing"  # the last 100 ms are still to be heard
    bench.pass_time(0.2)
    assert bench.player.state == "stopped"
