"""Shared by several commands: the model, the recordings named, their analyses."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import jobs
from engine.api import Analyse, AnalyseDone, ClipAnalysed, ClipFailed, ClipRef, Event, Note, Partial
from engine.api.errors import EngineError, ExportError
from engine.cli.terminal import Terminal
from engine.runtime import resources

Facts = dict[str, Any]


def model_named(options: argparse.Namespace) -> str:
    """The model to use: the one named, or the one that comes with the program."""
    if options.model is not None:
        return str(options.model)
    if (starter := resources.default_model()) is not None:
        return str(starter)
    raise EngineError(
        "Latents need a model, and none was named.",
        "Add --model FILE; `triptych train RUN_DIR --corpus DIR` makes one in about three minutes.",
    )


def recordings(paths: Sequence[str], terminal: Terminal) -> tuple[list[ClipRef], list[ClipFailed]]:
    """Every recording named or below a folder named, with the labels of its corpus layout; ids are names.

    Returns:
        the recordings, and those left out unopened with the reason.
    """
    from engine.corpus.scanning import scan

    for path in paths:
        if not Path(path).exists():
            raise EngineError(f"{path} is not there.", "Check the name, then try again.")
    manifest = scan(paths, [], terminal.control)
    for what, hint in manifest.troubles:
        terminal.report(Note(what, hint))
    for row in manifest.unmatched:
        terminal.say(f"{row.path}: {row.why}")
    skipped = [ClipFailed("", file.path, file.why, "It is left out.") for file in manifest.skipped]
    for failed in skipped:
        terminal.report(Partial(failed))
    clips = [ClipRef(utterance.name, utterance.path, utterance.words()) for utterance in manifest.utterances]
    return clips, skipped


def analyse_all(
    named: Sequence[ClipRef], model: str, folder: str, device: str, terminal: Terminal
) -> tuple[AnalyseDone, list[ClipAnalysed], list[ClipFailed]]:
    """Analyse recordings into folder/<position in named>, as names may hold slashes."""
    clips: list[ClipAnalysed] = []
    failed: list[ClipFailed] = []

    def report(event: Event) -> None:
        match event:
            case Partial(ClipAnalysed() as clip):
                clips.append(clip)
                for note in clip.notes:
                    terminal.say(note)
            case Partial(ClipFailed() as clip):
                failed.append(clip)
        terminal.report(event)

    numbered = tuple(ClipRef(str(n), clip.path, clip.labels) for n, clip in enumerate(named))
    done = jobs.run(Analyse(numbered, folder, model, device), report, terminal.control)
    assert isinstance(done, AnalyseDone)
    return done, clips, failed


def check_suffix(out: str, suffixes: tuple[str, ...]) -> None:
    """Refuse an unknown format at once, and not after the work."""
    if Path(out).suffix.lower() not in suffixes:
        raise ExportError(f"{out} does not say which format to write.", f"End it in {', '.join(suffixes)}.")
