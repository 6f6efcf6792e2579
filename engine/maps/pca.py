"""Principal components of latents, by scikit-learn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from engine.analysis.latents import evenly

FIT_ROWS = 5_000  # more rows hardly turn the axes, and the fit, of some 60 ms, cannot be cancelled


def fit_pca(values: npt.NDArray[np.floating], kept: int) -> PCA:
    """The `kept` principal axes of the rows, in double precision: the covariance needs it where the mean is large.

    Args:
        values: (rows, dimensions). kept: at most the number of rows and of dimensions.
    """
    sample = np.asarray(values[evenly(len(values), FIT_ROWS)], np.float64)
    if len(sample) == 1:
        sample = np.repeat(sample, 2, axis=0)  # one row has no variance, two equal ones have none of it
    with np.errstate(invalid="ignore"):  # shares of a variance of nothing, where all rows are equal
        return PCA(kept, svd_solver="covariance_eigh").fit(sample)
