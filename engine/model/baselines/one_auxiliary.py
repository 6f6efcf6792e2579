"""Two smaller relatives of the model.

OneAuxiliary: h and z, no medium timescale (Springenberg, Lakomkin, Weber, Wermter: Predictive Auxiliary Variational
Autoencoder for Representation Learning of Global Speech Characteristics, INTERSPEECH 2019). There the target is the
next frame; here it is the frame itself, as in every system of the table, so that the rows differ in one thing.

PlainVAE: z alone (Kingma and Welling 2014), frame by frame, with no auxiliary at all.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from engine.api.specs import ModelSpec, TrainSpec
from engine.model.baselines.base import System, chunks, only_total, pooled
from engine.model.modules import GaussianHead, Trunk, draw, frame_mask, mean_over_clip
from engine.model.objective import STANDARD_NORMAL, Terms, log_density
from engine.model.streaming import InputsOf
from engine.model.timescale.inputs import NetworkInputs


class PlainVAE(System):
    """q(z|x) and p(x|z): E log p(x|z) + alpha (E log p(z) + H[q(z|x)])."""

    latents: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(self, spec: ModelSpec, *more_channels: str) -> None:
        super().__init__(spec, "local_channels", "decoder_channels", *more_channels)
        self.local_trunk = Trunk(spec.bands, spec.local_channels, kernel=spec.local_kernel, slow=self.slow_size)
        self.local_head = self.head(self.local_trunk)
        self.decoder_trunk = Trunk(spec.latent, spec.decoder_channels, kernel=spec.decoder_kernel)
        self.decoder_head = nn.Linear(self.decoder_trunk.channels, spec.bands)

    @property
    def slow_size(self) -> int:
        return 0

    def head(self, trunk: Trunk) -> GaussianHead:
        return GaussianHead(
            trunk.channels, self.spec.latent, self.spec.log_variance_low, self.spec.log_variance_high
        )

    def posterior_z(self, frame: Tensor, h: Tensor | None, mask: Tensor | None = None) -> Normal:
        """Features (B, T, bands), h (B, L) where there is one -> (B, T, L)."""
        slow = None if h is None else h[:, None]
        posterior: Normal = self.local_head(self.local_trunk(frame, mask, slow))
        return posterior

    def terms(
        self,
        inputs: NetworkInputs,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        mask = frame_mask(lengths, inputs.frame.shape[1])
        posterior = self.posterior_z(self.scaled(inputs.frame, mask), None, mask)
        named = self.local_terms(posterior, draw(posterior, generator), inputs, spec, mask)
        total = named["reconstruction"] + spec.alpha * (named["prior_z"] + named["entropy_z"])
        return only_total(total, **named)

    def local_terms(
        self, posterior: Normal, z: Tensor, inputs: NetworkInputs, spec: TrainSpec, mask: Tensor | None
    ) -> dict[str, Tensor]:
        """reconstruction, prior_z, entropy_z and error, added up as engine/model/objective.py does."""
        batch, frames, bands = inputs.target.shape
        real = inputs.target.new_ones((batch, frames)) if mask is None else mask.float()
        count = real.sum()
        target = self.scaled(inputs.target, mask)
        hidden = self.decoder_trunk(z if mask is None else z * mask[..., None], mask)
        found = self.decoder_head(hidden).float()
        over = count if spec.reduction == "equation" else count * self.spec.latent
        entropy = (posterior.entropy().sum(dim=-1) * real).sum() / over
        divergence = (kl_divergence(posterior, STANDARD_NORMAL).sum(dim=-1) * real).sum() / over
        return {
            "reconstruction": (log_density(found, target, spec) * real).sum() / count,
            "prior_z": -divergence - entropy,
            "entropy_z": entropy,
            "error": ((found - target).square().sum(dim=-1) * real).sum() / (count * bands),
        }

    def vectors(self, inputs_of: InputsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        return {"z": self.mean_z(inputs_of, frames, chunk, None)}

    def mean_z(self, inputs_of: InputsOf, frames: int, chunk: int, h: Tensor | None) -> Tensor:
        total = torch.zeros(self.spec.latent, dtype=torch.float64, device=self.band_mean.device)
        for piece, inner in chunks(inputs_of, frames, chunk, self.local_trunk.reach):
            total += self.posterior_z(self.scaled(piece.frame), h).mean[0, inner].double().sum(dim=0)
        return (total / frames).float()


class OneAuxiliary(PlainVAE):
    """q(h|x), q(z|h,x), p(x|z), p(h|z): the plain one, and gamma (E log p(h|z,x) + H[q(h|x)])."""

    latents: ClassVar[tuple[str, ...]] = ("h", "z")

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec, "global_channels", "predictor_h_channels")
        self.global_trunk = Trunk(spec.bands, spec.global_channels, kernel=3)
        self.global_head = self.head(self.global_trunk)
        self.predictor_h_trunk = Trunk(spec.latent, spec.predictor_h_channels, norm=False)
        self.predictor_h_head = self.head(self.predictor_h_trunk)

    @property
    def slow_size(self) -> int:
        return self.spec.latent

    def terms(
        self,
        inputs: NetworkInputs,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        mask = frame_mask(lengths, inputs.frame.shape[1])
        of_h: Normal = self.global_head(
            mean_over_clip(self.global_trunk(self.scaled(inputs.clip, mask), mask), mask)
        )
        h = draw(of_h, generator)
        of_z = self.posterior_z(self.scaled(inputs.frame, mask), h, mask)
        z = draw(of_z, generator)
        named = self.local_terms(of_z, z, inputs, spec, mask)
        predicted: Normal = self.predictor_h_head(mean_over_clip(self.predictor_h_trunk(z, mask), mask))
        over = named["error"].new_tensor(float(self.spec.latent))
        if spec.reduction == "equation":  # sums over a clip's dimensions, by the number of frames
            real = inputs.target.shape[0] * inputs.target.shape[1] if mask is None else mask.sum()
            over = named["error"].new_tensor(float(real) / len(h))
        named["prior_h"] = predicted.log_prob(h).sum(dim=-1).mean() / over
        named["entropy_h"] = of_h.entropy().sum(dim=-1).mean() / over
        total = (
            named["reconstruction"]
            + spec.alpha * (named["prior_z"] + named["entropy_z"])
            + spec.gamma * (named["prior_h"] + named["entropy_h"])
        )
        return only_total(total, **named)

    def vectors(self, inputs_of: InputsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        pieces = chunks(inputs_of, frames, chunk, self.global_trunk.reach)
        features = ((self.scaled(piece.clip), inner) for piece, inner in pieces)
        of_h: Normal = self.global_head(pooled(self.global_trunk, features, frames))
        return {"h": of_h.mean[0].float(), "z": self.mean_z(inputs_of, frames, chunk, of_h.mean)}
