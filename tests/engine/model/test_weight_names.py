"""Weight names: files have the same ones in every version, whatever the modules are called."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.api.specs import ModelSpec
from engine.model import checkpoint, weight_names
from engine.model.aux_vae import AuxVAE
from engine.runtime.resources import default_model


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return AuxVAE(ModelSpec(latent=4, views="timescale", sounds=3)).state_dict()


def test_what_goes_into_a_file_comes_back_under_the_modules_names(state: dict[str, torch.Tensor]) -> None:
    stored = weight_names.to_file(state)
    assert not any("attribute_heads" in name or "running_var." in name for name in stored)
    back = weight_names.from_file(stored)
    counters = {name for name in state if name.endswith("num_batches_tracked")}
    assert counters
    assert back.keys() == state.keys() - counters
    assert all(torch.equal(back[name], state[name]) for name in back)


def test_the_starter_written_again_has_the_same_tensors(tmp_path: Path) -> None:
    starter = default_model()
    assert starter is not None
    held = checkpoint.load(starter)
    again = tmp_path / "again.triptych.safetensors"
    checkpoint.save(again, held.model, held.audio, held.train, held.provenance, held.extra, held.vocoder)
    before, after = load_file(starter), load_file(again)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
