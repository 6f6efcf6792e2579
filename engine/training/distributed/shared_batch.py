"""Shared batch: one process's rows of a batch whose other rows other processes hold."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn.functional import all_reduce

from engine.model.batch_context import BatchContext


class SharedBatch(BatchContext):
    """The rows [first, last) of a batch of `size`; random numbers and counts are those of the whole batch.

    All processes draw the random numbers of the whole batch, so one saved generator serves any number of processes.
    """

    def __init__(self, size: int, rows: slice) -> None:
        self._size, self._rows = size, rows

    def normal(self, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        whole = super().normal(self._size, *shape[1:], generator=generator, device=device)
        return whole[self._rows].clone()  # or the whole would be kept for the sake of a part

    def uniform(self, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        whole = super().uniform(self._size, *shape[1:], generator=generator, device=device)
        return whole[self._rows].clone()

    def sum_over_processes(self, values: Tensor) -> Tensor:
        everyone = values.detach().clone()
        dist.all_reduce(everyone)
        return everyone

    def gather_rows(self, rows: Tensor) -> tuple[Tensor, int]:
        before = rows.new_zeros((self._rows.start, *rows.shape[1:]))
        after = rows.new_zeros((self._size - self._rows.stop, *rows.shape[1:]))
        whole = torch.cat((before, rows, after))
        everyone: Tensor = all_reduce(whole)  # type: ignore[no-untyped-call]
        return everyone, self._rows.start
