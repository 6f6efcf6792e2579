"""Attribute heads: linear layers between a voice's attributes and h and m, and the average voice beside them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.api.specs import ENVELOPE_COEFFICIENTS, TONE_COEFFICIENTS, ModelSpec
from engine.model.timescale.acoustic_classes import AcousticClasses, unused
from engine.model.timescale.attributes import Attributes, AverageVoice

# What makes an attribute one unit large, so that none drowns the others in h and m.
PITCH_UNIT = 0.1  # natural log: 10 %
SPREAD_UNIT = 0.5  # natural log


class AttributeHeads(nn.Module):
    """Four linear layers: measured timbre enters h, measured prosody enters m, and both are predicted from them.

    Attributes travel as flat vectors of numbers that weigh alike: timbre (B, n), prosody (B, W, k). band_scale, the
    standard deviation of log-mel in the corpus, brings envelopes to one unit.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        timbre, prosody = spec.attribute_sizes
        self.h_from_timbre = nn.Linear(timbre, spec.latent)
        self.timbre_from_h = nn.Linear(spec.latent, timbre)
        self.m_from_prosody = nn.Linear(prosody, spec.latent)
        self.prosody_from_m = nn.Linear(spec.latent, prosody)
        classes = unused(spec.sounds)
        self.class_weights: Tensor
        self.class_means: Tensor
        self.class_variances: Tensor
        self.class_offsets: Tensor
        self.spread: Tensor
        self.register_buffer("class_weights", classes.weights)
        self.register_buffer("class_means", classes.means)
        self.register_buffer("class_variances", classes.variances)
        self.register_buffer("class_offsets", torch.zeros(spec.sounds, ENVELOPE_COEFFICIENTS))
        self.register_buffer("spread", torch.ones(ENVELOPE_COEFFICIENTS))

    def average(self, band_mean: Tensor) -> AverageVoice:
        """The average voice of the corpus, whose mean log-mel is band_mean (bands,)."""
        classes = AcousticClasses(self.class_weights, self.class_means, self.class_variances)
        return AverageVoice(band_mean, classes, self.class_offsets, self.spread)

    @torch.no_grad()
    def set_average(self, average: AverageVoice) -> None:
        """Take over the corpus's average voice; see training/average_voice.py."""
        self.class_weights.copy_(average.classes.weights)
        self.class_means.copy_(average.classes.means)
        self.class_variances.copy_(average.classes.variances)
        self.class_offsets.copy_(average.offsets)
        self.spread.copy_(average.spread)

    def timbre(self, attributes: Attributes, band_scale: Tensor) -> Tensor:
        """What h says of a clip, as one vector: (B, n)."""
        return torch.cat(
            (
                attributes.pitch[:, None] / PITCH_UNIT,
                attributes.spectrum / band_scale,
                (attributes.class_offsets * self._class_units(band_scale)).flatten(1),
                attributes.spread / SPREAD_UNIT,
            ),
            dim=1,
        )

    def prosody(self, attributes: Attributes, band_scale: Tensor) -> Tensor:
        """What m says of each second, as one vector: (B, W, k)."""
        return torch.cat(
            (
                attributes.second_pitch[..., None] / PITCH_UNIT,
                attributes.second_range[..., None] / SPREAD_UNIT,
                attributes.second_tone / band_scale,
            ),
            dim=-1,
        )

    def shift_of_h(self, attributes: Attributes, band_scale: Tensor) -> Tensor:
        """What measured timbre adds to the mean of h: (B, L)."""
        return _exactly(self.h_from_timbre, self.timbre(attributes, band_scale))

    def shift_of_m(self, attributes: Attributes, band_scale: Tensor) -> Tensor:
        """What measured prosody adds to the mean of m: (B, W, L)."""
        return _exactly(self.m_from_prosody, self.prosody(attributes, band_scale))

    def predict(self, h: Tensor, m: Tensor, band_scale: Tensor) -> Attributes:
        """The attributes as h (B, L) and m (B, W, L) predict them."""
        timbre, prosody = _exactly(self.timbre_from_h, h), _exactly(self.prosody_from_m, m)
        classes, size = self.class_offsets.shape
        pitch, spectrum, offsets, spread = torch.split(timbre, [1, size, classes * size, size], dim=1)
        units = self._class_units(band_scale)
        return Attributes(
            pitch=pitch[:, 0] * PITCH_UNIT,
            spectrum=spectrum * band_scale,
            # a class that no frame belongs to has no offset
            class_offsets=torch.where(units > 0, offsets.view(len(h), classes, size) / units.clamp_min(1e-9), 0.0),
            spread=spread * SPREAD_UNIT,
            second_pitch=prosody[..., 0] * PITCH_UNIT,
            second_range=prosody[..., 1] * SPREAD_UNIT,
            second_tone=prosody[..., 2 : 2 + TONE_COEFFICIENTS] * band_scale,
            voiced=torch.ones_like(prosody[..., 0]),
        )

    def _class_units(self, band_scale: Tensor) -> Tensor:
        """What makes a class's offset weigh by how often the class is spoken: (classes, 1)."""
        return self.class_weights.sqrt()[:, None] / band_scale


def _exactly(layer: nn.Linear, x: Tensor) -> Tensor:
    """layer(x) in float32 under autocast, too: these are measured quantities, and few."""
    with torch.autocast(x.device.type, enabled=False):
        exact: Tensor = layer(x.float())
    return exact
