"""Network inputs: which log-mel each network gets, in training and in analysis.

plain: every network gets the same x, as in the paper. Trained so, z takes speaker and pitch from x and nothing is
left for h and m to say; giving a clip another's h changes nothing that can be heard.

timescale: each network gets speech without what is slower than its own timescale. That is measured, replaced by the
average voice's, and put back afterwards as h and m predict it:

    q(h|x)      the clean voice, in training from another piece of the same clip, and the timbre measured on it
    q(m|h,x)    x with the clip's timbre normalised, and the prosody measured in each second
    q(z|h,m,x)  x with timbre and prosody normalised
    p(x|z)      reconstructs the input of the local network

The attributes (attributes.py) are predicted from h and m by one linear layer each, and VoiceNormaliser.restore puts
them back. So the decoder never has to redraw a harmonic, and pitch and timbre of the voice can only come from h,
pitch, loudness and tilt of a second only from m.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.api.specs import AudioSpec, ModelSpec
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.timescale.attributes import Attributes, AverageVoice, ContentResidual
from engine.model.timescale.normaliser import VoiceNormaliser
from engine.model.timescale.source_filter import SourceFilter, formants_for, source_filter

# Training meets more voices than the corpus holds: each crop may be re-voiced as a whole, harmonics and formants.
REVOICED_SHARE = 0.5
REVOICED_OCTAVES = 0.5
FORMANT_JITTER = 0.06
# Recordings have any gain; training meets more of them than the corpus holds.
GAIN_DEVIATION_DB = 10.0
# The global network may not lean on the microphone: it gets each piece through another one.
EQUALISER_COEFFICIENTS = 6
EQUALISER_DEVIATION = 0.4  # of each coefficient, in log-mel's own units
NEPERS_A_DB = math.log(10.0) / 20.0


@dataclass(frozen=True)
class Batch:
    """Pieces of B clips, as the training loop draws them.

    mel: (B, T, bands) log-mel of the piece to reconstruct.
    f0: (B, T) Hz, NaN where unvoiced.
    other, other_f0: another piece of the same clips (the same piece where a clip is too short).
    lengths: (B,) frames that are real; what follows is padding.
    """

    mel: Tensor
    f0: Tensor
    other: Tensor
    other_f0: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class NetworkInputs:
    """The input of each network and the target, each (B, T, bands) of log-mel.

    attributes: measured on the piece to reconstruct; residual: what stays with its words; clip_attributes: measured
    on `clip`; again: the piece to reconstruct as the global network would get it. None with plain inputs.
    """

    clip: Tensor  # for q(h|x)
    second: Tensor  # for q(m|h,x)
    frame: Tensor  # for q(z|h,m,x)
    target: Tensor  # what the decoder is to reconstruct
    attributes: Attributes | None = None
    residual: ContentResidual | None = None
    clip_attributes: Attributes | None = None
    again: Tensor | None = None

    @classmethod
    def plain(cls, mel: Tensor) -> NetworkInputs:
        """The same log-mel for every network."""
        return cls(mel, mel, mel, mel)

    def with_mels(self, function: Callable[[Tensor], Tensor]) -> NetworkInputs:
        """The same with function(mel) for every log-mel; one that several networks share is taken once."""
        names = ("clip", "second", "frame", "target", "again")
        mels = {name: mel for name in names if (mel := getattr(self, name)) is not None}
        found = {key: function(mel) for key, mel in {id(mel): mel for mel in mels.values()}.items()}
        changed: dict[str, Any] = {name: found[id(mel)] for name, mel in mels.items()}
        return replace(self, **changed)


def for_training(
    batch: Batch,
    spec: ModelSpec,
    generator: torch.Generator,
    audio: AudioSpec,
    average: AverageVoice,
    context: BatchContext = SINGLE_PROCESS,
) -> NetworkInputs:
    """The inputs of one training batch; random where the recipe is."""
    if spec.views == "plain":
        return NetworkInputs.plain(batch.mel)
    tools = source_filter(audio, batch.mel.device)
    normaliser = VoiceNormaliser(spec, tools, average)
    batch = _revoiced(batch, tools, generator, context)
    frames = torch.arange(batch.mel.shape[1], device=batch.mel.device)
    real = frames < batch.lengths[:, None]
    gain_db = context.normal(len(batch.mel), generator=generator, device=batch.mel.device) * GAIN_DEVIATION_DB
    gain = _gain_of(gain_db, audio)
    normalised = normaliser.normalise(batch.mel, batch.f0, real, gain)
    return NetworkInputs(
        clip=_equalised(batch.other, tools, generator, context),
        second=normalised.at_clip,
        frame=normalised.at_second,
        target=normalised.at_second,
        attributes=normalised.attributes,
        residual=normalised.residual,
        clip_attributes=normaliser.measure(batch.other, batch.other_f0, real, gain),
        again=_equalised(batch.mel, tools, generator, context),
    )


def for_analysis(
    mel: Tensor, f0: Tensor, spec: ModelSpec, audio: AudioSpec, average: AverageVoice, gain_db: float = 0.0
) -> NetworkInputs:
    """The inputs for whole clips: the same normalisation, with nothing random.

    Args:
        mel: (B, T, bands); f0: (B, T) Hz, NaN where unvoiced.
        gain_db: what level normalisation added; 0 where it is not known.
    """
    if spec.views == "plain":
        return NetworkInputs.plain(mel)
    real = torch.ones(mel.shape[:2], dtype=torch.bool, device=mel.device)
    gain = _gain_of(torch.full((len(mel),), gain_db, device=mel.device), audio)
    normaliser = VoiceNormaliser(spec, source_filter(audio, mel.device), average)
    found = normaliser.normalise(mel, f0, real, gain)
    return NetworkInputs(
        mel, found.at_clip, found.at_second, found.at_second, found.attributes, found.residual, found.attributes
    )


def tone_decibels(tone: Tensor, audio: AudioSpec) -> Tensor:
    """A difference of the first coefficient of second_tone, in dB."""
    return tone / math.sqrt(audio.bands) / NEPERS_A_DB


def _gain_of(gain_db: Tensor, audio: AudioSpec) -> Tensor:
    """dB to what it adds to the first envelope coefficient."""
    return gain_db * NEPERS_A_DB * math.sqrt(audio.bands)


def _equalised(mel: Tensor, tools: SourceFilter, generator: torch.Generator, context: BatchContext) -> Tensor:
    """The same speech through other microphones: a smooth random filter for each clip."""
    curve = context.normal(len(mel), EQUALISER_COEFFICIENTS, generator=generator, device=mel.device)
    order = torch.arange(2, EQUALISER_COEFFICIENTS + 2, device=mel.device)
    scale = EQUALISER_DEVIATION * math.sqrt(mel.shape[-1]) / order
    filters: Tensor = (curve * scale) @ tools.basis[1 : EQUALISER_COEFFICIENTS + 1]
    return mel + filters[:, None]


def _revoiced(batch: Batch, tools: SourceFilter, generator: torch.Generator, context: BatchContext) -> Batch:
    """Some clips of the batch as if another voice had spoken them."""
    count, device = len(batch.mel), batch.mel.device

    def draw() -> Tensor:
        return context.uniform(count, generator=generator, device=device)

    chosen = (draw() < REVOICED_SHARE).nonzero()[:, 0]
    pitch = (2.0 ** ((2.0 * draw() - 1.0) * REVOICED_OCTAVES))[chosen, None]
    formants = formants_for(pitch) * torch.exp((2.0 * draw() - 1.0) * FORMANT_JITTER)[chosen, None]

    def revoice(mel: Tensor) -> Tensor:
        new = tools.revoice(mel[chosen], pitch, formants)
        return mel.index_copy(0, chosen, new)

    def higher(f0: Tensor) -> Tensor:
        return f0.index_copy(0, chosen, f0[chosen] * pitch)

    return Batch(revoice(batch.mel), higher(batch.f0), revoice(batch.other), higher(batch.other_f0), batch.lengths)
