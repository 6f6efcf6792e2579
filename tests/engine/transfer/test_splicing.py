"""Only what changed is rendered again, and no seam is heard."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from engine.transfer.splicing import changed_spans, is_worth_it, lay, overlapping, widened


def test_changes_are_found_and_near_ones_joined() -> None:
    before = torch.zeros(1000, 4)
    after = before.clone()
    after[100:110, 2] = 0.5
    after[150:160] = -0.5
    after[600] = 0.1
    after[900:950] = 0.001  # nobody hears that
    assert changed_spans(before, after) == [(100, 160), (600, 601)]
    assert changed_spans(before, before) == []


def test_a_change_of_nearly_everything_is_no_patch() -> None:
    assert is_worth_it([(0, 100)], 1000)
    assert not is_worth_it([(0, 700)], 1000)


def test_a_span_is_widened_within_the_recording() -> None:
    assert widened((5, 20), 16, 100) == (0, 36)
    assert widened((90, 100), 16, 100) == (74, 100)


def test_a_piece_is_faded_into_the_sound_and_the_rest_stays_to_the_sample() -> None:
    sound, piece = np.ones(1000, np.float32), np.full(300, 2.0, np.float32)
    joined = sound.copy()
    lay(joined, piece, 400, 100)
    assert np.array_equal(joined[:400], sound[:400])
    assert np.array_equal(joined[700:], sound[700:])
    assert np.array_equal(joined[500:600], piece[100:200])
    assert np.abs(np.diff(joined)).max() < 0.011


def test_at_the_ends_of_the_sound_nothing_is_faded() -> None:
    sound, piece = np.ones(500, np.float32), np.full(500, 2.0, np.float32)
    lay(sound, piece, 0, 100)
    assert np.array_equal(sound, piece)


@pytest.mark.parametrize("frames", [1, 16, 99, 100, 116, 117, 132, 133, 1000])
def test_spans_that_overlap_put_a_sound_together_again_from_left_to_right(frames: int) -> None:
    spans = overlapping(frames, 100, 16)
    assert [spans[0][0], spans[-1][1]] == [0, frames]
    assert all(right[0] == left[1] - 16 for left, right in itertools.pairwise(spans))
    assert all(stop - start > 32 for start, stop in spans) or frames <= 32
    assert all(stop - start <= 116 for start, stop in spans)
    sound = np.random.default_rng(0).normal(size=frames * 10).astype(np.float32)
    made = np.zeros_like(sound)
    for start, stop in spans:
        lay(made, sound[start * 10 : stop * 10], start * 10, 160, open_end=True)
    np.testing.assert_allclose(made, sound, atol=1e-6)
