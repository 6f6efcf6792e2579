"""Hearing a training run: the checkpoints it keeps on its way, and what they are worth and sound like.

All of it lies in the run's folder, which is the truth; what is read here is small and written whole.

    checkpoints/list.json                  every checkpoint there was, with its numbers (KeptCheckpoint)
    checkpoints/00000800.triptych.safetensors   the models that are still held
    auditions/00000800/                    what they sound like
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKPOINTS = "checkpoints"
LIST = "list.json"
SOUNDS = "auditions"
_LIST_FORMAT, _LIST_VERSION = "triptych-checkpoints", 1


@dataclass(frozen=True)
class KeptCheckpoint:
    """The model as it was at one validation.

    step, epoch, seconds: how far the run was; seconds are those spent training. terms: the means over the held-out
    pieces, by name (see engine.objective). number: of the validation, from 1; 0 for one made because the run was
    stopped. hash: of the model. path: of the model's file; "" once it made room for others.
    """

    step: int
    epoch: float
    seconds: float
    terms: dict[str, float]
    number: int = 1
    hash: str = ""
    path: str = ""

    @property
    def held(self) -> bool:
        """Whether its model can still be had."""
        return self.path != ""


def step_name(step: int) -> str:
    """What the files of a step are called: their order is that of the steps."""
    return f"{step:08d}"


def best_of(checkpoints: tuple[KeptCheckpoint, ...]) -> KeptCheckpoint | None:
    """The one with the largest objective on the held-out pieces, the earliest of equals, as the run chooses it."""
    return max(checkpoints, key=lambda kept: (kept.terms["total"], -kept.step), default=None)


def checkpoints_of(run_dir: str | os.PathLike[str]) -> tuple[KeptCheckpoint, ...]:
    """Every checkpoint of a run in the order of their steps; none if the run kept none, or its list is damaged.

    A damaged list costs the view of the checkpoints and nothing else: the run goes on from its saved state.
    """
    folder = Path(run_dir) / CHECKPOINTS
    try:
        values = json.loads((folder / LIST).read_text("utf-8"))
        if values["format"] != _LIST_FORMAT or values["version"] > _LIST_VERSION:
            return ()
        return tuple(_read(entry, folder) for entry in values["checkpoints"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def checkpoints_text(checkpoints: tuple[KeptCheckpoint, ...]) -> str:
    """What list.json holds: names of files, no places, so that the run's folder can be moved."""
    entries = [dataclasses.asdict(kept) | {"path": os.path.basename(kept.path)} for kept in checkpoints]
    return json.dumps({"format": _LIST_FORMAT, "version": _LIST_VERSION, "checkpoints": entries}, indent=1)


def _read(entry: Mapping[str, Any], folder: Path) -> KeptCheckpoint:
    name = os.path.basename(str(entry["path"]))
    return KeptCheckpoint(
        step=int(entry["step"]),
        epoch=float(entry["epoch"]),
        seconds=float(entry["seconds"]),
        terms={str(term): float(value) for term, value in entry["terms"].items()},
        number=int(entry["number"]),
        hash=str(entry["hash"]),
        path=str(folder / name) if name else "",
    )
