"""Acoustic classes: which kind of speech sound a frame is, as soft classes learnt without labels.

A Gaussian mixture over the envelope's shape and movement: envelopes from which the clip's own mean and spread are
removed, with their neighbours a sixteenth of a second before and after. So a class is a kind of sound (an open
vowel, a sibilant), not a kind of voice, and what a voice does to each kind of sound can be measured: the
supervector of speaker recognition (Campbell et al. 2006) and of voice conversion by Gaussian mixtures (Stylianou
et al. 1998).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

SHAPE_COEFFICIENTS = 16  # of the envelope's: finer ones tell voices apart rather than sounds
REACH_FRAMES = 4  # neighbours at this distance show how the sound moves
FEATURES = 3 * SHAPE_COEFFICIENTS
_SMALLEST_SPREAD = 1e-3
_ITERATIONS = 40
_FLOOR_VARIANCE = 1e-2


@dataclass(frozen=True)
class AcousticClasses:
    """A mixture of `classes` diagonal Gaussians over FEATURES.

    weights: (classes,); means, variances: (classes, FEATURES). Without classes nothing is told apart.
    """

    weights: Tensor
    means: Tensor
    variances: Tensor

    def posteriors(self, features: Tensor) -> Tensor:
        """Posterior probability of every class: (..., FEATURES) -> (..., classes)."""
        if not len(self.weights):
            return features.new_zeros((*features.shape[:-1], 0))
        precision = 1.0 / self.variances
        distance = (
            features.square() @ precision.T
            - 2.0 * features @ (self.means * precision).T
            + (self.means.square() * precision).sum(dim=-1)
        )
        constant = self.weights.clamp_min(1e-12).log() - self.variances.log().sum(dim=-1) / 2.0
        return torch.softmax(constant - distance / 2.0, dim=-1)


def class_features(coefficients: Tensor, weight: Tensor, real: Tensor) -> Tensor:
    """Features of the classes: each frame's envelope shape, normalised over the clip, with its neighbours.

    Args:
        coefficients: (batch, frames, coefficients) envelopes.
        weight: (batch, frames) 1 where there is speech, over which a clip's mean and spread are taken.
        real: bool (batch, frames), False in the padding that follows a shorter clip.

    Returns:
        (batch, frames, FEATURES).
    """
    shape = coefficients[..., :SHAPE_COEFFICIENTS]
    mean, spread = weighted_moments(shape, weight)
    normal = hold_last((shape - mean[:, None]) / spread[:, None].clamp_min(_SMALLEST_SPREAD), real.sum(dim=1))
    padded = functional.pad(normal.transpose(1, 2), (REACH_FRAMES, REACH_FRAMES), mode="replicate").transpose(1, 2)
    frames = normal.shape[1]
    return torch.cat((normal, padded[:, :frames], padded[:, 2 * REACH_FRAMES :]), dim=-1)


def hold_last(values: Tensor, lengths: Tensor) -> Tensor:
    """(batch, n, ...) with everything from each row's length (batch,) on replaced by the last before it."""
    last = torch.arange(values.shape[1], device=values.device).minimum((lengths - 1).clamp_min(0)[:, None])
    return values[torch.arange(len(values), device=values.device)[:, None], last]


def weighted_moments(values: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation along the frames: (batch, frames, n), (batch, frames) -> (batch, n) twice."""
    total = weight.sum(dim=1)[:, None].clamp_min(1.0)
    mean = (values * weight[..., None]).sum(dim=1) / total
    variance = ((values - mean[:, None]).square() * weight[..., None]).sum(dim=1) / total
    return mean, variance.sqrt()


def fit(features: npt.NDArray[np.float32], classes: int, seed: int) -> AcousticClasses:
    """The mixture that fits frames (n, FEATURES) best; where there are few frames, some classes stay unused."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    possible = min(classes, len(features) // FEATURES)
    if possible < 1:
        return unused(classes)
    mixture = GaussianMixture(
        possible, covariance_type="diag", max_iter=_ITERATIONS, reg_covar=_FLOOR_VARIANCE, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a nearly best mixture serves as well
        mixture.fit(features)
    found = unused(classes)
    for into, values in (
        (found.weights, mixture.weights_),
        (found.means, mixture.means_),
        (found.variances, mixture.covariances_),
    ):
        into[:possible] = torch.from_numpy(np.asarray(values, np.float32))
    return found


def unused(classes: int) -> AcousticClasses:
    """Classes that no frame belongs to."""
    return AcousticClasses(torch.zeros(classes), torch.zeros(classes, FEATURES), torch.ones(classes, FEATURES))
