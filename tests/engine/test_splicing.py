"""Only what changed is rendered again, and no seam is heard."""

from __future__ import annotations

import numpy as np
import torch

from engine.splicing import changed_spans, is_worth_it, spliced, widened


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
    joined = spliced(sound, piece, 400, 100)
    assert np.array_equal(joined[:400], sound[:400])
    assert np.array_equal(joined[700:], sound[700:])
    assert np.array_equal(joined[500:600], piece[100:200])
    assert np.abs(np.diff(joined)).max() < 0.011
    assert np.array_equal(sound, np.ones(1000, np.float32)), "the old sound is still what it was"


def test_at_the_ends_of_the_sound_nothing_is_faded() -> None:
    sound, piece = np.ones(500, np.float32), np.full(500, 2.0, np.float32)
    assert np.array_equal(spliced(sound, piece, 0, 100), piece)
