"""Acoustic classes: told apart without labels, whoever speaks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.model.timescale.acoustic_classes import (
    FEATURES,
    REACH_FRAMES,
    SHAPE_COEFFICIENTS,
    class_features,
    fit,
    hold_last,
    unused,
)


def clusters(count: int, each: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (count, FEATURES))
    labels = np.repeat(np.arange(count), each)
    return (centres[labels] + rng.normal(0, 0.5, (len(labels), FEATURES))).astype(np.float32), labels


def test_clusters_are_found_and_frames_assigned_to_them() -> None:
    features, labels = clusters(4)
    posterior = fit(features, 4, seed=0).posteriors(torch.from_numpy(features))
    torch.testing.assert_close(posterior.sum(dim=-1), torch.ones(len(features)))
    found = posterior.argmax(dim=-1).numpy()
    assert {len(np.unique(found[labels == k])) for k in range(4)} == {1}
    assert len(np.unique(found)) == 4


def test_the_posterior_is_the_mixture_s_own() -> None:
    features, _ = clusters(3)
    classes = fit(features, 3, seed=0)
    some = torch.from_numpy(features[::37] * 0.5)  # between the clusters
    normal = torch.distributions.Normal(classes.means, classes.variances.sqrt())
    logits = normal.log_prob(some[:, None]).sum(dim=-1) + classes.weights.log()
    torch.testing.assert_close(classes.posteriors(some), torch.softmax(logits, dim=-1), atol=1e-4, rtol=1e-3)


def test_the_same_seed_finds_the_same_classes() -> None:
    features, _ = clusters(4)
    one, two = fit(features, 4, seed=5), fit(features, 4, seed=5)
    assert torch.equal(one.means, two.means)


def test_where_frames_are_few_some_classes_stay_unused() -> None:
    features, _ = clusters(2, each=FEATURES)
    classes = fit(features, 8, seed=0)
    assert classes.means.shape == (8, FEATURES)
    assert int((classes.weights > 0).sum()) == 2
    assert torch.isfinite(classes.posteriors(torch.from_numpy(features))).all()
    assert int((fit(features[:10], 8, seed=0).weights > 0).sum()) == 0


def test_without_classes_nothing_is_told_apart() -> None:
    assert unused(0).posteriors(torch.randn(2, 5, FEATURES)).shape == (2, 5, 0)


def test_features_do_not_depend_on_the_voice_s_mean_and_spread() -> None:
    coefficients = torch.randn(1, 50, SHAPE_COEFFICIENTS + 4)
    weight, real = torch.ones(1, 50), torch.ones(1, 50, dtype=torch.bool)
    other = coefficients * 2.5 + torch.randn(SHAPE_COEFFICIENTS + 4)
    torch.testing.assert_close(
        class_features(coefficients, weight, real), class_features(other, weight, real), atol=1e-4, rtol=1e-3
    )


def test_features_hold_the_neighbours_and_the_ends_repeat() -> None:
    coefficients = torch.randn(1, 30, SHAPE_COEFFICIENTS)
    whole = torch.ones(1, 30, dtype=torch.bool)
    found = class_features(coefficients, whole.float(), whole)[0]
    own, before, after = found.split(SHAPE_COEFFICIENTS, dim=-1)
    torch.testing.assert_close(before[REACH_FRAMES:], own[:-REACH_FRAMES])
    torch.testing.assert_close(after[:-REACH_FRAMES], own[REACH_FRAMES:])
    torch.testing.assert_close(after[-1], own[-1])


@pytest.mark.parametrize("length", [1, 7, 30])
def test_padding_is_never_a_neighbour(length: int) -> None:
    coefficients = torch.randn(1, 30, SHAPE_COEFFICIENTS)
    real = torch.arange(30)[None] < length
    whole = torch.ones(1, length, dtype=torch.bool)
    padded = class_features(coefficients, real.float(), real)[:, :length]
    alone = class_features(coefficients[:, :length], whole.float(), whole)
    torch.testing.assert_close(padded, alone)


def test_hold_last_repeats_the_last_real_value() -> None:
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert hold_last(values, torch.tensor([2, 3])).tolist() == [[1.0, 2.0, 2.0], [4.0, 5.0, 6.0]]
