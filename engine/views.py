"""What each network hears.

plain: every network hears the same x, as in the paper.
timescale: each network hears speech from which everything slower than its own timescale was taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.specs import ModelSpec


@dataclass(frozen=True)
class Batch:
    """Pieces of clips, as the training loop draws them.

    mel: (batch, frames, bands) log-mel of the piece to rebuild.
    f0: (batch, frames) Hz, NaN where unvoiced.
    other: (batch, frames, bands) another piece of the same clips (the same piece where a clip is too short).
    lengths: (batch,) frames that are real; what follows is padding.
    """

    mel: torch.Tensor
    f0: torch.Tensor
    other: torch.Tensor
    lengths: torch.Tensor


@dataclass(frozen=True)
class Views:
    """Input of each network and the target, each (batch, frames, bands) of log-mel."""

    clip: torch.Tensor  # for q(h|x)
    second: torch.Tensor  # for q(m|h,x)
    frame: torch.Tensor  # for q(z|h,m,x)
    target: torch.Tensor  # what the decoder is to give back


def for_training(batch: Batch, spec: ModelSpec, generator: torch.Generator) -> Views:
    """The views of one training batch; random where the recipe is."""
    del generator
    return Views(batch.mel, batch.mel, batch.mel, batch.mel)


def for_analysis(mel: torch.Tensor, f0: torch.Tensor, spec: ModelSpec) -> Views:
    """The views of whole clips: the same taking-out, with nothing random.

    Args:
        mel: (batch, frames, bands); f0: (batch, frames) Hz, NaN where unvoiced.
    """
    del f0
    return Views(mel, mel, mel, mel)
