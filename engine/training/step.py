"""What a training step computes of a batch, whichever process computes it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model.baselines import Network, terms
from engine.model.objective import TERM_NAMES, Terms
from engine.model.timescale.inputs import Batch, for_training
from engine.training.distributed.ranks import SHARED


@dataclass(frozen=True)
class Step:
    """half: products over frames in bfloat16."""

    model: ModelSpec
    train: TrainSpec
    audio: AudioSpec
    half: bool

    def terms(
        self,
        model: Network,
        batch: Batch,
        lengths: Tensor | None,
        generator: torch.Generator,
        speakers: Tensor | None = None,
    ) -> Terms:
        """The terms of these pieces: a share of them, while a batch is shared (training/distributed/ranks.py).

        Args:
            lengths: None when no piece is shorter than the batch. speakers: see systems.terms.
        """
        with torch.no_grad():
            views = for_training(batch, self.model, generator, self.audio, model.average, SHARED)
        with torch.autocast(batch.mel.device.type, torch.bfloat16, enabled=self.half):
            return terms(
                model, views, self.train, lengths=lengths, generator=generator, speakers=speakers, context=SHARED
            )


def stacked(terms_of_batch: Terms) -> Tensor:
    """Every term (terms,), without its gradient."""
    return torch.stack([getattr(terms_of_batch, name).detach() for name in TERM_NAMES])
