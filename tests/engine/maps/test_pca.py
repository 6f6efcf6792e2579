"""Principal components of latents."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from engine.maps import pca
from engine.maps.pca import fit_pca


@pytest.mark.parametrize("rows", [200, 12])
def test_it_is_the_full_pca_however_far_the_mean_lies(rows: int) -> None:
    values = 1e3 + np.random.default_rng(0).normal(size=(rows, 30)).astype(np.float32) * np.arange(1, 31)
    found = fit_pca(values, 5).transform(values)
    full = PCA(5, svd_solver="full").fit_transform(values)
    signs = np.sign((found * full).sum(axis=0))
    np.testing.assert_allclose(found * signs, full, atol=1e-4)


def test_the_same_points_in_another_order_give_the_same_axes() -> None:
    values = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    np.testing.assert_allclose(
        fit_pca(values, 3).components_, fit_pca(values[::-1].copy(), 3).components_, atol=1e-5
    )


def test_some_of_many_rows_give_nearly_the_same_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(4000, 4)).astype(np.float32) * [8, 4, 2, 1]
    every = fit_pca(values, 2).components_
    monkeypatch.setattr(pca, "FIT_ROWS", 1000)
    np.testing.assert_allclose(fit_pca(values, 2).components_, every, atol=0.05)


@pytest.mark.parametrize("rows", [1, 5])
def test_points_that_are_all_the_same_have_components_all_the_same(rows: int) -> None:
    values = np.ones((rows, 4), np.float32)
    np.testing.assert_allclose(fit_pca(values, 1).transform(values), 0.0, atol=1e-6)
