"""Compiled networks give the plain ones' numbers; where they cannot be compiled a run says so and goes on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from small_runs import MODEL, TRAIN, Watcher, changed, go, run_spec, same, weights

from engine.model.aux_vae import AuxVAE
from engine.model.objective import terms
from engine.model.timescale.inputs import NetworkInputs
from engine.training.compilation import compile_trunks
from engine.training.state import StateFiles


class RefusedError(RuntimeError):
    """What a compiler may say."""


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RefusedError("\nno working C++ compiler\n  in a long story")

    monkeypatch.setattr(torch.nn.Module, "compile", refuse)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_networks_give_the_terms_and_gradients_of_the_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced whole, forwards and backwards, and run as traced; to make machine code of it takes a minute."""
    compiled_by = torch.nn.Module.compile

    def traced(module: torch.nn.Module) -> None:
        compiled_by(module, backend="aot_eager", fullgraph=True)

    monkeypatch.setattr(torch.nn.Module, "compile", traced)
    model = AuxVAE(dataclasses.replace(MODEL, global_channels=(16,), medium_channels=(16,), local_channels=(16,)))
    x = torch.randn(3, 128, MODEL.bands)

    def step() -> list[torch.Tensor]:
        model.zero_grad()
        got = terms(model, NetworkInputs.plain(x), TRAIN, generator=torch.Generator().manual_seed(0))
        got.loss.backward()
        return [got.total.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)]

    plain = step()
    assert compile_trunks(model, lambda: None) is None
    try:
        compiled = step()
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0  # it did compile
    finally:
        torch._dynamo.reset()
    assert len(plain) > 10
    for one, other in zip(plain, compiled, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4)


def test_a_model_that_cannot_be_compiled_is_as_it_was(no_compiler: None) -> None:
    model = AuxVAE(MODEL)
    assert compile_trunks(model, lambda: None) == "no working C++ compiler"
    assert all(module._compiled_call_impl is None for module in model.modules())


def test_a_run_that_cannot_compile_says_so_and_learns_the_same(
    tmp_path: Path, speech: list[Path], no_compiler: None
) -> None:
    run_spec(speech, changed(epochs=2)).write(tmp_path / "off")
    run_spec(speech, changed(epochs=2, compiled="on")).write(tmp_path / "on")
    plain, watcher = go(tmp_path / "off"), Watcher()
    tried = go(tmp_path / "on", watcher)
    assert [note for note in watcher.notes() if "no working C++ compiler" in note]
    assert same(weights(tried.last), weights(plain.last))


def test_the_trial_of_a_compiled_step_leaves_nothing_behind(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: None)  # the trial alone
    run_spec(speech, changed(epochs=2)).write(tmp_path / "off")
    run_spec(speech, changed(epochs=2, compiled="on")).write(tmp_path / "on")
    plain, tried = go(tmp_path / "off"), go(tmp_path / "on")
    assert same(weights(tried.last), weights(plain.last))
    states = [StateFiles(tmp_path / name).load().tensors["generator"] for name in ("off", "on")]
    assert torch.equal(*states)
