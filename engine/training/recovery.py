"""Recovery of a run from what goes wrong in a step: memory that runs out, numbers that diverge.

A process of a distributed run that is lost ends the run in words (distributed/processes.py); it is resumed from its
last save.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from engine.api.errors import TrainingError
from engine.runtime import devices

if TYPE_CHECKING:
    from engine.training.setup import Run


class BeforeStep:
    """What a step moves before it is whole: the random numbers and the running statistics of batch norm."""

    def __init__(self, model: nn.Module, generator: torch.Generator) -> None:
        self._model, self._generator = model, generator
        self._draws = generator.get_state()
        self._buffers = [value.clone() for value in model.buffers()]

    def restore(self) -> None:
        """Put both back."""
        self._generator.set_state(self._draws)
        for buffer, value in zip(self._model.buffers(), self._buffers, strict=True):
            buffer.copy_(value)


def recover(run: Run, error: Exception) -> None:
    """Halve the batch where the memory ran out; raise every other error.

    Raises:
        TrainingError: the memory ran out and the batch cannot be halved.
    """
    if not devices.is_out_of_memory(error):
        raise error
    run.optimiser.zero_grad(set_to_none=True)
    devices.release_memory(run.device)
    if run.processes.count > 1:
        raise TrainingError(
            f"The memory of process {run.processes.number} ran out at {run.progress.batch_size} pieces a batch.",
            "Share the batch among more processes, or start a run with a smaller one.",
        ) from error
    if run.progress.batch_size == 1:
        raise TrainingError(
            "The memory does not even hold a batch of one piece.",
            "Choose shorter pieces (crop_s) or a smaller model, or the device cpu.",
        ) from error
    run.progress.batch_size //= 2
    run.recorder.note(
        f"The memory ran out, so the batch was halved to {run.progress.batch_size} pieces.",
        "Close other programs on the device, or choose a smaller batch next time.",
    )


def diverged(step: int, saved: bool) -> TrainingError:
    """The error of a run whose loss or weights are no finite numbers any more."""
    kept = "The last saved model is kept" if saved else "Nothing was saved yet"
    return TrainingError(
        f"The training went wrong by step {step}: the loss or the weights are not finite numbers.",
        f"{kept}. Start a new run with a smaller learning rate.",
    )
