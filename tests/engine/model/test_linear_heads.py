"""Linear readings that travel in a model file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import AudioSpec, CheckpointError, ModelSpec, TrainSpec
from engine.model import checkpoint, linear_heads
from engine.model.aux_vae import AuxVAE
from engine.model.linear_heads import Head

LATENT = 8


@pytest.fixture
def heads() -> dict[str, Head]:
    rng = np.random.default_rng(0)
    gender = Head(
        "gender",
        "h",
        ("female", "male"),
        rng.standard_normal((2, LATENT)).astype(np.float32),
        np.array([0.5, -0.5], np.float32),
        {"balanced accuracy": 0.93},
    )
    arousal = Head("arousal", "m", (), np.ones((1, LATENT), np.float32), np.array([0.25], np.float32))
    return {"gender": gender, "arousal": arousal}


def test_heads_come_back_from_a_model_file_as_they_were(tmp_path: Path, heads: dict[str, Head]) -> None:
    spec = ModelSpec(
        latent=LATENT,
        global_channels=(12,),
        medium_channels=(12,),
        local_channels=(16,),
        decoder_channels=(16,),
        predictor_m_channels=(8,),
        predictor_h_channels=(8,),
    )
    file = tmp_path / "m.triptych.safetensors"
    checkpoint.save(file, AuxVAE(spec), AudioSpec(), TrainSpec(), {}, linear_heads.as_tensors(heads))
    back = linear_heads.read(checkpoint.load(file).extra, LATENT)
    assert set(back) == {"gender", "arousal"}
    assert back["gender"].classes == ("female", "male")
    assert back["gender"].tested == {"balanced accuracy": 0.93}
    h = torch.linspace(-1, 1, LATENT)
    assert back["gender"].posterior(h) == heads["gender"].posterior(h)


def test_a_posterior_adds_up_to_one_and_follows_the_weights(heads: dict[str, Head]) -> None:
    towards = heads["gender"].weight[0] - heads["gender"].weight[1]
    told = heads["gender"].posterior(10.0 * towards)
    assert told["female"] > 0.99
    assert sum(told.values()) == pytest.approx(1.0)
    assert heads["gender"].posteriors(np.zeros((5, LATENT))).shape == (5, 2)
    extreme = heads["gender"].posterior(np.full(LATENT, 1e6))
    assert all(0.0 <= share <= 1.0 for share in extreme.values())


def test_a_number_is_read_from_every_second(heads: dict[str, Head]) -> None:
    seconds = np.arange(3.0)[:, None] * np.ones((3, LATENT))
    assert heads["arousal"].value(seconds).tolist() == [0.25, 8.25, 16.25]


def test_a_model_without_heads_has_none() -> None:
    assert linear_heads.read({"other": torch.zeros(3)}, LATENT) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"head.gender.weight": torch.zeros(2, LATENT + 1)},
        {"head.gender.bias": torch.full((2,), torch.nan)},
        {"head.gender.weight": torch.zeros(2, LATENT, dtype=torch.int64)},
        {"head.gender.facts": torch.zeros(4, dtype=torch.uint8)},
        {
            "head.gender.facts": torch.frombuffer(
                bytearray(b'{"reads": "q", "classes": ["a", "b"]}'), dtype=torch.uint8
            )
        },
        {"head.gender.facts": torch.zeros(4)},
    ],
)
def test_a_damaged_head_is_refused_in_words(heads: dict[str, Head], change: dict[str, torch.Tensor]) -> None:
    tensors = linear_heads.as_tensors(heads) | change
    with pytest.raises(CheckpointError, match="gender"):
        linear_heads.read(tensors, LATENT)


def test_half_a_head_is_refused(heads: dict[str, Head]) -> None:
    tensors = linear_heads.as_tensors(heads)
    del tensors["head.arousal.bias"]
    with pytest.raises(CheckpointError, match="arousal"):
        linear_heads.read(tensors, LATENT)
