"""From a request to the function that performs it: the one place that knows them all.

Nothing heavy is imported before a request needs it, so a worker answers its first message at once.
"""

from __future__ import annotations

import errno
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from engine import api
from engine.api import Analyse, ControlSignal, EngineError, Report, Request, Result

# Request type -> "module:function"; every function is a Handler.
HANDLERS: Mapping[type[Any], str] = MappingProxyType(
    {
        api.Analyse: "engine.analysis.analyse:analyse",
        api.Audition: "engine.evaluation.audition_job:audition",
        api.CareForCache: "engine.corpus.cache.cache_job:manage",
        api.Export: "engine.export.latents_table:export",
        api.ExportProbes: "engine.evaluation.probes.matrix:export",
        api.Figure: "engine.export.figures:draw_job",
        api.FindDevices: "engine.runtime.devices:found",
        api.FindNearest: "engine.maps.nearest:find",
        api.FitMap: "engine.maps.layout:fit",
        api.GetCorpus: "engine.corpus.download:get",
        api.Inspect: "engine.model.inspect_job:inspect",
        api.Morph: "engine.transfer.morph_job:render",
        api.Picture: "engine.analysis.spectrogram:store",
        api.PlaceOnMap: "engine.maps.layout:place",
        api.PreviewTable: "engine.corpus.table_preview:preview",
        api.Probe: "engine.evaluation.probes.job:probe",
        api.ReadRecipes: "engine.audio.tags:read",
        api.Reproduce: "engine.evaluation.paper.run:reproduce",
        api.SaveSound: "engine.audio.tags:save",
        api.Scan: "engine.corpus.import_job:find",
        api.Train: "engine.training.train_job:train",
        api.Transfer: "engine.transfer.transfer_job:render",
    }
)


class Handler(Protocol):
    """What performs one type of request; see `run` for what it raises."""

    def __call__(self, request: Any, report: Report, control: ControlSignal) -> Result: ...


def handler(request_type: type[Any]) -> Handler:
    """The function that performs requests of a type; imports its module."""
    module, _, function = HANDLERS[request_type].partition(":")
    found: Handler = getattr(importlib.import_module(module), function)
    return found


def run(request: Request, report: Report, control: ControlSignal) -> Result:
    """Perform a request, reporting events on the way; the caller wraps the result in Done.

    Raises:
        EngineError: it cannot be done, in words.
        Cancelled: the user cancelled it.
    """
    return handler(type(request))(request, report, control)


def get_ready(after: Request) -> None:
    """Load what the next request will probably need: who has h and m of a clip may give it others'."""
    if isinstance(after, Analyse) and after.model is not None:
        from engine.audio import loudness
        from engine.transfer import transfer_job  # noqa: F401

        loudness.get_ready()


def in_words(error: Exception) -> tuple[str, str]:
    """What to tell the user of any exception: what happened, what to do."""
    if isinstance(error, EngineError):
        return error.what, error.hint
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full.", "Free some space, then try again; nothing written before was damaged."
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be read or written.", "Change its permissions or choose another place."
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} is not there.", "Check whether it was moved or deleted, then try again."
    if isinstance(error, MemoryError):
        return "The memory ran out.", "Close other programs, or work on fewer or shorter clips at once."
    if type(error).__name__ == "OutOfMemoryError":  # torch's: named, not imported, as torch is heavy
        return "The graphics card ran out of memory.", "Close other programs on it, or choose the device cpu."
    said = str(error) or "no message"
    return (
        f"Something unexpected happened ({type(error).__name__}: {said}).",
        "Try once more; if it happens again, report it with the details.",
    )
