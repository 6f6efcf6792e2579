"""Training runs, the models that come of them, and the devices they can use."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.api.atomic_files import write_whole
from engine.api.clips import ClipRef
from engine.api.errors import TrainingError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.api.stored_values import DamagedError, NewerError, converted, values_of
from engine.api.transfers import FIRST_VOCODER

_FORMAT, _VERSION = "triptych-run", 1


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
        values = {"format": _FORMAT, "version": _VERSION, "name": self.name or folder.name}
        values |= {"train": self.train.to_dict(), "model": self.model.to_dict(), "audio": self.audio.to_dict()}
        values |= {"folders": self.folders, "clips": [asdict(clip) for clip in self.clips]}
        values |= {"from_model": self.from_model}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(target, json.dumps(values, indent=1, ensure_ascii=False).encode())
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
            stored = converted(values_of(path.read_bytes(), (_FORMAT,), _VERSION), _StoredRun)
        except OSError as error:
            raise TrainingError(
                f"{run_dir} holds no training run.", "Choose a run folder, or start a new run."
            ) from error
        except NewerError as error:
            raise TrainingError(
                f"{path} was written by a newer Triptych.", "Update Triptych to resume it."
            ) from error
        except DamagedError as error:
            raise TrainingError(
                f"{path} is damaged ({error}).", "Start a new run; its checkpoints can still be opened."
            ) from error
        return RunSpec(
            TrainSpec.from_dict(stored.train),
            ModelSpec.from_dict(stored.model),
            AudioSpec.from_dict(stored.audio),
            stored.folders,
            stored.clips,
            stored.from_model,
            stored.name,
        )


class _StoredRun(msgspec.Struct):
    """What spec.json holds; the three specs check themselves, in the words of their settings."""

    name: str
    train: dict[str, Any]
    model: dict[str, Any]
    audio: dict[str, Any]
    folders: tuple[str, ...]
    clips: tuple[ClipRef, ...]
    from_model: str | None


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
