"""Scores against values worked out by hand, and intervals that cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.api.errors import EngineError
from engine.corpus.balanced_sample import evenly_by_speaker
from engine.evaluation.probes.scores import accuracy, balanced_accuracy, bootstrap, ccc, ccc_per_group
from engine.evaluation.probes.verification import SCALINGS, best_scaling, equal_error, scaled, verify


def test_balanced_accuracy_counts_every_class_the_same() -> None:
    truth = np.array(["a"] * 9 + ["b"])
    predicted = np.array(["a"] * 10)
    assert accuracy(truth, predicted) == pytest.approx(0.9)
    assert balanced_accuracy(truth, predicted) == pytest.approx(0.5)


def test_the_concordance_is_lins_by_hand() -> None:
    # means 2 and 3, variances 2/3 each, covariance 2/3: 2 * 2/3 / (2/3 + 2/3 + 1)
    assert ccc([1, 2, 3], [2, 3, 4]) == pytest.approx(4 / 7)
    assert ccc([1, 2, 3], [1, 2, 3]) == pytest.approx(1.0)
    assert ccc([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)


def test_a_constant_prediction_gives_zero_and_never_nan() -> None:
    assert ccc([1, 2, 3], [5, 5, 5]) == 0.0
    assert ccc([2, 2], [2, 2]) == 0.0


def test_pooled_and_per_video_concordance_are_two_things() -> None:
    # Each video is told perfectly but for its level, which the pooled one sees and the mean of the videos sees too.
    truth, predicted = [0.0, 1.0, 10.0, 11.0], [0.0, 1.0, 11.0, 10.0]
    groups = ["a", "a", "b", "b"]
    assert ccc_per_group(truth, predicted, groups) == pytest.approx((1.0 - 1.0) / 2.0)
    assert ccc(truth, predicted) > 0.95


def test_a_video_of_one_utterance_is_left_out() -> None:
    assert ccc_per_group([0.0, 1.0, 5.0], [0.0, 1.0, 7.0], ["a", "a", "b"]) == pytest.approx(1.0)
    assert math.isnan(ccc_per_group([1.0], [1.0], ["a"]))


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for trial in range(200):
        right = rng.random(150) < 0.7
        truth = np.ones(150, int)
        interval = bootstrap(accuracy, truth, right.astype(int), np.arange(150), trial, replicates=200)
        inside += interval.low <= 0.7 <= interval.high
    assert 180 <= inside <= 199


def test_whole_speakers_are_drawn_so_few_of_them_make_a_wide_interval() -> None:
    truth = np.ones(400, int)
    predicted = np.repeat([1, 1, 1, 0], 100)  # three speakers always right, one always wrong
    by_speaker = bootstrap(accuracy, truth, predicted, np.repeat(np.arange(4), 100))
    by_clip = bootstrap(accuracy, truth, predicted, np.arange(400))
    assert by_speaker.high - by_speaker.low > 5 * (by_clip.high - by_clip.low)


def test_one_speaker_gives_no_interval() -> None:
    interval = bootstrap(accuracy, np.ones(5, int), np.ones(5, int), np.zeros(5, int))
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_voices_that_lie_apart_are_verified_without_error() -> None:
    centres = np.eye(4)
    speakers = np.repeat(np.arange(4), 5)
    rng = np.random.default_rng(0)
    found = verify(centres[speakers] + 0.01 * rng.standard_normal((20, 4)), speakers)
    assert found.error == 0.0
    assert (found.same, found.different) == (4 * 10, 6 * 25)
    assert found.interval.high == pytest.approx(0.0)


def test_vectors_that_know_nothing_are_at_chance() -> None:
    rng = np.random.default_rng(0)
    found = verify(rng.standard_normal((200, 16)), np.repeat(np.arange(10), 20))
    assert 0.45 < found.error < 0.55
    assert found.interval.low < found.error < found.interval.high


@pytest.mark.parametrize("vectors", [np.zeros((8, 3)), np.ones((8, 3))])
def test_equal_vectors_are_at_chance_in_whatever_order_they_come(vectors: np.ndarray) -> None:
    for speakers in (np.repeat([0, 1], 4), np.tile([0, 1], 4)):
        assert verify(vectors, speakers).error == pytest.approx(0.5)


def test_the_equal_error_rate_by_hand() -> None:
    # Six pairs; cosines 1 for (a, b), then falling: one pair of one voice lies below one pair of two.
    angles = np.radians([0.0, 10.0, 25.0, 60.0])
    vectors = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    # voices: 0-10 one voice, 25-60 another. The 35 degrees within the second are wider than 15 and 25 across.
    found = verify(vectors, np.array(["x", "x", "y", "y"]))
    # accepting down to 25 degrees takes 2 of 4 pairs across and refuses 1 of 2 within.
    assert found.error == pytest.approx(0.5)


def test_verification_of_nothing_to_compare_says_what_is_missing() -> None:
    with pytest.raises(EngineError, match="two speakers"):
        verify(np.eye(3), np.array(["a", "b", "c"]))
    with pytest.raises(EngineError, match="two speakers"):
        verify(np.eye(3), np.array(["a", "a", "a"]))


def _voices(rng: np.random.Generator, clips: int) -> tuple[np.ndarray, np.ndarray]:
    speakers = np.repeat(np.arange(12), clips)
    centres = rng.standard_normal((12, 6))
    return centres[speakers] + 0.3 * rng.standard_normal((len(speakers), 6)), speakers


def test_what_hides_the_voices_decides_how_they_are_scaled() -> None:
    rng = np.random.default_rng(1)
    plain, speakers = _voices(rng, 6)
    loud = np.concatenate((plain, 30.0 * rng.standard_normal((len(plain), 3))), axis=1)  # one noise in other units
    assert best_scaling(loud, speakers) in ("standardised", "whitened")
    assert equal_error(scaled(loud, loud, "standardised"), speakers) < equal_error(loud, speakers) / 2.0

    common = rng.standard_normal((len(plain), 1)) @ np.ones((1, 6))  # in every dimension the same
    assert best_scaling(plain + 3.0 * common, speakers) == "whitened"

    far = plain + 20.0
    assert np.allclose(scaled(far, far, "centred"), scaled(plain, plain, "centred"))
    assert np.array_equal(scaled(far, plain, "plain"), far)


def test_scaling_takes_its_numbers_of_the_reference_alone() -> None:
    rng = np.random.default_rng(2)
    reference = rng.standard_normal((50, 4)) * [1.0, 2.0, 3.0, 4.0] + 5.0
    for scaling in SCALINGS:
        together = scaled(rng.standard_normal((10, 4)), reference, scaling)
        assert np.isfinite(together).all()
        few = rng.standard_normal((3, 4))
        rows = np.concatenate([scaled(row[None], reference, scaling) for row in few])
        assert np.allclose(scaled(few, reference, scaling), rows)
    assert np.allclose(scaled(reference, reference, "standardised").std(axis=0), 1.0)
    turned = np.cov(scaled(reference, reference, "whitened").T)
    assert np.abs(turned - np.diag(np.diag(turned))).max() < 1e-9
    with pytest.raises(ValueError, match="no scaling"):
        scaled(reference, reference, "upside down")


def test_where_nothing_can_be_chosen_by_vectors_are_standardised() -> None:
    assert best_scaling(np.eye(3), np.array(["a", "b", "c"])) == "standardised"
    assert best_scaling(np.ones((1, 3)), np.array(["a"])) == "standardised"
    assert np.isfinite(scaled(np.ones((2, 3)), np.ones((4, 3)), "standardised")).all()
    assert np.isfinite(scaled(np.ones((2, 3)), np.ones((4, 3)), "whitened")).all()


def test_a_large_corpus_is_thinned_evenly_over_its_speakers() -> None:
    speakers = np.array(["often"] * 90 + ["seldom"] * 10)
    chosen = evenly_by_speaker(speakers, 20)
    assert np.sum(speakers[chosen] == "seldom") == 10
    assert len(chosen) == 20
    assert (np.diff(chosen) > 0).all()
