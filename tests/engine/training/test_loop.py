"""Training on four clips: a run's files and curves; stopped, paused, cancelled, killed and resumed."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from small_runs import MODEL, TRAIN, Watcher, changed, go, run_spec, same, weights

from engine.api import Control, Progress
from engine.api.errors import Cancelled
from engine.model import checkpoint
from engine.model.objective import TERM_NAMES
from engine.training import checkpoints, loop
from engine.training.state import StateFiles


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_run_leaves_a_model_its_curves_and_its_provenance(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, name="first").write(tmp_path / "run")
    watcher = Watcher()
    done = go(tmp_path / "run", watcher)
    assert not done.stopped
    assert done.epochs >= 3
    assert set(done.terms) == set(done.validation) == set(TERM_NAMES)
    loaded = checkpoint.load(done.model)
    assert loaded.model.spec == MODEL
    assert loaded.train == TRAIN
    assert loaded.provenance["corpus"]["recordings"] == 4
    assert loaded.provenance["corpus"]["held_out"] == 1
    assert loaded.provenance["corpus"]["speakers"] == 2
    assert loaded.provenance["steps"] <= done.steps
    assert str(tmp_path) not in json.dumps(loaded.provenance)
    assert checkpoint.load(done.last).provenance["steps"] == done.steps
    validation = watcher.points("validation")
    assert validation[0].step == 0
    assert validation[-1].step == done.steps
    assert validation[-1].terms["error"] < validation[0].terms["error"]
    assert done.validation["total"] == max(point.terms["total"] for point in validation[1:])
    assert watcher.points("train")
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {line["event"] for line in logged} >= {"start", "plan", "train", "validation", "saved", "done"}
    assert any(isinstance(event, Progress) and event.fraction is not None for event in watcher.events)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(tmp_path: Path, speech: list[Path]) -> None:
    models = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_spec(speech, changed(epochs=1, seed=seed)).write(tmp_path / name)
        models.append(weights(go(tmp_path / name).last))
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_a_run_leaves_the_thread_count_and_the_random_numbers_of_its_caller_alone(
    tmp_path: Path, speech: list[Path]
) -> None:
    run_spec(speech, changed(epochs=1, threads=1)).write(tmp_path / "run")
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    go(tmp_path / "run")
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_a_finished_run_asked_again_answers_at_once(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "run")
    first = go(tmp_path / "run")
    watcher = Watcher()
    again = go(tmp_path / "run", watcher)
    assert dataclasses.replace(again, device="") == dataclasses.replace(first, device="")
    assert watcher.points("train") == []


@pytest.mark.parametrize("threads", [1, 2])
def test_stopping_keeps_a_model_and_resuming_ends_as_if_never_stopped(
    tmp_path: Path, speech: list[Path], threads: int
) -> None:
    for name in ("whole", "stopped"):
        run_spec(speech, changed(threads=threads)).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    go(tmp_path / "stopped", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    assert not same(weights(tmp_path / "stopped" / checkpoints.LAST), weights(whole.last))
    stopped_at = checkpoint.load(tmp_path / "stopped" / checkpoints.LAST).provenance["steps"]
    assert 0 < stopped_at < whole.steps
    resumed = go(tmp_path / "stopped")
    assert resumed.steps == whole.steps
    assert same(weights(resumed.last), weights(whole.last))
    assert same(weights(resumed.model), weights(whole.model))


def test_stopping_before_the_first_step_still_leaves_a_model(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech).write(tmp_path / "run")
    done = go(tmp_path / "run", Watcher(lambda look: Control.STOP))
    assert (done.stopped, done.steps) == (True, 0)
    checkpoint.load(done.model)


def test_cancelling_raises_and_keeps_what_was_saved(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    saved = (tmp_path / "run" / "state.safetensors").read_bytes()
    with pytest.raises(Cancelled):
        go(tmp_path / "run", Watcher(lambda look: Control.CANCEL if look > 6 else Control.RUN))
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == saved


def test_a_pause_saves_and_changes_nothing(tmp_path: Path, speech: list[Path]) -> None:
    for name in ("whole", "paused"):
        run_spec(speech).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    watcher = Watcher(lambda look: Control.PAUSE if 5 <= look <= 8 else Control.RUN)
    paused = go(tmp_path / "paused", watcher)
    assert any(isinstance(event, Progress) and "Paused" in event.message for event in watcher.events)
    assert "paused" in (tmp_path / "paused" / "log.jsonl").read_text()
    assert same(weights(paused.last), weights(whole.last))


CHILD = """
import sys
from engine.api import Control
from engine.training.loop import train

def control():
    print("look", flush=True)
    return Control.RUN

if __name__ == "__main__":
    train(sys.argv[1], lambda event: None, control)
"""


def test_a_run_killed_in_mid_epoch_and_resumed_equals_one_never_killed(
    tmp_path: Path, speech: list[Path], one_thread: None
) -> None:
    spec = changed(epochs=60, checkpoint_minutes=0.01)
    for name in ("whole", "killed"):
        run_spec(speech, spec).write(tmp_path / name)
    whole = go(tmp_path / "whole")

    script = tmp_path / "child.py"
    script.write_text(CHILD)
    state = tmp_path / "killed" / "state.safetensors"
    root = str(Path(loop.__file__).resolve().parents[2])
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "killed")], stdout=subprocess.PIPE, env=_environment(root)
    ) as child:
        assert child.stdout is not None
        after_save = 0
        for _ in child.stdout:
            after_save += state.exists()
            if after_save == 6:  # two or three steps beyond a save
                child.kill()
        assert child.wait() == -signal.SIGKILL

    progress = StateFiles(tmp_path / "killed").load().progress
    assert 0 < progress.step < whole.steps
    resumed = go(tmp_path / "killed")
    assert resumed.steps == whole.steps
    assert same(weights(resumed.last), weights(whole.last))
    assert same(weights(resumed.model), weights(whole.model))
    assert resumed.validation == whole.validation
    steps = [
        line["step"]
        for line in map(json.loads, (tmp_path / "killed" / "log.jsonl").read_text().splitlines())
        if line["event"] == "validation"
    ]
    assert steps == sorted(set(steps))


def _environment(root: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
