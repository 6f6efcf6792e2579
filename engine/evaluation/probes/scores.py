"""Scores of a probe and how sure they are.

A score has an interval by the bootstrap (percentiles of resampled scores, Efron 1979). What is resampled are the
independent units: speakers where speakers were held out, else clips; clips of one speaker resemble each other, and
resampling them one by one would feign certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Measure = Callable[[npt.NDArray[np.generic], npt.NDArray[np.generic]], float]

REPLICATES = 1000
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """Where a score lies with a probability of 95 %; both ends NaN if it cannot be said."""

    low: float
    high: float


def accuracy(truth: npt.NDArray[np.generic], predicted: npt.NDArray[np.generic]) -> float:
    """Share of the examples right; NaN of none."""
    return float(np.mean(truth == predicted)) if len(truth) else float("nan")


def balanced_accuracy(truth: npt.NDArray[np.generic], predicted: npt.NDArray[np.generic]) -> float:
    """Mean over the classes that occur of the share right: every class counts the same."""
    right = truth == predicted
    classes = np.unique(truth)
    return float(np.mean([right[truth == c].mean() for c in classes])) if len(classes) else float("nan")


def ccc(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Concordance correlation coefficient (Lin 1989) of all examples pooled.

    2 cov / (var + var + difference of means squared), every moment over n. A constant prediction gives 0.
    """
    y, p = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if not len(y):
        return float("nan")
    covariance = float(np.mean((y - y.mean()) * (p - p.mean())))
    spread = float(y.var() + p.var() + (y.mean() - p.mean()) ** 2)
    return 2.0 * covariance / spread if spread > 0.0 else 0.0


def ccc_per_group(truth: npt.ArrayLike, predicted: npt.ArrayLike, groups: npt.ArrayLike) -> float:
    """Mean of the CCC of every group, as the OMG challenge's scorer takes it per video.

    A group of one example has no spread and tells nothing: it is left out. NaN where no group is left.
    """
    y, p, names = np.asarray(truth, np.float64), np.asarray(predicted, np.float64), np.asarray(groups)
    each = [ccc(y[names == g], p[names == g]) for g in np.unique(names) if np.sum(names == g) > 1]
    return float(np.mean(each)) if each else float("nan")


def bootstrap(
    measure: Measure,
    truth: npt.NDArray[np.generic],
    predicted: npt.NDArray[np.generic],
    units: npt.NDArray[np.generic],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> Interval:
    """The interval of measure(truth, told) when whole units are drawn with replacement.

    Args:
        units: (examples,) the unit each belongs to. Fewer than two units give no interval.
    """
    names, of = np.unique(units, return_inverse=True)
    if len(names) < 2:
        return Interval(float("nan"), float("nan"))
    members = [np.flatnonzero(of == i) for i in range(len(names))]
    rng = np.random.default_rng(seed)
    found = np.empty(replicates)
    for i in range(replicates):
        drawn = np.concatenate([members[u] for u in rng.integers(0, len(names), len(names))])
        found[i] = measure(truth[drawn], predicted[drawn])
    return percentiles(found)


def percentiles(found: Floats) -> Interval:
    """The middle 95 % of resampled scores; those that could not be taken (NaN) are left out."""
    real = found[np.isfinite(found)]
    if not len(real):
        return Interval(float("nan"), float("nan"))
    tail = 100.0 * (1.0 - COVERAGE) / 2.0
    low, high = np.percentile(real, [tail, 100.0 - tail])
    return Interval(float(low), float(high))
