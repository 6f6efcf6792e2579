"""What each network hears.

plain: every network hears the same x, as in the paper. Trained so, z takes speaker and pitch from x and nothing is
left for h and m to say; giving a clip another's h changes nothing that can be heard.

timescale: each network hears speech from which everything slower than its own timescale was taken out, by
measurement, and put back afterwards by what h and m say of it:

    q(h|x)      the clean voice, in training from another piece of the same clip
    q(m|h,x)    x at the reference pitch of the whole clip, the clip's mean spectrum taken out
    q(z|h,m,x)  x at the reference pitch of every second, the clip's mean spectrum taken out
    p(x|z)      gives back what the local network heard

The slow part (`Levels`) is read from h and m by one linear layer each, and `restore` is the inverse of the
taking-out. So the decoder never has to redraw a harmonic, and pitch and timbre of the voice can only come from h,
the pitch of a second only from m.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.source_filter import ENVELOPE_COEFFICIENTS, SourceFilter, formants_for, source_filter
from engine.specs import AudioSpec, ModelSpec

# Training meets more voices than the corpus holds: each crop may be re-voiced as a whole, harmonics and formants.
REVOICED_SHARE = 0.5
REVOICED_OCTAVES = 0.5
FORMANT_JITTER = 0.06
FEWEST_VOICED = 8  # frames; below it, loud frames stand for voiced ones
LOUD_NEPERS = 3.0  # below the clip's loudest frame
LONGEST_OCTAVES = 1.5  # a second's median pitch strays no further from the clip's


@dataclass(frozen=True)
class Batch:
    """Pieces of clips, as the training loop draws them.

    mel: (batch, frames, bands) log-mel of the piece to rebuild.
    f0: (batch, frames) Hz, NaN where unvoiced.
    other: (batch, frames, bands) another piece of the same clips (the same piece where a clip is too short).
    lengths: (batch,) frames that are real; what follows is padding.
    """

    mel: Tensor
    f0: Tensor
    other: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Levels:
    """What is slower than a second, measured.

    pitch: (batch,) natural log of the clip's median pitch over the reference.
    spectrum: (batch, coefficients) mean spectrum of the re-pitched clip, as cosine coefficients less the corpus's.
    second_pitch: (batch, seconds) natural log of each second's median pitch over the clip's.
    voiced: (batch, seconds) how many frames of each second are voiced.
    """

    pitch: Tensor
    spectrum: Tensor
    second_pitch: Tensor
    voiced: Tensor


@dataclass(frozen=True)
class Views:
    """Input of each network and the target, each (batch, frames, bands) of log-mel.

    levels: what was taken out; None for plain views.
    """

    clip: Tensor  # for q(h|x)
    second: Tensor  # for q(m|h,x)
    frame: Tensor  # for q(z|h,m,x)
    target: Tensor  # what the decoder is to give back
    levels: Levels | None = None


def for_training(
    batch: Batch, spec: ModelSpec, generator: torch.Generator, audio: AudioSpec, band_mean: Tensor
) -> Views:
    """The views of one training batch; random where the recipe is.

    Args:
        band_mean: (bands,) the corpus's mean spectrum, put in the place of a clip's own.
    """
    if spec.views == "plain":
        return Views(batch.mel, batch.mel, batch.mel, batch.mel)
    tools = source_filter(audio, batch.mel.device)
    mel, f0, other = _revoiced(batch, tools, generator)
    taken = _take_out(mel, f0, batch.lengths, spec, tools, band_mean)
    return Views(other, taken.second, taken.frame, taken.target, taken.levels)


def for_analysis(mel: Tensor, f0: Tensor, spec: ModelSpec, audio: AudioSpec, band_mean: Tensor) -> Views:
    """The views of whole clips: the same taking-out, with nothing random.

    Args:
        mel: (batch, frames, bands); f0: (batch, frames) Hz, NaN where unvoiced; band_mean: (bands,).
    """
    if spec.views == "plain":
        return Views(mel, mel, mel, mel)
    lengths = torch.full((len(mel),), mel.shape[1], device=mel.device)
    return _take_out(mel, f0, lengths, spec, source_filter(audio, mel.device), band_mean)


def restore(mel: Tensor, levels: Levels, spec: ModelSpec, audio: AudioSpec, band_mean: Tensor) -> Tensor:
    """Put the slow part back: the inverse of the taking-out. (batch, frames, bands) both."""
    tools = source_filter(audio, mel.device)
    frames = mel.shape[1]
    centred = mel - band_mean + _mean_spectrum(levels.spectrum, tools, band_mean)
    clip = levels.pitch[:, None]
    return tools.revoice(
        centred, torch.exp(clip + _by_frame(levels.second_pitch, frames, spec)), formants_for(torch.exp(clip))
    )


def _take_out(
    mel: Tensor, f0: Tensor, lengths: Tensor, spec: ModelSpec, tools: SourceFilter, band_mean: Tensor
) -> Views:
    frames = mel.shape[1]
    real = torch.arange(frames, device=mel.device) < lengths[:, None]
    voiced = torch.isfinite(f0) & real
    pitch = _log_pitch(f0, voiced, spec)
    clip = _median(pitch, voiced)
    second = _second_pitch(pitch - clip[:, None], voiced, spec)
    by_clip = -clip[:, None]
    envelope, fine = tools.split(mel)
    envelope = tools.stretch(envelope, formants_for(torch.exp(by_clip)))

    weight = _speech(mel, voiced, real)[..., None]
    mean = (envelope * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)
    spectrum = (mean - band_mean) @ tools.basis.T
    flat = envelope - _mean_spectrum(spectrum, tools, band_mean) + band_mean
    at_clip = flat + tools.stretch(fine, torch.exp(by_clip), beyond=0.0)
    at_second = flat + tools.stretch(fine, torch.exp(by_clip - _by_frame(second, frames, spec)), beyond=0.0)
    count = _by_second(voiced.float(), spec).sum(dim=-1)
    return Views(mel, at_clip, at_second, at_second, Levels(clip, spectrum, second, count))


def _mean_spectrum(spectrum: Tensor, tools: SourceFilter, band_mean: Tensor) -> Tensor:
    """Cosine coefficients (batch, coefficients) to the mean spectrum (batch, 1, bands)."""
    return (band_mean + spectrum @ tools.basis)[:, None]


def _log_pitch(f0: Tensor, voiced: Tensor, spec: ModelSpec) -> Tensor:
    """Natural log of pitch over the reference; 0 where unvoiced (never used there)."""
    return torch.where(voiced, torch.log(torch.nan_to_num(f0, nan=1.0).clamp(min=1.0) / spec.reference_hz), 0.0)


def _median(values: Tensor, valid: Tensor) -> Tensor:
    """Median along the last axis of what is valid; 0 where nothing is."""
    found = torch.where(valid, values, torch.nan).nanmedian(dim=-1).values
    return torch.nan_to_num(found, nan=0.0)


def _second_pitch(pitch: Tensor, voiced: Tensor, spec: ModelSpec) -> Tensor:
    """Each second's median pitch relative to the clip's; a second without voice is on the clip's level."""
    windows = _by_second(pitch, spec)
    return _median(windows, _by_second(voiced.float(), spec) > 0).clamp(-LONGEST_OCTAVES, LONGEST_OCTAVES)


def _by_second(values: Tensor, spec: ModelSpec) -> Tensor:
    """(batch, frames) -> (batch, seconds, window); the last one is filled up with zeros."""
    window = spec.window_frames
    missing = -values.shape[1] % window
    return torch.nn.functional.pad(values, (0, missing)).view(len(values), -1, window)


def _by_frame(seconds: Tensor, frames: int, spec: ModelSpec) -> Tensor:
    """(batch, seconds) -> (batch, frames), on straight lines between the middles of the seconds: no steps."""
    place = (torch.arange(frames, device=seconds.device) + 0.5) / spec.window_frames - 0.5
    place = place.clamp(0.0, seconds.shape[1] - 1.0)
    first = place.floor().long().clamp(max=max(0, seconds.shape[1] - 2))
    last = (first + 1).clamp(max=seconds.shape[1] - 1)
    return seconds[:, first] + (place - first) * (seconds[:, last] - seconds[:, first])


def _speech(mel: Tensor, voiced: Tensor, real: Tensor) -> Tensor:
    """Weights (batch, frames) of the frames that make the mean spectrum: the voiced ones, else the loud ones."""
    loudness = mel.mean(dim=-1).masked_fill(~real, -torch.inf)
    loud = (loudness > loudness.amax(dim=1, keepdim=True) - LOUD_NEPERS) & real
    enough = voiced.sum(dim=1, keepdim=True) >= FEWEST_VOICED
    return torch.where(enough, voiced, loud).float()


def _revoiced(batch: Batch, tools: SourceFilter, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """mel, f0 and other, some clips of the batch as if another voice had spoken them."""
    count, device = len(batch.mel), batch.mel.device

    def draw() -> Tensor:
        return torch.rand(count, generator=generator, device=device)

    chosen = (draw() < REVOICED_SHARE).nonzero()[:, 0]
    pitch = (2.0 ** ((2.0 * draw() - 1.0) * REVOICED_OCTAVES))[chosen, None]
    formants = formants_for(pitch) * torch.exp((2.0 * draw() - 1.0) * FORMANT_JITTER)[chosen, None]

    def revoice(mel: Tensor) -> Tensor:
        new = tools.revoice(mel[chosen], pitch, formants)
        return mel.index_copy(0, chosen, new)

    f0 = batch.f0.index_copy(0, chosen, batch.f0[chosen] * pitch)
    return revoice(batch.mel), f0, revoice(batch.other)


def head_sizes(spec: ModelSpec) -> tuple[int, int]:
    """How many numbers are read from h (pitch, spectrum) and from m (a second's pitch); none for plain views."""
    return (0, 0) if spec.views == "plain" else (1 + ENVELOPE_COEFFICIENTS, 1)
