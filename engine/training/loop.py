"""The training loop: a run folder in, a model out; it can be stopped, paused, killed and resumed at any step.

A run is exact: on a CPU with the same number of threads, stopping (or killing) and resuming gives the same weights
bit by bit as never having stopped. Whatever the run depends on is in the run folder, spec.json and the saved state
(see run_state), or can be computed again from the recordings: the cache of the corpus is shared by all runs.

Several processes may train one model (see ranks): each runs this loop on its rows of every batch, and the clock and
the folder of the first one count.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import math
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.adam import LanesAdam
from engine.api import (
    FIRST_VOCODER,
    Control,
    ControlSignal,
    Event,
    KeptCheckpoint,
    Note,
    Partial,
    Progress,
    Report,
    RunSpec,
    TrainDone,
    TrainPoint,
)
from engine.api.errors import TrainingError
from engine.corpus.cache.feature_cache import MelCache, build, earlier_key
from engine.corpus.cache.location import cache_dir
from engine.corpus.scanning import scan
from engine.lanes import Lanes
from engine.memory import keep_freed_memory
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE
from engine.model.baselines import Network
from engine.model.baselines import build as build_system
from engine.model.objective import TERM_NAMES
from engine.model.timescale.inputs import Batch
from engine.products import bfloat16_pays
from engine.runtime import device_memory, devices
from engine.runtime.control import check_control
from engine.training.average_voice import learn
from engine.training.checkpoints import KeptCheckpoints
from engine.training.compilation import compile_trunks
from engine.training.data import probe_set
from engine.training.data.crops import CropOrder, Crops, Division, SpeakerNumbers, divide, gather
from engine.training.data.gpu_corpus import ResidentCorpus, fits
from engine.training.distributed.ranks import LostProcessError, Ranks, joined
from engine.training.plan import Clock, Speed
from engine.training.setup import fresh_model
from engine.training.state import STATE_FILES, RunLog, Standing, StateFiles
from engine.training.step import Step, stacked

BEST = "best" + checkpoint.SUFFIX
LAST = "last" + checkpoint.SUFFIX

_POINT_S = 1.0  # between two points of the training curves
_PROGRESS_S = 0.2
_VALIDATION_CROPS = 128
_VALIDATION_SHARE = 0.15  # of a time budget, at most
_COSINE_END = 0.05


def train(run_dir: str | os.PathLike[str], report: Report, control: ControlSignal) -> TrainDone:
    """Start the run that run_dir/spec.json describes, or go on with it where it was last saved.

    Reports Progress, Note and Partial(TrainPoint). Control.STOP ends early and keeps what there is; PAUSE saves,
    takes everything off the graphics card and waits.

    Raises:
        TrainingError, CorpusError, SpecError, CheckpointError: it cannot start or go on, in words.
        Cancelled: the user cancelled it; the last saved state stays.
    """
    threads_before = torch.get_num_threads()
    keep_freed_memory()
    try:
        with joined() as ranks, ranks.folder(Path(run_dir), ("spec.json", *STATE_FILES)) as folder:
            run = RunSpec.read(folder)
            torch.set_num_threads(run.train.threads or max(1, _cores() // ranks.local_count))
            return _Trainer(folder, run, report if ranks.first else _nobody, ranks.steered(control), ranks).run()
    except OSError as error:
        raise TrainingError(
            f"The run folder {run_dir} cannot be written or read: {error.strerror or error}.",
            "Free some space or mend the folder, then resume the run; its last saved state is unharmed.",
        ) from error
    finally:
        torch.set_num_threads(threads_before)


class _Trainer:
    """One run, from the corpus to the finished model. `run` is the loop; everything else serves it."""

    def __init__(self, folder: Path, run: RunSpec, report: Report, control: ControlSignal, ranks: Ranks) -> None:
        self.folder, self.spec, self.report, self.control, self.ranks = folder, run, report, control, ranks
        self.device = ranks.device(run.train.device)
        self.log = RunLog(folder)
        self.states = StateFiles(folder)
        self.kept = KeptCheckpoints(folder, run.train.checkpoints)
        if run.model.bands != run.audio.bands:
            raise TrainingError(
                f"The model has {run.model.bands} bands but the audio front end {run.audio.bands}.",
                "Give both the same number of bands.",
            )
        resumed = self.states.load() if self.states.exists() else None
        # Before the corpus is read: what cannot be is told at once. A resumed run has all weights in its state.
        if resumed or not ranks.first:  # or from the first process
            model, parent = build_system(run.model), resumed.standing.parent if resumed else None
            vocoder = resumed.standing.vocoder if resumed else FIRST_VOCODER
        else:
            model, parent, vocoder = fresh_model(run)
        if ranks.count > 1:
            self._check_shared(model, resumed.standing.batch_size if resumed else run.train.batch_size)

        self.cache = ranks.one_after_another(self._corpus)
        ranks.must_agree(
            self.cache.key,
            f"Process {ranks.number} finds another corpus than the first process.",
            "Let every machine have the same recordings under the same paths.",
        )
        shortest = run.audio.frames(math.ceil(run.audio.shortest_s * run.audio.rate_hz))
        self.division: Division = divide(self.cache, run.train.validation_share, run.train.seed, shortest)
        crop_frames = round(run.train.crop_s * run.audio.frames_per_second)
        self.order = CropOrder(self.division.training, crop_frames, run.train.seed)
        held_out = CropOrder(self.division.validation, crop_frames, run.train.seed)
        self.speakers = SpeakerNumbers(self.cache)
        self.resident = self._on_device()
        self.held_out: Crops = held_out.held_out(_VALIDATION_CROPS)

        if run.train.checkpoints:
            probe_set.write(folder, self.cache, self.division, run.audio.frames_per_second, run.train.seed)
        if resumed is None and parent is None and ranks.first:
            learn(model, self.cache, self.division.entries, run.audio, run.train.seed)
        ranks.make_alike(model)
        self.model = model.to(self.device)
        self.optimiser = LanesAdam(
            self.model.parameters(), lr=run.train.learning_rate, fused=self.device.type in ("cpu", "cuda")
        )
        self.generator = torch.Generator(self.device).manual_seed(run.train.seed)
        if resumed is not None:
            self.at = resumed.standing
            if self.at.corpus not in (self.cache.key, self.earlier_key):
                raise TrainingError(
                    "The corpus has changed since this run began (files were added, removed or edited).",
                    "Put it back, or start a new run that goes on from this run's last model.",
                )
            self.at.corpus = self.cache.key
            resumed.restore(self.model, self.optimiser, self.generator)
            self.log.rewind(self.at.step)
            self.kept.rewind(self.at.step)
        else:
            self.at = Standing(self.cache.key, run.train.batch_size, parent, vocoder)
            self.log.rewind(-1)
            self.kept.rewind(-1)
            if self.division.note:
                self._note(self.division.note, "Add recordings for a better model.")
        self._tell_skipped()

        self.step = Step(run.model, run.train, run.audio, self._bfloat16())
        self.sums = torch.zeros(len(TERM_NAMES), device=self.device)
        self.summed = 0
        self.clock = Clock(self.at.seconds)
        self.speed = Speed(self.clock, self.at.step, self.at.crops)
        self.saved_at = self.pointed_at = time.monotonic()
        self.told_at = 0.0
        self.validation_s = 0.0
        self.validated_step = -1
        self.before_step: list[torch.Tensor] = []  # of a step under way: what it moves before it is whole

    # ------------------------------------------------------------------------------------------ the loop
    def run(self) -> TrainDone:
        """All of it, or what a lost process leaves of it."""
        try:
            with Lanes(1, self.model, self.step) as self.lanes:
                return self._run()
        except LostProcessError as lost:
            if self.ranks.first:
                self._keep_the_whole(lost)
            raise

    def _run(self) -> TrainDone:
        at = self.at
        if at.finished:
            return self._done(stopped=False)
        named = {"device": devices.described(self.device), "processes": self.ranks.count}
        self.log.write("resume" if at.step else "start", at.step, **named)
        if self.spec.train.compiled == "on":
            self._compile()
        if at.step == 0:
            self._validate(candidate=False)  # where it begins; also tells how long a validation takes
        stopped = False
        while not at.finished:
            if stopped := self._obey():
                break
            self.speed.look(at.step, at.crops)
            self._plan()
            at.planned_crops, at.validate_every = self.ranks.decided_by_first(at.planned_crops, at.validate_every)

            before = at.crops
            self._step()
            self._tell()
            if at.planned_crops is None:
                continue
            if at.crops // at.validate_every != before // at.validate_every:
                self._flush()
                self._validate()
            # The end is saved once its validation is known.
            if not at.finished and time.monotonic() - self.saved_at > 60.0 * self.spec.train.checkpoint_minutes:
                self._save()

        self._flush()
        if self.validated_step != at.step or at.best_step is None:
            self._validate(passing=stopped)
        self._save()
        self.log.write("stopped" if stopped else "done", at.step, seconds=at.seconds)
        return self._done(stopped)

    def _step(self) -> None:
        """One batch; when the memory runs out, the batch is halved and taken again."""
        at = self.at
        crops = self.order.take(at.crops, at.batch_size)
        rate = self.spec.train.learning_rate * self._rate_factor()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        draws = self.generator.get_state()
        if self.ranks.count > 1 or self.lanes.count > 1:
            self.before_step = [draws, *(value.clone() for value in self.model.buffers())]
        try:
            with self.ranks.share(len(crops)) as rows:
                batch, lengths, speakers = self._gathered(crops, rows)
                if self.lanes.count > 1:
                    values = self.lanes.take_step(self.optimiser, batch, lengths, self.generator, speakers)
                else:
                    values = self.lanes.learn(batch, lengths, self.generator, speakers)
            if self.lanes.count == 1:
                values = self.ranks.add_up(values, list(self.model.parameters()))
                self.optimiser.step()
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            self.generator.set_state(draws)
            self._halve_batch(error)
            return
        self.before_step = []
        self.sums += values
        self.summed += 1
        at.step += 1
        at.crops += len(crops)

    def _gathered(self, crops: Crops, rows: slice) -> tuple[Batch, torch.Tensor | None, torch.Tensor]:
        """These rows of a batch, as Step.terms takes them."""
        own, longest = crops[rows], int(crops[:, 2].max())
        if self.resident is None:
            batch, lengths = gather(self.cache, own, self.device, longest)
        else:
            batch, lengths = self.resident.gather(own, longest)
        return batch, lengths, self.speakers.of(own, self.device)

    def _compile(self) -> None:
        """Compile the networks, with the next step as a trial that leaves nothing behind."""

        def trial() -> None:
            self.model.train()
            crops = self.order.take(self.at.crops, self.at.batch_size)
            with self.ranks.share(len(crops)) as rows:
                batch, lengths, speakers = self._gathered(crops, rows)
                got = self.step.terms(self.model, batch, lengths, self.generator, speakers)
                got.loss.backward()  # type: ignore[no-untyped-call]

        self.report(Progress(None, "Compiling the networks"))
        self.before_step = [self.generator.get_state(), *(value.clone() for value in self.model.buffers())]
        why = compile_trunks(self.model, trial)
        self._take_back()
        self.optimiser.zero_grad(set_to_none=True)
        if why is None:
            return
        what = f"The networks cannot be compiled here ({why})."
        if self.ranks.count > 1:  # the others may have gone on, and wait
            raise TrainingError(what, "Start a run with compiled off.")
        self._note(what, "The run goes on without; on a card it is slower, and nothing else changes.")

    def _check_shared(self, model: Network, batch_size: int) -> None:
        if not isinstance(model, AuxVAE):
            raise TrainingError(
                f"The system {self.spec.model.system} is trained by one process alone.",
                "Start it without torchrun.",
            )
        if batch_size < self.ranks.count:
            raise TrainingError(
                f"A batch of {batch_size} pieces is too small for {self.ranks.count} processes.",
                "Start fewer of them, or a run with a larger batch.",
            )

    def _keep_the_whole(self, lost: LostProcessError) -> None:
        """Save the run as the last whole step left it. A card may hold half a step: there the last save stays."""
        self.log.write("lost", self.at.step, what=lost.what)
        if self.device.type == "cpu":
            self._take_back()
            self._save()

    def _take_back(self) -> None:
        """Undo what a step that was not finished has moved: the random numbers and the running statistics."""
        if not self.before_step:
            return
        draws, *buffers = self.before_step
        self.generator.set_state(draws)
        for buffer, value in zip(self.model.buffers(), buffers, strict=True):
            buffer.copy_(value)
        self.before_step = []

    def _halve_batch(self, error: Exception) -> None:
        if self.ranks.count > 1:
            raise TrainingError(
                f"The memory of process {self.ranks.number} ran out at {self.at.batch_size} pieces a batch.",
                "Share the batch among more processes, or start a run with a smaller one.",
            ) from error
        self.optimiser.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.at.batch_size == 1:
            raise TrainingError(
                "The memory does not even hold a batch of one piece.",
                "Choose shorter pieces (crop_s) or a smaller model, or the device cpu.",
            ) from error
        self.at.batch_size //= 2
        self._note(
            f"The memory ran out, so the batch was halved to {self.at.batch_size} pieces.",
            "Close other programs on the device, or choose a smaller batch next time.",
        )

    def _rate_factor(self) -> float:
        if self.spec.train.schedule == "constant":
            return 1.0
        return _COSINE_END + (1.0 - _COSINE_END) * (1.0 + math.cos(math.pi * self.at.fraction)) / 2.0

    def _bfloat16(self) -> bool:
        precision = self.spec.train.precision
        return precision == "bfloat16" or (precision == "auto" and bfloat16_pays(self.device.type))

    # ------------------------------------------------------------------------------------------ the plan
    def _plan(self) -> None:
        """Decide how many pieces the run takes; stored with the state, so a resumed run keeps to it.

        Epochs decide at once. A time budget needs the speed of the first steps; these may mislead, so the plan is
        corrected at each quarter of the budget.
        """
        train, at = self.spec.train, self.at
        whole = train.epochs * self.order.per_epoch
        if train.minutes is None:
            if at.planned_crops is None:
                self._keep_plan(whole, validations=20)
            return
        budget_s, seconds = 60.0 * train.minutes, self.clock.seconds
        validations = min(20, max(2, int(_VALIDATION_SHARE * budget_s / max(self.validation_s, 1e-3))))
        quarter = min(3, int(4.0 * seconds / budget_s))
        if at.planned_crops is None and self.speed.known(at.step):
            seconds += validations * self.validation_s
        elif at.planned_crops is None or quarter <= at.plan_quarter:
            return
        at.plan_quarter = quarter
        left = int(max(0.0, budget_s - seconds) * self.speed.crops_a_second(at.crops))
        self._keep_plan(min(whole, at.crops + max(at.batch_size, left)), validations)

    def _keep_plan(self, crops: int, validations: int) -> None:
        at = self.at
        at.planned_crops = crops
        at.validate_every = max(at.batch_size, crops // 100, min(self.order.per_epoch, crops // validations))
        self.log.write("plan", at.step, crops=crops, validate_every=at.validate_every)

    # ------------------------------------------------------------------------------------------ curves and files
    def _flush(self) -> None:
        """Tell the mean of the terms since the last point.

        Raises:
            TrainingError: they are not all finite numbers; nothing is saved after that.
        """
        if self.summed == 0:
            return
        means = dict(zip(TERM_NAMES, (self.sums / self.summed).tolist(), strict=True))
        self.sums.zero_()
        self.summed = 0
        self.pointed_at = time.monotonic()
        if not all(map(math.isfinite, means.values())):
            self._diverged()
        self.at.last_terms = means
        self._point("train", means)

    def _point(self, split: str, values: dict[str, float]) -> None:
        at = self.at
        at.seconds = self.clock.seconds
        epoch = at.crops / self.order.per_epoch
        self.report(Partial(TrainPoint(at.step, epoch, split, values, at.seconds)))
        self.log.write(split, at.step, epoch=epoch, seconds=at.seconds, terms=values)

    def _diverged(self) -> None:
        kept = "The last saved model is kept" if self.states.exists() else "Nothing was saved yet"
        self.log.write("diverged", self.at.step)
        raise TrainingError(
            f"The training went wrong by step {self.at.step}: the loss or the weights are not finite numbers.",
            f"{kept}. Start a new run with a smaller learning rate.",
        )

    @torch.no_grad()
    def _validate(self, *, candidate: bool = True, passing: bool = False) -> None:
        """Measure the held-out pieces, always the same with the same draws; keep the model, and note if it is best.

        passing: it is done because the run is stopped here, not because its turn has come.
        """
        began = time.monotonic()
        while (values := self._held_out_terms()) is None:
            pass  # the batch was halved: again
        self.validation_s = time.monotonic() - began
        self.validated_step = self.at.step
        if not all(map(math.isfinite, values.values())):
            self._diverged()
        self._point("validation", values)
        if candidate and (not self.at.best_terms or values["total"] > self.at.best_terms["total"]):
            self.at.best_terms, self.at.best_step = values, self.at.step
            self._save_model(self.folder / BEST, "best", values)
        if candidate:
            self._keep(values, passing)

    def _keep(self, values: dict[str, float], passing: bool) -> None:
        """Keep the model as it is now among the run's checkpoints, where it keeps some."""
        at, epoch = self.at, self.at.crops / self.order.per_epoch
        new = KeptCheckpoint(at.step, epoch, self.clock.seconds, values, number=0 if passing else 1)
        kept = self.kept.keep(new, lambda path: self._save_model(path, "checkpoint", values))
        if kept is not None:
            self.report(Partial(kept))

    def _held_out_terms(self) -> dict[str, float] | None:
        """Mean terms over the held-out pieces; None if the memory ran out and the batch was halved."""
        self.model.eval()
        generator = torch.Generator(self.device).manual_seed(self.spec.train.seed + 1)
        total = torch.zeros(len(TERM_NAMES), device=self.device)
        try:
            for first in range(0, len(self.held_out), self.at.batch_size):
                crops = self.held_out[first : first + self.at.batch_size]
                with self.ranks.share(len(crops)) as rows:
                    if rows.stop > rows.start:
                        batch, lengths, speakers = self._gathered(crops, rows)
                        got = self.step.terms(self.model, batch, lengths, generator, speakers)
                        total += len(crops) * stacked(got)
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            self._halve_batch(error)
            return None
        means = self.ranks.add_up(total) / len(self.held_out)
        return dict(zip(TERM_NAMES, means.tolist(), strict=True))

    def _save(self) -> None:
        self._flush()
        if not all(bool(torch.isfinite(value).all()) for value in self.model.parameters()):
            self._diverged()
        self.at.seconds = self.clock.seconds
        self._save_model(self.folder / LAST, "last", {})
        self.states.save(self.at, self.model, self.optimiser, self.generator)
        self.saved_at = time.monotonic()
        self.log.write("saved", self.at.step)

    def _save_model(self, path: Path, which: str, validation: dict[str, float]) -> str:
        """Write the model as it is now; returns its hash. which: "best", "last" or "checkpoint"."""
        about = self._provenance(which, validation)
        return checkpoint.save(path, self.model, self.spec.audio, self.spec.train, about, vocoder=self.at.vocoder)

    def _provenance(self, which: str, validation: dict[str, float]) -> dict[str, Any]:
        at, manifest = self.at, self.cache.manifest
        frames = sum(s.frames for s in (*self.division.training, *self.division.validation))
        return {
            "run": self.spec.name,
            "which": which,
            "corpus": {
                "recordings": len(manifest.utterances),
                "held_out": len(manifest.utterances) - len(self.division.entries),
                "skipped": len(manifest.skipped),
                "seconds": round(frames / self.spec.audio.frames_per_second, 1),
                "speakers": manifest.speakers,
                "key": self.cache.key,
            },
            "seed": self.spec.train.seed,
            "steps": at.step,
            "epochs": round(at.crops / self.order.per_epoch, 3),
            "minutes": round(self.clock.seconds / 60.0, 3),
            "batch_size": at.batch_size,
            "validation": validation,
            "training": at.last_terms,
            "fine_tuned_from": at.parent,
            "device": devices.described(self.device),
            "versions": {
                "triptych": _version("triptych"),
                "torch": torch.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        }

    def _done(self, stopped: bool) -> TrainDone:
        at = self.at
        return TrainDone(
            run_dir=str(self.folder),
            model=str(self.folder / BEST),
            last=str(self.folder / LAST),
            steps=at.step,
            epochs=at.crops / self.order.per_epoch,
            seconds=at.seconds,
            device=devices.described(self.device),
            terms=at.last_terms,
            validation=at.best_terms,
            stopped=stopped,
        )

    # ------------------------------------------------------------------------------------------ the user
    def _obey(self) -> bool:
        """Whether to stop; holds still, saved and off the graphics card, while paused.

        All processes of the run are told the same, also how long a pause lasts: one that went on alone would wait
        for the others within a step, and give them up as lost.
        """

        def agreed() -> Control:
            return self.ranks.agreed(self.control())

        wish = agreed()
        if wish is not Control.PAUSE:
            return check_control(lambda: wish)
        self._save()
        self.log.write("paused", self.at.step)
        freed = self._leave_device()
        what = f"{freed / 1e9:.1f} GB of {devices.described(self.device)} are" if freed else "the processor is"
        self.report(Progress(self.at.fraction, f"Paused at step {self.at.step}; {what} free for other work"))
        with self.clock.held():
            stop = check_control(agreed)
            self._return_to_device()
        self.saved_at = time.monotonic()
        return stop

    def _leave_device(self) -> int:
        """Everything large off the device; bytes that became free."""
        device_memory.move(self.model, self.optimiser, torch.device("cpu"))
        self.sums = self.sums.cpu()
        self.resident = None
        return device_memory.empty(self.device)

    def _return_to_device(self) -> None:
        device_memory.move(self.model, self.optimiser, self.device)
        self.sums = self.sums.to(self.device)
        self.resident = self._on_device()

    def _on_device(self) -> ResidentCorpus | None:
        """The corpus in the device's own memory, where it has room for it."""
        return ResidentCorpus(self.cache, self.device) if fits(self.cache, self.device) else None

    def _tell(self) -> None:
        now, at = time.monotonic(), self.at
        if now - self.pointed_at > _POINT_S:
            self._flush()
        if now - self.told_at > _PROGRESS_S:
            self.told_at = now
            message = f"Step {at.step}, epoch {at.crops / self.order.per_epoch:.1f}"
            if at.planned_crops is None:
                self.report(Progress(None, f"{message}: measuring the speed"))
                return
            rate = self.speed.crops_a_second(at.crops)
            self.report(Progress(at.fraction, message, (at.planned_crops - at.crops) / rate if rate else None))

    def _note(self, what: str, hint: str) -> None:
        self.log.write("note", self.at.step, what=what, hint=hint)
        self.report(Note(what, hint))

    def _tell_skipped(self) -> None:
        skipped, remarks = self.cache.manifest.skipped, self.cache.remarks
        for what, hint in self.cache.manifest.troubles:
            self._note(what, hint)
        if self.at.step == 0:
            for item in skipped:
                self.log.write("skipped", 0, path=item.path, why=item.why)
            for row in self.cache.manifest.unmatched:
                self.log.write("unmatched", 0, path=row.path, why=row.why)
            for remark in remarks:
                self.log.write("remark", 0, what=remark)
        if skipped:
            named = "; ".join(f"{Path(item.path).name}: {item.why}" for item in skipped[:3])
            more = f"; and {len(skipped) - 3} more" if len(skipped) > 3 else ""
            self.report(
                Note(f"{len(skipped)} files were left out of the corpus ({named}{more}).", "log.jsonl lists them.")
            )
        if remarks:
            self.report(
                Note(f"{len(remarks)} recordings have faults; the first: {remarks[0]}", "log.jsonl lists them.")
            )

    # ------------------------------------------------------------------------------------------ the beginning
    def _corpus(self) -> MelCache:
        self.report(Progress(None, "Looking for recordings"))
        manifest = scan(self.spec.folders, self.spec.clips, self.control)
        self.earlier_key = earlier_key(manifest, self.spec.audio)
        return build(manifest, self.spec.audio, cache_dir(), self.report, self.control)


def _nobody(event: Event) -> None:
    """The report of a process that is not the first."""


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "from source"
