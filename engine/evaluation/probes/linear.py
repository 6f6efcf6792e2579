"""The linear classifier: multinomial logistic regression on scaled vectors, with a fixed, weak penalty.

Vectors are scaled dimension by dimension, or all dimensions by one number: the first suits measures of different
units, the second a latent whose large dimensions say more than its small ones. Where groups (speakers) are told,
the second is taken if it generalises clearly better over them, by folds within the training side. Nothing about the
test side enters, and no setting is chosen by looking at it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from engine.runtime.threads import one_blas_thread

PENALTY_C = 0.1  # the inverse of the penalty's weight, for scaled vectors
_INNER_FOLDS = 3

Rows = npt.NDArray[np.float64]
_STEPS = 300


@dataclass(frozen=True)
class LinearProbe:
    """logits = vector @ weight.T + bias. weight: (classes, dimensions), bias: (classes,); for raw vectors."""

    classes: tuple[str, ...]
    weight: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]

    def predicted(self, vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.str_]:
        """The likeliest class of each row."""
        predicted: npt.NDArray[np.str_] = np.array(self.classes)[
            np.argmax(vectors @ self.weight.T + self.bias, axis=1)
        ]
        return predicted


def fit(
    vectors: npt.NDArray[np.floating], labels: npt.NDArray[np.str_], groups: npt.NDArray[np.str_] | None = None
) -> LinearProbe:
    """The classifier of (rows, dimensions) vectors with (rows,) labels.

    Where all labels are the same, it tells that one.

    Args:
        groups: (rows,) whose rows never lie on both sides of an inner fold: speakers. None: scaled by dimension.
    """
    classes = np.unique(labels)
    if len(classes) == 1:
        return LinearProbe((str(classes[0]),), np.zeros((1, vectors.shape[1])), np.zeros(1))
    rows: Rows = np.asarray(vectors, np.float64)
    # Some hundred thousand products too small to share: threads would wait for each other, ten times as long where
    # something else runs beside.
    with one_blas_thread():
        by_dimension = groups is None or _by_dimension_is_better(rows, labels, groups)
        return _fitted(rows, labels, by_dimension=by_dimension)


def _fitted(vectors: Rows, labels: npt.NDArray[np.str_], by_dimension: bool) -> LinearProbe:
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    if not by_dimension:
        scale = np.full_like(scale, np.sqrt(np.mean(np.square(scale))))
    scale = np.where(scale > 0, scale, 1.0)
    regression = LogisticRegression(C=PENALTY_C, max_iter=_STEPS)
    with warnings.catch_warnings():
        # Stopped at _STEPS it is the same linear probe a little less sharp, which no user can do anything about.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit((vectors - mean) / scale, labels)
    weight, bias = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # scikit-learn gives the second class's log odds alone
        weight, bias = np.concatenate((-weight, weight)) / 2.0, np.concatenate((-bias, bias)) / 2.0
    raw = weight / scale
    return LinearProbe(tuple(str(c) for c in regression.classes_), raw, bias - raw @ mean)


def _by_dimension_is_better(vectors: Rows, labels: npt.NDArray[np.str_], groups: npt.NDArray[np.str_]) -> bool:
    """Whether the other scaling does not read groups it was not fitted on clearly better."""
    if len(np.unique(groups)) < 2 * _INNER_FOLDS:
        return True
    right = np.zeros(2)
    with warnings.catch_warnings():
        # a class that has fewer groups than there are folds
        warnings.simplefilter("ignore", UserWarning)
        splits = list(StratifiedGroupKFold(_INNER_FOLDS).split(vectors, labels, groups))
    for train, test in splits:
        if len(np.unique(labels[train])) < 2:
            continue
        for way in (0, 1):
            predicted = _fitted(vectors[train], labels[train], by_dimension=way == 0).predicted(vectors[test])
            right[way] += np.sum(predicted == labels[test])
    return bool(right[1] - right[0] <= np.sqrt(len(labels)) / 2.0)  # the deviation of as many tossed coins
