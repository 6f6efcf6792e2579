"""Pitch by timescale: the clip's median, each second's median and range, and each frame's excursion from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.api.specs import ModelSpec
from engine.model.timescale.acoustic_classes import hold_last
from engine.model.timescale.attributes import Attributes, ContentResidual

LONGEST_OCTAVES = 1.5  # a second's median pitch strays no further from the clip's
REFERENCE_RANGE = 0.08  # standard deviation of log pitch within a second of read speech
WIDEST_EXCURSION = 0.6  # of log pitch from its second's median; beyond it the tracker has leapt an octave
WIDEST_RANGE = 1.2  # natural log: a range is at most so many times wider or narrower than another
# Frames that the average voice is worth where something of a second is measured on few frames.
PRIOR_SECOND_FRAMES = 8.0


@dataclass(frozen=True)
class PitchContour:
    """The pitch of B clips, taken apart; all pitches are natural logs.

    clip: (B,) median over the reference. second: (B, W) median over the clip's. range: (B, W) deviation within the
    second over REFERENCE_RANGE. voiced: (B, W) voiced frames of each second. excursion: (B, T) from the second's
    median, as wide as REFERENCE_RANGE.
    to_second: (B, T) log of the factor that brings each frame to the reference pitch and range.
    """

    clip: Tensor
    second: Tensor
    range: Tensor
    voiced: Tensor
    excursion: Tensor
    to_second: Tensor

    @property
    def to_clip(self) -> Tensor:
        """Log of the factor that brings the clip to the reference pitch, (B, 1)."""
        return -self.clip[:, None]


def measure_pitch(f0: Tensor, speech: Tensor, seconds: Tensor, spec: ModelSpec) -> PitchContour:
    """Take a pitch contour apart by timescale.

    Args:
        f0: (B, T) Hz, NaN where unvoiced. speech: (B, T) above 0 in frames of speech.
        seconds: (B,) seconds of each clip that are not padding.
    """
    frames = f0.shape[1]
    voiced = torch.isfinite(f0) & (speech > 0)
    clip = clip_pitch(f0, voiced, spec)
    about_clip = _log_pitch(f0, voiced, spec) - clip[:, None]
    # A second without voice is on the clip's pitch.
    medians = _median(by_second(about_clip, spec), by_second(voiced.float(), spec) > 0)
    second = hold_last(medians.clamp(-LONGEST_OCTAVES, LONGEST_OCTAVES), seconds)
    stray = (about_clip - by_frame(second, frames, spec)).clamp(-WIDEST_EXCURSION, WIDEST_EXCURSION)
    stray = torch.where(voiced, stray, 0.0)

    # A second with little voice has the clip's range, and a clip with little voice the usual one.
    count = by_second(voiced.float(), spec).sum(dim=-1)
    squares = by_second(stray.square(), spec).sum(dim=-1)
    usual = squares.sum(dim=1) + PRIOR_SECOND_FRAMES * REFERENCE_RANGE**2
    usual = (usual / (count.sum(dim=1) + PRIOR_SECOND_FRAMES))[:, None]
    variance = (squares + PRIOR_SECOND_FRAMES * usual) / (count + PRIOR_SECOND_FRAMES)
    ranges = (variance.log() / 2.0 - math.log(REFERENCE_RANGE)).clamp(-WIDEST_RANGE, WIDEST_RANGE)
    ranges = hold_last(ranges, seconds)

    excursion = stray * torch.exp(-by_frame(ranges, frames, spec))
    to_second = -clip[:, None] - by_frame(second, frames, spec) - (stray - excursion)
    return PitchContour(clip, second, ranges, count, excursion, to_second)


def pitch_curve(attributes: Attributes, residual: ContentResidual, spec: ModelSpec) -> Tensor:
    """Natural log of the factor that brings the local network's input to these attributes: (B, T)."""
    frames = residual.excursion.shape[1]
    wider = torch.exp(by_frame(attributes.second_range, frames, spec)) - 1.0
    return attributes.pitch[:, None] + by_frame(attributes.second_pitch, frames, spec) + residual.excursion * wider


def clip_pitch(f0: Tensor, voiced: Tensor, spec: ModelSpec) -> Tensor:
    """Natural log of each clip's median pitch over the reference: (B, T) Hz -> (B,); 0 without voice."""
    return _median(_log_pitch(f0, voiced, spec), voiced)


def by_second(values: Tensor, spec: ModelSpec) -> Tensor:
    """(B, T, ...) -> (B, W, window, ...); the last second is filled up with zeros."""
    window = spec.window_frames
    missing = -values.shape[1] % window
    padding = (0, 0) * (values.dim() - 2) + (0, missing)
    return functional.pad(values, padding).view(len(values), -1, window, *values.shape[2:])


def by_frame(seconds: Tensor, frames: int, spec: ModelSpec) -> Tensor:
    """(B, W, ...) -> (B, T, ...), on straight lines between the middles of seconds: no steps."""
    place = (torch.arange(frames, device=seconds.device) + 0.5) / spec.window_frames - 0.5
    place = place.clamp(0.0, seconds.shape[1] - 1.0)
    first = place.floor().long().clamp(max=max(0, seconds.shape[1] - 2))
    last = (first + 1).clamp(max=seconds.shape[1] - 1)
    part = (place - first).view(-1, *[1] * (seconds.dim() - 2))
    return seconds[:, first] + part * (seconds[:, last] - seconds[:, first])


def _log_pitch(f0: Tensor, voiced: Tensor, spec: ModelSpec) -> Tensor:
    """Natural log of pitch over the reference; 0 where unvoiced (never used there)."""
    return torch.where(voiced, torch.log(torch.nan_to_num(f0, nan=1.0).clamp(min=1.0) / spec.reference_hz), 0.0)


def _median(values: Tensor, valid: Tensor) -> Tensor:
    """Median along the last axis of what is valid; 0 where nothing is."""
    found = torch.where(valid, values, torch.nan).nanmedian(dim=-1).values
    return torch.nan_to_num(found, nan=0.0)
