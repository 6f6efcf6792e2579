"""Balanced sample of clips: no speaker has many more than another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def evenly_by_speaker(speakers: npt.NDArray[np.generic], most: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """At most `most` rows, drawn so that no speaker has many more than another. In rising order."""
    if len(speakers) <= most:
        return np.arange(len(speakers))
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(speakers))
    turn = np.empty(len(speakers), np.int64)
    for name in np.unique(speakers):
        mine = shuffled[speakers[shuffled] == name]
        turn[mine] = np.arange(len(mine))
    chosen = shuffled[np.argsort(turn[shuffled], kind="stable")[:most]]
    return np.sort(chosen)
