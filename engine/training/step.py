"""Training step: the terms of equation 5 over one batch of crops."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.api.specs import AudioSpec, TrainSpec
from engine.model.baselines import Network, terms
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.objective import TERM_NAMES, Terms
from engine.model.timescale.inputs import Batch, for_training


class Step(nn.Module):
    """The model and its objective as one module: a batch in, terms out, as DistributedDataParallel wants it.

    Args:
        bfloat16: whether products over frames are taken in bfloat16.
    """

    def __init__(self, model: Network, train: TrainSpec, audio: AudioSpec, bfloat16: bool) -> None:
        super().__init__()
        self.model = model
        self._train, self._audio, self._bfloat16 = train, audio, bfloat16

    def forward(
        self,
        batch: Batch,
        lengths: Tensor | None,
        speakers: Tensor | None,
        generator: torch.Generator,
        context: BatchContext = SINGLE_PROCESS,
    ) -> Terms:
        """The terms of these crops; where several processes share a batch, this one's share of each term.

        Args:
            lengths: (batch,) real frames, None when no crop is shorter than the batch.
            speakers: (batch,) number of each crop's speaker; see baselines.terms.
        """
        model: Network = self.model
        with torch.no_grad():
            inputs = for_training(batch, model.spec, generator, self._audio, model.average, context)
        with torch.autocast(batch.mel.device.type, torch.bfloat16, enabled=self._bfloat16):
            return terms(
                model, inputs, self._train, lengths=lengths, generator=generator, speakers=speakers, context=context
            )


def stacked(terms_of_batch: Terms) -> Tensor:
    """Every term (terms,), without its gradient."""
    return torch.stack([getattr(terms_of_batch, name).detach() for name in TERM_NAMES])
