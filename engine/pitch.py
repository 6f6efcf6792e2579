"""Fundamental frequency of the voice, frame by frame, on the mel frames' times."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyworld

from engine.specs import AudioSpec

LOWEST_HZ = 60.0
HIGHEST_HZ = 500.0
BLOCK_S = 60.0
CONTEXT_S = 1.0  # heard on both sides of a block, so that blocks leave no seam
FEWEST_FRAMES = 3


def track(samples: npt.NDArray[np.floating], rate_hz: int, spec: AudioSpec) -> npt.NDArray[np.float32]:
    """F0 in Hz on spec.frames(n) frames, frame i at i * hop samples; NaN where unvoiced.

    WORLD's DIO refined by StoneMask (Morise 2009, 2016), between 60 and 500 Hz.

    Args:
        samples: (n,) mono at rate_hz, any level.
    """
    hop = spec.hop_samples
    frames = spec.frames(len(samples))
    block, context = round(BLOCK_S * rate_hz / hop), round(CONTEXT_S * rate_hz / hop)
    f0 = np.full(frames, np.nan, np.float32)
    for first in range(0, frames, block):
        last = min(first + block, frames)
        start = max(0, first - context)
        piece = np.ascontiguousarray(samples[start * hop : (last + context) * hop], np.float64)
        found = _track_piece(piece, rate_hz, 1000.0 * hop / rate_hz)[first - start :][: last - first]
        f0[first : first + len(found)] = found
    f0[~(f0 > 0)] = np.nan
    return f0


def _track_piece(samples: npt.NDArray[np.float64], rate_hz: int, frame_ms: float) -> npt.NDArray[np.float64]:
    rough, times = pyworld.dio(samples, rate_hz, f0_floor=LOWEST_HZ, f0_ceil=HIGHEST_HZ, frame_period=frame_ms)
    fine: npt.NDArray[np.float64] = pyworld.stonemask(samples, rough, times, rate_hz)
    return fine


def median_hz(f0: npt.NDArray[np.floating]) -> float | None:
    """The median over voiced frames, in Hz; None if there is no voice to speak of."""
    voiced = f0[np.isfinite(f0)]
    return float(np.median(voiced)) if len(voiced) >= FEWEST_FRAMES else None


def range_hz(f0: npt.NDArray[np.floating]) -> tuple[float, float] | None:
    """The 5th and 95th percentile over voiced frames, in Hz; None if there is no voice to speak of."""
    voiced = f0[np.isfinite(f0)]
    if len(voiced) < FEWEST_FRAMES:
        return None
    low, high = np.percentile(voiced, (5, 95))
    return float(low), float(high)
