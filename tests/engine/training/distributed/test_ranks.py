"""Two processes train one model as one does: real ones, started by torchrun, over gloo."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from small_runs import MODEL, Watcher, changed, go, run_spec, weights

from engine.api import Control, RunSpec
from engine.api.errors import SpecError, TrainingError
from engine.api.specs import ModelSpec, TrainSpec
from engine.training import loop
from engine.training.distributed.launch import Place, place
from engine.training.distributed.ranks import Ranks
from engine.training.state import StateFiles

pytestmark = pytest.mark.timeout(300)  # each starts several processes that import torch
ROOT = Path(loop.__file__).resolve().parents[2]
RATE_HZ = 16_000
# Every road at once: levels and contrast, pieces longer than some clips, and a batch that does not divide by two.
TIMESCALE = dataclasses.replace(MODEL, views="timescale", sounds=3)
COMMAND = ("-m", "engine", "train", "--resume")
UNEVEN = changed(batch_size=5, crop_s=1.0, epochs=6, contrast=0.5)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight clips of 0.6 to 2 seconds: harmonics of a gliding pitch under slow formants, and a little noise."""
    folder = tmp_path_factory.mktemp("made-up")
    rng = np.random.default_rng(0)
    paths = []
    for number, seconds in enumerate(np.linspace(0.6, 2.0, 8)):
        times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        pitch_hz = (100.0 + 20.0 * number) * (1.0 + 0.1 * np.sin(2.0 * np.pi * 1.5 * times_s))
        phase = 2.0 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
        formant = 6.0 + 4.0 * np.sin(2.0 * np.pi * 3.0 * times_s + number)
        voice = sum(np.exp(-(((k - formant) / 4.0) ** 2)) * np.sin(k * phase) for k in range(1, 20))
        paths.append(folder / f"speaker{number % 2}" / f"{number}.wav")
        paths[-1].parent.mkdir(exist_ok=True)
        soundfile.write(paths[-1], 0.1 * voice + 0.003 * rng.standard_normal(len(times_s)), RATE_HZ)
    return paths


@contextlib.contextmanager
def started(cache: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Two processes of a command under torchrun, ended with the test."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TRIPTYCH_CACHE": str(cache)
    }  # fmt: skip
    with subprocess.Popen(
        [*launcher, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
                child.communicate()


def logged(run_dir: Path, event: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (run_dir / "log.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] == event]


def the_same_curves(one: Path, other: Path) -> None:
    """Step by step the same held-out terms.

    Adam's first steps follow the signs of gradients, also of those that are zero but for rounding, so curves part a
    little; that the gradients do not is a test of its own.
    """
    ones, others = logged(one, "validation"), logged(other, "validation")
    assert [line["step"] for line in ones] == [line["step"] for line in others]
    assert len(ones) > 5
    for a, b in zip(ones, others, strict=True):
        assert b["terms"] == pytest.approx(a["terms"], rel=1e-3, abs=1e-3)
    assert abs(ones[-1]["terms"]["total"] - ones[0]["terms"]["total"]) > 0.1  # and something happened


STEP = """
import json, sys
from dataclasses import replace
import torch
from engine.model.aux_vae import AuxVAE
from engine.model.objective import TERM_NAMES, terms
from engine.training.distributed.ranks import Ranks, joined
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model.timescale.inputs import Batch, for_training

def step(ranks, spec, train):
    "Terms, gradients and buffers of one step over five pieces, one of them short."
    torch.manual_seed(0)
    model = AuxVAE(spec)
    model.set_scaling(torch.full((spec.bands,), -5.0), torch.tensor(1.5))
    if model.hears_levels:
        model.sound_weights.fill_(1.0 / spec.sounds)
        model.sound_means.normal_()
        model.sound_offsets.normal_(0.0, 0.5)
    mel, other = 1.5 * torch.randn(2, 5, 96, spec.bands) - 5.0
    f0, other_f0 = torch.where(torch.rand(2, 5, 96) < 0.6, 120.0 + 60.0 * torch.rand(2, 5, 96), torch.nan)
    lengths = torch.tensor([96, 96, 96, 96, 70])
    generator = torch.Generator().manual_seed(1)
    with ranks.share(5) as rows:
        batch = Batch(*(values[rows] for values in (mel, f0, other, other_f0, lengths)))
        with torch.no_grad():
            views = for_training(batch, spec, generator, AudioSpec(), model.average)
        got = terms(model, views, train, lengths=lengths[rows], generator=generator)
        got.loss.backward()
    held = torch.stack([getattr(got, name).detach() for name in TERM_NAMES])
    held = ranks.add_up(held, list(model.parameters()))
    return {
        **{f"term {name}": value for name, value in zip(TERM_NAMES, held)},
        **{f"gradient {name}": value.grad for name, value in model.named_parameters()},
        **{f"buffer {name}": value for name, value in model.named_buffers()},
        "draws": generator.get_state().float(),
    }

def apart(ranks, spec, train):
    "How far a shared step is from one process's; None where this is not the first."
    together = step(ranks, spec, train)
    if not ranks.first:
        return None
    alone = step(Ranks(), spec, train)
    largest = max(float(v.abs().max()) for name, v in alone.items() if name.startswith("gradient"))
    def size(name, v):
        return largest if name.startswith("gradient") else max(1.0, float(v.abs().max()))

    differences = {name: float((together[name] - v).abs().max()) / size(name, v) for name, v in alone.items()}
    return {"count": ranks.count, "largest": largest, "apart": differences}

with joined() as ranks:
    found = [apart(ranks, ModelSpec.from_dict(m), TrainSpec.from_dict(t)) for m, t in json.loads(sys.argv[1])]
    if ranks.first:
        print(json.dumps(found))
"""
STEPS = {
    f"{views}, {reduction}": (model, dataclasses.replace(UNEVEN, reduction=reduction))
    for views, model in (("plain", MODEL), ("timescale", TIMESCALE))
    for reduction in ("paper", "equation")
}


@pytest.fixture(scope="module")
def shared_steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two processes found of each of STEPS: started once, for that takes longest."""
    folder = tmp_path_factory.mktemp("steps")
    script = folder / "step.py"
    script.write_text(STEP)
    wanted = json.dumps([(model.to_dict(), train.to_dict()) for model, train in STEPS.values()])
    with started(folder, str(script), wanted) as child:
        out, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    return dict(zip(STEPS, json.loads(out), strict=True))


@pytest.mark.parametrize("name", STEPS)
def test_terms_gradients_and_statistics_of_a_shared_step_are_those_of_one_process(
    name: str, shared_steps: dict[str, Any]
) -> None:
    found = shared_steps[name]
    assert found["count"] == 2
    assert found["largest"] > 0.1
    assert max(found["apart"].values()) < 1e-5, found["apart"]


@pytest.mark.parametrize("model", [MODEL, TIMESCALE], ids=["plain", "timescale"])
def test_two_processes_learn_what_one_learns_at_the_same_batch(
    tmp_path: Path, triptych_home: Path, made_up: list[Path], model: ModelSpec
) -> None:
    for name in ("one", "two"):
        run_spec(made_up, UNEVEN, model=model).write(tmp_path / name)
    whole = go(tmp_path / "one")
    with started(tmp_path / "cache", *COMMAND, str(tmp_path / "two"), "--json") as child:
        out, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    told = json.loads(out)  # one process speaks
    assert told["steps"] == whole.steps
    the_same_curves(tmp_path / "one", tmp_path / "two")
    assert all(bool(torch.isfinite(value).all()) for value in weights(told["last"]).values())
    assert logged(tmp_path / "two", "start")[0]["processes"] == 2
    assert {path.name for path in (tmp_path / "two").iterdir()} == {p.name for p in (tmp_path / "one").iterdir()}


def test_when_a_process_is_killed_the_run_is_saved_says_so_and_goes_on_with_another_number(
    tmp_path: Path, made_up: list[Path]
) -> None:
    # Over so many steps the roundings of bfloat16 alone take two curves as far apart as is allowed here.
    spec = changed(epochs=60, batch_size=5, precision="float32")
    for name in ("whole", "broken"):
        run_spec(made_up, spec).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    run_dir = tmp_path / "broken"
    with started(tmp_path / "cache", *COMMAND, str(run_dir)) as child:
        wait_until(lambda: (run_dir / "log.jsonl").exists() and len(logged(run_dir, "validation")) >= 3, child)
        os.kill(process_of_rank(1, child.pid), signal.SIGKILL)
        _, err = child.communicate(timeout=100)
    assert child.returncode != 0
    assert "Another process of this run has ended" in err
    assert "go on with --resume" in err
    lost = logged(run_dir, "lost")
    standing = StateFiles(run_dir).load().standing
    assert len(lost) == 1
    assert 0 < standing.step == lost[0]["step"] < whole.steps  # not a step is lost
    resumed = go(run_dir)  # one process goes on with what two began
    assert resumed.steps == whole.steps
    the_same_curves(tmp_path / "whole", run_dir)


def test_a_launcher_that_begins_lost_processes_anew_ends_the_run_as_if_none_was_lost(
    tmp_path: Path, made_up: list[Path]
) -> None:
    run_dir = tmp_path / "run"
    corpus = made_up[0].parents[1]
    asked = ("--corpus", str(corpus), "--epochs", "30", "--batch", "6", "--device", "cpu", "--json")
    command = ("--max-restarts", "1", "-m", "engine", "train", str(run_dir), *asked)
    with started(tmp_path / "cache", *command) as child:
        wait_until(lambda: (run_dir / "log.jsonl").exists() and len(logged(run_dir, "validation")) >= 3, child)
        os.kill(process_of_rank(1, child.pid), signal.SIGKILL)
        out, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    assert len(logged(run_dir, "lost")) == len(logged(run_dir, "resume")) == len(logged(run_dir, "done")) == 1
    assert json.loads(out.splitlines()[-1])["steps"] == logged(run_dir, "done")[0]["step"]


def test_the_first_processs_clock_plans_a_time_budget_for_all(tmp_path: Path, made_up: list[Path]) -> None:
    run_dir = tmp_path / "run"
    run_spec(made_up, changed(epochs=100_000, minutes=0.05, batch_size=5)).write(run_dir)
    with started(tmp_path / "cache", *COMMAND, str(run_dir), "--json") as child:
        out, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    told, plans = json.loads(out), logged(run_dir, "plan")
    assert 1.5 < told["seconds"] < 30.0
    assert told["steps"] * 5 >= plans[-1]["crops"] > (told["steps"] - 1) * 5


def test_asked_to_end_by_the_system_all_stop_at_one_step_and_keep_it(tmp_path: Path, made_up: list[Path]) -> None:
    run_dir = tmp_path / "run"
    run_spec(made_up, changed(epochs=5000, batch_size=5)).write(run_dir)
    with started(tmp_path / "cache", *COMMAND, str(run_dir)) as child:
        wait_until(lambda: (run_dir / "log.jsonl").exists() and len(logged(run_dir, "plan")) > 0, child)
        os.kill(process_of_rank(1, child.pid), signal.SIGTERM)
        _, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    assert logged(run_dir, "stopped")[0]["step"] == StateFiles(run_dir).load().standing.step


STEERED = """
import os, sys
from pathlib import Path
from engine.training import loop
from engine.api import Control

run_dir, wishes = Path(sys.argv[1]), Path(sys.argv[2])
number = os.environ["RANK"]

def control():
    "What the test wishes of this process, told by files; one line a look."
    with (wishes / f"looks{number}").open("a") as looks:
        looks.write("looked\\n")
    asked = [wish for wish in (Control.STOP, Control.PAUSE) if (wishes / f"{wish.value}{number}").exists()]
    return asked[0] if asked else Control.RUN

loop.train(run_dir, lambda event: None, control)
"""


def test_a_wish_to_pause_told_to_one_process_holds_all_until_it_is_taken_back_or_another_wishes_to_stop(
    tmp_path: Path, made_up: list[Path]
) -> None:
    run_dir, script = tmp_path / "run", tmp_path / "steered.py"
    run_spec(made_up, changed(epochs=50_000, batch_size=5)).write(run_dir)
    script.write_text(STEERED)

    def looks(number: int) -> int:
        return (tmp_path / f"looks{number}").read_text().count("\n")

    with started(tmp_path / "cache", str(script), str(run_dir), str(tmp_path)) as child:
        wait_until(lambda: (run_dir / "log.jsonl").exists() and len(logged(run_dir, "plan")) > 0, child)
        (tmp_path / "pause1").touch()
        wait_until(lambda: len(logged(run_dir, "paused")) == 1, child)
        before = [looks(number) for number in range(2)]
        wait_until(lambda: all(looks(number) > before[number] + 5 for number in range(2)), child)
        standing = StateFiles(run_dir).load().standing
        assert standing.step == logged(run_dir, "paused")[0]["step"]
        assert len(logged(run_dir, "paused")) == 1  # and neither has gone on
        (tmp_path / "pause1").unlink()
        wait_until(lambda: logged(run_dir, "train")[-1]["step"] > standing.step, child)
        (tmp_path / "pause0").touch()
        wait_until(lambda: len(logged(run_dir, "paused")) == 2, child)
        (tmp_path / "stop1").touch()
        _, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    assert logged(run_dir, "stopped")[0]["step"] == logged(run_dir, "paused")[1]["step"] > standing.step


def wait_until(true: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90.0
    while not true():
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def process_of_rank(rank: int, launcher: int) -> int:
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    for pid in children:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in environment:
            return int(pid)
    raise AssertionError(f"torchrun has no child of rank {rank}")


# ------------------------------------------------------------------------------------------------- in one process
def test_a_process_is_alone_unless_a_launcher_says_otherwise() -> None:
    assert place({}) == place({"RANK": "1", "WORLD_SIZE": "2"}) == Place()
    told = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
    address = {"MASTER_ADDR": "here", "MASTER_PORT": "1"}
    assert place({**told, **address, "TORCHELASTIC_RESTART_COUNT": "2"}) == Place(5, 8, 1, 4, 2)


@pytest.mark.parametrize("size", [2, 5, 8, 33])
def test_the_shares_of_a_batch_are_all_of_it_and_even(size: int) -> None:
    taken: list[int] = []
    for number in range(2):
        with Ranks(Place(number, 2)).share(size) as rows:
            taken += range(rows.start, rows.stop)
            assert abs((rows.stop - rows.start) - size / 2) < 1
    assert taken == list(range(size))


def test_a_batch_smaller_than_the_processes_is_the_firsts() -> None:
    for number, wanted in ((0, slice(0, 2)), (1, slice(0, 0)), (2, slice(0, 0))):
        with Ranks(Place(number, 3)).share(2) as rows:
            assert rows == wanted


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="this machine has cards enough")
def test_a_card_for_each_process_or_words() -> None:
    with pytest.raises(SpecError):
        Ranks(Place(1, 2, 1, 2)).device("cuda:0" if torch.cuda.is_available() else "cuda")
    assert Ranks(Place(1, 2, 1, 2)).device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("model", "train", "said"),
    [
        (dataclasses.replace(MODEL, system="vae"), UNEVEN, "one process alone"),
        (MODEL, changed(batch_size=2), "too small for 3 processes"),
    ],
)
def test_what_cannot_be_shared_is_refused_before_the_corpus_is_read(
    tmp_path: Path, made_up: list[Path], model: ModelSpec, train: TrainSpec, said: str
) -> None:
    run_spec(made_up, train, model=model).write(tmp_path)
    watcher = Watcher(lambda look: Control.CANCEL)
    with pytest.raises(TrainingError, match=said):
        loop._Trainer(tmp_path, RunSpec.read(tmp_path), watcher.report, watcher.control, Ranks(Place(0, 3)))
    assert watcher.events == []
