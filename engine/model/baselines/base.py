"""What the systems of comparison share: features scaled by the corpus, and clips of any length taken in chunks."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor

from engine.api.specs import ENVELOPE_COEFFICIENTS, TrainSpec
from engine.model.log_mel_network import LogMelNetwork
from engine.model.modules import Trunk
from engine.model.objective import Terms
from engine.model.streaming import InputsOf
from engine.model.timescale.acoustic_classes import unused
from engine.model.timescale.attributes import AverageVoice
from engine.model.timescale.inputs import NetworkInputs


class System(LogMelNetwork, abc.ABC):
    """A network that is trained and probed beside the model, and used for nothing else.

    latents: names of the vectors it gives.
    """

    latents: ClassVar[tuple[str, ...]]

    @property
    def average(self) -> AverageVoice:
        """The voice of timescale inputs: one mean for every acoustic class."""
        return AverageVoice(
            self.band_mean,
            unused(0),
            self.band_mean.new_zeros(0, ENVELOPE_COEFFICIENTS),
            self.band_mean.new_ones(ENVELOPE_COEFFICIENTS),
        )

    @abc.abstractmethod
    def terms(
        self,
        inputs: NetworkInputs,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        """What is maximised over one batch."""

    @abc.abstractmethod
    def vectors(self, inputs_of: InputsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        """One vector (dimensions,) for each of `latents`, of one clip, at most `chunk` frames at a time."""


def chunks(inputs_of: InputsOf, frames: int, chunk: int, reach: int) -> Iterator[tuple[NetworkInputs, slice]]:
    """A clip piece by piece with `reach` frames of context on both sides; the slice is the piece within it."""
    for start in range(0, frames, chunk):
        stop = min(frames, start + chunk)
        left, right = max(0, start - reach), min(frames, stop + reach)
        yield inputs_of(left, right), slice(start - left, stop - left)


def pooled(trunk: Trunk, pieces: Iterator[tuple[Tensor, slice]], frames: int) -> Tensor:
    """The mean of a trunk's output over all frames of a clip, (1, channels), from its pieces."""
    total: Tensor | None = None
    for features, inner in pieces:
        part = trunk(features)[0, inner].double().sum(dim=0)
        total = part if total is None else total + part
    assert total is not None
    return (total / frames).float()[None]


def only_total(total: Tensor, **others: Tensor) -> Terms:
    """Terms of an objective that is not equation 5: the total, what else is named, and nothing."""
    nothing = torch.zeros_like(total)
    names = (name for name in Terms.__dataclass_fields__ if name != "total")
    return Terms(total=total, **{name: others.get(name, nothing) for name in names})
