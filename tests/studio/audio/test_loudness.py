"""Gains that bring versions to one loudness."""

from __future__ import annotations

import math

import pytest

from studio.audio.loudness import FULL_SCALE, matching_gains


def test_every_version_becomes_as_loud_as_the_first() -> None:
    gains = matching_gains({"original": -23.0, "transformed": -29.0}, {"original": 0.3, "transformed": 0.2})
    assert gains["original"] == 1.0
    assert 20 * math.log10(gains["transformed"]) == pytest.approx(6.0)


def test_what_would_go_beyond_full_scale_turns_all_down_together() -> None:
    gains = matching_gains({"original": -20.0, "transformed": -26.0}, {"original": 0.5, "transformed": 0.8})
    assert gains["transformed"] * 0.8 == pytest.approx(FULL_SCALE)
    assert 20 * math.log10(gains["transformed"] / gains["original"]) == pytest.approx(6.0)


def test_a_version_without_a_loudness_is_played_as_it_is() -> None:
    assert matching_gains({"original": -20.0}, {"original": 0.5, "transformed": 0.5})["transformed"] == 1.0
    assert matching_gains({}, {"original": 0.5}) == {"original": 1.0}
    assert matching_gains({}, {}) == {}


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -math.inf, -1e9])
def test_a_damaged_number_never_becomes_a_roar(nonsense: float) -> None:
    gains = matching_gains({"original": -20.0, "transformed": nonsense}, {"original": 0.1, "transformed": 0.001})
    assert gains["transformed"] <= 32.0


def test_one_recording_alone_keeps_its_own_level_even_at_full_scale() -> None:
    assert matching_gains({"original": -3.0}, {"original": 1.0}) == {"original": 1.0}
