"""Recorder of a run: its curves, log, progress, notes, checkpoints with their provenance, and saved state."""

from __future__ import annotations

import datetime
import importlib.metadata
import math
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.api import KeptCheckpoint, Note, Partial, Progress, Report, RunSpec, TrainDone, TrainPoint
from engine.corpus.cache.feature_cache import MelCache
from engine.model import checkpoint
from engine.model.baselines import Network
from engine.model.objective import TERM_NAMES
from engine.runtime import devices
from engine.training.checkpoints import BEST, LAST, KeptCheckpoints
from engine.training.data.crops import Division
from engine.training.plan import Plan
from engine.training.recovery import diverged
from engine.training.state import RunLog, RunProgress, StateFiles

_POINT_S = 1.0  # between two points of the training curves
_PROGRESS_S = 0.2


@dataclass(kw_only=True)
class Recorder:
    """What one run writes into its folder and reports to its user.

    writes: False in every process of a distributed run but the first: models and states are then not written.
    """

    folder: Path
    spec: RunSpec
    report: Report
    writes: bool
    device: torch.device
    cache: MelCache
    division: Division
    model: Network
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    progress: RunProgress
    plan: Plan

    def __post_init__(self) -> None:
        self._log = RunLog(self.folder)
        self._states = StateFiles(self.folder)
        self._kept = KeptCheckpoints(self.folder, self.spec.train.checkpoints if self.writes else 0)
        self._sums: Tensor | None = None
        self._summed = 0
        self._saved_at = self._point_at = time.monotonic()
        self._progress_at = 0.0
        self._validated_step = -1

    def rewind(self, step: int) -> None:
        """Forget what a killed process wrote beyond the state that the run goes on from; -1 forgets everything."""
        self._log.rewind(step)
        self._kept.rewind(step)

    def log(self, event: str, **values: Any) -> None:
        """Write one line of the run log."""
        self._log.write(event, self.progress.step, **values)

    def note(self, what: str, hint: str) -> None:
        """Log a note and report it."""
        self.log("note", what=what, hint=hint)
        self.report(Note(what, hint))

    def step_taken(self, values: Tensor) -> None:
        """Add up the terms (terms,) of a step; now and then report a point of the curves and the progress."""
        self._sums = values if self._sums is None else self._sums + values
        self._summed += 1
        now = time.monotonic()
        if now - self._point_at > _POINT_S:
            self.flush()
        if now - self._progress_at > _PROGRESS_S:
            self._progress_at = now
            done = f"Step {self.progress.step}, epoch {self.plan.epochs(self.progress):.1f}"
            if self.progress.planned_crops is None:
                self.report(Progress(None, f"{done}: measuring the speed"))
            else:
                self.report(Progress(self.progress.fraction, done, self.plan.eta_s(self.progress)))

    def flush(self) -> None:
        """Report the mean of the terms since the last point.

        Raises:
            TrainingError: they are not all finite numbers; nothing is saved after that.
        """
        if self._sums is None:
            return
        means = dict(zip(TERM_NAMES, (self._sums / self._summed).tolist(), strict=True))
        self._sums, self._summed = None, 0
        self._point_at = time.monotonic()
        self._check_finite(means)
        self.progress.last_terms = means
        self._point("train", means)

    def validated(self, values: dict[str, float], *, candidate: bool = True, passing: bool = False) -> None:
        """Report a validation, keep the model among the run's checkpoints, and as the best one if it is.

        Args:
            candidate: False before the first step: nothing is kept.
            passing: it was done because the run is stopped here, not because its turn had come.
        """
        self.flush()
        progress = self.progress
        self._validated_step = progress.step
        self._check_finite(values)
        self._point("validation", values)
        if not candidate:
            return
        if not progress.best_terms or values["total"] > progress.best_terms["total"]:
            progress.best_terms, progress.best_step = values, progress.step
            self._save_model(self.folder / BEST, "best", values)
        epochs, seconds = self.plan.epochs(progress), self.plan.clock.seconds
        new = KeptCheckpoint(progress.step, epochs, seconds, values, number=0 if passing else 1)
        kept = self._kept.keep(new, lambda path: self._save_model(path, "checkpoint", values))
        if kept is not None:
            self.report(Partial(kept))

    @property
    def validation_missing(self) -> bool:
        """Whether the model as it is now was not validated, or no model was kept yet."""
        return self._validated_step != self.progress.step or self.progress.best_step is None

    @property
    def save_due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved_at > 60.0 * self.spec.train.checkpoint_minutes

    def save(self) -> None:
        """Save the model as `last`, and the state from which the run goes on exactly.

        Raises:
            TrainingError: the weights are not all finite numbers; what was saved before stays.
        """
        self.flush()
        if not all(bool(torch.isfinite(value).all()) for value in self.model.parameters()):
            self._diverged()
        self.progress.seconds = self.plan.clock.seconds
        self._save_model(self.folder / LAST, "last", {})
        if self.writes:
            self._states.save(self.progress, self.model, self.optimiser, self.generator)
        self._saved_at = time.monotonic()
        self.log("saved")

    def done(self, stopped: bool) -> TrainDone:
        """The run's result."""
        progress = self.progress
        return TrainDone(
            run_dir=str(self.folder),
            model=str(self.folder / BEST),
            last=str(self.folder / LAST),
            steps=progress.step,
            epochs=self.plan.epochs(progress),
            seconds=progress.seconds,
            device=devices.described(self.device),
            terms=progress.last_terms,
            validation=progress.best_terms,
            stopped=stopped,
        )

    def _point(self, split: str, values: dict[str, float]) -> None:
        step, epoch = self.progress.step, self.plan.epochs(self.progress)
        self.progress.seconds = self.plan.clock.seconds
        self.report(Partial(TrainPoint(step, epoch, split, values, self.progress.seconds)))
        self.log(split, epoch=epoch, seconds=self.progress.seconds, terms=values)

    def _check_finite(self, values: dict[str, float]) -> None:
        if not all(map(math.isfinite, values.values())):
            self._diverged()

    def _diverged(self) -> None:
        self.log("diverged")
        raise diverged(self.progress.step, self._states.exists())

    def _save_model(self, path: Path, which: str, validation: dict[str, float]) -> str:
        """Write the model as it is now; returns its hash. which: "best", "last" or "checkpoint"."""
        if not self.writes:
            return ""
        about, vocoder = self._provenance(which, validation), self.progress.vocoder
        return checkpoint.save(path, self.model, self.spec.audio, self.spec.train, about, vocoder=vocoder)

    def _provenance(self, which: str, validation: dict[str, float]) -> dict[str, Any]:
        progress, manifest = self.progress, self.cache.manifest
        frames = sum(stretch.frames for stretch in (*self.division.training, *self.division.validation))
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
            "steps": progress.step,
            "epochs": round(self.plan.epochs(progress), 3),
            "minutes": round(self.plan.clock.seconds / 60.0, 3),
            "batch_size": progress.batch_size,
            "validation": validation,
            "training": progress.last_terms,
            "fine_tuned_from": progress.parent,
            "device": devices.described(self.device),
            "versions": {
                "triptych": _version("triptych"),
                "torch": torch.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "from source"
