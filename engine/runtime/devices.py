"""Where the numbers are computed: from a setting to a torch device, in words where that cannot be."""

from __future__ import annotations

import torch

from engine.api import ControlSignal, DevicesFound, FindDevices, Report
from engine.api.errors import SpecError


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
