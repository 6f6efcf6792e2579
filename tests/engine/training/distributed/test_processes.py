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
from small_runs import MODEL, Watcher, changed, go, run_spec

from engine.api import Control
from engine.api.errors import SpecError, TrainingError
from engine.api.specs import ModelSpec, TrainSpec
from engine.training import setup
from engine.training.distributed.launch import LaunchedProcess
from engine.training.distributed.processes import Processes
from engine.training.state import StateFiles

pytestmark = pytest.mark.timeout(300)  # some start processes that import torch
ROOT = Path(setup.__file__).resolve().parents[2]
SHARED_RUNS = Path(__file__).with_name("shared_runs.py")
RATE_HZ = 16_000
# All at once: attributes and contrast, crops longer than some clips, and a batch that two do not divide evenly.
TIMESCALE = dataclasses.replace(MODEL, views="timescale", sounds=3)
UNEVEN = changed(batch_size=5, crop_s=1.0, epochs=6, contrast=0.5, precision="float32")
STEPS = {
    f"{views}, {reduction}": (model, dataclasses.replace(UNEVEN, reduction=reduction))
    for views, model in (("plain", MODEL), ("timescale", TIMESCALE))
    for reduction in ("paper", "equation")
}


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
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TRIPTYCH_CACHE": str(cache)}
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


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, made_up: list[Path]) -> Path:
    """The folder in which two processes took STEPS and trained three runs: started once, for that takes longest."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "steps.json").write_text(json.dumps([(m.to_dict(), t.to_dict()) for m, t in STEPS.values()]))
    for name, model in (("plain", MODEL), ("timescale", TIMESCALE), ("stopped", MODEL)):
        run_spec(made_up, UNEVEN, model=model).write(folder / name)
    with started(folder / "cache", str(SHARED_RUNS), str(folder)) as child:
        _, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    return folder


@pytest.mark.parametrize("name", STEPS)
def test_terms_gradients_and_statistics_of_a_shared_step_are_those_of_one_process(name: str, two: Path) -> None:
    found = json.loads((two / "found.json").read_text())["steps"][list(STEPS).index(name)]
    assert found["count"] == 2
    assert found["largest"] > 0.1
    assert max(found["apart"].values()) < 1e-5, found["apart"]


@pytest.mark.parametrize(("name", "model"), [("plain", MODEL), ("timescale", TIMESCALE)])
def test_two_processes_learn_what_one_learns_at_the_same_batch(
    name: str, model: ModelSpec, two: Path, tmp_path: Path, made_up: list[Path]
) -> None:
    run_spec(made_up, UNEVEN, model=model).write(tmp_path / name)
    whole = go(tmp_path / name)
    assert json.loads((two / "found.json").read_text())["runs"][name] == whole.steps
    ones, others = logged(tmp_path / name, "validation"), logged(two / name, "validation")
    assert [line["step"] for line in ones] == [line["step"] for line in others]
    assert len(ones) > 5
    for a, b in zip(ones, others, strict=True):
        assert b["terms"] == pytest.approx(a["terms"], rel=1e-5, abs=1e-5)
    assert abs(ones[-1]["terms"]["total"] - ones[0]["terms"]["total"]) > 0.1  # and something happened
    assert logged(two / name, "start")[0]["processes"] == 2
    assert {path.name for path in (two / name).iterdir()} == {path.name for path in (tmp_path / name).iterdir()}


def test_a_stop_requested_of_one_process_stops_all_at_one_step_and_one_process_goes_on(two: Path) -> None:
    run_dir = two / "stopped"
    step = json.loads((two / "found.json").read_text())["runs"]["stopped"]
    assert logged(run_dir, "stopped")[0]["step"] == StateFiles(run_dir).load().progress.step == step == 4
    assert go(run_dir).steps > step
    ones, others = logged(two / "plain", "validation"), logged(run_dir, "validation")
    assert others[-1]["terms"] == pytest.approx(ones[-1]["terms"], rel=1e-5, abs=1e-5)


def test_a_killed_process_ends_the_run_in_words_and_it_goes_on_from_its_last_save(
    tmp_path: Path, made_up: list[Path]
) -> None:
    run_dir = tmp_path / "run"
    run_spec(made_up, changed(epochs=3000, batch_size=5, checkpoint_minutes=0.01)).write(run_dir)
    with started(tmp_path / "cache", "-m", "engine", "train", "--resume", str(run_dir)) as child:
        wait_until(lambda: (run_dir / "log.jsonl").exists() and len(logged(run_dir, "saved")) > 0, child)
        os.kill(process_of_rank(1, child.pid), signal.SIGKILL)
        _, err = child.communicate(timeout=100)
    assert child.returncode != 0
    assert "Another process of this run has ended" in err
    assert "go on with --resume" in err
    saved = StateFiles(run_dir).load().progress.step
    assert saved == logged(run_dir, "saved")[-1]["step"] > 0
    done = go(run_dir, Watcher(lambda look: Control.STOP if look > 3 else Control.RUN))
    assert done.stopped
    assert done.steps > saved  # one process went on with what two began


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


@pytest.mark.parametrize("size", [2, 5, 8, 33])
def test_the_shares_of_a_batch_are_all_of_it_and_even(size: int) -> None:
    taken: list[int] = []
    for number in range(2):
        rows, _ = Processes(LaunchedProcess(number, 2)).share(size)
        taken += range(rows.start, rows.stop)
        assert abs((rows.stop - rows.start) - size / 2) < 1
    assert taken == list(range(size))


def test_asked_to_end_by_the_system_a_process_requests_the_stop_of_all() -> None:
    processes = Processes()
    control = processes.watching(lambda: Control.RUN)
    assert control() is Control.RUN
    processes.ask_to_end(signal.SIGTERM, None)
    assert control() is Control.STOP
    assert processes.watching(lambda: Control.CANCEL)() is Control.CANCEL


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="this machine has cards enough")
def test_a_card_for_each_process_or_words() -> None:
    with pytest.raises(SpecError):
        Processes(LaunchedProcess(1, 2, 1, 2)).device("cuda:0" if torch.cuda.is_available() else "cuda")
    assert Processes(LaunchedProcess(1, 2, 1, 2)).device("cpu") == torch.device("cpu")


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
        setup.prepare(tmp_path, watcher.report, watcher.control, Processes(LaunchedProcess(0, 3)))
    assert watcher.events == []
