"""Devices that numbers are computed on: from a setting to a torch device, and the memory held there."""

from __future__ import annotations

import functools

import torch

from engine.api import ControlSignal, DevicesFound, FindDevices, Report
from engine.api.errors import SpecError, TrainingError


def resolve(name: str) -> torch.device:
    """auto: the first CUDA device, else Apple's (mps), else the processor; otherwise what `name` says.

    Raises:
        SpecError: no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SpecError(
            f"There is no device called {name!r}.", "Choose auto, cpu, cuda, cuda:1 or mps.", "device"
        ) from error
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }.get(device.type, False)
    if not there:
        raise SpecError(f"The device {name} is not available on this machine.", "Choose auto or cpu.", "device")
    return device


def found(request: FindDevices, report: Report, control: ControlSignal) -> DevicesFound:
    """Every device that can be chosen here, with the one that "auto" means."""
    names = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0))]
    names += ["mps"] if torch.backends.mps.is_available() else []
    devices = tuple((name, described(torch.device(name))) for name in names)
    return DevicesFound(described(resolve("auto")), devices)


def described(device: torch.device) -> str:
    """The device in words for people and provenance: "cpu, 2 threads", or the graphics card's name."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' if threads > 1 else ''}"
    return str(device)


@functools.cache
def bfloat16_pays(kind: str) -> bool:
    """Whether a device of this kind ("cuda", "cpu", ...) multiplies bfloat16 faster than float32."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return kind == "cpu" and bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that the memory of a device ran out; on a processor torch has no class for it."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def move_training(model: torch.nn.Module, optimiser: torch.optim.Optimizer, device: torch.device) -> None:
    """Move weights and the optimiser's memory to a device, bit by bit as they are; gradients are let go.

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


def release_memory(device: torch.device) -> int:
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
