"""Setup of a run: everything before its first step, from the model and the corpus to the optimiser's memory.

A fresh run begins with weights drawn from its seed, or with those of the model it is fine-tuned from; a resumed one
with all that its saved state holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from engine.api import FIRST_VOCODER, ControlSignal, Note, Progress, Report, RunSpec
from engine.api.errors import TrainingError
from engine.api.specs import ModelSpec
from engine.corpus.cache.feature_cache import MelCache, build, earlier_key
from engine.corpus.cache.location import cache_dir
from engine.corpus.scanning import scan
from engine.model import baselines, checkpoint
from engine.model.aux_vae import AuxVAE
from engine.model.baselines import Network
from engine.runtime import devices
from engine.training.average_voice import learn
from engine.training.data import probe_set
from engine.training.data.batches import Batches
from engine.training.data.crops import divide
from engine.training.distributed.processes import Processes
from engine.training.plan import Plan
from engine.training.recorder import Recorder
from engine.training.state import RunProgress, SavedState, StateFiles
from engine.training.step import Step

# What a model may differ in from the one it is fine-tuned from: what its input means, not its shape.
_FREE_TO_DIFFER = frozenset({"reference_hz"})
_NAMED_SKIPPED = 3


@dataclass
class Run:
    """All that the training loop works with.

    step: a batch to its terms (step.py). training_step: the same, with gradients averaged over all processes.
    generator: of every random number that a step draws.
    """

    spec: RunSpec
    device: torch.device
    processes: Processes
    batches: Batches
    model: Network
    step: Step
    training_step: nn.Module
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    progress: RunProgress
    plan: Plan
    recorder: Recorder


def prepare(folder: Path, report: Report, control: ControlSignal, processes: Processes) -> Run:
    """Read the run folder and the corpus, and make everything ready for the next step.

    Raises:
        TrainingError, CorpusError, SpecError, CheckpointError: it cannot start or go on.
        Cancelled: the user cancelled it while the corpus was read.
    """
    spec = RunSpec.read(folder)
    train, audio = spec.train, spec.audio
    device = processes.device(train.device)
    states = StateFiles(folder)
    resumed = states.load() if states.exists() else None
    # Before the corpus is read: what cannot be is said at once.
    model, progress = _model_and_progress(spec, resumed, processes)

    cache, earlier = processes.one_after_another(lambda: _corpus(spec, report, control))
    processes.must_agree(
        cache.key,
        f"Process {processes.number} finds another corpus than the first process.",
        "Let every machine have the same recordings under the same paths.",
    )
    if resumed is not None and progress.corpus not in (cache.key, earlier):
        raise TrainingError(
            "The corpus has changed since this run began (files were added, removed or edited).",
            "Put it back, or start a new run that goes on from this run's last model.",
        )
    progress.corpus = cache.key
    shortest = audio.frames(math.ceil(audio.shortest_s * audio.rate_hz))
    division = divide(cache, train.validation_share, train.seed, shortest)
    batches = Batches(cache, division, round(train.crop_s * audio.frames_per_second), train.seed, device)
    if processes.first and train.checkpoints:
        probe_set.write(folder, cache, division, audio.frames_per_second, train.seed)
    if processes.first and resumed is None and progress.parent is None:
        learn(model, cache, division.entries, audio, train.seed)

    model.to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=train.learning_rate, fused=device.type in ("cpu", "cuda"))
    generator = torch.Generator(device).manual_seed(train.seed)
    if resumed is not None:
        resumed.restore(model, optimiser, generator)
    half = train.precision == "bfloat16" or (train.precision == "auto" and devices.bfloat16_pays(device.type))
    step = Step(model, train, audio, half)
    training_step = processes.distributed(step)

    plan = Plan(train, batches.per_epoch, progress)
    recorder = Recorder(
        folder=folder,
        spec=spec,
        report=report,
        writes=processes.first,
        device=device,
        cache=cache,
        division=division,
        model=model,
        optimiser=optimiser,
        generator=generator,
        progress=progress,
        plan=plan,
    )
    recorder.rewind(-1 if resumed is None else progress.step)
    if resumed is None and division.note:
        recorder.note(division.note, "Add recordings for a better model.")
    _report_left_out(cache, recorder, report)
    return Run(
        spec, device, processes, batches, model, step, training_step, optimiser, generator, progress, plan, recorder
    )


def fresh_model(run: RunSpec) -> tuple[Network, str | None, str]:
    """The model, its parent's content hash where it is fine-tuned, and the vocoder it is to be heard through.

    Draws none of the caller's random numbers.

    Raises:
        CheckpointError: the parent cannot be read.
        TrainingError: the parent has other sizes or another audio front end.
    """
    if run.from_model is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.train.seed)
            return baselines.build(run.model), None, FIRST_VOCODER
    parent = checkpoint.load_system(run.from_model)
    if parent.audio != run.audio:
        raise TrainingError(
            "The model to go on from was trained with another audio front end.",
            "Use its audio settings for this run.",
        )
    if differing := _differences(parent.model.spec, run.model):
        raise TrainingError(
            f"The model to go on from has other sizes ({', '.join(differing)}).",
            "Use its model settings for this run, or start from fresh weights.",
        )
    model = baselines.build(run.model)
    model.load_state_dict(parent.model.state_dict())
    return model, parent.hash, parent.vocoder


def _differences(a: ModelSpec, b: ModelSpec) -> list[str]:
    theirs, ours = a.to_dict(), b.to_dict()
    return [name for name in ours if ours[name] != theirs[name] and name not in _FREE_TO_DIFFER]


def _model_and_progress(
    spec: RunSpec, resumed: SavedState | None, processes: Processes
) -> tuple[Network, RunProgress]:
    """The network, with the weights of a fresh run, and how far the run is."""
    if spec.model.bands != spec.audio.bands:
        raise TrainingError(
            f"The model has {spec.model.bands} bands but the audio front end {spec.audio.bands}.",
            "Give both the same number of bands.",
        )
    if resumed is not None:
        model, progress = baselines.build(spec.model), resumed.progress
    elif processes.first:
        model, parent, vocoder = fresh_model(spec)
        progress = RunProgress("", spec.train.batch_size, parent, vocoder)
    else:  # the weights come from the first process
        model, progress = baselines.build(spec.model), RunProgress("", spec.train.batch_size)
    if processes.count > 1 and not isinstance(model, AuxVAE):
        raise TrainingError(
            f"The system {spec.model.system} is trained by one process alone.", "Start it without torchrun."
        )
    if progress.batch_size < processes.count:
        raise TrainingError(
            f"A batch of {progress.batch_size} pieces is too small for {processes.count} processes.",
            "Start fewer of them, or a run with a larger batch.",
        )
    return model, progress


def _corpus(spec: RunSpec, report: Report, control: ControlSignal) -> tuple[MelCache, str]:
    """The corpus ready for training, and the key it had before all runs shared one cache."""
    report(Progress(None, "Looking for recordings"))
    manifest = scan(spec.folders, spec.clips, control)
    return build(manifest, spec.audio, cache_dir(), report, control), earlier_key(manifest, spec.audio)


def _report_left_out(cache: MelCache, recorder: Recorder, report: Report) -> None:
    """Note what of the corpus is not trained on, and which recordings have faults."""
    manifest = cache.manifest
    for what, hint in manifest.troubles:
        recorder.note(what, hint)
    if recorder.progress.step == 0:
        for item in manifest.skipped:
            recorder.log("skipped", path=item.path, why=item.why)
        for row in manifest.unmatched:
            recorder.log("unmatched", path=row.path, why=row.why)
        for remark in cache.remarks:
            recorder.log("remark", what=remark)
    if skipped := manifest.skipped:
        named = "; ".join(f"{Path(item.path).name}: {item.why}" for item in skipped[:_NAMED_SKIPPED])
        more = f"; and {len(skipped) - _NAMED_SKIPPED} more" if len(skipped) > _NAMED_SKIPPED else ""
        report(Note(f"{len(skipped)} files were left out of the corpus ({named}{more}).", "log.jsonl lists them."))
    if cache.remarks:
        report(
            Note(
                f"{len(cache.remarks)} recordings have faults; the first: {cache.remarks[0]}",
                "log.jsonl lists them.",
            )
        )
