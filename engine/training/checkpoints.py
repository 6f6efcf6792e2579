"""Kept checkpoints of a run, to be listened to and compared: a bounded number, thinned evenly.

They are no part of the saved state: a run goes on exactly without them. One is kept at every validation; when there
are too many, those at odd validations go first, then those at odd multiples of two, and so on, so that what stays
lies evenly over the run. The best and the newest always stay.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

from engine.api.atomic_files import write_whole
from engine.api.auditions import (
    CHECKPOINTS,
    LIST,
    SOUNDS,
    KeptCheckpoint,
    best_of,
    checkpoints_of,
    checkpoints_text,
    step_name,
)
from engine.model import checkpoint

BEST = "best" + checkpoint.SUFFIX  # of all validations; beside the kept ones
LAST = "last" + checkpoint.SUFFIX


class KeptCheckpoints:
    """The folder `checkpoints` of a run.

    Args:
        most: files of models held at once; 0 keeps none.
    """

    def __init__(self, run_dir: Path, most: int) -> None:
        self._run_dir = run_dir
        self._folder = run_dir / CHECKPOINTS
        self._most = most
        self._all = checkpoints_of(run_dir)

    def rewind(self, step: int) -> None:
        """Forget what a killed process kept beyond the state that the run goes on from, and what it left half done.

        Raises:
            OSError: the folder cannot be written.
        """
        before = (kept for kept in self._all if kept.step <= step)
        self._all = tuple(kept if Path(kept.path).is_file() else _let_go(kept) for kept in before)
        if self._folder.is_dir():
            self._write()
            self._sweep()
        for sounds in (self._run_dir / SOUNDS).glob("[0-9]*"):
            if sounds.name.isdigit() and int(sounds.name) > step:
                shutil.rmtree(sounds)

    def keep(self, new: KeptCheckpoint, save: Callable[[Path], str]) -> KeptCheckpoint | None:
        """Keep a model and make room for it; None if the run keeps none.

        Args:
            new: what is known of it; its number, hash and path are filled in here. A number of 0 stays: such a
                checkpoint is the first to go.
            save: writes the model's file and returns its hash.

        Raises:
            CheckpointError, OSError: it cannot be written; what was kept before is unharmed.
        """
        if self._most == 0:
            return None
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{step_name(new.step)}{checkpoint.SUFFIX}"
        number = 0 if new.number == 0 else 1 + max((kept.number for kept in self._all), default=0)
        kept = dataclasses.replace(new, number=number, hash=save(path), path=str(path))
        self._all = (*(known for known in self._all if known.step < new.step), kept)
        for gone in self._surplus():
            self._all = tuple(_let_go(kept) if kept is gone else kept for kept in self._all)
        # Named first, deleted then: a kill in between leaves a file that no list names, which `rewind` takes away.
        self._write()
        self._sweep()
        return kept

    def _surplus(self) -> list[KeptCheckpoint]:
        """What has to go, the least wanted first."""
        held = [kept for kept in self._all if kept.held]
        best = best_of(self._all)
        spared = {held[-1].step, best.step if best is not None else -1}
        order = sorted((k for k in held if k.step not in spared), key=lambda k: (_evenness(k.number), k.step))
        return order[: max(0, len(held) - self._most)]

    def _write(self) -> None:
        write_whole(self._folder / LIST, checkpoints_text(self._all).encode())

    def _sweep(self) -> None:
        """Take away the models that are not held, and their sounds."""
        held = {Path(kept.path).name for kept in self._all if kept.held}
        for file in self._folder.glob(f"*{checkpoint.SUFFIX}"):
            if file.name not in held:
                file.unlink(missing_ok=True)
                shutil.rmtree(
                    self._run_dir / SOUNDS / file.name.removesuffix(checkpoint.SUFFIX), ignore_errors=True
                )


def _evenness(number: int) -> int:
    """How often a number can be halved: 0 for odd ones. -1 for 0, which is not in the series."""
    return (number & -number).bit_length() - 1


def _let_go(kept: KeptCheckpoint) -> KeptCheckpoint:
    return dataclasses.replace(kept, path="")
