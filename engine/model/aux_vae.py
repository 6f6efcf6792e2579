"""The Aux-VAE: six networks and three latents at three timescales (Almotlak et al., ICANN 2020, section 4).

    q(h|x)      -> one Gaussian a clip            p(x|z)       decoder: gets z alone
    q(m|h,x)    -> one Gaussian a window          p(m|h,z,x)   predictor of m
    q(z|h,m,x)  -> one Gaussian a frame           p(h|z,x)     predictor of h

Shapes: B clips, T frames, W windows of `window_frames` (1 second), L latent.
h is drawn once a clip, m once a window, z at every frame. Drawing h or m at every frame, as the authors' code does,
would let them carry what changes from frame to frame.

A network that ends in an average (of mean and log-variance, over a clip or a window) applies its last linear layer
after the average: the two commute, and the layer then runs once a window instead of 64 times.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from engine.api.specs import ModelSpec
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.log_mel_network import LogMelNetwork
from engine.model.modules import GaussianHead, Trunk, draw, frame_mask, mean_over_clip, mean_over_windows
from engine.model.timescale.acoustic_classes import unused
from engine.model.timescale.attribute_heads import AttributeHeads
from engine.model.timescale.attributes import Attributes, AverageVoice
from engine.model.timescale.inputs import NetworkInputs

NETWORKS = ("global", "medium", "local", "decoder", "predictor_m", "predictor_h")  # each a trunk and a head


@dataclass(frozen=True)
class Latents:
    """The three posteriors and one value of each: a draw in training, the mean in evaluation.

    h: (B, L); m: (B, W, L); z: (B, T, L). A window or frame wholly in the padding holds values without meaning.
    """

    h: Normal
    m: Normal
    z: Normal
    h_value: Tensor
    m_value: Tensor
    z_value: Tensor


class AuxVAE(LogMelNetwork):
    """The six networks. Inputs and outputs are natural-log mel, (B, T, bands).

    With timescale inputs, attribute_heads add to h and m what was measured, and predict it from them.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec, *(f"{name}_channels" for name in NETWORKS))
        latent = spec.latent

        def head(trunk: Trunk) -> GaussianHead:
            return GaussianHead(trunk.channels, latent, spec.log_variance_low, spec.log_variance_high)

        self.global_trunk = Trunk(spec.bands, spec.global_channels, kernel=3)
        self.global_head = head(self.global_trunk)
        self.medium_trunk = Trunk(spec.bands, spec.medium_channels, kernel=3, slow=latent)
        self.medium_head = head(self.medium_trunk)
        local, window = spec.local_channels, spec.window_frames
        self.local_trunk = Trunk(spec.bands, local, kernel=spec.local_kernel, slow=2 * latent, window=window)
        self.local_head = head(self.local_trunk)
        self.decoder_trunk = Trunk(latent, spec.decoder_channels, kernel=spec.decoder_kernel)
        self.decoder_head = nn.Linear(self.decoder_trunk.channels, spec.bands)
        self.predictor_m_trunk = Trunk(latent, spec.predictor_m_channels, slow=latent, norm=False)
        self.predictor_m_head = head(self.predictor_m_trunk)
        self.predictor_h_trunk = Trunk(latent, spec.predictor_h_channels, norm=False)
        self.predictor_h_head = head(self.predictor_h_trunk)
        self.attribute_heads = None if spec.views == "plain" else AttributeHeads(spec)

    def posterior_h(self, x: Tensor, mask: Tensor | None = None, measured: Attributes | None = None) -> Normal:
        """q(h|x): features (B, T, bands) and the attributes measured on them -> (B, L)."""
        hidden = mean_over_clip(self.global_trunk(x, mask), mask)
        posterior: Normal = self.global_head(hidden, self.shift_of_h(measured))
        return posterior

    def posterior_m(
        self, x: Tensor, h: Tensor, mask: Tensor | None = None, measured: Attributes | None = None
    ) -> Normal:
        """q(m|h,x): features (B, T, bands), h (B, L), the attributes measured in each second -> (B, W, L)."""
        hidden = mean_over_windows(self.medium_trunk(x, mask, h[:, None]), mask, self.spec.window_frames)
        posterior: Normal = self.medium_head(hidden, self.shift_of_m(measured))
        return posterior

    def posterior_z(self, x: Tensor, h: Tensor, m: Tensor, mask: Tensor | None = None) -> Normal:
        """q(z|h,m,x): features (B, T, bands), h (B, L), m (B, W, L) -> (B, T, L)."""
        slow = torch.cat((m, h[:, None].expand(-1, m.shape[1], -1)), dim=-1)
        posterior: Normal = self.local_head(self.local_trunk(x, mask, slow))
        return posterior

    def decode_features(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mean of p(x|z) in scaled features: (B, T, L) -> (B, T, bands)."""
        hidden = self.decoder_trunk(z if mask is None else z * mask[..., None], mask)
        mean: Tensor = self.decoder_head(hidden)
        return mean.float()

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z) as natural-log mel: (B, T, L) -> (B, T, bands)."""
        return self.unscaled(self.decode_features(z))

    def predict_m(self, h: Tensor, z: Tensor, mask: Tensor | None = None) -> Normal:
        """p(m|h,z,x) from h (B, L) and z (B, T, L) -> (B, W, L). As in the paper, x enters through z.

        The predictors run at every frame, as in the paper, or once a window and once a clip on the mean of z
        (ModelSpec.predictors_read): at the paper's sizes they are half of what is multiplied at every frame.
        """
        window = self.spec.window_frames
        if self.spec.predictors_read == "means":
            hidden = self.predictor_m_trunk(mean_over_windows(z, mask, window), None, h[:, None])
        else:
            hidden = mean_over_windows(self.predictor_m_trunk(z, mask, h[:, None]), mask, window)
        prediction: Normal = self.predictor_m_head(hidden)
        return prediction

    def predict_h(self, z: Tensor, mask: Tensor | None = None) -> Normal:
        """p(h|z,x) from z (B, T, L) -> (B, L). As in the paper, x enters through z."""
        if self.spec.predictors_read == "means":
            hidden = self.predictor_h_trunk(mean_over_clip(z, mask)[:, None])[:, 0]
        else:
            hidden = mean_over_clip(self.predictor_h_trunk(z, mask), mask)
        prediction: Normal = self.predictor_h_head(hidden)
        return prediction

    def encode(
        self,
        inputs: NetworkInputs,
        *,
        lengths: Tensor | None = None,
        sample: bool = False,
        generator: torch.Generator | None = None,
        context: BatchContext = SINGLE_PROCESS,
    ) -> Latents:
        """All three posteriors of a batch.

        Args:
            inputs: of each network, log-mel (B, T, bands).
            lengths: (B,) real frames; the rest is padding. None: all frames are real.
            sample: True draws h, m and z from their posteriors; False uses the means, the same at every call.
            context: of a batch that several processes share.
        """
        mask = frame_mask(lengths, inputs.frame.shape[1])
        features = self.features(inputs, mask)
        return self.encode_features(features, mask, sample=sample, generator=generator, context=context)

    def encode_features(
        self,
        features: NetworkInputs,
        mask: Tensor | None = None,
        *,
        sample: bool = False,
        generator: torch.Generator | None = None,
        context: BatchContext = SINGLE_PROCESS,
    ) -> Latents:
        """As `encode`, of what `features` gave; mask: bool (B, T), None when all frames are real."""

        def value(posterior: Normal) -> Tensor:
            return draw(posterior, generator, context) if sample else posterior.mean

        h = self.posterior_h(features.clip, mask, features.clip_attributes)
        h_value = value(h)
        m = self.posterior_m(features.second, h_value, mask, features.attributes)
        m_value = value(m)
        z = self.posterior_z(features.frame, h_value, m_value, mask)
        return Latents(h, m, z, h_value, m_value, value(z))

    def features(self, inputs: NetworkInputs, mask: Tensor | None = None) -> NetworkInputs:
        """The same inputs as features; a log-mel that several networks share is scaled once."""
        return inputs.with_mels(lambda mel: self.scaled(mel, mask))

    def shift_of_h(self, measured: Attributes | None) -> Tensor | None:
        """What the timbre measured on a clip adds to the mean of h, (B, L); None with plain inputs."""
        if self.attribute_heads is None or measured is None:
            return None
        return self.attribute_heads.shift_of_h(measured, self.band_scale)

    def shift_of_m(self, measured: Attributes | None) -> Tensor | None:
        """What the prosody measured in each second adds to the mean of m, (B, W, L); None with plain inputs."""
        if self.attribute_heads is None or measured is None:
            return None
        return self.attribute_heads.shift_of_m(measured, self.band_scale)

    def predict_attributes(self, h: Tensor, m: Tensor) -> Attributes | None:
        """The attributes as h (B, L) and m (B, W, L) predict them; None with plain inputs."""
        if self.attribute_heads is None:
            return None
        return self.attribute_heads.predict(h, m, self.band_scale)

    @property
    def average(self) -> AverageVoice:
        """The voice that takes the place of a clip's own; of no meaning with plain inputs."""
        if self.attribute_heads is None:
            return AverageVoice(self.band_mean, unused(0), self.band_mean[:0, None], self.band_mean[:0])
        return self.attribute_heads.average(self.band_mean)
