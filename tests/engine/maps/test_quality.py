"""How far a map can be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from engine.maps import quality


@pytest.fixture
def latents() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(400, 8)).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_trustworthiness_is_scikit_learns(
    monkeypatch: pytest.MonkeyPatch, latents: np.ndarray, metric: str
) -> None:
    monkeypatch.setattr(quality, "MOST_ASKED_MANHATTAN", 400)
    xy = latents[:, :2].copy()
    found = quality.score(latents, xy, metric)
    assert found is not None
    assert found.asked == 400
    assert found.trustworthiness == pytest.approx(
        trustworthiness(latents, xy, n_neighbors=10, metric=metric), abs=1e-3
    )


def test_a_map_that_is_the_latents_keeps_every_neighbour() -> None:
    xy = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    found = quality.score(xy, xy)
    assert found is not None
    assert (found.kept, found.trustworthiness) == (1.0, 1.0)


def test_a_shuffled_map_keeps_what_chance_keeps(latents: np.ndarray) -> None:
    xy = np.random.default_rng(1).normal(size=(400, 2)).astype(np.float32)
    found = quality.score(latents, xy)
    assert found is not None
    assert found.kept == pytest.approx(found.by_chance, abs=0.02)
    assert found.trustworthiness == pytest.approx(0.5, abs=0.05)


def test_of_many_points_only_some_are_asked(monkeypatch: pytest.MonkeyPatch, latents: np.ndarray) -> None:
    every = quality.score(latents, latents[:, :2].copy())
    monkeypatch.setattr(quality, "MOST_ASKED", 100)
    some = quality.score(latents, latents[:, :2].copy())
    assert every is not None
    assert some is not None
    assert some.asked == 100
    assert some.kept == pytest.approx(every.kept, abs=0.05)
    assert some.trustworthiness == pytest.approx(every.trustworthiness, abs=0.03)


def test_a_handful_of_points_has_no_neighbourhoods() -> None:
    assert quality.score(np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)) is None
