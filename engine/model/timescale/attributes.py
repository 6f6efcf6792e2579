"""Slow attributes of speech: a voice's timbre (of a clip, h) and its prosody (of each second, m).

Timbre, one set a clip: the median pitch; the mean spectral envelope; how the voice makes each kind of speech sound
(the mean envelope of every acoustic class, less the mean of all); how far envelopes stray from these means.
Prosody, one set a second: the median pitch against the clip's; the range of the pitch; loudness and spectral tilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from engine.model.timescale.acoustic_classes import AcousticClasses

OF_SECONDS = ("second_pitch", "second_range", "second_tone", "voiced")  # attributes that every second has


@dataclass(frozen=True)
class AverageVoice:
    """The voice that takes the place of a clip's own, learnt from the corpus.

    band_mean: (bands,) log-mel. classes: kinds of speech sounds. offsets: (classes, coefficients) of each from the
    mean envelope. spread: (coefficients,) standard deviation of envelopes around their class's mean.
    """

    band_mean: Tensor
    classes: AcousticClasses
    offsets: Tensor
    spread: Tensor


@dataclass(frozen=True)
class Attributes:
    """Attributes of B clips of W seconds, measured or predicted from h and m. Seconds are windows of m.

    pitch: (B,) natural log of the clip's median pitch over the reference.
    spectrum: (B, coefficients) mean envelope at the reference pitch, as cosine coefficients less the average's.
    class_offsets: (B, classes, coefficients) each acoustic class's mean from it, less the average voice's.
    spread: (B, coefficients) natural log of the spread around the classes' means over the average's.
    second_pitch: (B, W) natural log of each second's median pitch over the clip's.
    second_range: (B, W) natural log of the pitch's deviation within the second over REFERENCE_RANGE.
    second_tone: (B, W, TONE_COEFFICIENTS) the first coefficients of each second's mean envelope, less the average's
        and less what its acoustic classes explain; the first is loudness, absolute where the gain is known.
    voiced: (B, W) voiced frames of each second.
    """

    pitch: Tensor
    spectrum: Tensor
    class_offsets: Tensor
    spread: Tensor
    second_pitch: Tensor
    second_range: Tensor
    second_tone: Tensor
    voiced: Tensor

    def windows(self, first: int, last: int) -> Attributes:
        """The same clips' attributes, of the seconds [first, last) alone."""
        return replace(self, **{name: getattr(self, name)[:, first:last] for name in OF_SECONDS})


def as_batch(several: Sequence[Attributes]) -> Attributes | None:
    """The attributes of clips of different lengths as one batch, seconds padded with zeros; None of none."""
    if not several:
        return None

    def together(name: str) -> Tensor:
        values: list[Tensor] = [getattr(attributes, name)[0] for attributes in several]
        return pad_sequence(values, batch_first=True) if name in OF_SECONDS else torch.stack(values)

    return Attributes(**{item.name: together(item.name) for item in fields(Attributes)})


@dataclass(frozen=True)
class ContentResidual:
    """What stays with the words when attributes are exchanged.

    class_posteriors: (B, T, classes) which acoustic class each frame is. excursion: (B, T) of log pitch around its
    second's, as wide as REFERENCE_RANGE. gain: (B,) added to the first coefficient by level normalisation.
    """

    class_posteriors: Tensor
    excursion: Tensor
    gain: Tensor
