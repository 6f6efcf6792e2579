"""Batches of a run: its corpus divided, the order of its crops, and the crops as tensors on its device."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.corpus.cache.feature_cache import MelCache
from engine.model.timescale.inputs import Batch
from engine.training.data.crops import CropOrder, Crops, Division, SpeakerNumbers, gather
from engine.training.data.gpu_corpus import ResidentCorpus, fits

_VALIDATION_CROPS = 128


class Batches:
    """The crops of one run, in order, and how they become batches.

    per_epoch: crops an epoch. held_out: the crops of every validation.
    """

    def __init__(
        self, cache: MelCache, division: Division, crop_frames: int, seed: int, device: torch.device
    ) -> None:
        self._cache, self._device = cache, device
        self._order = CropOrder(division.training, crop_frames, seed)
        self._speakers = SpeakerNumbers(cache)
        self._resident: ResidentCorpus | None = None
        self.per_epoch = self._order.per_epoch
        self.held_out: Crops = CropOrder(division.validation, crop_frames, seed).held_out(_VALIDATION_CROPS)
        self.return_to_device()

    def crops(self, position: int, count: int) -> Crops:
        """Crops number `position` and the next ones, (count, 3)."""
        return self._order.take(position, count)

    def gather(self, crops: Crops, rows: slice = slice(None)) -> tuple[Batch, Tensor | None, Tensor]:
        """The batch of some crops on the device, its lengths (None when all are equal), and its speakers' numbers.

        Args:
            rows: of the crops, those to gather; they are padded as the whole batch would be.
        """
        own, longest = crops[rows], int(crops[:, 2].max())
        if self._resident is None:
            batch, lengths = gather(self._cache, own, self._device, longest)
        else:
            batch, lengths = self._resident.gather(own, longest)
        return batch, lengths, self._speakers.of(own, self._device)

    def leave_device(self) -> None:
        """Let go of the corpus on the device."""
        self._resident = None

    def return_to_device(self) -> None:
        """Hold the corpus in the device's own memory, where it has room for it."""
        self._resident = ResidentCorpus(self._cache, self._device) if fits(self._cache, self._device) else None
