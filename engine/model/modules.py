"""The few parts all six networks are made of.

Everything is laid out (batch, time, channel). A convolution of kernel 1 is then a linear layer and one of kernel 3
a linear layer over three neighbouring frames stacked: plain matrix products, several times faster on a CPU than
the convolution routines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import draws
from engine.draws import LOG_TWO_PI
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.products import Product, mean_over_frames, tanh_of_product


@dataclass(frozen=True)
class Gaussian:
    """A diagonal Gaussian; mean and log_variance have the same shape (..., dimensions)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: torch.Generator | None = None, context: BatchContext = SINGLE_PROCESS) -> Tensor:
        """One draw, by the reparametrisation trick."""
        noise = context.normal(*self.mean.shape, generator=generator, device=self.mean.device)
        return self.mean + torch.exp(self.log_variance / 2.0) * noise

    def entropy(self) -> Tensor:
        """Differential entropy of each dimension, in nats."""
        return (1.0 + LOG_TWO_PI + self.log_variance) / 2.0

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of each dimension at `value`, in nats."""
        return log_normal(value, self.mean, self.log_variance)

    def summed_entropy(self) -> Tensor:
        """Differential entropy of all dimensions together, (...), in nats."""
        return draws.entropy(self.log_variance)

    def summed_expected_log_standard_normal(self) -> Tensor:
        """E log N(v; 0, 1) over v from this Gaussian, of all dimensions together, (...), in nats."""
        return draws.expected_log_standard_normal(self.mean, self.log_variance)


class HeadGaussian(Gaussian):
    """A Gaussian as a head's product gives it; mean and log_variance are written out when they are asked for.

    In training nobody asks: a draw and the two sums that the objective needs come straight from the product.

    Args:
        raw: (..., 2 * dimensions), the mean beside the log-variance before its bound.
        middle, radius: of the bound; see draws.mean_and_bounded.
    """

    _raw: Tensor
    _bound: tuple[float, float]
    _sums: tuple[Tensor, Tensor] | None

    def __init__(self, raw: Tensor, middle: float, radius: float) -> None:
        self._keep(_raw=raw, _bound=(middle, radius), _sums=None)

    def _keep(self, **values: Any) -> None:
        self.__dict__.update(values)  # the class is frozen: what is kept changes no number

    def __getattr__(self, name: str) -> Tensor:
        if name not in ("mean", "log_variance"):
            raise AttributeError(name)
        mean, log_variance = draws.mean_and_bounded(self._raw, *self._bound)
        self._keep(mean=mean, log_variance=log_variance)
        return mean if name == "mean" else log_variance

    def sample(self, generator: torch.Generator | None = None, context: BatchContext = SINGLE_PROCESS) -> Tensor:
        """One draw, in the precision of the product on a processor."""
        shape = (*self._raw.shape[:-1], self._raw.shape[-1] // 2)
        noise = context.normal(*shape, generator=generator, device=self._raw.device)
        value, expected, entropy = draws.drawn_with_sums(self._raw, noise, *self._bound)
        self._keep(_sums=(expected, entropy))
        return value

    def summed_entropy(self) -> Tensor:
        return self._sums[1] if self._sums is not None else super().summed_entropy()

    def summed_expected_log_standard_normal(self) -> Tensor:
        return self._sums[0] if self._sums is not None else super().summed_expected_log_standard_normal()


def log_normal(value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log density of N(mean, exp(log_variance)) at `value`, element by element, in nats."""
    return -(LOG_TWO_PI + log_variance + (value - mean).square() * torch.exp(-log_variance)) / 2.0


def frame_mask(lengths: Tensor | None, frames: int) -> Tensor | None:
    """Which frames are real: bool (batch, frames), or None when all of them are.

    Args:
        lengths: (batch,) real frames of each clip, or None.
    """
    if lengths is None:
        return None
    mask = torch.arange(frames, device=lengths.device)[None, :] < lengths[:, None]
    return None if bool(mask.all()) else mask


def mean_over_clip(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the real frames: (batch, frames, channels) -> (batch, channels)."""
    if mask is None:
        return mean_over_frames(x, x.shape[1])[:, 0]
    weight = mask[..., None].float()
    return (x.float() * weight).sum(dim=1) / weight.sum(dim=1)


def mean_over_windows(x: Tensor, mask: Tensor | None, window: int) -> Tensor:
    """Mean over each window of `window` frames: (batch, frames, channels) -> (batch, windows, channels).

    Window i holds exactly the frames [i * window, (i + 1) * window); the last one averages what there is, and a
    window wholly in the padding is zero.
    """
    batch, frames, channels = x.shape
    windows = -(-frames // window)
    if mask is None and frames % window == 0:
        return mean_over_frames(x, window)
    real = x.new_ones((batch, frames), dtype=torch.float32) if mask is None else mask.float()
    missing = windows * window - frames
    padded = functional.pad(x.float() * real[..., None], (0, 0, 0, missing)).view(batch, windows, window, channels)
    counts = functional.pad(real, (0, missing)).view(batch, windows, window).sum(dim=2)
    return padded.sum(dim=2) / counts.clamp(min=1.0)[..., None]


def window_mask(mask: Tensor | None, batch: int, frames: int, window: int, device: torch.device) -> Tensor:
    """Which windows hold at least one real frame: float (batch, windows)."""
    windows = -(-frames // window)
    if mask is None:
        return torch.ones((batch, windows), device=device)
    starts = torch.arange(windows, device=device) * window
    return mask[:, starts].float()


class FrameLinear(nn.Module):
    """A convolution over time and its tanh, as one matrix product, with room for inputs slower than the frames.

    The slow inputs (h: the same in a whole clip; m: the same in a window) enter as they would if they were
    repeated at every frame and joined to x, but their product is taken once a clip or window instead of once a
    frame. With a kernel above 1 the taps of a repeated input would only add up, so they are one matrix.

    Args:
        inputs: channels of x.
        slow: channels of the slow input, 0 for none.
        kernel: frames seen at once (odd), with zeros beyond the ends of the clip.
        window: frames a window, where the slow input has one vector a window.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 1, slow: int = 0, window: int = 1) -> None:
        super().__init__()
        self.kernel = kernel
        self.window = window
        self.frame = Product(kernel * inputs, outputs)
        self.slow = Product(slow, outputs, bias=False) if slow else None
        # One bound for both parts, as one joined layer would have.
        bound = 1.0 / math.sqrt(kernel * inputs + slow)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor, slow: Tensor | None = None) -> Tensor:
        """tanh of the convolution: x (batch, frames, inputs), slow (batch, 1 or windows, slow)
        -> (batch, frames, outputs)."""
        return tanh_of_product(self.frame, x, self._added(slow), kernel=self.kernel, window=self.window)

    def _added(self, slow: Tensor | None) -> Tensor | None:
        return None if self.slow is None or slow is None else self.slow(slow)


def norm_real_frames(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Batch norm over the real frames of a batch; frames of padding come out as zeros.

    Args:
        norm: nn.BatchNorm1d, or what stands for it where several processes share a batch.
        x: (batch, frames, channels). mask: bool (batch, frames), None when all are real.
    """
    if mask is None or not norm.training:  # in evaluation no frame bears on another
        normed: Tensor = norm(x.flatten(0, 1)).view(x.shape)
        return normed if mask is None else normed * mask[..., None]
    normed = norm(x[mask])
    return torch.zeros(x.shape, dtype=normed.dtype, device=x.device).masked_scatter(mask[..., None], normed)


class Trunk(nn.Module):
    """Blocks of [convolution over time, tanh, batch norm]; the slow input enters the first.

    Args:
        channels: the output size of each block, at least one.
        norm: False leaves the batch norm out.
    """

    def __init__(
        self,
        inputs: int,
        channels: tuple[int, ...],
        *,
        kernel: int = 1,
        slow: int = 0,
        window: int = 1,
        norm: bool = True,
    ) -> None:
        super().__init__()
        sizes = (inputs, *channels)
        self.layers = nn.ModuleList(
            FrameLinear(a, b, kernel=kernel, slow=slow if i == 0 else 0, window=window)
            for i, (a, b) in enumerate(zip(sizes, channels, strict=False))
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) for size in channels) if norm else None
        self.channels = channels[-1]
        self.reach = len(channels) * (kernel // 2)  # frames seen to either side

    def forward(self, x: Tensor, mask: Tensor | None = None, slow: Tensor | None = None) -> Tensor:
        """x (batch, frames, inputs), zero in the padding -> (batch, frames, channels[-1])."""
        for i, layer in enumerate(self.layers):
            x = layer(x, slow if i == 0 else None)
            if self.norms is not None:
                x = norm_real_frames(self.norms[i], x, mask)
        return x

    def means(self, x: Tensor, mask: Tensor | None, slow: Tensor | None, window: int) -> Tensor:
        """Means of `forward` over every window of frames, as mean_over_windows takes them: (batch, windows,
        channels[-1]), float32."""
        return mean_over_windows(self(x, mask, slow), mask, window)


class GaussianHead(nn.Module):
    """The last convolution of a network (kernel 1): its output is the mean and the log-variance.

    The log-variance is bounded smoothly between `low` and `high`, with slope 1 in the middle.
    """

    def __init__(self, inputs: int, latent: int, low: float, high: float) -> None:
        super().__init__()
        self.linear = Product(inputs, 2 * latent)
        self.middle = (low + high) / 2.0
        self.radius = max((high - low) / 2.0, 1e-3)

    def forward(self, x: Tensor) -> Gaussian:
        """(..., inputs) -> a Gaussian of shape (..., latent), its mean and log-variance in float32."""
        return HeadGaussian(self.linear(x), self.middle, self.radius)
