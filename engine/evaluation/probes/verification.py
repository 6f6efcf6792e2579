"""Speaker verification without labels in training: are two clips of one voice? The equal error rate over all pairs.

A pair's score is the cosine of the two vectors after one of the scalings below, whose numbers are taken of other
clips and without labels. Which of them suits a system depends on what its dimensions are, and moves the error by
factors; so each is scaled by the one that does best on those other clips. The equal error rate is where as many
pairs of one voice are refused as pairs of two voices are taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.api.errors import EngineError
from engine.evaluation.probes.scores import REPLICATES, Floats, Interval, percentiles
from engine.runtime.threads import one_blas_thread

MOST_CLIPS = 1500  # all pairs of more would take minutes and a gigabyte
SCALINGS = ("standardised", "whitened", "centred", "plain")
SHRINKAGE = 1.0  # of whitening: added to every variance, as a share of their mean, lest noise be blown up
_BOOTSTRAP_WORK = 3e8  # pairs times replicates


@dataclass(frozen=True)
class Verified:
    """pairs: of one voice and of two."""

    error: float
    interval: Interval
    same: int
    different: int


@dataclass(frozen=True)
class Pairs:
    """All pairs of clips, best score first: the speakers' numbers of both clips.

    ends: the last pair of every run of equal scores, which no threshold can part.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @property
    def same(self) -> npt.NDArray[np.bool_]:
        same: npt.NDArray[np.bool_] = self.first == self.second
        return same


def verify(vectors: Floats, speakers: npt.NDArray[np.generic], seed: int = 0) -> Verified:
    """The equal error rate of all pairs of rows, with an interval by drawing speakers with replacement.

    A speaker drawn twice counts twice in each of its pairs; a clip is never paired with its own copy.

    Args:
        vectors: (clips, dimensions), scaled already.

    Raises:
        EngineError: no two clips are of one speaker, or all are.
    """
    names, of = np.unique(speakers, return_inverse=True)
    pairs = ranked(vectors, of.astype(np.int64))
    same = int(pairs.same.sum())
    if same == 0 or same == len(pairs.first):
        raise EngineError(
            "Verification needs at least two speakers, one of them with two clips.",
            "Add recordings, or name the speakers in the corpus.",
        )
    error = _equal_error(pairs, np.ones(len(pairs.first)))
    replicates = int(min(REPLICATES, max(100.0, _BOOTSTRAP_WORK / len(pairs.first))))
    rng = np.random.default_rng(seed)
    found = np.empty(replicates)
    for i in range(replicates):
        counts = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names)).astype(np.float64)
        weight = np.where(pairs.same, counts[pairs.first], counts[pairs.first] * counts[pairs.second])
        found[i] = _equal_error(pairs, weight)
    return Verified(error, percentiles(found), same, len(pairs.first) - same)


def equal_error(vectors: Floats, speakers: npt.NDArray[np.generic]) -> float:
    """The equal error rate alone; NaN where there are no pairs of one voice, or none of two."""
    pairs = ranked(vectors, np.unique(speakers, return_inverse=True)[1].astype(np.int64))
    return _equal_error(pairs, np.ones(len(pairs.first)))


def scaled(vectors: Floats, reference: Floats, scaling: str) -> Floats:
    """(clips, dimensions) vectors scaled by the mean and spread of (others, dimensions) reference vectors.

    Args:
        scaling: plain: as they are; centred: less the mean; standardised: every dimension over its deviation, too;
            whitened: turned so that dimensions are uncorrelated, then over their deviations (see SHRINKAGE).
    """
    if scaling == "plain":
        return vectors
    about: Floats = vectors - reference.mean(axis=0)
    if scaling == "centred":
        return about
    if scaling == "standardised":
        deviation = reference.std(axis=0)
        about /= np.where(deviation > 0.0, deviation, 1.0)
        return about
    if scaling != "whitened":
        raise ValueError(f"no scaling called {scaling!r}")
    with one_blas_thread():
        variances, directions = np.linalg.eigh(np.cov(reference.T, bias=True))
    variances = np.maximum(variances, 0.0)
    shrunk = variances + SHRINKAGE * variances.mean()
    turned: Floats = (about @ directions) / np.sqrt(np.where(shrunk > 0.0, shrunk, 1.0))
    return turned


def best_scaling(reference: Floats, speakers: npt.NDArray[np.generic]) -> str:
    """The scaling by which (clips, dimensions) reference vectors are told apart best; the first of equals.

    Where they have no pairs of one voice or none of two, the first.
    """
    if len(speakers) < 2:
        return SCALINGS[0]
    errors = [equal_error(scaled(reference, reference, scaling), speakers) for scaling in SCALINGS]
    return SCALINGS[int(np.nanargmin(errors))] if np.isfinite(errors).all() else SCALINGS[0]


def ranked(vectors: Floats, of: npt.NDArray[np.int64]) -> Pairs:
    """Pairs of all rows by falling cosine. A vector of zeros resembles nothing: its cosine is 0."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length > 0.0, length, 1.0)
    i, j = np.triu_indices(len(unit), k=1)
    scores = np.round((unit @ unit.T)[i, j], 12)
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    ends = np.append(np.flatnonzero(falling[:-1] != falling[1:]), len(falling) - 1)
    return Pairs(of[i][order], of[j][order], ends)


def _equal_error(pairs: Pairs, weight: Floats) -> float:
    """Where the share of refused pairs of one voice meets that of accepted pairs of two; NaN if either is missing.

    Between two thresholds the curve is a straight line.
    """
    ours = np.where(pairs.same, weight, 0.0)
    same, other = np.cumsum(ours)[pairs.ends], np.cumsum(weight - ours)[pairs.ends]
    if same[-1] <= 0.0 or other[-1] <= 0.0:
        return float("nan")
    refused = np.concatenate(([1.0], 1.0 - same / same[-1]))
    accepted = np.concatenate(([0.0], other / other[-1]))
    gap = accepted - refused  # rises from -1 to 1
    after = int(np.searchsorted(gap, 0.0))
    part = -gap[after - 1] / (gap[after] - gap[after - 1])
    return float(accepted[after - 1] + part * (accepted[after] - accepted[after - 1]))
