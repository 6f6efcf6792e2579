"""Loudness by BS.1770, on signals whose loudness the standard states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audio.loudness import integrated_lufs, loudnesses

RATE = 16_000
Tone = Callable[..., np.ndarray]


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_a_full_scale_tone_near_1_khz_has_the_standard_s_3_01_lufs(tone: Tone, rate_hz: int) -> None:
    assert integrated_lufs(tone(997.0, 3.0, rate_hz, 1.0), rate_hz) == pytest.approx(-3.01, abs=0.1)


def test_six_decibels_less_are_six_units_less(tone: Tone) -> None:
    loud, soft = (integrated_lufs(tone(440.0, 2.0, RATE, level), RATE) for level in (0.4, 0.2))
    assert loud is not None
    assert soft is not None
    assert loud - soft == pytest.approx(6.02, abs=0.02)


def test_the_ear_s_weighting_counts_a_rumble_for_less_than_its_power(tone: Tone) -> None:
    rumble, voice = (integrated_lufs(tone(hz, 2.0, RATE, 0.2), RATE) for hz in (30.0, 2000.0))
    assert rumble is not None
    assert voice is not None
    assert voice - rumble > 6


def test_pauses_do_not_make_a_speaker_softer(tone: Tone) -> None:
    speech = tone(300.0, 2.0, RATE, 0.2)
    with_pause = np.concatenate([speech, np.zeros(8 * RATE, np.float32)])
    assert integrated_lufs(with_pause, RATE) == pytest.approx(integrated_lufs(speech, RATE), abs=0.5)


def test_silence_has_no_loudness_and_is_left_out() -> None:
    silence = np.zeros(2 * RATE, np.float32)
    assert integrated_lufs(silence, RATE) is None
    assert integrated_lufs(silence[:0], RATE) is None
    assert loudnesses({"silence": silence}, RATE) == {}


def test_a_word_shorter_than_a_block_can_still_be_matched(tone: Tone) -> None:
    loud, soft = (integrated_lufs(tone(440.0, 0.25, RATE, level), RATE) for level in (0.4, 0.2))
    assert loud is not None
    assert soft is not None
    assert loud - soft == pytest.approx(6.02, abs=0.02)
