"""A small model for flows: untrained, of the timescale recipe, made in a blink."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE

SMALL = ModelSpec(
    latent=16,
    global_channels=(24, 24, 24),
    medium_channels=(24, 24, 24),
    local_channels=(32, 32),
    decoder_channels=(32, 32),
    predictor_m_channels=(16,),
    predictor_h_channels=(16,),
    views="timescale",
)


def save_small_model(folder: Path) -> Path:
    """Write the model into folder; the same weights each time."""
    path = folder / "small.triptych.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        checkpoint.save(path, AuxVAE(SMALL), AudioSpec(), TrainSpec(), {"made": "for a test"})
    return path
