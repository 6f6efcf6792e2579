"""The training loop: a run folder in, a model out; it can be stopped, paused, killed and resumed at any step.

A run is exact: on a CPU with the same number of threads, stopping (or killing) and resuming gives the same weights
bit by bit as never having stopped. Whatever the run depends on is in the run folder, spec.json and the saved state
(state.py), or can be computed again from the recordings: the cache of the corpus is shared by all runs.

Several processes may train one model (distributed/): each runs this loop on its rows of every batch.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch
from torch import Tensor

from engine.api import Control, ControlSignal, Event, Progress, Report, RunSpec, TrainDone
from engine.api.errors import TrainingError
from engine.model.objective import TERM_NAMES
from engine.runtime import devices
from engine.runtime.control import check_control
from engine.runtime.process_pool import cores
from engine.training.compilation import compile_networks
from engine.training.distributed.processes import joined
from engine.training.recovery import BeforeStep, recover
from engine.training.setup import Run, prepare
from engine.training.state import STATE_FILES
from engine.training.step import stacked


def train(run_dir: str | os.PathLike[str], report: Report, control: ControlSignal) -> TrainDone:
    """Start the run that run_dir/spec.json describes, or go on with it where it was last saved.

    Reports Progress, Note and Partial(TrainPoint). Control.STOP ends early and keeps what there is; PAUSE saves,
    takes everything off the graphics card and waits.

    Raises:
        TrainingError, CorpusError, SpecError, CheckpointError: it cannot start or go on, in words.
        Cancelled: the user cancelled it; the last saved state stays.
    """
    threads_before = torch.get_num_threads()
    try:
        with joined() as processes, processes.folder(Path(run_dir), ("spec.json", *STATE_FILES)) as folder:
            torch.set_num_threads(RunSpec.read(folder).train.threads or max(1, cores() // processes.local_count))
            control = processes.watching(control)
            return run_loop(prepare(folder, report if processes.first else _nobody, control, processes), control)
    except OSError as error:
        raise TrainingError(
            f"The run folder {run_dir} cannot be written or read: {error.strerror or error}.",
            "Free some space or mend the folder, then resume the run; its last saved state is unharmed.",
        ) from error
    finally:
        torch.set_num_threads(threads_before)


def run_loop(run: Run, control: ControlSignal) -> TrainDone:
    """Take steps until the plan is fulfilled or the user stops the run."""
    progress, plan, recorder, processes = run.progress, run.plan, run.recorder, run.processes
    if progress.finished:
        return recorder.done(stopped=False)
    recorder.log(
        "resume" if progress.step else "start", device=devices.described(run.device), processes=processes.count
    )
    if run.spec.train.compiled == "on":
        compile_networks(run)
    if progress.step == 0:
        validate(run, candidate=False)  # where it begins; also measures how long a validation takes

    stopped = False
    while not progress.finished:
        if stopped := stop_requested(run, control):
            break
        if plan.update(progress):
            recorder.log("plan", crops=progress.planned_crops, validate_every=progress.validate_every)
        processes.follow_first(progress)
        for group in run.optimiser.param_groups:
            group["lr"] = plan.learning_rate(progress)

        crops = run.batches.crops(progress.crops, progress.batch_size)
        rows, context = processes.share(len(crops))
        before = BeforeStep(run.model, run.generator)
        run.model.train()
        try:
            batch, lengths, speakers = run.batches.gather(crops, rows)
            terms = run.training_step(batch, lengths, speakers, run.generator, context)
            (terms.loss * processes.count).backward()  # gradients of several processes are averaged
            run.optimiser.step()
            run.optimiser.zero_grad()
        except (RuntimeError, MemoryError) as error:
            before.restore()
            recover(run, error)  # the batch is halved if the memory ran out; everything else is raised
            continue

        progress.step += 1
        progress.crops += len(crops)
        recorder.step_taken(processes.sum(stacked(terms)))
        if progress.validation_due(progress.crops - len(crops)):
            validate(run)
        # The end is saved once its validation is known.
        if recorder.save_due and progress.planned_crops is not None and not progress.finished:
            recorder.save()

    if recorder.validation_missing:
        validate(run, passing=stopped)
    recorder.save()
    recorder.log("stopped" if stopped else "done", seconds=progress.seconds)
    return recorder.done(stopped)


@torch.no_grad()
def validate(run: Run, *, candidate: bool = True, passing: bool = False) -> None:
    """Measure the held-out crops, always the same with the same draws, and record the mean of every term.

    Of several processes each measures all of them: they come to the same numbers. See Recorder.validated for the
    arguments.
    """
    began = time.monotonic()
    run.model.eval()
    while (total := _sum_over_held_out(run)) is None:
        continue  # the memory ran out and the batch was halved: again
    run.plan.validation_s = time.monotonic() - began
    means = dict(zip(TERM_NAMES, (total / len(run.batches.held_out)).tolist(), strict=True))
    run.recorder.validated(means, candidate=candidate, passing=passing)


def _sum_over_held_out(run: Run) -> Tensor | None:
    """The sum of the terms (terms,) of all held-out crops; None if the memory ran out."""
    held_out, size = run.batches.held_out, run.progress.batch_size
    generator = torch.Generator(run.device).manual_seed(run.spec.train.seed + 1)
    total = torch.zeros(len(TERM_NAMES), device=run.device)
    try:
        for first in range(0, len(held_out), size):
            crops = held_out[first : first + size]
            batch, lengths, speakers = run.batches.gather(crops)
            total += len(crops) * stacked(run.step(batch, lengths, speakers, generator))
    except (RuntimeError, MemoryError) as error:
        recover(run, error)
        return None
    return total


def stop_requested(run: Run, control: ControlSignal) -> bool:
    """Whether to stop; holds still, saved and off the graphics card, while paused.

    All processes agree, also on how long a pause lasts: one that went on alone would wait for the others within a
    step, and give them up as lost.
    """

    def agreed() -> Control:
        return run.processes.agreed(control())

    requested = agreed()
    if requested is not Control.PAUSE:
        return check_control(lambda: requested)
    run.recorder.save()
    run.recorder.log("paused")
    devices.move_training(run.model, run.optimiser, torch.device("cpu"))
    run.batches.leave_device()
    freed = devices.release_memory(run.device)
    what = f"{freed / 1e9:.1f} GB of {devices.described(run.device)} are" if freed else "the processor is"
    message = f"Paused at step {run.progress.step}; {what} free for other work"
    run.recorder.report(Progress(run.progress.fraction, message))
    with run.plan.clock.held():
        stop = check_control(agreed)
        devices.move_training(run.model, run.optimiser, run.device)
        run.batches.return_to_device()
    return stop


def _nobody(event: Event) -> None:
    """The report of a process that is not the first."""
