"""A paused run gives its device free and goes on exactly, whatever was listened to or lost meanwhile."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import MODEL, Watcher, changed, go, run_spec, same, weights

from engine.analysis import analyse
from engine.api import (
    Analyse,
    Audition,
    AuditionItem,
    ClipRef,
    Control,
    Progress,
    Transfer,
    checkpoints_of,
    heard_of,
)
from engine.api.errors import Cancelled, TrainingError
from engine.evaluation import audition_job
from engine.model.aux_vae import AuxVAE
from engine.runtime import devices
from engine.training.data import batches
from engine.training.data.gpu_corpus import ResidentCorpus

PAUSED_AT = 5  # of the looks of the loop, which takes one a step


def held(kind: type) -> list[Any]:
    gc.collect()
    return [one for one in gc.get_objects() if issubclass(type(one), kind)]  # asking some objects warns


class Pausing(Watcher):
    """Pauses for a few looks, and does something in the midst of the pause."""

    def __init__(self, meanwhile: Any, end: Control = Control.RUN) -> None:
        super().__init__(self._next)
        self._meanwhile, self._end = meanwhile, end
        self.paused_words = ""

    def _next(self, look: int) -> Control:
        if look < PAUSED_AT:
            return Control.RUN
        if look == PAUSED_AT + 2:
            self.paused_words = next(e.message for e in reversed(self.events) if isinstance(e, Progress))
            self._meanwhile()
        return Control.PAUSE if look <= PAUSED_AT + 3 else self._end


@pytest.fixture
def whole(tmp_path: Path, speech: list[Path]) -> Any:
    run_spec(speech, changed(epochs=4)).write(tmp_path / "whole")
    run_spec(speech, changed(epochs=4)).write(tmp_path / "paused")
    return go(tmp_path / "whole")


def numbers(run_dir: Path) -> list[tuple[int, int, dict[str, float]]]:
    return [(kept.step, kept.number, kept.terms) for kept in checkpoints_of(run_dir)]


def test_nothing_large_stays_on_the_device_and_the_run_goes_on_exactly(
    tmp_path: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "fits", lambda cache, device: True)
    monkeypatch.setattr(devices, "release_memory", lambda device: 3_200_000_000)
    seen: list[tuple[int, int]] = []

    def meanwhile() -> None:
        gradients = sum(p.grad is not None for network in held(AuxVAE) for p in network.parameters())
        seen.append((len(held(ResidentCorpus)), gradients))

    watcher = Pausing(meanwhile)
    paused = go(tmp_path / "paused", watcher)
    assert seen == [(0, 0)]
    assert watcher.paused_words.startswith("Paused at step 4; 3.2 GB of cpu")
    assert same(weights(paused.last), weights(whole.last))
    assert same(weights(paused.model), weights(whole.model))
    assert numbers(tmp_path / "paused") == numbers(tmp_path / "whole")


def test_what_is_heard_in_a_pause_leaves_the_run_as_it_was(tmp_path: Path, whole: Any, speech: list[Path]) -> None:
    run_dir = tmp_path / "paused"
    refs = (ClipRef("clip", str(speech[0])),)
    analyse.analyse(Analyse(refs, str(tmp_path / "clips"), device="cpu"), lambda event: None, lambda: Control.RUN)
    item = AuditionItem("item", "an item", Transfer(str(tmp_path / "clips" / "clip"), "", "", "", device="cpu"))

    def meanwhile() -> None:
        steps = tuple(kept.step for kept in checkpoints_of(run_dir))
        assert steps
        audition_job.audition(
            Audition(str(run_dir), steps, (item,), "cpu"), lambda event: None, lambda: Control.RUN
        )
        assert len(heard_of(run_dir, checkpoints_of(run_dir)).sounds) == len(steps)

    paused = go(run_dir, Pausing(meanwhile))
    assert same(weights(paused.last), weights(whole.last))
    assert same(weights(paused.model), weights(whole.model))
    assert heard_of(run_dir, checkpoints_of(run_dir)).sounds


@pytest.mark.parametrize("end", [Control.STOP, Control.CANCEL])
def test_a_run_that_ends_while_paused_resumes_exactly(tmp_path: Path, whole: Any, end: Control) -> None:
    try:
        go(tmp_path / "paused", Pausing(lambda: None, end))
    except Cancelled:
        assert end is Control.CANCEL
    resumed = go(tmp_path / "paused")
    assert same(weights(resumed.last), weights(whole.last))
    assert same(weights(resumed.model), weights(whole.model))


def test_memory_that_others_took_meanwhile_is_told_and_nothing_is_lost(
    tmp_path: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = torch.nn.Module.to

    def taken() -> None:
        def no_room(network: torch.nn.Module, *places: Any) -> Any:
            raise torch.OutOfMemoryError("no room")

        monkeypatch.setattr(torch.nn.Module, "to", no_room)

    with pytest.raises(TrainingError, match="is taken by others"):
        go(tmp_path / "paused", Pausing(taken))
    monkeypatch.setattr(torch.nn.Module, "to", to)
    assert same(weights(go(tmp_path / "paused").last), weights(whole.last))


def test_a_moved_optimiser_is_the_same_to_the_bit() -> None:
    network = AuxVAE(MODEL)
    optimiser = torch.optim.Adam(network.parameters())
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimiser.step()
    before = {key: {n: t.clone() for n, t in values.items()} for key, values in optimiser.state.items()}
    devices.move_training(network, optimiser, torch.device("cpu"))
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(before[key][n], t) for key, values in optimiser.state.items() for n, t in values.items())
    assert devices.release_memory(torch.device("cpu")) == 0
