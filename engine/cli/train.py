"""`triptych train`: training runs."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from engine import jobs
from engine.api import Inspect, ModelInfo, RunSpec, Train, TrainDone, presets
from engine.api.errors import SpecError
from engine.api.specs import AudioSpec, ModelSpec
from engine.cli.common import Facts
from engine.cli.terminal import Terminal
from engine.training.distributed.launch import this_process


def train(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Begin a run by the options, or go on with the one in the folder."""
    here = this_process()
    settings = ("corpus", "preset", "from_model", "minutes", "epochs", "batch", "compile", "seed", "system")
    given = [name for name in settings if getattr(options, name)]
    if options.resume and given:
        raise SpecError(
            f"A run that goes on keeps its settings; --{given[0].split('_')[0]} cannot be given with --resume.",
            "Leave it out, or start a new run.",
            given[0],
        )
    if here.first:
        # Processes that torchrun begins anew after a loss go on with the run that their command began.
        if options.resume or here.restarts:
            RunSpec.read(options.run_dir)
        else:
            _run_spec(options, terminal).write(options.run_dir)
    result = jobs.run(Train(options.run_dir), terminal.report, terminal.control)
    assert isinstance(result, TrainDone)
    return dataclasses.asdict(result)


def _run_spec(options: argparse.Namespace, terminal: Terminal) -> RunSpec:
    if not options.corpus:
        raise SpecError("No corpus was named to train on.", "Add --corpus DIR, or --resume to go on.", "corpus")
    preset = presets()[options.preset or "quick"]
    changes = {
        name: getattr(options, name) for name in ("minutes", "epochs", "seed") if getattr(options, name) is not None
    }
    if options.batch is not None:
        changes["batch_size"] = options.batch
    if options.compile:
        changes["compiled"] = "on"
    if options.epochs is not None and options.minutes is None:
        changes["minutes"] = None  # or the preset's time would end the run before its epochs
    train = dataclasses.replace(preset.train, device=options.device, **changes)
    model, audio = preset.model, AudioSpec()
    from_model = options.from_model or options.model
    if from_model is not None:
        known = jobs.run(Inspect(from_model), terminal.report, terminal.control)
        assert isinstance(known, ModelInfo)
        model, audio = ModelSpec.from_dict(known.model), AudioSpec.from_dict(known.audio)
        from_model = str(Path(from_model).absolute())
    if options.system is not None:
        if from_model is not None:
            raise SpecError("A model that is fine-tuned keeps its system.", "Leave --system out.", "system")
        # The systems of comparison are trained as in their papers: on x as it is.
        model = dataclasses.replace(model, system=options.system, views="plain")
        if options.system == "supervised":
            model = dataclasses.replace(model, speakers=_named_speakers(options.corpus, terminal))
    return RunSpec(
        train=train,
        model=model,
        audio=audio,
        folders=tuple(str(Path(p).absolute()) for p in options.corpus),
        from_model=from_model,
    )


def _named_speakers(paths: Sequence[str], terminal: Terminal) -> int:
    from engine.corpus.scanning import scan

    return scan(paths, [], terminal.control).speakers
