"""The push between the points of a map, against the plain double sum."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse

from engine.maps import tsne
from engine.maps.repulsion import repulsion


def plain(xy: np.ndarray) -> tuple[np.ndarray, float]:
    apart = xy[:, None] - xy[None]
    near = 1.0 / (1.0 + (apart**2).sum(axis=-1))
    return (apart * near[..., None] ** 2).sum(axis=1), float(near.sum() - len(xy))


def clusters(span: float) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = span * random.normal(size=(30, 2))
    return centres[random.integers(0, 30, 1200)] + min(1.0, span) * random.normal(size=(1200, 2))


@pytest.mark.parametrize("span", [1e-4, 0.5, 4.0, 30.0, 90.0])
def test_it_is_the_plain_sum_to_two_thousandths(span: float) -> None:
    xy = clusters(span)
    push, total = repulsion(xy)
    expected, whole = plain(xy)
    assert total == pytest.approx(whole, rel=1e-4)
    assert np.linalg.norm(push - expected) < 2e-3 * np.linalg.norm(expected)


def test_two_threads_reckon_the_same() -> None:
    xy = clusters(30.0)
    with ThreadPoolExecutor(2) as pool:
        push, total = repulsion(xy, pool)
    alone, whole = repulsion(xy)
    np.testing.assert_array_equal(push, alone)
    assert total == whole


def test_points_in_one_place_do_not_push_one_another() -> None:
    push, total = repulsion(np.zeros((10, 2)))
    np.testing.assert_allclose(push, 0.0, atol=1e-9)
    assert total == pytest.approx(90.0)


@pytest.mark.parametrize("count", [400, 1600])
def test_the_gradient_is_that_of_the_divergence(count: int) -> None:
    """Against differences of the plain divergence, for the tree of small maps and the grid of larger ones."""
    random = np.random.default_rng(0)
    xy = 20.0 * random.normal(size=(count, 2))
    pull = scipy.sparse.random(count, count, 0.02, "csr", random_state=0)
    pull = (pull + pull.T).tocsr()
    pull.setdiag(0)
    pull.eliminate_zeros()
    pull /= pull.sum()

    def divergence(at: np.ndarray) -> float:
        near = 1.0 / (1.0 + ((at[:, None] - at[None]) ** 2).sum(axis=-1))
        total = near.sum() - count
        drawn = pull.tocoo()
        return float((drawn.data * np.log(drawn.data / (near[drawn.row, drawn.col] / total))).sum())

    found, gradient = tsne.gradient_of(xy, pull, with_divergence=True)
    assert found == pytest.approx(divergence(xy), rel=3e-3)
    for point in (0, 7):
        step = np.zeros_like(xy)
        step[point, 0] = 1e-3
        slope = (divergence(xy + step) - divergence(xy - step)) / 2e-3
        assert 4 * gradient[point, 0] == pytest.approx(slope, rel=0.05)
