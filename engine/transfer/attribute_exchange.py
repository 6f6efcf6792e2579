"""Attribute exchange: the attributes that a source gets when it is given others' h and m."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.api.specs import TONE_COEFFICIENTS
from engine.model.aux_vae import AuxVAE
from engine.model.timescale.attributes import Attributes

LOUDEST_CHANGE_DB = 24.0  # from a murmur to a shout; recordings made at other gains are changed by no more
WIDEST_CONTOUR = 2.0  # times the source's own
RESIDUAL_KEPT = 0.85  # of what no attribute explains, when another's voice is given in full


@dataclass(frozen=True)
class Latents:
    """h (latent,) and m (seconds, latent) of one clip."""

    h: Tensor
    m: Tensor


@dataclass(frozen=True)
class Kept:
    """How much stays of what is the source's own: 1 = all, 0 = nothing. h: of the clip; m: (seconds,) of each."""

    h: float
    m: Tensor

    @property
    def residual_gain(self) -> float:
        """The part of the envelopes that no attribute explains belongs to the source, and gives it away."""
        return RESIDUAL_KEPT + (1.0 - RESIDUAL_KEPT) * self.h


def exchanged_attributes(
    network: AuxVAE, measured: Attributes, own: Latents, given: Latents, kept: Kept, unit_db: float
) -> Attributes:
    """The attributes of a source that is given another's latents.

    What is measured on the source differs a little from what its own h and m predict; this remainder belongs to the
    source, and fades as others' latents take its place. With its own latents it keeps its own attributes.
    Loudness and tilt are predicted by both h (of the clip) and m (of each second): a given m has the word.

    Args:
        unit_db: how many dB one unit of the first coefficient of second_tone is.
    """
    if kept.h == 1.0 and bool((kept.m == 1.0).all()):
        return measured
    of_own, of_given = _predicted(network, own), _predicted(network, given)

    def clip(name: str) -> Tensor:
        predicted, mine, was = (getattr(found, name) for found in (of_given, of_own, measured))
        blended: Tensor = predicted + kept.h * (was - mine)
        return blended

    def second(name: str) -> Tensor:
        predicted, mine, was = (getattr(found, name) for found in (of_given, of_own, measured))
        keep = kept.m[:, None] if was.dim() > 2 else kept.m
        blended: Tensor = predicted + keep * (was - mine)
        return blended

    spectrum = clip("spectrum")
    moved = (spectrum - measured.spectrum)[:, None, :TONE_COEFFICIENTS]
    tone = second("second_tone")
    change = (tone[..., :1] - measured.second_tone[..., :1]).clamp(
        -LOUDEST_CHANGE_DB / unit_db, LOUDEST_CHANGE_DB / unit_db
    )
    tone = torch.cat((measured.second_tone[..., :1] + change, tone[..., 1:]), dim=-1)
    return Attributes(
        pitch=clip("pitch"),
        spectrum=spectrum,
        class_offsets=clip("class_offsets"),
        spread=clip("spread"),
        second_pitch=second("second_pitch") + _own_contour(of_given, measured, given, kept),
        second_range=second("second_range"),
        second_tone=tone + kept.m[:, None] * moved,
        voiced=measured.voiced,
    )


def _own_contour(of_given: Attributes, measured: Attributes, given: Latents, kept: Kept) -> Tensor:
    """How the source's pitch moves from second to second, where the given m says nothing of it: (1, seconds).

    One and the same m given to many seconds would make them all alike. So the source's own movement stays, as much
    wider as the given range is wider than the source's.
    """
    touched = kept.m < 1.0
    if int(touched.sum()) < 2 or not bool((given.m[touched] == given.m[touched][:1]).all()):
        return torch.zeros_like(measured.second_pitch)
    weight = measured.voiced * touched
    total = weight.sum().clamp_min(1.0)
    contour = measured.second_pitch - (measured.second_pitch * weight).sum() / total
    wider = of_given.second_range - (measured.second_range * weight).sum() / total
    return (1.0 - kept.m) * contour * torch.exp(wider).clamp(1.0 / WIDEST_CONTOUR, WIDEST_CONTOUR)


def louder_by(attributes: Attributes, measured: Attributes, kept: Kept) -> float:
    """By how much m makes the clip louder: the mean over its voiced seconds, in units of second_tone's first."""
    moved = kept.m * (attributes.spectrum - measured.spectrum)[:, :1]
    change = attributes.second_tone[..., 0] - measured.second_tone[..., 0] - moved
    weight = measured.voiced if bool(measured.voiced.sum() > 0) else torch.ones_like(measured.voiced)
    return float((change * weight).sum() / weight.sum())


def _predicted(network: AuxVAE, latents: Latents) -> Attributes:
    predicted = network.predict_attributes(latents.h[None], latents.m[None])
    assert predicted is not None  # attributes are measured only where there are heads to predict them
    return predicted
