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
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Laplace, Normal, kl_divergence
from torch.nn import functional

from engine.api.specs import TrainSpec
from engine.model.aux_vae import AuxVAE, Latents
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.modules import frame_mask, window_mask
from engine.model.timescale.inputs import NetworkInputs

ATTRIBUTE_DEVIATION = 0.5  # of each attribute in the model's unit: of pitch 5 %, a little under a semitone
STANDARD_NORMAL = Normal(0.0, 1.0, validate_args=False)
TEMPERATURE = 0.1  # of the contrast, as usual for cosines (Chen et al. 2020)


@dataclass(frozen=True)
class Terms:
    """Scalars, under the names that log files have. total is the weighted sum of the seven terms, to be maximised.

    Of a batch that several processes share, each has its share of every term: they add up.
    levels: see attribute_density; it is added to the total with weight 1, and 0 with plain inputs.
    contrast: see contrast; 0 where its weight is 0.
    error: mean squared difference of target and reconstruction in scaled features, no part of the total; 1 is as
        bad as the band means.
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


TERM_NAMES = tuple(item.name for item in dataclasses.fields(Terms))


def terms(
    model: AuxVAE,
    inputs: NetworkInputs,
    spec: TrainSpec,
    *,
    lengths: Tensor | None = None,
    generator: torch.Generator | None = None,
    context: BatchContext = SINGLE_PROCESS,
) -> Terms:
    """Encode with one draw of h, m and z, decode, predict, add up.

    lengths: (B,) real frames, None when all are."""
    mask = frame_mask(lengths, inputs.frame.shape[1])
    features = model.features(inputs, mask)
    q = model.encode_features(features, mask, sample=True, generator=generator, context=context)
    return add_up(
        q,
        reconstruction=model.decode_features(q.z_value, mask),
        target=features.target,
        m_predicted=model.predict_m(q.h_value, q.z_value, mask),
        h_predicted=model.predict_h(q.z_value, mask),
        mask=mask,
        window_frames=model.spec.window_frames,
        spec=spec,
        context=context,
        attributes=attribute_density(model, inputs, q, context),
        contrast=contrast(model, features, q, mask, context) if spec.contrast else None,
    )


def add_up(
    q: Latents,
    *,
    reconstruction: Tensor,
    target: Tensor,
    m_predicted: Normal,
    h_predicted: Normal,
    mask: Tensor | None,
    window_frames: int,
    spec: TrainSpec,
    context: BatchContext = SINGLE_PROCESS,
    attributes: Tensor | None = None,
    contrast: Tensor | None = None,
) -> Terms:
    """The terms of equation 5 from what the six networks gave.

    Args:
        reconstruction, target: scaled features (B, T, bands).
        m_predicted, h_predicted: p(m|h,z,x) (B, W, L) and p(h|z,x) (B, L).
        mask: bool (B, T), None when all frames are real.
    """
    clips, frames, bands = target.shape
    real_frames = target.new_ones((clips, frames)) if mask is None else mask.float()
    real_windows = window_mask(mask, clips, frames, window_frames, target.device)
    real_clips = target.new_ones(clips)
    counts = torch.stack((real_frames.sum(), real_windows.sum(), real_clips.sum()))
    frame_count, window_count, clip_count = context.sum_over_processes(counts).unbind()
    dimensions = q.z_value.shape[-1]

    def mean(values: Tensor, real: Tensor, count: Tensor) -> Tensor:
        """Of (..., L) over what is real (...), of which there are `count` in the whole batch."""
        summed = (values.sum(dim=-1) * real).sum()
        return summed / (frame_count if spec.reduction == "equation" else count * dimensions)

    log_p_x = (log_density(reconstruction, target, spec) * real_frames).sum() / frame_count
    entropy_z = mean(q.z.entropy(), real_frames, frame_count)
    prior_z = -mean(kl_divergence(q.z, STANDARD_NORMAL), real_frames, frame_count) - entropy_z  # KL = -E log p - H
    prior_m = mean(m_predicted.log_prob(q.m_value), real_windows, window_count)
    entropy_m = mean(q.m.entropy(), real_windows, window_count)
    prior_h = mean(h_predicted.log_prob(q.h_value), real_clips, clip_count)
    entropy_h = mean(q.h.entropy(), real_clips, clip_count)
    total = (
        log_p_x
        + spec.alpha * (prior_z + entropy_z)
        + spec.beta * (prior_m + entropy_m)
        + spec.gamma * (prior_h + entropy_h)
    )
    none = torch.zeros_like(total)
    levels, found = none if attributes is None else attributes, none if contrast is None else contrast
    total = total + levels + spec.contrast * found
    squares = (reconstruction.detach() - target).square().sum(dim=-1)
    error = (squares * real_frames).sum() / (frame_count * bands)
    return Terms(total, log_p_x, prior_z, entropy_z, prior_m, entropy_m, prior_h, entropy_h, levels, found, error)


def log_density(mean: Tensor, target: Tensor, spec: TrainSpec) -> Tensor:
    """log p(x|z) of each frame, summed over bands: (B, T, bands) both -> (B, T)."""
    one = mean.new_ones(())
    if spec.reconstruction == "squared":
        log_prob: Tensor = Normal(mean, one, validate_args=False).log_prob(target)
    else:
        log_prob = Laplace(mean, one, validate_args=False).log_prob(target)
    return log_prob.sum(dim=-1)


def attribute_density(
    model: AuxVAE, inputs: NetworkInputs, q: Latents, context: BatchContext = SINGLE_PROCESS
) -> Tensor | None:
    """Mean log density over clips, less its constant, of the measured attributes around what h and m predict.

    The slow factor of p(x|...) in the timescale recipe. h is held to the attributes of its own input: held to those
    of the piece to reconstruct, predictions would shrink towards the average as far as pieces differ. A second
    counts by its voiced frames.
    """
    heads, predicted = model.attribute_heads, model.predict_attributes(q.h_value, q.m_value)
    if heads is None or predicted is None or inputs.attributes is None or inputs.clip_attributes is None:
        return None
    scale, voiced = model.band_scale, inputs.attributes.voiced
    timbre = heads.timbre(inputs.clip_attributes, scale) - heads.timbre(predicted, scale)
    prosody = heads.prosody(inputs.attributes, scale) - heads.prosody(predicted, scale)
    counts = torch.stack((voiced.new_tensor(float(len(timbre))), voiced.sum()))
    clip_count, voiced_count = context.sum_over_processes(counts).unbind()
    of_clips = timbre.square().sum() / clip_count
    of_seconds = (prosody.square().sum(dim=-1) * voiced).sum() / voiced_count.clamp(min=1.0)
    return -(of_clips + of_seconds) / (2.0 * ATTRIBUTE_DEVIATION**2)


def contrast(
    model: AuxVAE, features: NetworkInputs, q: Latents, mask: Tensor | None, context: BatchContext = SINGLE_PROCESS
) -> Tensor | None:
    """Mean log probability that the h of one piece of a clip finds that of its other piece in the batch (InfoNCE,
    van den Oord et al. 2018)."""
    if features.again is None:
        return None
    again = model.posterior_h(features.again, mask, features.attributes).mean
    one, other = (functional.normalize(h.float(), dim=-1) for h in (q.h.mean, again))
    (every_one, first), (every_other, _) = context.gather_rows(one), context.gather_rows(other)
    found = one.new_zeros(())
    for own, candidates in ((one, every_other), (other, every_one)):
        odds = functional.log_softmax(own @ candidates.T / TEMPERATURE, dim=1)
        found = found + torch.diagonal(odds, offset=first).sum()
    return found / (2.0 * len(every_one))
