"""Loudness matching: gains that let versions of one recording be compared by voice and not by level."""

from __future__ import annotations

import math
from collections.abc import Mapping

FULL_SCALE = 0.999
MOST_DB = 30.0  # a larger difference is a silence or a damaged number, and nobody wants noise


def matching_gains(loudness_lufs: Mapping[str, float], peaks: Mapping[str, float]) -> dict[str, float]:
    """The factor for every version that makes all of them as loud as the first of `peaks`.

    Where one of them would go beyond full scale, all are turned down together: none is limited, all stay alike.

    Args:
        loudness_lufs: name -> integrated loudness; a version without one is played as it is.
        peaks: name -> largest magnitude of a sample, of every version, the reference first.
    """
    names = list(peaks)
    reference = loudness_lufs.get(names[0], math.nan) if names else math.nan
    gains = {}
    for name in names:
        change_db = reference - loudness_lufs.get(name, math.nan)
        gains[name] = 10.0 ** (max(-MOST_DB, min(MOST_DB, change_db)) / 20.0) if math.isfinite(change_db) else 1.0
    highest = max((gains[name] * peaks[name] for name in names), default=0.0)
    if highest > FULL_SCALE and len(names) > 1:
        gains = {name: gain * FULL_SCALE / highest for name, gain in gains.items()}
    return gains
