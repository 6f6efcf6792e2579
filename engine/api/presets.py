"""Named starting points for training: the sizes of a model and how it is trained."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from engine.api.specs import ModelSpec, TrainSpec


@dataclass(frozen=True)
class Preset:
    """A named starting point: model and training settings with one line of advice."""

    name: str
    advice: str
    model: ModelSpec
    train: TrainSpec


def presets() -> dict[str, Preset]:
    """Every preset by name, in the order a menu shows them."""
    small = ModelSpec(
        latent=128,
        global_channels=(96, 128, 192),
        medium_channels=(96, 128, 192),
        local_channels=(256, 256),
        decoder_channels=(256, 256, 256),
        predictor_m_channels=(256, 256),
        predictor_h_channels=(256,),
        views="timescale",
        sounds=16,
    )
    larger = ModelSpec(
        latent=256,
        global_channels=(128, 192, 256),
        medium_channels=(128, 192, 256),
        local_channels=(384, 384),
        decoder_channels=(384, 384, 384),
        predictor_m_channels=(384, 384),
        predictor_h_channels=(384,),
        views="timescale",
        sounds=32,
    )
    brief = TrainSpec(
        preset="quick",
        learning_rate=1e-3,
        schedule="cosine",
        batch_size=20,
        crop_s=2.0,
        minutes=2.3,
        epochs=1000,
        contrast=1.0,
    )
    items = (
        Preset(
            "quick",
            "A smaller model in about three minutes on two CPU cores; for a first look at your recordings.",
            small,
            brief,
        ),
        Preset(
            "transfer",
            "The recipe of the starter model: half an hour on two CPU cores; cleaner sound and voices than quick.",
            larger,
            dataclasses.replace(brief, preset="transfer", minutes=30.0, epochs=10_000),
        ),
        Preset(
            "paper",
            "The paper's sizes and hyperparameters: 40 epochs, learning rate 1e-4; meant for a GPU.",
            ModelSpec(),
            TrainSpec(preset="paper"),
        ),
    )
    return {item.name: item for item in items}
