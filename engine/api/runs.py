"""Training runs, the models that come of them, and the devices they can use."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api.clips import ClipRef
from engine.api.errors import TrainingError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.api.vocoders import FIRST_VOCODER


@dataclass(frozen=True)
class RunSpec:
    """The truth about a training run: what run_dir/spec.json holds.

    folders: folders (their layout is recognised) and tables of labels; clips: single recordings (with labels).
    from_model: a checkpoint to fine-tune from; model's sizes must then be the checkpoint's own.
    """

    train: TrainSpec
    model: ModelSpec
    audio: AudioSpec = field(default_factory=AudioSpec)
    folders: tuple[str, ...] = ()
    clips: tuple[ClipRef, ...] = ()
    from_model: str | None = None
    name: str = ""

    def write(self, run_dir: str | os.PathLike[str]) -> None:
        """Make run_dir and write spec.json (temporary name, then replace).

        Raises:
            TrainingError: the folder holds a run already, or cannot be written.
        """
        folder = Path(run_dir)
        target = folder / "spec.json"
        if target.exists():
            raise TrainingError(
                f"{folder} holds a training run already.", "Resume that run, or choose an empty folder."
            )
        values = {
            "format": "triptych-run",
            "version": 1,
            "name": self.name or folder.name,
            "train": self.train.to_dict(),
            "model": self.model.to_dict(),
            "audio": self.audio.to_dict(),
            "folders": list(self.folders),
            "clips": [{"id": c.id, "path": c.path, "labels": c.labels} for c in self.clips],
            "from_model": self.from_model,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            temporary = target.with_suffix(".json.tmp")
            temporary.write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")
            os.replace(temporary, target)
        except OSError as error:
            raise TrainingError(
                f"The run folder {folder} cannot be written: {error.strerror or error}.",
                "Choose another folder.",
            ) from error

    @staticmethod
    def read(run_dir: str | os.PathLike[str]) -> RunSpec:
        """Read run_dir/spec.json.

        Raises:
            TrainingError: missing, damaged or from a newer version.
            SpecError: a setting is out of range.
        """
        path = Path(run_dir) / "spec.json"
        try:
            values = json.loads(path.read_text("utf-8"))
            if values["format"] != "triptych-run":
                raise ValueError("not a run")
            if values["version"] > 1:
                raise TrainingError(f"{path} was written by a newer Triptych.", "Update Triptych to resume it.")
            return RunSpec(
                train=TrainSpec.from_dict(values["train"]),
                model=ModelSpec.from_dict(values["model"]),
                audio=AudioSpec.from_dict(values["audio"]),
                folders=tuple(str(f) for f in values["folders"]),
                clips=tuple(
                    ClipRef(str(c["id"]), str(c["path"]), {str(k): str(v) for k, v in c["labels"].items()})
                    for c in values["clips"]
                ),
                from_model=None if values["from_model"] is None else str(values["from_model"]),
                name=str(values["name"]),
            )
        except OSError as error:
            raise TrainingError(
                f"{run_dir} holds no training run.", "Choose a run folder, or start a new run."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"{path} is damaged.", "Start a new run; its checkpoints can still be opened."
            ) from error


@dataclass(frozen=True)
class Train:
    """Train, or resume if the folder holds a started run. The run folder is the truth."""

    run_dir: str


@dataclass(frozen=True)
class TrainPoint:
    """One point of the training curves: split is "train" or "validation", terms by name (see objective)."""

    step: int
    epoch: float
    split: str
    terms: dict[str, float]
    seconds: float  # trained so far


@dataclass(frozen=True)
class TrainDone:
    run_dir: str
    model: str  # the best checkpoint
    last: str
    steps: int
    epochs: float
    seconds: float
    device: str
    terms: dict[str, float]  # the last mean over training batches
    validation: dict[str, float]  # at the best checkpoint
    stopped: bool  # the user stopped it before its planned end


@dataclass(frozen=True)
class Inspect:
    """Say what a model file is."""

    model: str


@dataclass(frozen=True)
class ModelInfo:
    path: str
    hash: str
    weights: int
    audio: dict[str, Any]
    model: dict[str, Any]
    train: dict[str, Any]
    provenance: dict[str, Any]
    vocoder: str = FIRST_VOCODER


@dataclass(frozen=True)
class FindDevices:
    """Say which devices can compute here."""


@dataclass(frozen=True)
class DevicesFound:
    """auto: what "auto" means here, in words; devices: (name, words) of each that can be chosen."""

    auto: str
    devices: tuple[tuple[str, str], ...]
