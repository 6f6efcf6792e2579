"""Log-mel network: what every network here shares, whatever its objective: features scaled by the corpus."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.api.errors import SpecError
from engine.api.specs import ModelSpec


class LogMelNetwork(nn.Module):
    """A network over natural-log mel (B, T, bands).

    Inside, features are (x - band_mean) / band_scale; `set_scaling` takes both from the training corpus, and they
    travel in the checkpoint like weights.

    Args:
        channels: names of the channel lists in spec that the network is made of.

    Raises:
        SpecError: an empty channel list or an even kernel.
    """

    def __init__(self, spec: ModelSpec, *channels: str) -> None:
        super().__init__()
        for name in channels:
            if not getattr(spec, name):
                raise SpecError(f"{name} is empty.", "Give at least one hidden size.", name)
        for name in ("local_kernel", "decoder_kernel"):
            if getattr(spec, name) % 2 == 0:
                raise SpecError(f"{name} is even.", "A kernel centred on its frame is odd: 1, 3, 5 or 7.", name)
        self.spec = spec
        self.band_mean: Tensor
        self.band_scale: Tensor
        self.register_buffer("band_mean", torch.zeros(spec.bands))
        self.register_buffer("band_scale", torch.ones(()))

    def set_scaling(self, band_mean: Tensor, band_scale: Tensor) -> None:
        """Take the corpus's mean of every band (bands,) and the standard deviation of all together ()."""
        self.band_mean.copy_(band_mean)
        self.band_scale.copy_(band_scale)

    def scaled(self, log_mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log-mel to features, (B, T, bands) both; where mask (B, T) is False, padding becomes zero."""
        x = (log_mel.float() - self.band_mean) / self.band_scale
        return x if mask is None else x * mask[..., None]

    def unscaled(self, features: Tensor) -> Tensor:
        """The inverse of `scaled`."""
        return features * self.band_scale + self.band_mean
