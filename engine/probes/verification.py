"""Speaker verification without labels in training: are two clips of one voice? The equal error rate over all pairs.

A pair's score is the cosine of the two vectors after every dimension was centred and scaled by its mean and
deviation, taken without labels. The equal error rate is where as many pairs of one voice are refused as pairs of
two voices are taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.probes.scores import REPLICATES, Floats, Interval, percentiles

MOST_CLIPS = 1500  # all pairs of more would take minutes and a gigabyte
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
