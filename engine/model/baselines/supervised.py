"""The supervised row: the same global network, trained to name the speakers (softmax over the corpus's readers).

What is probed is what its classifier sees: the network's output for the clip, read by the same linear probe as all.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.api.errors import SpecError, TrainingError
from engine.api.specs import ModelSpec, TrainSpec
from engine.model.baselines.base import System, chunks, only_total, pooled
from engine.model.modules import Trunk, frame_mask, mean_over_clip
from engine.model.objective import Terms
from engine.model.streaming import InputsOf
from engine.model.timescale.inputs import NetworkInputs


class Supervised(System):
    """The objective is the log probability of the right name, in nats; `error` is the share named wrong.

    Raises:
        SpecError: spec.speakers does not say how many there are.
    """

    latents = ("h",)

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec, "global_channels")
        if spec.speakers < 2:
            raise SpecError(
                f"speakers is {spec.speakers}.", "Give the number of named speakers in the corpus.", "speakers"
            )
        self.global_trunk = Trunk(spec.bands, spec.global_channels, kernel=3)
        self.embedding = nn.Linear(self.global_trunk.channels, spec.latent)
        self.names = nn.Linear(spec.latent, spec.speakers)

    def terms(
        self,
        inputs: NetworkInputs,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        if speakers is None or int(speakers.max()) >= self.spec.speakers:
            raise TrainingError(
                f"The corpus names more than the {self.spec.speakers} speakers this model was made for.",
                "Start a new run with the right number.",
            )
        mask = frame_mask(lengths, inputs.clip.shape[1])
        h = self.embedding(mean_over_clip(self.global_trunk(self.scaled(inputs.clip, mask), mask), mask))
        logits = self.names(h).float()
        named = speakers >= 0
        if not bool(named.any()):
            return only_total(0.0 * logits.sum())
        loss = functional.cross_entropy(logits[named], speakers[named])
        wrong = (logits[named].argmax(dim=1) != speakers[named]).float().mean()
        return only_total(-loss, error=wrong)

    def vectors(self, inputs_of: InputsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        pieces = chunks(inputs_of, frames, chunk, self.global_trunk.reach)
        features = ((self.scaled(piece.clip), inner) for piece, inner in pieces)
        h: Tensor = self.embedding(pooled(self.global_trunk, features, frames))
        return {"h": h[0].float()}
