"""Batch context: what the model may ask about a batch of which other processes hold the other rows."""

from __future__ import annotations

import torch
from torch import Tensor


class BatchContext:
    """The batch around the rows at hand; here, in a single process, they are the whole batch.

    A training run of several processes passes its own kind (engine/training/distributed). Random numbers and counts
    then are those of the whole batch, so what is learnt does not depend on the number of processes.
    """

    def normal(self, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        """Standard normal numbers, one row of shape[1:] for each row at hand."""
        return torch.randn(shape, generator=generator, device=device)

    def uniform(self, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        """Numbers from [0, 1), as `normal` draws them."""
        return torch.rand(shape, generator=generator, device=device)

    def sum_over_processes(self, values: Tensor) -> Tensor:
        """The sum of every process's values, the same everywhere; no gradient passes."""
        return values

    def gather_rows(self, rows: Tensor) -> tuple[Tensor, int]:
        """The rows of the whole batch (size, ...), with gradients, and the index of the first own one."""
        return rows, 0


SINGLE_PROCESS = BatchContext()
