"""A run whose memory runs out, whose numbers diverge, or whose disk is full."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import Watcher, changed, go, run_spec, same, weights

from engine.api import Control
from engine.api.errors import TrainingError
from engine.api.specs import TrainSpec
from engine.model import checkpoint
from engine.model.objective import Terms
from engine.training import checkpoints, step
from engine.training.state import StateFiles


def failing_terms(fail: Callable[[int, Terms], Terms]) -> Callable[..., Terms]:
    """`systems.terms`, handed to `fail` with the size of its batch."""
    original = step.terms

    def terms(model: Any, inputs: Any, spec: TrainSpec, **more: Any) -> Terms:
        return fail(len(inputs.target), original(model, inputs, spec, **more))

    return terms


def test_when_the_memory_runs_out_the_batch_is_halved_and_the_run_goes_on(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_memory(size: int, got: Terms) -> Terms:
        if size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return got

    monkeypatch.setattr(step, "terms", failing_terms(small_memory))
    run_spec(speech, changed(epochs=1, batch_size=8)).write(tmp_path / "run")
    watcher = Watcher()
    done = go(tmp_path / "run", watcher)
    assert sum("halved" in note for note in watcher.notes()) == 2
    assert checkpoint.load(done.model).provenance["batch_size"] == 2
    assert done.epochs >= 1


def test_memory_for_not_even_one_piece_ends_the_run_in_words(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(size: int, got: Terms) -> Terms:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(step, "terms", failing_terms(no_memory))
    run_spec(speech).write(tmp_path / "run")
    with pytest.raises(TrainingError, match="batch of one"):
        go(tmp_path / "run")


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_model(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_spec(speech).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    good = weights(tmp_path / "run" / checkpoints.LAST)

    def diverging(size: int, got: Terms) -> Terms:
        return dataclasses.replace(got, total=got.total * float("nan"))

    monkeypatch.setattr(step, "terms", failing_terms(diverging))
    with pytest.raises(TrainingError, match="not finite") as stopped:
        go(tmp_path / "run")
    assert "smaller learning rate" in stopped.value.hint
    assert same(weights(tmp_path / "run" / checkpoints.LAST), good)


def test_a_full_disk_ends_the_run_in_words_and_harms_nothing_saved(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_spec(speech).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    good = weights(tmp_path / "run" / checkpoints.LAST)

    def full(self: StateFiles, *state: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StateFiles, "save", full)
    with pytest.raises(TrainingError, match="No space left"):
        go(tmp_path / "run")
    monkeypatch.undo()
    assert good.keys() == weights(tmp_path / "run" / checkpoints.LAST).keys()
    assert go(tmp_path / "run").epochs >= 3
