"""Principal components in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from engine.maps import pca
from engine.maps.pca import principal


def nothing() -> None:
    return


@pytest.mark.parametrize("rows", [200, 12])
def test_it_is_the_pca_of_scikit_learn_but_for_signs(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(pca, "BLOCK_ROWS", 50)
    values = 3.0 + np.random.default_rng(0).normal(size=(rows, 30)).astype(np.float32) * np.arange(1, 31)
    ours = principal(values.astype(np.float32), 5, nothing)(values)
    theirs = PCA(5, svd_solver="full").fit_transform(values)
    signs = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours * signs, theirs, atol=2e-2)


def test_the_same_points_in_another_order_give_the_same_axes() -> None:
    values = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    np.testing.assert_allclose(
        principal(values, 3, nothing).axes, principal(values[::-1].copy(), 3, nothing).axes, atol=1e-5
    )


def test_points_that_are_all_the_same_have_components_all_the_same() -> None:
    values = np.ones((5, 4), np.float32)
    np.testing.assert_allclose(principal(values, 2, nothing)(values), 0.0, atol=1e-6)


def test_it_can_be_broken_off() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        principal(np.ones((5, 4), np.float32), 2, stop)
