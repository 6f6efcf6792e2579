"""What a transfer is judged by."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.transfer import take_evidence


def test_the_way_to_the_target_is_measured_in_octaves_not_in_hertz() -> None:
    assert take_evidence.share_of_distance(100.0, 200.0, 100.0 * math.sqrt(2.0)) == pytest.approx(0.5)
    assert take_evidence.share_of_distance(200.0, 100.0, 100.0) == pytest.approx(1.0)


def test_there_is_no_share_of_no_distance() -> None:
    assert take_evidence.share_of_distance(100.0, 101.0, 150.0) is None
    assert take_evidence.share_of_distance(100.0, None, 150.0) is None
    assert take_evidence.semitones(None, 100.0) is None


def test_level_of_a_full_scale_sine_is_three_decibels_below_it() -> None:
    assert take_evidence.level_dbfs(np.sin(np.arange(16_000) * 0.3)) == pytest.approx(-3.01, abs=0.05)


def test_content_distance_is_nothing_to_itself_and_ignores_a_lasting_change_of_timbre() -> None:
    mel = np.random.default_rng(0).normal(size=(200, 140))
    assert take_evidence.content_distance_db(mel, mel) == pytest.approx(0.0, abs=1e-9)
    assert take_evidence.content_distance_db(mel, mel + np.linspace(-1, 1, 140)) == pytest.approx(0.0, abs=1e-9)


def test_content_distance_of_a_known_difference() -> None:
    # One frame of two carries one cosine: what is left of it after the mean is taken out is known.
    wave = np.cos(np.pi * 3 * (np.arange(140) + 0.5) / 140)
    mel, other = np.zeros((2, 140)), np.stack((wave, -wave))
    # every pairing differs by a cosine of amplitude 1, whose RMS is sqrt(1/2)
    assert take_evidence.content_distance_db(mel, other) == pytest.approx(
        20 / math.log(10) * math.sqrt(0.5), rel=1e-6
    )


def test_warping_forgives_a_shift_but_not_other_content() -> None:
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=(300, 140)), axis=0) / 10
    shifted = np.concatenate((np.repeat(walk[:1], 5, axis=0), walk[:-5]))
    other = np.cumsum(rng.normal(size=(300, 140)), axis=0) / 10
    assert take_evidence.content_distance_db(walk, shifted) < 0.25 * take_evidence.content_distance_db(walk, other)


def by_cells(mel: np.ndarray, other: np.ndarray) -> float:
    """The same distance cell by cell, as the rule of dynamic time warping is written."""
    a, b = take_evidence.mel_cepstra(mel), take_evidence.mel_cepstra(other)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    best = {(-1, -1): (0.0, 0)}
    for i in range(len(a)):
        for j in range(max(0, i - take_evidence.BAND_FRAMES), min(len(b), i + take_evidence.BAND_FRAMES + 1)):
            cost, steps = min(
                best[at]
                for at in ((i - 1, j - 1), (i - 1, j), (i, j - 1))
                if at in best and (at[0] >= 0 or i == j == 0)
            )
            best[i, j] = (cost + float(np.linalg.norm(a[i] - b[j])), steps + 1)
    cost, steps = best[len(a) - 1, len(b) - 1]
    return cost / steps * 20 / math.log(10) / math.sqrt(mel.shape[1])


@pytest.mark.parametrize("frames", [1, 2, 25, 49, 90])
def test_warping_finds_the_cheapest_of_all_paths(frames: int) -> None:
    rng = np.random.default_rng(frames)
    mel = np.cumsum(rng.normal(size=(frames, 140)), axis=0)
    other = np.roll(mel, 7, axis=0) + rng.normal(size=(frames, 140))
    assert take_evidence.content_distance_db(mel, other) == pytest.approx(by_cells(mel, other), rel=1e-9)
