"""Loudness by ITU-R BS.1770-4 (pyloudnorm), by which versions of a sound are matched."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

BLOCK_S = 0.4  # the standard's gating block
SPAN_S = 600.0  # measured from the beginning: ten minutes tell, and an hour would take its time and memory

Floats = npt.NDArray[np.floating]


def get_ready() -> None:
    """Load pyloudnorm: half a second that the first measurement does not wait for then."""
    import pyloudnorm  # noqa: F401


def integrated_lufs(samples: Floats, rate_hz: int) -> float | None:
    """Gated loudness of a mono sound in LUFS; None if all of it lies below the standard's gate of -70 LUFS.

    A sound shorter than one block is completed by silence: sounds of one length stay comparable, which is all that
    matching needs.

    Args:
        samples: (n,) within -1 ... 1; may be memory-mapped.
    """
    import pyloudnorm  # late: it brings all of scipy.signal

    sound = np.array(samples[: round(SPAN_S * rate_hz)], np.float32)
    sound = np.pad(sound, (0, max(0, math.ceil(BLOCK_S * rate_hz) - len(sound))))
    with warnings.catch_warnings():
        # It takes the mean of no blocks where all are gated out; the answer, minus infinity, is right.
        warnings.simplefilter("ignore", RuntimeWarning)
        lufs = float(pyloudnorm.Meter(rate_hz).integrated_loudness(sound))
    return lufs if math.isfinite(lufs) else None


def loudnesses(sounds: Mapping[str, Floats], rate_hz: int) -> dict[str, float]:
    """LUFS by name of every sound that has a loudness; silent ones are left out."""
    measured = {name: integrated_lufs(samples, rate_hz) for name, samples in sounds.items()}
    return {name: lufs for name, lufs in measured.items() if lufs is not None}
