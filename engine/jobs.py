"""From a request to the function that performs it: the one place that knows them all.

Nothing heavy is imported before a request needs it, so a worker answers its first message at once.
"""

from __future__ import annotations

import errno

from engine.api import (
    Analyse,
    Audition,
    CareForCache,
    ControlSignal,
    Export,
    ExportProbes,
    Figure,
    FindDevices,
    FindNearest,
    FitMap,
    GetCorpus,
    Inspect,
    Morph,
    Picture,
    PlaceOnMap,
    PreviewTable,
    Probe,
    ReadRecipes,
    Report,
    Reproduce,
    Request,
    Result,
    SaveSound,
    Scan,
    Train,
    Transfer,
)
from engine.api.errors import EngineError


def run(request: Request, report: Report, control: ControlSignal) -> Result:
    """Perform a request, reporting events on the way; the caller wraps the result in Done.

    Raises:
        EngineError: it cannot be done, in words.
        Cancelled: the user cancelled it.
    """
    match request:
        case Analyse():
            from engine.analysis import analyse

            return analyse.analyse(request, report, control)
        case Scan():
            from engine.corpus import import_job

            return import_job.find(request, report, control)
        case PreviewTable():
            from engine.corpus import table_preview

            return table_preview.preview(request, control)
        case GetCorpus():
            from engine.corpus import download

            return download.get(request, report, control)
        case CareForCache():
            from engine.corpus.cache import cache_job

            return cache_job.care(request)
        case Inspect():
            from engine.model import checkpoint

            return checkpoint.inspect(request.model)
        case FitMap():
            from engine.maps import layout

            return layout.fit(request, report, control)
        case PlaceOnMap():
            from engine.maps import layout

            return layout.place(request, report, control)
        case FindNearest():
            from engine.maps import nearest

            return nearest.find(request, report, control)
        case Morph():
            from engine.transfer import morph_job

            return morph_job.render(request, report, control)
        case Transfer():
            from engine.transfer import transfer_job

            return transfer_job.render(request, report, control)
        case Train():
            from engine.training import loop

            return loop.train(request.run_dir, report, control)
        case Audition():
            from engine.evaluation import audition_job

            return audition_job.audition(request, report, control)
        case Export():
            from engine.export import latents_table

            return latents_table.export(request, report, control)
        case Figure():
            from engine.export import figures

            return figures.draw(request)
        case Picture():
            from engine.analysis import spectrogram

            return spectrogram.store(request, report, control)
        case SaveSound():
            from engine.audio import tags

            return tags.save(request, report)
        case FindDevices():
            from engine.runtime import devices

            return devices.found(request)
        case ReadRecipes():
            from engine.audio import tags

            return tags.read(request, control)
        case Probe():
            from engine.evaluation.probes import job

            return job.probe(request, report, control)
        case ExportProbes():
            from engine.evaluation.probes import matrix

            return matrix.export(request)
        case Reproduce():
            from engine.evaluation.paper import run as reproduction

            return reproduction.reproduce(request, report, control)


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
