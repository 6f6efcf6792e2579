"""The saved state of a run: damaged, of another kind, and of version 0.1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from small_runs import Watcher, changed, go, run_spec, same, weights

from engine.api import Control, RunSpec
from engine.api.errors import CheckpointError, TrainingError
from engine.model import baselines, checkpoint, tensor_file, weight_names
from engine.training.state import StateFiles

RUN_OF_0_1 = Path(__file__).with_name("run_of_0_1")
NUMBERS_OF_0_1 = json.loads((RUN_OF_0_1 / "numbers.json").read_text())


def test_a_kill_while_saving_leaves_the_state_before(tmp_path: Path, speech: list[Path]) -> None:
    for name in ("whole", "run"):
        run_spec(speech).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    for looks in (4, 4):
        go(tmp_path / "run", Watcher(lambda look, looks=looks: Control.STOP if look > looks else Control.RUN))
    newest = tmp_path / "run" / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1000])
    assert same(weights(go(tmp_path / "run").last), weights(whole.last))


def test_a_run_whose_states_are_both_damaged_says_so(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "run")
    go(tmp_path / "run")
    (tmp_path / "run" / "state.safetensors").write_text("not a state")
    with pytest.raises(TrainingError, match="cannot be read"):
        go(tmp_path / "run")


def test_a_state_is_not_taken_for_a_model(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "run")
    go(tmp_path / "run")
    with pytest.raises(CheckpointError, match="another kind"):
        tensor_file.read(tmp_path / "run" / "state.safetensors", checkpoint.FORMAT, 1)


@pytest.fixture
def run_of_0_1(tmp_path: Path, example_set: Path) -> Path:
    """A run that version 0.1.0 stopped at step 30 of 100, and its corpus."""
    run_dir, corpus = tmp_path / "run", tmp_path / "corpus"
    shutil.copytree(RUN_OF_0_1, run_dir)
    spec = json.loads((run_dir / "spec.json").read_text())
    (run_dir / "spec.json").write_text(json.dumps(spec | {"folders": [str(corpus)]}))
    corpus.mkdir()
    for name in NUMBERS_OF_0_1["clips"]:
        shutil.copy(example_set / name, corpus)
    return run_dir


def test_a_run_of_version_0_1_goes_on(run_of_0_1: Path) -> None:
    watcher = Watcher()
    done = go(run_of_0_1, watcher)
    state, end = NUMBERS_OF_0_1["state"], NUMBERS_OF_0_1["end"]
    assert done.steps == end["step"]
    assert watcher.points("train")[0].step > state["step"]
    # Other random numbers than version 0.1.0's, and as good a model.
    assert done.validation["total"] == pytest.approx(end["terms"]["total"], rel=0.02)
    assert done.validation["total"] > state["terms"]["total"] + 5.0


def test_adams_memory_of_version_0_1_returns_to_its_parameters(run_of_0_1: Path) -> None:
    saved = StateFiles(run_of_0_1).load()
    model = baselines.build(RunSpec.read(run_of_0_1).model)
    optimiser, generator = torch.optim.Adam(model.parameters(), fused=True), torch.Generator()
    saved.restore(model, optimiser, generator)
    named = weight_names.to_file(dict(model.named_parameters()))
    assert named.keys() == set(NUMBERS_OF_0_1["parameters"])
    for index, name in enumerate(NUMBERS_OF_0_1["parameters"]):
        memory = optimiser.state[named[name]]
        for part in ("step", "exp_avg", "exp_avg_sq"):
            assert torch.equal(memory[part], saved.tensors[f"optimiser.{index}.{part}"])
        assert torch.equal(named[name], saved.tensors[f"model.{name}"])
