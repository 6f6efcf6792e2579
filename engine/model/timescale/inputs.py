"""What each network hears.

plain: every network hears the same x, as in the paper. Trained so, z takes speaker and pitch from x and nothing is
left for h and m to say; giving a clip another's h changes nothing that can be heard.

timescale: each network hears speech from which everything slower than its own timescale was taken out, by
measurement, and put back afterwards by what h and m say of it:

    q(h|x)      the clean voice, in training from another piece of the same clip, and what was measured of it
    q(m|h,x)    x with the clip's levels taken out, and what was measured of each second
    q(z|h,m,x)  x with the levels of clip and seconds taken out
    p(x|z)      gives back what the local network heard

The slow part (levels.py) is read from h and m by one linear layer each, and `restore` is the inverse of the
taking-out. So the decoder never has to redraw a harmonic, and pitch and timbre of the voice can only come from h,
pitch, loudness and tilt of a second only from m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.api.specs import AudioSpec, ModelSpec
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.timescale import attributes as slow
from engine.model.timescale.attributes import AverageVoice, Carrier, Levels
from engine.model.timescale.source_filter import SourceFilter, formants_for, source_filter

# Training meets more voices than the corpus holds: each crop may be re-voiced as a whole, harmonics and formants.
REVOICED_SHARE = 0.5
REVOICED_OCTAVES = 0.5
FORMANT_JITTER = 0.06
# Recordings have any gain; training meets more of them than the corpus holds.
GAIN_DEVIATION_DB = 10.0
# The global network may not lean on the microphone: it hears each piece through another one.
EQUALISER_COEFFICIENTS = 6
EQUALISER_DEVIATION = 0.4  # of each coefficient, in log-mel's own units
NEPERS_A_DB = math.log(10.0) / 20.0


@dataclass(frozen=True)
class Batch:
    """Pieces of clips, as the training loop draws them.

    mel: (batch, frames, bands) log-mel of the piece to rebuild.
    f0: (batch, frames) Hz, NaN where unvoiced.
    other, other_f0: another piece of the same clips (the same piece where a clip is too short).
    lengths: (batch,) frames that are real; what follows is padding.
    """

    mel: Tensor
    f0: Tensor
    other: Tensor
    other_f0: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Views:
    """Input of each network and the target, each (batch, frames, bands) of log-mel.

    levels: what was taken out of the piece to rebuild; carrier: what stays with its words; clip_levels: what was
    measured on `clip`; again: the piece to rebuild as the global network would hear it. None: plain views.
    """

    clip: Tensor  # for q(h|x)
    second: Tensor  # for q(m|h,x)
    frame: Tensor  # for q(z|h,m,x)
    target: Tensor  # what the decoder is to give back
    levels: Levels | None = None
    carrier: Carrier | None = None
    clip_levels: Levels | None = None
    again: Tensor | None = None


def for_training(
    batch: Batch,
    spec: ModelSpec,
    generator: torch.Generator,
    audio: AudioSpec,
    average: AverageVoice,
    context: BatchContext = SINGLE_PROCESS,
) -> Views:
    """The views of one training batch; random where the recipe is."""
    if spec.views == "plain":
        return Views(batch.mel, batch.mel, batch.mel, batch.mel)
    tools = source_filter(audio, batch.mel.device)
    batch = _revoiced(batch, tools, generator, context)
    real = _real(batch)
    gain = _gain_of(
        context.normal(len(batch.mel), generator=generator, device=batch.mel.device) * GAIN_DEVIATION_DB, audio
    )
    taken = slow.take_out(batch.mel, batch.f0, real, gain, spec, tools, average)
    heard = slow.measure(batch.other, batch.other_f0, real, gain, spec, tools, average)
    return Views(
        _equalised(batch.other, tools, generator, context),
        taken.at_clip,
        taken.at_second,
        taken.at_second,
        taken.levels,
        taken.carrier,
        heard,
        _equalised(batch.mel, tools, generator, context),
    )


def for_analysis(
    mel: Tensor, f0: Tensor, spec: ModelSpec, audio: AudioSpec, average: AverageVoice, gain_db: float = 0.0
) -> Views:
    """The views of whole clips: the same taking-out, with nothing random.

    Args:
        mel: (batch, frames, bands); f0: (batch, frames) Hz, NaN where unvoiced.
        gain_db: what level normalisation added; 0 where it is not known.
    """
    if spec.views == "plain":
        return Views(mel, mel, mel, mel)
    real = torch.ones(mel.shape[:2], dtype=torch.bool, device=mel.device)
    gain = _gain_of(torch.full((len(mel),), gain_db, device=mel.device), audio)
    taken = slow.take_out(mel, f0, real, gain, spec, source_filter(audio, mel.device), average)
    return Views(mel, taken.at_clip, taken.at_second, taken.at_second, taken.levels, taken.carrier, taken.levels)


def restore(
    mel: Tensor,
    levels: Levels,
    carrier: Carrier,
    spec: ModelSpec,
    audio: AudioSpec,
    average: AverageVoice,
    *,
    own: Levels,
    habits: float = 1.0,
) -> Tensor:
    """Put a slow part back: the inverse of the taking-out. (batch, frames, bands) both. See levels.put_back."""
    tools = source_filter(audio, mel.device)
    return slow.put_back(mel, levels, carrier, spec, tools, average, own=own, habits=habits)


def tone_decibels(tone: Tensor, audio: AudioSpec) -> Tensor:
    """A difference of the first coefficient of second_tone, in dB."""
    return tone / math.sqrt(audio.bands) / NEPERS_A_DB


def _gain_of(gain_db: Tensor, audio: AudioSpec) -> Tensor:
    """dB to what it adds to the first envelope coefficient."""
    return gain_db * NEPERS_A_DB * math.sqrt(audio.bands)


def _real(batch: Batch) -> Tensor:
    return torch.arange(batch.mel.shape[1], device=batch.mel.device) < batch.lengths[:, None]


def _equalised(mel: Tensor, tools: SourceFilter, generator: torch.Generator, context: BatchContext) -> Tensor:
    """The same speech through other microphones: a smooth random filter for each clip."""
    curve = context.normal(len(mel), EQUALISER_COEFFICIENTS, generator=generator, device=mel.device)
    scale = (
        EQUALISER_DEVIATION
        * math.sqrt(mel.shape[-1])
        / torch.arange(2, EQUALISER_COEFFICIENTS + 2, device=mel.device)
    )
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
