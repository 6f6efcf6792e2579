"""Run state: what a run folder remembers of a training run besides spec.json (api.RunSpec) and the model files.

    state.safetensors, state.previous.safetensors   the last two saved states: enough to go on exactly
    log.jsonl                                       one JSON line an event: curves, notes, saves

A state holds weights, optimiser, random generator and the position in the data. It is written under a temporary
name and the one before is kept, so neither a kill nor a full disk while saving can cost the run.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engine.api import FIRST_VOCODER
from engine.api.atomic_files import write_whole
from engine.api.errors import CheckpointError, TrainingError
from engine.model import tensor_file, weight_names

STATE_FILES = ("state.safetensors", "state.previous.safetensors")

_KIND = "triptych-training-state"
_VERSION = 1
_MODEL, _OPTIMISER, _GENERATOR = "model.", "optimiser.", "generator"


@dataclass
class RunProgress:
    """How far a run is. The position in the data is `crops`: how many were taken (see data/crops.py)."""

    corpus: str  # key of the mel cache: a changed corpus is another run
    batch_size: int  # smaller than the spec's after the memory ran out
    parent: str | None = None  # content hash of the model it was fine-tuned from
    vocoder: str = FIRST_VOCODER  # that of the model it was fine-tuned from
    step: int = 0
    crops: int = 0
    seconds: float = 0.0  # spent training, pauses left out
    planned_crops: int | None = None  # the whole run; None until the speed is measured
    validate_every: int = 0  # crops
    plan_quarter: int = 0  # of a time budget, at which the plan was last fitted to the speed
    best_step: int | None = None
    best_terms: dict[str, float] = field(default_factory=dict)
    last_terms: dict[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Share of the planned run that is done; 0 before there is a plan."""
        return min(1.0, self.crops / self.planned_crops) if self.planned_crops else 0.0

    @property
    def finished(self) -> bool:
        return self.planned_crops is not None and self.crops >= self.planned_crops

    def validation_due(self, crops_before: int) -> bool:
        """Whether a validation falls between so many crops and those taken now."""
        if self.planned_crops is None:
            return False
        return self.crops // self.validate_every != crops_before // self.validate_every


class StateFiles:
    """The last two saved states in a run folder."""

    def __init__(self, run_dir: Path) -> None:
        self._newest, self._previous = (run_dir / name for name in STATE_FILES)

    def save(
        self,
        progress: RunProgress,
        model: torch.nn.Module,
        optimiser: torch.optim.Optimizer,
        generator: torch.Generator,
    ) -> None:
        """Keep this state as the newest and the newest so far as the previous.

        Raises:
            OSError: it cannot be written; what was saved before is unharmed.
        """
        tensors = {_MODEL + name: value for name, value in weight_names.to_file(model.state_dict()).items()}
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"{_OPTIMISER}{index}.{name}": value for name, value in values.items()}
        tensors[_GENERATOR] = generator.get_state()
        content, _ = tensor_file.pack(_KIND, _VERSION, {"standing": dataclasses.asdict(progress)}, tensors)
        if self._newest.exists():
            os.replace(self._newest, self._previous)
        write_whole(self._newest, content)

    def exists(self) -> bool:
        return self._newest.exists() or self._previous.exists()

    def load(self) -> SavedState:
        """The newest state that is whole.

        Raises:
            TrainingError: neither is.
        """
        troubles = []
        for file in (self._newest, self._previous):
            try:
                description, tensors = tensor_file.read(file, _KIND, _VERSION)
                return SavedState(RunProgress(**description["standing"]), tensors)
            except (CheckpointError, KeyError, TypeError) as error:
                troubles.append(str(error))
        raise TrainingError(
            f"The saved state of this run cannot be read: {troubles[0]}",
            "Start a new run that goes on from this run's last model.",
        )


@dataclass(frozen=True)
class SavedState:
    """A state as read, before it is put into the objects of a run."""

    progress: RunProgress
    tensors: Mapping[str, torch.Tensor]

    def restore(self, model: torch.nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator) -> None:
        """Put weights, optimiser and random generator back.

        Raises:
            TrainingError: the weights do not fit the run's model.
        """
        optimiser_state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in self.tensors.items():
            if name.startswith(_OPTIMISER):
                index, key = name.removeprefix(_OPTIMISER).split(".", 1)
                optimiser_state.setdefault(int(index), {})[key] = value
        try:
            stored = {n.removeprefix(_MODEL): t for n, t in self.tensors.items() if n.startswith(_MODEL)}
            model.load_state_dict(weight_names.from_file(stored))
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict({"state": optimiser_state, "param_groups": groups})
            generator.set_state(self.tensors[_GENERATOR])
        except (RuntimeError, KeyError, ValueError) as error:
            raise TrainingError(
                "The saved state does not fit this run's settings or device.",
                "Start a new run that goes on from this run's last model.",
            ) from error


class RunLog:
    """Run log, log.jsonl: every line a JSON object with "event" and "step"."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "log.jsonl"

    def rewind(self, step: int) -> None:
        """Forget what a killed process logged beyond the state that the run goes on from, and half a last line."""
        if not self._path.exists():
            return
        kept = []
        for raw in self._path.read_bytes().splitlines(keepends=True):
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if isinstance(line, dict) and line.get("step", 0) <= step:
                kept.append(raw)
        write_whole(self._path, b"".join(kept))

    def write(self, event: str, step: int, **values: Any) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"event": event, "step": step, **values}, ensure_ascii=False) + "\n")
