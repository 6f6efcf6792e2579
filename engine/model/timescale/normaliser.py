"""Voice normalisation: a voice's attributes are measured, replaced by the average voice's, and put back.

`normalise` and `restore` are inverse to each other but for the blur of stretching twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.api.specs import ENVELOPE_COEFFICIENTS, TONE_COEFFICIENTS, ModelSpec
from engine.model.timescale.acoustic_classes import class_features, hold_last, weighted_moments
from engine.model.timescale.attributes import Attributes, AverageVoice, ContentResidual
from engine.model.timescale.prosody import (
    PRIOR_SECOND_FRAMES,
    PitchContour,
    by_frame,
    by_second,
    clip_pitch,
    measure_pitch,
    pitch_curve,
)
from engine.model.timescale.source_filter import SourceFilter, formants_for

SPEECH_NEPERS = 4.0  # below the clip's loudest frame there is no speech
# Frames that the average voice is worth where a class or a spread is measured on few frames.
PRIOR_CLASS_FRAMES = 5.0
PRIOR_SPREAD_FRAMES = 50.0
WIDEST_SPREAD = 0.7  # natural log
# Over so many frames another voice's way with an acoustic class sets in. Which class a frame is changes from one
# frame to the next, and the mouth does not.
ONSET_FRAMES = 9


@dataclass(frozen=True)
class Normalised:
    """Log-mels with the average voice, (B, T, bands).

    at_clip: pitch and timbre of the clip replaced, the seconds' prosody left in. at_second: both replaced.
    """

    at_clip: Tensor
    at_second: Tensor
    attributes: Attributes
    residual: ContentResidual


@dataclass(frozen=True)
class _Analysis:
    """A clip at the reference pitch.

    envelope, fine: (B, T, bands), their sum is the log-mel; harmonics stay where they were.
    coefficients: (B, T, coefficients) of the envelope, less the average's.
    unexplained: (B, T, coefficients) what neither acoustic class nor second explains of them.
    """

    attributes: Attributes
    residual: ContentResidual
    pitch: PitchContour
    envelope: Tensor
    fine: Tensor
    coefficients: Tensor
    unexplained: Tensor


class VoiceNormaliser:
    """Measures, normalises and restores the attributes of log-mels, against one average voice.

    Everywhere: mel (B, T, bands) log-mel; f0 (B, T) Hz, NaN where unvoiced; real bool (B, T), False in the padding;
    gain (B,) what level normalisation added to the first envelope coefficient.
    """

    def __init__(self, spec: ModelSpec, source_filter: SourceFilter, average: AverageVoice) -> None:
        self.spec = spec
        self.source_filter = source_filter
        self.average = average

    def measure(self, mel: Tensor, f0: Tensor, real: Tensor, gain: Tensor) -> Attributes:
        """The attributes alone, as `normalise` measures them: a good deal cheaper."""
        return self._analyse(mel, f0, real, gain).attributes

    def normalise(self, mel: Tensor, f0: Tensor, real: Tensor, gain: Tensor) -> Normalised:
        """Measure the attributes and put the average voice's in their place."""
        found = self._analyse(mel, f0, real, gain)
        tools, attributes = self.source_filter, found.attributes
        at_second = self.average_coefficients(found.residual) + found.unexplained * torch.exp(
            -attributes.spread[:, None]
        )
        at_clip = at_second + self._tone_by_frame(_tone_of_seconds(attributes, gain), mel.shape[1])
        beyond_coefficients = found.envelope - found.coefficients @ tools.basis

        def voice(coefficients: Tensor, log_factor: Tensor) -> Tensor:
            harmonics = tools.stretch(found.fine, torch.exp(log_factor), beyond=0.0)
            return beyond_coefficients + coefficients @ tools.basis + harmonics

        return Normalised(
            voice(at_clip, found.pitch.to_clip), voice(at_second, found.pitch.to_second), attributes, found.residual
        )

    def restore(
        self,
        mel: Tensor,
        attributes: Attributes,
        residual: ContentResidual,
        *,
        own: Attributes,
        residual_gain: float = 1.0,
    ) -> Tensor:
        """Give a normalised voice attributes: (B, T, bands) both.

        Args:
            own: the attributes that were measured on it; with these, what comes back is the source.
            residual_gain: how much stays of what no attribute explains; 1 = all, as it must be to get the source
                back.
        """
        frames, tools = mel.shape[1], self.source_filter
        envelope, fine = tools.split(mel)
        coefficients = (envelope - self.average.band_mean) @ tools.basis.T
        unexplained = coefficients - self.average_coefficients(residual)
        classes = residual.class_posteriors
        wanted = (
            attributes.spectrum[:, None]
            + classes @ (self.average.offsets + own.class_offsets)
            + _smooth(classes @ (attributes.class_offsets - own.class_offsets), ONSET_FRAMES)
            + unexplained * torch.exp(attributes.spread)[:, None] * residual_gain
            + self._tone_by_frame(_tone_of_seconds(attributes, residual.gain), frames)
        )
        envelope = envelope + (wanted - coefficients) @ tools.basis
        formants = formants_for(torch.exp(attributes.pitch))[:, None].expand(-1, frames)
        pitch = torch.exp(pitch_curve(attributes, residual, self.spec))
        return tools.stretch(envelope, formants) + tools.stretch(fine, pitch, beyond=0.0)

    def average_coefficients(self, residual: ContentResidual) -> Tensor:
        """The average voice saying the same, less its mean envelope: (B, T, coefficients)."""
        return residual.class_posteriors @ self.average.offsets

    def envelopes(self, mel: Tensor, f0: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Envelopes at the reference pitch as coefficients less the average's, and each frame's weight as speech.

        (B, T, coefficients), (B, T): what an average voice is learnt from.
        """
        speech = _speech_weight(mel, real)
        pitch = clip_pitch(f0, torch.isfinite(f0) & (speech > 0), self.spec)
        envelope, _ = self.source_filter.split(mel)
        return self._at_reference(envelope, -pitch[:, None])[1], speech

    def _analyse(self, mel: Tensor, f0: Tensor, real: Tensor, gain: Tensor) -> _Analysis:
        speech = _speech_weight(mel, real)
        seconds = -(-real.sum(dim=1) // self.spec.window_frames)
        pitch = measure_pitch(f0, speech, seconds, self.spec)
        envelope, fine = self.source_filter.split(mel)
        envelope, coefficients = self._at_reference(envelope, pitch.to_clip)

        classes = self.average.classes.posteriors(class_features(coefficients, speech, real))
        spectrum, _ = weighted_moments(coefficients, speech)
        about_mean = coefficients - spectrum[:, None]
        class_offsets = self._class_offsets(about_mean, classes * speech[..., None])
        about_class = about_mean - classes @ (self.average.offsets + class_offsets)

        tone = self._second_tone(about_class, speech, seconds)
        unexplained = about_class - self._tone_by_frame(tone, mel.shape[1])
        tone = tone + spectrum[:, None, :TONE_COEFFICIENTS]
        attributes = Attributes(
            pitch=pitch.clip,
            spectrum=spectrum,
            class_offsets=class_offsets,
            spread=self._spread(unexplained, speech),
            second_pitch=pitch.second,
            second_range=pitch.range,
            second_tone=torch.cat((tone[..., :1] - gain[:, None, None], tone[..., 1:]), dim=-1),
            voiced=pitch.voiced,
        )
        residual = ContentResidual(classes, pitch.excursion, gain)
        return _Analysis(attributes, residual, pitch, envelope, fine, coefficients, unexplained)

    def _at_reference(self, envelope: Tensor, to_clip: Tensor) -> tuple[Tensor, Tensor]:
        """Envelopes with their formants where a voice of the reference pitch has them, and their coefficients."""
        envelope = self.source_filter.stretch(envelope, formants_for(torch.exp(to_clip)))
        return envelope, (envelope - self.average.band_mean) @ self.source_filter.basis.T

    def _class_offsets(self, about_mean: Tensor, weight: Tensor) -> Tensor:
        """Each class's mean less the average voice's: (B, classes, coefficients); weight is (B, T, classes)."""
        frames = weight.sum(dim=1)[..., None]
        offsets = weight.transpose(1, 2) @ about_mean - frames * self.average.offsets
        return offsets / (frames + PRIOR_CLASS_FRAMES)

    def _second_tone(self, about_class: Tensor, speech: Tensor, seconds: Tensor) -> Tensor:
        """Loudness and tilt of each second against the clip's mean spectrum: (B, W, TONE_COEFFICIENTS)."""
        spoken = by_second(speech, self.spec).sum(dim=-1)[..., None]
        low = by_second((about_class * speech[..., None])[..., :TONE_COEFFICIENTS], self.spec).sum(dim=2)
        return hold_last(low / (spoken + PRIOR_SECOND_FRAMES), seconds)

    def _spread(self, unexplained: Tensor, speech: Tensor) -> Tensor:
        """Natural log of the spread over the average voice's: (B, coefficients)."""
        average, frames = self.average.spread, speech.sum(dim=1)[:, None]
        squares = (unexplained.square() * speech[..., None]).sum(dim=1) + PRIOR_SPREAD_FRAMES * average.square()
        spread = (squares / (frames + PRIOR_SPREAD_FRAMES)).log() / 2.0 - average.log()
        return spread.clamp(-WIDEST_SPREAD, WIDEST_SPREAD)

    def _tone_by_frame(self, tone: Tensor, frames: int) -> Tensor:
        """(B, W, TONE_COEFFICIENTS) -> (B, T, coefficients), the finer ones zero."""
        missing = ENVELOPE_COEFFICIENTS - tone.shape[-1]
        return functional.pad(by_frame(tone, frames, self.spec), (0, missing))


def _tone_of_seconds(attributes: Attributes, gain: Tensor) -> Tensor:
    """How each second's tone lies from the clip's mean spectrum: (B, W, TONE_COEFFICIENTS)."""
    tone = attributes.second_tone - attributes.spectrum[:, None, :TONE_COEFFICIENTS]
    return torch.cat((tone[..., :1] + gain[:, None, None], tone[..., 1:]), dim=-1)


def _speech_weight(mel: Tensor, real: Tensor) -> Tensor:
    """(B, T): 1 in the frames loud enough to be speech."""
    loudness = mel.mean(dim=-1).masked_fill(~real, -torch.inf)
    return ((loudness > loudness.amax(dim=1, keepdim=True) - SPEECH_NEPERS) & real).float()


def _smooth(x: Tensor, width: int) -> Tensor:
    """x (B, T, n) under a Hann window of `width` frames, odd, that slides along; the ends are held."""
    window = torch.hann_window(width + 2, periodic=False, device=x.device)[1:-1]
    columns = functional.pad(x.transpose(1, 2), (width // 2, width // 2), mode="replicate").flatten(0, 1)[:, None]
    smooth = functional.conv1d(columns, (window / window.sum())[None, None])
    return smooth.view(len(x), x.shape[2], -1).transpose(1, 2)
