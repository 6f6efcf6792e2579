"""What is slower than a sound of speech: measured, taken out, and put back as h and m tell it.

Of a clip (told by h): the median pitch; the mean envelope; how the voice makes each kind of sound (the mean
envelope of every class of sounds.py, less the mean of all); how far it strays from these means.
Of a second (told by m): the median pitch against the clip's; the range of the pitch; loudness and tilt.

Taken out means: replaced by the average voice's. `take_out` and `put_back` are inverse to each other but for the
blur of stretching twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from engine.api.specs import ENVELOPE_COEFFICIENTS, TONE_COEFFICIENTS, ModelSpec
from engine.model.timescale.sound_classes import SoundClasses, held, sound_features, weighted_moments
from engine.model.timescale.source_filter import SourceFilter, formants_for

SPEECH_NEPERS = 4.0  # below the clip's loudest frame there is no speech
LONGEST_OCTAVES = 1.5  # a second's median pitch strays no further from the clip's
REFERENCE_RANGE = 0.08  # standard deviation of log pitch within a second of read speech
WIDEST_EXCURSION = 0.6  # of log pitch from its second's median; beyond it the tracker has leapt an octave
WIDEST_RANGE = 1.2  # natural log: a range is at most so many times wider or narrower than another
# Frames that the average voice is worth where a class, a second or a spread is measured on few frames.
PRIOR_SOUND_FRAMES = 5.0
PRIOR_SECOND_FRAMES = 8.0
PRIOR_SPREAD_FRAMES = 50.0
WIDEST_SPREAD = 0.7  # natural log
# Over so many frames another voice's way with a sound sets in. Which sound a frame is changes from one frame to the
# next, and the mouth does not.
ONSET_FRAMES = 9
SECONDS = ("second_pitch", "second_range", "second_tone", "voiced")  # levels that every second has


@dataclass(frozen=True)
class AverageVoice:
    """What is put in the place of a clip's own, learnt from the corpus.

    band_mean: (bands,) log-mel. classes: kinds of sounds. offsets: (classes, coefficients) of each from the mean
    envelope. spread: (coefficients,) standard deviation of envelopes around their class's mean.
    """

    band_mean: Tensor
    classes: SoundClasses
    offsets: Tensor
    spread: Tensor


@dataclass(frozen=True)
class Levels:
    """What was measured, or what h and m tell. Seconds are windows of m.

    pitch: (batch,) natural log of the clip's median pitch over the reference.
    spectrum: (batch, coefficients) mean envelope at the reference pitch, as cosine coefficients less the average's.
    sounds: (batch, classes, coefficients) each class's mean from it, less the average voice's.
    spread: (batch, coefficients) natural log of the spread around the classes' means over the average's.
    second_pitch: (batch, seconds) natural log of each second's median pitch over the clip's.
    second_range: (batch, seconds) natural log of the pitch's deviation within the second over REFERENCE_RANGE.
    second_tone: (batch, seconds, TONE_COEFFICIENTS) the first coefficients of each second's mean envelope, less
        the average's and less what its sounds explain; the first is loudness, absolute where the gain is known.
    voiced: (batch, seconds) voiced frames of each second.
    """

    pitch: Tensor
    spectrum: Tensor
    sounds: Tensor
    spread: Tensor
    second_pitch: Tensor
    second_range: Tensor
    second_tone: Tensor
    voiced: Tensor

    def windows(self, first: int, last: int) -> Levels:
        """The same clip's, of the seconds [first, last) alone."""
        return replace(self, **{name: getattr(self, name)[:, first:last] for name in SECONDS})


def joined(several: Sequence[Levels]) -> Levels | None:
    """The levels of clips of different lengths as one batch, seconds padded with zeros; None of none."""
    if not several:
        return None

    def together(name: str) -> Tensor:
        values: list[Tensor] = [getattr(levels, name)[0] for levels in several]
        return pad_sequence(values, batch_first=True) if name in SECONDS else torch.stack(values)

    return Levels(**{item.name: together(item.name) for item in fields(Levels)})


@dataclass(frozen=True)
class Carrier:
    """What stays with the words when levels are exchanged.

    assigned: (batch, frames, classes) which sound each frame is. excursion: (batch, frames) of log pitch around its
    second's, as wide as REFERENCE_RANGE. gain: (batch,) added to the first coefficient by level normalisation.
    """

    assigned: Tensor
    excursion: Tensor
    gain: Tensor


@dataclass(frozen=True)
class TakenOut:
    """at_clip: pitch and envelope of the clip taken out, the seconds' left in. at_second: both taken out.

    Both (batch, frames, bands).
    """

    at_clip: Tensor
    at_second: Tensor
    levels: Levels
    carrier: Carrier


@dataclass(frozen=True)
class _Envelopes:
    """Of a clip at the reference pitch: its pitches, its envelopes and what is explained of them."""

    levels: Levels
    carrier: Carrier
    envelope: Tensor  # (batch, frames, bands)
    fine: Tensor  # (batch, frames, bands), harmonics where they were
    coefficients: Tensor  # (batch, frames, coefficients), less the average's
    residual: Tensor  # (batch, frames, coefficients) what neither class nor second explains
    to_clip: Tensor  # (batch, 1) log of the factor that brings the clip to the reference pitch
    to_second: Tensor  # (batch, frames) the same with the second's level and range


def take_out(
    mel: Tensor, f0: Tensor, real: Tensor, gain: Tensor, spec: ModelSpec, tools: SourceFilter, average: AverageVoice
) -> TakenOut:
    """Measure a clip's levels and put the average voice's in their place.

    Args:
        mel: (batch, frames, bands) log-mel. f0: (batch, frames) Hz, NaN where unvoiced.
        real: bool (batch, frames), False in the padding.
        gain: (batch,) what level normalisation added to the first coefficient.
    """
    seen = _look(mel, f0, real, gain, spec, tools, average)
    at_second = (
        average_coefficients(seen.carrier, average) + seen.residual * torch.exp(-seen.levels.spread)[:, None]
    )
    dev = _padded(_deviation(seen.levels, seen.carrier.gain), mel.shape[1], spec)
    at_clip = at_second + dev
    base = seen.envelope - seen.coefficients @ tools.basis

    def voice(coefficients: Tensor, factor: Tensor) -> Tensor:
        return base + coefficients @ tools.basis + tools.stretch(seen.fine, torch.exp(factor), beyond=0.0)

    return TakenOut(voice(at_clip, seen.to_clip), voice(at_second, seen.to_second), seen.levels, seen.carrier)


def measure(
    mel: Tensor, f0: Tensor, real: Tensor, gain: Tensor, spec: ModelSpec, tools: SourceFilter, average: AverageVoice
) -> Levels:
    """The levels alone, as `take_out` measures them: a good deal cheaper."""
    return _look(mel, f0, real, gain, spec, tools, average).levels


def put_back(
    mel: Tensor,
    levels: Levels,
    carrier: Carrier,
    spec: ModelSpec,
    tools: SourceFilter,
    average: AverageVoice,
    *,
    own: Levels,
    habits: float = 1.0,
) -> Tensor:
    """Give a voice from which the levels were taken out other levels: (batch, frames, bands) both.

    Args:
        own: the levels that were taken out; with these, what comes back is the source.
        habits: how much stays of what no level explains; 1 = all, as it must be to get the source back.
    """  # fmt: skip
    frames = mel.shape[1]
    envelope, fine = tools.split(mel)
    coefficients = (envelope - average.band_mean) @ tools.basis.T
    residual = coefficients - average_coefficients(carrier, average)
    told = (
        levels.spectrum[:, None]
        + carrier.assigned @ (average.offsets + own.sounds)
        + _smooth(carrier.assigned @ (levels.sounds - own.sounds), ONSET_FRAMES)
        + residual * torch.exp(levels.spread)[:, None] * habits
        + _padded(_deviation(levels, carrier.gain), frames, spec)
    )
    restored = envelope + (told - coefficients) @ tools.basis
    formants = formants_for(torch.exp(levels.pitch))[:, None].expand(-1, frames)
    pitch = torch.exp(pitch_curve(levels, carrier, spec))
    return tools.stretch(restored, formants) + tools.stretch(fine, pitch, beyond=0.0)


def _smooth(x: Tensor, width: int) -> Tensor:
    """x (batch, frames, n) under a Hann window of `width` frames, odd, that slides along; the ends are held."""
    window = torch.hann_window(width + 2, periodic=False, device=x.device)[1:-1]
    columns = functional.pad(x.transpose(1, 2), (width // 2, width // 2), mode="replicate").flatten(0, 1)[:, None]
    smooth = functional.conv1d(columns, (window / window.sum())[None, None])
    return smooth.view(len(x), x.shape[2], -1).transpose(1, 2)


def pitch_curve(levels: Levels, carrier: Carrier, spec: ModelSpec) -> Tensor:
    """Natural log of the factor that brings what the local network heard to these levels: (batch, frames)."""
    frames = carrier.excursion.shape[1]
    wider = torch.exp(by_frame(levels.second_range, frames, spec)) - 1.0
    return levels.pitch[:, None] + by_frame(levels.second_pitch, frames, spec) + carrier.excursion * wider


def average_coefficients(carrier: Carrier, average: AverageVoice) -> Tensor:
    """The average voice saying these sounds, less its mean: (batch, frames, coefficients)."""
    return carrier.assigned @ average.offsets


def plain_coefficients(
    mel: Tensor, f0: Tensor, real: Tensor, spec: ModelSpec, tools: SourceFilter, band_mean: Tensor
) -> tuple[Tensor, Tensor]:
    """Envelopes at the reference pitch as coefficients less `band_mean`'s, and the weight of each frame as speech.

    (batch, frames, coefficients), (batch, frames): what the average voice is learnt from.
    """
    weight = _speech(mel, real)
    voiced = torch.isfinite(f0) & (weight > 0)
    clip = _median(_log_pitch(f0, voiced, spec), voiced)
    envelope, _ = tools.split(mel)
    envelope = tools.stretch(envelope, formants_for(torch.exp(-clip))[:, None].expand(-1, mel.shape[1]))
    return (envelope - band_mean) @ tools.basis.T, weight


def by_frame(seconds: Tensor, frames: int, spec: ModelSpec) -> Tensor:
    """(batch, seconds, ...) -> (batch, frames, ...), on straight lines between the middles of seconds: no steps."""
    place = (torch.arange(frames, device=seconds.device) + 0.5) / spec.window_frames - 0.5
    place = place.clamp(0.0, seconds.shape[1] - 1.0)
    first = place.floor().long().clamp(max=max(0, seconds.shape[1] - 2))
    last = (first + 1).clamp(max=seconds.shape[1] - 1)
    part = (place - first).view(-1, *[1] * (seconds.dim() - 2))
    return seconds[:, first] + part * (seconds[:, last] - seconds[:, first])


def _look(
    mel: Tensor, f0: Tensor, real: Tensor, gain: Tensor, spec: ModelSpec, tools: SourceFilter, average: AverageVoice
) -> _Envelopes:
    frames = mel.shape[1]
    weight = _speech(mel, real)
    voiced = torch.isfinite(f0) & (weight > 0)
    pitch = _log_pitch(f0, voiced, spec)
    clip = _median(pitch, voiced)
    to_clip = -clip[:, None]
    seconds = -(-real.sum(dim=1) // spec.window_frames)
    second = held(_second_pitch(pitch - clip[:, None], voiced, spec), seconds)
    stray = (pitch - clip[:, None] - by_frame(second, frames, spec)).clamp(-WIDEST_EXCURSION, WIDEST_EXCURSION)
    stray = torch.where(voiced, stray, 0.0)
    count = by_second(voiced.float(), spec).sum(dim=-1)
    # A second with little voice has the clip's range, and a clip with little voice the usual one.
    squares = by_second(stray.square(), spec).sum(dim=-1)
    usual = squares.sum(dim=1) + PRIOR_SECOND_FRAMES * REFERENCE_RANGE**2
    usual = (usual / (count.sum(dim=1) + PRIOR_SECOND_FRAMES))[:, None]
    variance = (squares + PRIOR_SECOND_FRAMES * usual) / (count + PRIOR_SECOND_FRAMES)
    ranges = (variance.log() / 2.0 - math.log(REFERENCE_RANGE)).clamp(-WIDEST_RANGE, WIDEST_RANGE)
    ranges = held(ranges, seconds)
    excursion = stray * torch.exp(-by_frame(ranges, frames, spec))

    envelope, fine = tools.split(mel)
    envelope = tools.stretch(envelope, formants_for(torch.exp(to_clip)))
    coefficients = (envelope - average.band_mean) @ tools.basis.T
    assigned = average.classes.assign(sound_features(coefficients, weight, real))
    spectrum, _ = weighted_moments(coefficients, weight)
    about = coefficients - spectrum[:, None]
    heard = assigned * weight[..., None]
    classes = heard.sum(dim=1)[..., None]
    sounds = heard.transpose(1, 2) @ about - classes * average.offsets
    sounds = sounds / (classes + PRIOR_SOUND_FRAMES)
    about = about - assigned @ (average.offsets + sounds)

    spoken = by_second(weight, spec).sum(dim=-1)[..., None]
    low = by_second((about * weight[..., None])[..., :TONE_COEFFICIENTS], spec).sum(dim=2)
    deviation = held(low / (spoken + PRIOR_SECOND_FRAMES), seconds)
    residual = about - _padded(deviation, frames, spec)
    total = weight.sum(dim=1)[:, None]
    squares = (residual.square() * weight[..., None]).sum(dim=1) + PRIOR_SPREAD_FRAMES * average.spread.square()
    spread = ((squares / (total + PRIOR_SPREAD_FRAMES)).log() / 2.0 - average.spread.log()).clamp(
        -WIDEST_SPREAD, WIDEST_SPREAD
    )
    tone = spectrum[:, None, :TONE_COEFFICIENTS] + deviation
    tone = torch.cat((tone[..., :1] - gain[:, None, None], tone[..., 1:]), dim=-1)
    return _Envelopes(
        Levels(clip, spectrum, sounds, spread, second, ranges, tone, count),
        Carrier(assigned, excursion, gain),
        envelope,
        fine,
        coefficients,
        residual,
        to_clip,
        to_clip - by_frame(second, frames, spec) - (stray - excursion),
    )


def _deviation(levels: Levels, gain: Tensor) -> Tensor:
    """How each second's tone lies from the clip's mean spectrum: (batch, seconds, TONE_COEFFICIENTS)."""
    tone = levels.second_tone - levels.spectrum[:, None, :TONE_COEFFICIENTS]
    return torch.cat((tone[..., :1] + gain[:, None, None], tone[..., 1:]), dim=-1)


def _padded(tone: Tensor, frames: int, spec: ModelSpec) -> Tensor:
    """(batch, seconds, TONE_COEFFICIENTS) -> (batch, frames, coefficients)."""
    missing = ENVELOPE_COEFFICIENTS - tone.shape[-1]
    return functional.pad(by_frame(tone, frames, spec), (0, missing))


def _log_pitch(f0: Tensor, voiced: Tensor, spec: ModelSpec) -> Tensor:
    """Natural log of pitch over the reference; 0 where unvoiced (never used there)."""
    return torch.where(voiced, torch.log(torch.nan_to_num(f0, nan=1.0).clamp(min=1.0) / spec.reference_hz), 0.0)


def _median(values: Tensor, valid: Tensor) -> Tensor:
    """Median along the last axis of what is valid; 0 where nothing is."""
    found = torch.where(valid, values, torch.nan).nanmedian(dim=-1).values
    return torch.nan_to_num(found, nan=0.0)


def _second_pitch(pitch: Tensor, voiced: Tensor, spec: ModelSpec) -> Tensor:
    """Each second's median pitch relative to the clip's; a second without voice is on the clip's level."""
    windows = by_second(pitch, spec)
    return _median(windows, by_second(voiced.float(), spec) > 0).clamp(-LONGEST_OCTAVES, LONGEST_OCTAVES)


def by_second(values: Tensor, spec: ModelSpec) -> Tensor:
    """(batch, frames, ...) -> (batch, seconds, window, ...); the last one is filled up with zeros."""
    window = spec.window_frames
    missing = -values.shape[1] % window
    padding = (0, 0) * (values.dim() - 2) + (0, missing)
    return functional.pad(values, padding).view(len(values), -1, window, *values.shape[2:])


def _speech(mel: Tensor, real: Tensor) -> Tensor:
    """Weights (batch, frames): 1 in the frames loud enough to be speech."""
    loudness = mel.mean(dim=-1).masked_fill(~real, -torch.inf)
    return ((loudness > loudness.amax(dim=1, keepdim=True) - SPEECH_NEPERS) & real).float()
