"""A run's place on its device: given up while it is paused, taken again when it goes on."""

from __future__ import annotations

import torch

from engine.api.errors import TrainingError


def move(model: torch.nn.Module, optimiser: torch.optim.Optimizer, device: torch.device) -> None:
    """Weights and the optimiser's memory to a device, bit by bit as they are; gradients are let go.

    Raises:
        TrainingError: there is no room for them.
    """
    optimiser.zero_grad(set_to_none=True)
    try:
        model.to(device)
        for values in optimiser.state.values():
            for name, value in values.items():
                values[name] = value.to(device)
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"The memory of {device}, given free while the run was paused, is taken by others.",
            "Free it, then resume the run: it was saved when it was paused.",
        ) from error


def empty(device: torch.device) -> int:
    """Return to the system what nothing needs any more.

    Returns:
        bytes that others can have now and could not before; 0 where no device of its own was used.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        torch.cuda.empty_cache()
        return max(0, torch.cuda.mem_get_info(device)[0] - free)
    if device.type == "mps":
        before = torch.mps.driver_allocated_memory()
        torch.mps.empty_cache()
        return max(0, before - torch.mps.driver_allocated_memory())
    return 0
