"""Measurements of a rendering, made on the sound itself: what a transfer is judged by."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.api.specs import AudioSpec
from engine.audio import f0_tracker

CEPSTRA = 13  # as usual for mel-cepstral distance, the level (number 0) left out
BAND_FRAMES = 24  # how far the alignment may stray: renderings keep the source's timing
TILT_HZ = (200.0, 6000.0)
LEAST_DISTANCE_SEMITONES = 0.5  # a share of a smaller distance says nothing

Floats = npt.NDArray[np.floating]


def semitones(from_hz: float | None, to_hz: float | None) -> float | None:
    """The interval between two pitches; None if one is unknown."""
    return None if not from_hz or not to_hz else 12.0 * math.log2(to_hz / from_hz)


def share_of_distance(source_hz: float | None, target_hz: float | None, heard_hz: float | None) -> float | None:
    """How far a pitch moved from the source's to the target's, in log frequency: 0 = not at all, 1 = all the way.

    None where a pitch is unknown, or source and target lie less than half a semitone apart.
    """
    distance, moved = semitones(source_hz, target_hz), semitones(source_hz, heard_hz)
    if distance is None or moved is None or abs(distance) < LEAST_DISTANCE_SEMITONES:
        return None
    return moved / distance


def cosine(a: Floats, b: Floats) -> float:
    """Cosine of the angle between two vectors."""
    return float(np.dot(a, b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


def level_dbfs(samples: Floats) -> float:
    """RMS level of (n,) samples, in dB relative to full scale."""
    return 10.0 * math.log10(float(np.mean(np.square(samples, dtype=np.float64))) + 1e-12)


def range_semitones(f0: Floats) -> float | None:
    """From the 5th to the 95th percentile of the voiced frames' pitch; None where there is no voice to speak of."""
    return semitones(*found) if (found := f0_tracker.range_hz(f0)) is not None else None


def tilt_db_per_octave(log_mel: Floats, f0: Floats, spec: AudioSpec) -> float | None:
    """Slope of the mean spectrum of the voiced frames over the octaves from TILT_HZ; None where none is voiced.

    Args:
        log_mel: (frames, bands); f0: (frames,) Hz, NaN where unvoiced.
    """
    voiced = np.isfinite(f0)
    if not voiced.any():
        return None
    centres = spec.band_centres_hz()
    inside = (centres >= TILT_HZ[0]) & (centres <= TILT_HZ[1])
    octaves = np.log2(centres[inside])
    spectrum_db = np.asarray(log_mel, np.float64)[voiced][:, inside].mean(axis=0) * 20.0 / math.log(10.0)
    # Bands lie closer the lower they are: every octave counts the same.
    weights = np.sqrt(np.gradient(octaves))
    return float(np.polyfit(octaves, spectrum_db, 1, w=weights)[0])


def mel_cepstra(log_mel: Floats) -> npt.NDArray[np.float64]:
    """Cepstral coefficients 1 ... 13 of (frames, bands) natural-log mel amplitudes, orthonormal DCT-II."""
    bands = log_mel.shape[1]
    order = np.arange(1, CEPSTRA + 1)[:, None]
    basis = np.cos(np.pi * order * (np.arange(bands) + 0.5) / bands) * math.sqrt(2.0 / bands)
    # No matrix product: waking its threads would take longer than the sum itself.
    cepstra: npt.NDArray[np.float64] = np.einsum("fb,cb->fc", np.asarray(log_mel, np.float64), basis)
    return cepstra


def content_distance_db(log_mel: Floats, other: Floats) -> float:
    """Mel-cepstral distance after dynamic time warping (Sakoe and Chiba 1978), the mean along the path, in dB.

    Each clip's mean cepstrum is taken out, so that a lasting change of timbre does not count as one of content.

    Args:
        log_mel, other: (frames, bands) each, of equal length; alignments stray at most BAND_FRAMES frames.
    """
    a, b = mel_cepstra(log_mel), mel_cepstra(other)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    frames, width = len(a), 2 * BAND_FRAMES + 1
    padded = np.pad(b, ((BAND_FRAMES, BAND_FRAMES), (0, 0)), constant_values=np.inf)
    places = np.arange(width)
    # cost[d] of frame i: the path's cost so far at (i, i + d - BAND_FRAMES), and its number of steps.
    cost, steps = np.full(width, np.inf), np.ones(width)
    for i in range(frames):
        near = padded[i : i + width]
        real = np.isfinite(near[:, 0])
        distance = np.zeros(width)
        distance[real] = np.sqrt(np.square(near[real] - a[i]).sum(axis=1))
        if i == 0:
            before, taken = np.full(width, np.inf), np.zeros(width)
            before[BAND_FRAMES] = 0.0
        else:
            above, above_steps = np.append(cost[1:], np.inf), np.append(steps[1:], 0.0)
            use = above < cost
            before, taken = np.where(use, above, cost), np.where(use, above_steps, steps)
        # Then along the other clip, within this frame: from the place k before d where it is cheapest to come from.
        along = np.cumsum(distance)
        entered = np.where(real, before + distance, np.inf) - along
        cheapest = np.minimum.accumulate(entered)
        k = np.maximum.accumulate(np.where(entered == cheapest, places, 0))
        cost = np.where(real, cheapest + along, np.inf)
        steps = taken[k] + 1 + places - k
    mean = cost[BAND_FRAMES] / steps[BAND_FRAMES]
    # The basis is orthonormal, so over the root of the bands this is the RMS difference of the smoothed spectra.
    return float(mean * 20.0 / math.log(10.0) / math.sqrt(log_mel.shape[1]))
