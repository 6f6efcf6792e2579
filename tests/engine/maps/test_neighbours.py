"""Exact neighbours, found in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from engine.maps import neighbours
from engine.maps.neighbours import NeighbourIndex


@pytest.mark.parametrize("metric", neighbours.METRICS)
def test_neighbours_and_distances_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_DISTANCES", 7 * 300)  # 43 blocks, the last one short
    values = 5.0 + np.random.default_rng(0).normal(size=(300, 20)).astype(np.float32)
    near, distances = NeighbourIndex(values, metric).nearest(12)
    theirs = NearestNeighbors(n_neighbors=12, metric=metric, algorithm="brute").fit(values.astype(np.float64))
    expected, places = theirs.kneighbors()
    np.testing.assert_allclose(distances, expected, rtol=1e-3, atol=1e-5)
    assert (np.sort(near, axis=1) == np.sort(places, axis=1)).mean() > 0.999


def test_points_that_are_alike_are_at_no_distance_however_far_out_they_lie() -> None:
    values = np.full((6, 4), 1e4, np.float32)
    values[3:] += 0.5
    _, distances = NeighbourIndex(values).nearest(2)
    np.testing.assert_array_equal(distances, 0.0)


def test_a_point_is_not_its_own_neighbour_even_among_copies_of_itself() -> None:
    near, _ = NeighbourIndex(np.ones((5, 3), np.float32)).nearest(4)
    for own, row in enumerate(near.tolist()):
        assert sorted([own, *row]) == [0, 1, 2, 3, 4]


def test_a_latent_without_direction_has_a_cosine_distance_all_the_same() -> None:
    values = np.array([[0, 0], [1, 0], [0, 2]], np.float32)
    _, distances = NeighbourIndex(values, "cosine").nearest(2)
    assert np.isfinite(distances).all()


def test_strangers_find_their_neighbours_and_may_find_themselves() -> None:
    values = np.arange(10, dtype=np.float32)[:, None]
    near, distances = NeighbourIndex(values).nearest(2, values[[4]] + 0.1)
    assert near.tolist() == [[4, 5]]
    np.testing.assert_allclose(distances, [[0.1, 0.9]], rtol=1e-4)


def test_a_search_can_be_broken_off_between_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_DISTANCES", 100)
    shares: list[float] = []

    def look(share: float) -> None:
        shares.append(share)
        if len(shares) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        NeighbourIndex(np.zeros((100, 2), np.float32)).nearest(1, check=look)
    assert shares == [0.0, 0.01, 0.02]
