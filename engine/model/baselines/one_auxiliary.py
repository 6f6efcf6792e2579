"""Two smaller relatives of the model.

OneAuxiliary: h and z, no medium timescale (Springenberg, Lakomkin, Weber, Wermter: Predictive Auxiliary Variational
Autoencoder for Representation Learning of Global Speech Characteristics, INTERSPEECH 2019). There the target is the
next frame; here it is the frame itself, as in every system of the table, so that the rows differ in one thing.

PlainVAE: z alone (Kingma and Welling 2014), frame by frame, with no auxiliary at all.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from engine.api.specs import ModelSpec, TrainSpec
from engine.draws import LOG_TWO_PI
from engine.model.baselines.base import System, ViewsOf, chunks, need, only_total, pooled
from engine.model.modules import Gaussian, GaussianHead, Trunk, frame_mask, mean_over_clip
from engine.model.objective import Terms
from engine.model.timescale.inputs import Views
from engine.products import Product


class PlainVAE(System):
    """q(z|x) and p(x|z): E log p(x|z) + alpha (E log p(z) + H[q(z|x)])."""

    latents: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        need(spec, "local_channels", "decoder_channels")
        self.local_trunk = Trunk(spec.bands, spec.local_channels, kernel=spec.local_kernel, slow=self.slow_size)
        self.local_head = self.head(self.local_trunk)
        self.decoder_trunk = Trunk(spec.latent, spec.decoder_channels, kernel=spec.decoder_kernel)
        self.decoder_head = Product(self.decoder_trunk.channels, spec.bands)

    @property
    def slow_size(self) -> int:
        return 0

    def head(self, trunk: Trunk) -> GaussianHead:
        return GaussianHead(
            trunk.channels, self.spec.latent, self.spec.log_variance_low, self.spec.log_variance_high
        )

    def posterior_z(self, frame: Tensor, h: Tensor | None, mask: Tensor | None = None) -> Gaussian:
        """Features (batch, frames, bands), h (batch, latent) where there is one -> (batch, frames, latent)."""
        slow = None if h is None else h[:, None]
        posterior: Gaussian = self.local_head(self.local_trunk(frame, mask, slow))
        return posterior

    def terms(
        self,
        views: Views,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        mask = frame_mask(lengths, views.frame.shape[1])
        posterior = self.posterior_z(self.scaled(views.frame, mask), None, mask)
        named = self.local_terms(posterior, posterior.sample(generator), views, spec, mask)
        total = named["reconstruction"] + spec.alpha * (named["prior_z"] + named["entropy_z"])
        return only_total(total, **named)

    def local_terms(
        self, posterior: Gaussian, z: Tensor, views: Views, spec: TrainSpec, mask: Tensor | None
    ) -> dict[str, Tensor]:
        """reconstruction, prior_z, entropy_z and error, added up as engine/model/objective.py does."""
        batch, frames, bands = views.target.shape
        real = views.target.new_ones((batch, frames)) if mask is None else mask.float()
        count = real.sum()
        target = self.scaled(views.target, mask)
        hidden = self.decoder_trunk(z if mask is None else z * mask[..., None], mask)
        difference = self.decoder_head(hidden).float() - target
        squared = difference.square()
        if spec.reconstruction == "squared":
            density = -(squared + LOG_TWO_PI) / 2.0
        else:
            density = -(difference.abs() + math.log(2.0))
        over = count if spec.reduction == "equation" else count * self.spec.latent
        return {
            "reconstruction": (density.sum(dim=-1) * real).sum() / count,
            "prior_z": (posterior.summed_expected_log_standard_normal() * real).sum() / over,
            "entropy_z": (posterior.summed_entropy() * real).sum() / over,
            "error": (squared.sum(dim=-1) * real).sum() / (count * bands),
        }

    def vectors(self, views: ViewsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        return {"z": self.mean_z(views, frames, chunk, None)}

    def mean_z(self, views: ViewsOf, frames: int, chunk: int, h: Tensor | None) -> Tensor:
        total = torch.zeros(self.spec.latent, dtype=torch.float64, device=self.band_mean.device)
        for seen, inner in chunks(views, frames, chunk, self.local_trunk.reach):
            total += self.posterior_z(self.scaled(seen.frame), h).mean[0, inner].double().sum(dim=0)
        return (total / frames).float()


class OneAuxiliary(PlainVAE):
    """q(h|x), q(z|h,x), p(x|z), p(h|z): the plain one, and gamma (E log p(h|z,x) + H[q(h|x)])."""

    latents: ClassVar[tuple[str, ...]] = ("h", "z")

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        need(spec, "global_channels", "predictor_h_channels")
        self.global_trunk = Trunk(spec.bands, spec.global_channels, kernel=3)
        self.global_head = self.head(self.global_trunk)
        self.predictor_h_trunk = Trunk(spec.latent, spec.predictor_h_channels, norm=False)
        self.predictor_h_head = self.head(self.predictor_h_trunk)

    @property
    def slow_size(self) -> int:
        return self.spec.latent

    def terms(
        self,
        views: Views,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        mask = frame_mask(lengths, views.frame.shape[1])
        of_h: Gaussian = self.global_head(
            mean_over_clip(self.global_trunk(self.scaled(views.clip, mask), mask), mask)
        )
        h = of_h.sample(generator)
        of_z = self.posterior_z(self.scaled(views.frame, mask), h, mask)
        z = of_z.sample(generator)
        named = self.local_terms(of_z, z, views, spec, mask)
        told: Gaussian = self.predictor_h_head(mean_over_clip(self.predictor_h_trunk(z, mask), mask))
        over = named["error"].new_tensor(float(self.spec.latent))
        if spec.reduction == "equation":  # sums over a clip's dimensions, by the number of frames
            real = views.target.shape[0] * views.target.shape[1] if mask is None else mask.sum()
            over = named["error"].new_tensor(float(real) / len(h))
        named["prior_h"] = told.log_prob(h).sum(dim=-1).mean() / over
        named["entropy_h"] = of_h.summed_entropy().mean() / over
        total = (
            named["reconstruction"]
            + spec.alpha * (named["prior_z"] + named["entropy_z"])
            + spec.gamma * (named["prior_h"] + named["entropy_h"])
        )
        return only_total(total, **named)

    def vectors(self, views: ViewsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        seen = ((self.scaled(v.clip), inner) for v, inner in chunks(views, frames, chunk, self.global_trunk.reach))
        of_h: Gaussian = self.global_head(pooled(self.global_trunk, seen, frames))
        return {"h": of_h.mean[0].float(), "z": self.mean_z(views, frames, chunk, of_h.mean)}
