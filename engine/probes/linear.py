"""The linear classifier: multinomial logistic regression on standardised vectors, with a fixed, weak penalty.

Nothing about the test side enters: mean and deviation are the training side's, and no setting is chosen by looking.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

PENALTY_C = 0.1  # the inverse of the penalty's weight, for standardised vectors
_STEPS = 300


@dataclass(frozen=True)
class LinearProbe:
    """logits = vector @ weight.T + bias. weight: (classes, dimensions), bias: (classes,); for raw vectors."""

    classes: tuple[str, ...]
    weight: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]

    def told(self, vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.str_]:
        """The likeliest class of each row."""
        told: npt.NDArray[np.str_] = np.array(self.classes)[np.argmax(vectors @ self.weight.T + self.bias, axis=1)]
        return told


def fit(vectors: npt.NDArray[np.floating], labels: npt.NDArray[np.str_]) -> LinearProbe:
    """The classifier of (rows, dimensions) vectors with (rows,) labels.

    Where all labels are the same, it tells that one.
    """
    classes = np.unique(labels)
    if len(classes) == 1:
        return LinearProbe((str(classes[0]),), np.zeros((1, vectors.shape[1])), np.zeros(1))
    pipeline: Pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY_C, max_iter=_STEPS))
    with warnings.catch_warnings():
        # Stopped at _STEPS it is the same linear probe a little less sharp, which no user can do anything about.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(np.asarray(vectors, np.float64), labels)
    scaler, regression = pipeline.steps[0][1], pipeline.steps[1][1]
    weight, bias = regression.coef_, regression.intercept_
    if len(classes) == 2:  # scikit-learn gives the second class's log odds alone
        weight, bias = np.concatenate((-weight, weight)) / 2.0, np.concatenate((-bias, bias)) / 2.0
    raw = weight / scaler.scale_
    return LinearProbe(tuple(str(c) for c in regression.classes_), raw, bias - raw @ scaler.mean_)
