"""What the systems of comparison share: features scaled by the corpus, and clips of any length taken in chunks."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn

from engine.api.errors import SpecError
from engine.api.specs import ENVELOPE_COEFFICIENTS, ModelSpec, TrainSpec
from engine.model.modules import Trunk
from engine.model.objective import Terms
from engine.model.timescale.attributes import AverageVoice
from engine.model.timescale.inputs import Views
from engine.model.timescale.sound_classes import unused

ViewsOf = Callable[[int, int], Views]


class System(nn.Module, abc.ABC):
    """A network that is trained and probed beside the model, and used for nothing else.

    latents: names of the vectors it gives. Inputs are natural-log mel (batch, frames, bands); inside, features are
    (x - band_mean) / band_scale, as in AuxVAE.
    """

    latents: ClassVar[tuple[str, ...]]

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.band_mean: Tensor
        self.band_scale: Tensor
        self.register_buffer("band_mean", torch.zeros(spec.bands))
        self.register_buffer("band_scale", torch.ones(()))

    def set_scaling(self, band_mean: Tensor, band_scale: Tensor) -> None:
        """Take the corpus's mean of every band (bands,) and the standard deviation of all together ()."""
        self.band_mean.copy_(band_mean)
        self.band_scale.copy_(band_scale)

    @property
    def average(self) -> AverageVoice:
        """What timescale views put in the place of a clip's levels: one mean for every kind of sound."""
        return AverageVoice(
            self.band_mean,
            unused(0),
            self.band_mean.new_zeros(0, ENVELOPE_COEFFICIENTS),
            self.band_mean.new_ones(ENVELOPE_COEFFICIENTS),
        )

    def scaled(self, log_mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log-mel to features; padding becomes zero. (batch, frames, bands) both."""
        x = (log_mel.float() - self.band_mean) / self.band_scale
        return x if mask is None else x * mask[..., None]

    @abc.abstractmethod
    def terms(
        self,
        views: Views,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        """What is maximised over one batch."""

    @abc.abstractmethod
    def vectors(self, views: ViewsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        """One vector (dimensions,) for each of `latents`, of one clip, at most `chunk` frames at a time."""


def chunks(views: ViewsOf, frames: int, chunk: int, reach: int) -> Iterator[tuple[Views, slice]]:
    """A clip piece by piece with `reach` frames of context on both sides; the slice is the piece within it."""
    for start in range(0, frames, chunk):
        stop = min(frames, start + chunk)
        left, right = max(0, start - reach), min(frames, stop + reach)
        yield views(left, right), slice(start - left, stop - left)


def pooled(trunk: Trunk, seen: Iterator[tuple[Tensor, slice]], frames: int) -> Tensor:
    """The mean of a trunk's output over all frames of a clip, (1, channels), from its pieces."""
    total: Tensor | None = None
    for features, inner in seen:
        part = trunk(features)[0, inner].double().sum(dim=0)
        total = part if total is None else total + part
    assert total is not None
    return (total / frames).float()[None]


def only_total(total: Tensor, **others: Tensor) -> Terms:
    """Terms of an objective that is not equation 5: the total, what else is named, and nothing."""
    nothing = torch.zeros_like(total)
    names = (name for name in Terms.__dataclass_fields__ if name != "total")
    return Terms(total=total, **{name: others.get(name, nothing) for name in names})


def need(spec: ModelSpec, *names: str) -> None:
    """Raise SpecError where one of these channel lists is empty."""
    for name in names:
        if not getattr(spec, name):
            raise SpecError(f"{name} is empty.", "Give at least one hidden size.", name)
