"""Sound source: several sounds behind one position, without a click."""

from __future__ import annotations

import numpy as np
import pytest

from studio.audio.sound_source import SoundSource

RATE = 16_000


def tone(hz: float, seconds: float = 1.0, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def ramp(seconds: float = 1.0) -> np.ndarray:
    """A sound whose value tells its place."""
    return np.linspace(0.0, 0.5, round(seconds * RATE), dtype=np.float32)


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
