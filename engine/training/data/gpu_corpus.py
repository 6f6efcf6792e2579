"""Corpus held whole in a graphics card's memory, and its crops gathered there: no loader, no copies on the way.

At 64 frames a second a hundred hours are 23 million frames, 6.5 GB of float16 mel and 0.1 GB of F0. A corpus that
does not fit stays on the disk, and its crops come through pinned memory (see crops.gather).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.corpus.cache.feature_cache import MelCache
from engine.model.timescale.inputs import Batch
from engine.training.data.crops import Crops, placed

LARGEST_SHARE = 0.5  # of the memory that is free: the networks need the rest
_AT_ONCE = 1 << 18  # frames copied at a time


class ResidentCorpus:
    """All frames of a corpus on one device.

    Raises:
        torch.OutOfMemoryError: it does not fit; see `fits`.
    """

    def __init__(self, cache: MelCache, device: torch.device) -> None:
        frames, bands = cache.mel.shape
        # One frame more at the end: silence without voice, what padding points at.
        self._mel = torch.zeros((frames + 1, bands), dtype=torch.float16, device=device)
        self._f0 = torch.full((frames + 1,), torch.nan, device=device)
        for first in range(0, frames, _AT_ONCE):
            last = min(frames, first + _AT_ONCE)
            self._mel[first:last] = torch.from_numpy(np.array(cache.mel[first:last]))
            self._f0[first:last] = torch.from_numpy(np.array(cache.f0[first:last]))
        self._device = device

    def gather(self, crops: Crops, longest: int | None = None) -> tuple[Batch, Tensor | None]:
        """The batch of some crops and its lengths; the same as crops.gather gives."""
        longest = longest or int(crops[:, 2].max())
        starts, elsewhere, lengths = placed(crops, self._device).unbind(dim=1)
        within = torch.arange(longest, device=self._device)
        real = within < lengths[:, None]
        beyond = len(self._f0) - 1
        here, there = (torch.where(real, first[:, None] + within, beyond) for first in (starts, elsewhere))
        batch = Batch(
            mel=self._mel[here].float(),
            f0=self._f0[here],
            other=self._mel[there].float(),
            other_f0=self._f0[there],
            lengths=lengths,
        )
        return batch, None if int(crops[:, 2].min()) == longest else lengths


def fits(cache: MelCache, device: torch.device) -> bool:
    """Whether a device is a graphics card with room for the corpus."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return cache.mel.nbytes + cache.f0.nbytes < LARGEST_SHARE * free
