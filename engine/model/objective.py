"""Equation 5 of the paper, term by term, all to be maximised and all in nats.

    E log p(x|z)  +  alpha (E log p(z) + H[q(z|h,m,x)])
                  +  beta  (E log p(m|h,z,x) + H[q(m|h,x)])
                  +  gamma (E log p(h|z,x) + H[q(h|x)])

p(x|z) has variance 1 in the scaled features (Gaussian) or scale 1 (Laplace), p(z) is the standard normal.
Two ways of adding the numbers up:

* paper (the authors' code): the reconstruction is summed over bands and averaged over frames; every other term is
  averaged over its dimensions and over frames (z), windows (m) or clips (h). A nat of z so weighs alpha / 512.
* equation (as printed): every term is summed over dimensions and over the clip; all are then divided by the number
  of frames, which changes no ratio and makes the numbers nats a frame.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine import draws
from engine.api.specs import TrainSpec
from engine.draws import LOG_TWO_PI
from engine.model.aux_vae import AuxVAE, Latents
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.modules import Gaussian, frame_mask, window_mask
from engine.model.timescale.inputs import Views
from engine.products import rounded_for_products

# Of each level in the unit that the model gives it: of pitch 5 %, a little under a semitone.
LEVEL_DEVIATION = 0.5
TEMPERATURE = 0.1  # of the contrast, as usual for cosines (Chen et al. 2020)


@dataclass(frozen=True)
class Terms:
    """Scalars. total is the weighted sum of the seven terms, to be maximised.

    Of a batch that several processes share (see BatchContext), each has its share of every term: they add up.

    levels: log density (less its constant) of the measured slow part as h and m tell it; 0 for plain views. It is
        the slow factor of p(x|...) in the timescale recipe, and is added to the total with weight 1.
    contrast: log probability of finding a clip's other piece by h among the batch's (InfoNCE, van den Oord et al.
        2018); 0 where its weight is 0.
    error: mean squared difference of target and reconstruction in scaled features; 1 is as bad as the band means.
    It is told beside the terms because it needs no background to be read; it is not part of the total.
    """

    total: Tensor
    reconstruction: Tensor
    prior_z: Tensor
    entropy_z: Tensor
    prior_m: Tensor
    entropy_m: Tensor
    prior_h: Tensor
    entropy_h: Tensor
    levels: Tensor
    contrast: Tensor
    error: Tensor

    @property
    def loss(self) -> Tensor:
        """What the optimiser minimises."""
        return -self.total

    def as_floats(self) -> dict[str, float]:
        """Every term by name, fetched from the device in one transfer."""
        names = TERM_NAMES
        values = torch.stack([getattr(self, name).detach() for name in names]).tolist()
        return dict(zip(names, values, strict=True))


TERM_NAMES = tuple(item.name for item in dataclasses.fields(Terms))


def terms(
    model: AuxVAE,
    views: Views,
    spec: TrainSpec,
    *,
    lengths: Tensor | None = None,
    generator: torch.Generator | None = None,
    context: BatchContext = SINGLE_PROCESS,
) -> Terms:
    """Encode with one draw of h, m and z, decode, predict, and add up.

    Args:
        views: log-mel (batch, frames, bands) of each network and the target.
        lengths: (batch,) real frames, None when all are.
    """
    mask = frame_mask(lengths, views.frame.shape[1])
    features = model.features(views, mask)
    latents = model.encode_features(features, mask, sample=True, generator=generator, context=context)
    z = rounded_for_products(latents.z_value)
    return add_up(
        latents,
        rebuilt=model.rebuilt(z, mask),
        target=features.target,
        m_predicted=model.predict_m(latents.h_value, z, mask),
        h_predicted=model.predict_h(z, mask),
        mask=mask,
        window_frames=model.spec.window_frames,
        spec=spec,
        context=context,
        levels=level_density(model, views, latents, context),
        contrast=contrast(model, features, latents, mask, context) if spec.contrast else None,
    )


def add_up(
    latents: Latents,
    *,
    rebuilt: Tensor,
    target: Tensor,
    m_predicted: Gaussian,
    h_predicted: Gaussian,
    mask: Tensor | None,
    window_frames: int,
    spec: TrainSpec,
    context: BatchContext = SINGLE_PROCESS,
    levels: Tensor | None = None,
    contrast: Tensor | None = None,
) -> Terms:
    """The terms of equation 5 from what the six networks gave.

    Args:
        rebuilt, target: scaled features (batch, frames, bands), rebuilt of any precision.
        mask: bool (batch, frames), None when all frames are real.
    """
    batch, frames, bands = target.shape
    real = target.new_ones((batch, frames)) if mask is None else mask.float()
    windows = window_mask(mask, batch, frames, window_frames, target.device)
    clips = target.new_ones(batch)
    counts = context.sum_over_processes(torch.stack((real.sum(), windows.sum(), clips.sum())))
    frame_count, window_count, clip_count = counts.unbind()

    dimensions = latents.z_value.shape[-1]

    def reduced(values: Tensor, weight: Tensor, count: Tensor) -> Tensor:
        # values (...): summed over their dimensions; weight (...): 1 for what is real, `count` in all
        summed = (values * weight).sum()
        if spec.reduction == "equation":
            return summed / frame_count
        return summed / (count * dimensions)

    squares = draws.squared_distances(rebuilt, target)
    if spec.reconstruction == "squared":
        log_density = -(squares + bands * LOG_TWO_PI) / 2.0
    else:
        log_density = -(rebuilt.float() - target).abs().sum(dim=-1) - bands * math.log(2.0)
    reconstruction = (log_density * real).sum() / frame_count
    prior_z = reduced(latents.z.summed_expected_log_standard_normal(), real, frame_count)
    entropy_z = reduced(latents.z.summed_entropy(), real, frame_count)
    prior_m = reduced(m_predicted.log_prob(latents.m_value).sum(dim=-1), windows, window_count)
    entropy_m = reduced(latents.m.summed_entropy(), windows, window_count)
    prior_h = reduced(h_predicted.log_prob(latents.h_value).sum(dim=-1), clips, clip_count)
    entropy_h = reduced(latents.h.summed_entropy(), clips, clip_count)
    total = (
        reconstruction
        + spec.alpha * (prior_z + entropy_z)
        + spec.beta * (prior_m + entropy_m)
        + spec.gamma * (prior_h + entropy_h)
    )
    if levels is None:
        levels = torch.zeros_like(total)
    if contrast is None:
        contrast = torch.zeros_like(total)
    total = total + levels + spec.contrast * contrast
    error = (squares * real).sum() / (frame_count * bands)
    return Terms(
        total, reconstruction, prior_z, entropy_z, prior_m, entropy_m, prior_h, entropy_h, levels, contrast, error
    )


def level_density(
    model: AuxVAE, views: Views, latents: Latents, context: BatchContext = SINGLE_PROCESS
) -> Tensor | None:
    """Mean over clips of the log density, less its constant, of the measured slow part around what h and m tell.

    h is held to the levels of the piece that it heard, not of the one to rebuild: told by another piece, levels
    would shrink towards the average as far as pieces differ. A second counts by its share of voiced frames.
    """
    told = model.read_levels(latents.h_value, latents.m_value)
    if views.levels is None or views.clip_levels is None or told is None:
        return None
    clip = (model.flat_clip(views.clip_levels) - model.flat_clip(told)).square().sum(dim=-1)
    second = (model.flat_seconds(views.levels) - model.flat_seconds(told)).square().sum(dim=-1)
    voiced = views.levels.voiced
    counts = context.sum_over_processes(torch.stack((voiced.sum(), voiced.new_tensor(float(len(clip))))))
    seconds = (second * voiced).sum() / counts[0].clamp(min=1.0)
    return -(clip.sum() / counts[1] + seconds) / (2.0 * LEVEL_DEVIATION**2)


def contrast(
    model: AuxVAE, features: Views, latents: Latents, mask: Tensor | None, context: BatchContext = SINGLE_PROCESS
) -> Tensor | None:
    """Mean log probability that the h of one piece of a clip finds the h of its other piece among the batch's."""
    if features.again is None:
        return None
    again = model.posterior_h(features.again, mask, features.levels).mean
    one, other = (functional.normalize(h.float(), dim=-1) for h in (latents.h.mean, again))
    (every_one, first), (every_other, _) = context.gather_rows(one), context.gather_rows(other)
    found = one.new_zeros(())
    for own, candidates in ((one, every_other), (other, every_one)):
        odds = functional.log_softmax(own @ candidates.T / TEMPERATURE, dim=1)
        found = found + torch.diagonal(odds, offset=first).sum()
    return found / (2.0 * len(every_one))
