"""Principal components, reckoned a block of rows at a time, so that the wait for them can be broken off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

BLOCK_ROWS = 4096

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Projection:
    """mean (dimensions,); axes (dimensions, kept), orthonormal, the one of most variance first."""

    mean: Floats
    axes: Floats

    @property
    def kept(self) -> int:
        return int(self.axes.shape[1])

    def __call__(self, values: npt.NDArray[np.floating]) -> Floats:
        """(rows, dimensions) -> (rows, kept)."""
        return np.asarray((values - self.mean) @ self.axes, np.float32)


def principal(values: Floats, kept: int, between: Callable[[], None]) -> Projection:
    """The `kept` principal axes of some rows, by the eigenvectors of their covariance.

    Args:
        values: (rows, dimensions).
        kept: at most the number of dimensions.
        between: called between blocks; what it raises ends the work.
    """
    mean = values.mean(axis=0, dtype=np.float64)
    dimensions = values.shape[1]
    covariance = np.zeros((dimensions, dimensions))
    for start in range(0, len(values), BLOCK_ROWS):
        between()
        block = values[start : start + BLOCK_ROWS] - mean
        covariance += block.T @ block
    between()
    # All eigenvectors by divide and conquer: ten times faster than only those that are wanted.
    _variances, every = eigh(covariance, driver="evd")
    axes = every[:, ::-1][:, :kept]
    # An axis has no sign of its own: the same points shall give the same map everywhere.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(kept)]
    return Projection(mean.astype(np.float32), np.asarray(axes * np.where(largest < 0, -1.0, 1.0), np.float32))
