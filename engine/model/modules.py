"""The parts that all six networks are made of: trunks, Gaussian heads, masks and means over time.

Shapes: B clips, T frames, W windows, C channels, L latent. Everything is laid out (B, T, C): a convolution over
time of kernel 1 is then a linear layer, and one of kernel 3 a linear layer over three neighbouring frames, plain
matrix products that are several times faster on a CPU than the convolution routines.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional

from engine.model.batch_context import SINGLE_PROCESS, BatchContext


class FrameLinear(nn.Module):
    """A convolution over time as one matrix product, with room for inputs slower than the frames.

    The slow inputs (h: the same in a whole clip; m: the same in a window) enter as they would if they were repeated
    at every frame and joined to x, but their product is taken once a clip or window instead of once a frame.

    Args:
        inputs: channels of x.
        slow: channels of the slow input, 0 for none.
        kernel: frames taken at once (odd), with zeros beyond the ends of the clip.
        window: frames a window, where the slow input has one vector a window.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 1, slow: int = 0, window: int = 1) -> None:
        super().__init__()
        self.kernel = kernel
        self.window = window
        self.frame = nn.Linear(kernel * inputs, outputs)
        self.slow = nn.Linear(slow, outputs, bias=False) if slow else None
        # One bound for both parts, as one joined layer would have.
        bound = 1.0 / math.sqrt(kernel * inputs + slow)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor, slow: Tensor | None = None) -> Tensor:
        """x (B, T, inputs), slow (B, 1 or W, slow) -> (B, T, outputs)."""
        y: Tensor = self.frame(with_neighbours(x, self.kernel))
        if self.slow is None or slow is None:
            return y
        added: Tensor = self.slow(slow)
        if added.shape[1] > 1:
            added = added.repeat_interleave(self.window, dim=1)[:, : x.shape[1]]
        return y + added


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
        self.reach = len(channels) * (kernel // 2)  # frames to either side that bear on a frame

    def forward(self, x: Tensor, mask: Tensor | None = None, slow: Tensor | None = None) -> Tensor:
        """x (B, T, inputs), zero in the padding -> (B, T, channels[-1])."""
        for i, layer in enumerate(self.layers):
            x = torch.tanh(layer(x, slow if i == 0 else None))
            if self.norms is not None:
                x = norm_real_frames(self.norms[i], x, mask)
        return x


class GaussianHead(nn.Module):
    """The last convolution of a network (kernel 1): its output is the mean and the log-variance of a Gaussian.

    The log-variance is bounded smoothly between `low` and `high`, with slope 1 in the middle.
    """

    def __init__(self, inputs: int, latent: int, low: float, high: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, 2 * latent)
        self.middle = (low + high) / 2.0
        self.radius = max((high - low) / 2.0, 1e-3)

    def forward(self, x: Tensor, shift: Tensor | None = None) -> Normal:
        """(..., inputs), shift of the mean (..., L) -> a Gaussian of shape (..., L), in float32."""
        mean, free = self.linear(x).float().chunk(2, dim=-1)
        log_variance = self.middle + self.radius * torch.tanh((free - self.middle) / self.radius)
        return gaussian(mean if shift is None else mean + shift, log_variance)


def gaussian(mean: Tensor, log_variance: Tensor) -> Normal:
    """The diagonal Gaussian of this mean and log-variance (..., L)."""
    return Normal(mean, torch.exp(log_variance / 2.0), validate_args=False)


def draw(of: Normal, generator: torch.Generator | None = None, context: BatchContext = SINGLE_PROCESS) -> Tensor:
    """One draw of a Gaussian (B, ...), by the reparametrisation trick."""
    noise = context.normal(*of.mean.shape, generator=generator, device=of.mean.device)
    return of.mean + of.stddev * noise


def norm_real_frames(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Batch norm over the real frames of a batch; frames of padding come out as zeros.

    Args:
        norm: nn.BatchNorm1d, or what stands for it where several processes share a batch.
        x: (B, T, C). mask: bool (B, T), None when all frames are real.
    """
    if mask is None or not norm.training:  # in evaluation no frame bears on another
        normed: Tensor = norm(x.flatten(0, 1)).view(x.shape)
        return normed if mask is None else normed * mask[..., None]
    normed = norm(x[mask])
    return torch.zeros(x.shape, dtype=normed.dtype, device=x.device).masked_scatter(mask[..., None], normed)


def with_neighbours(x: Tensor, kernel: int) -> Tensor:
    """(B, T, C) -> (B, T, kernel * C): each frame with those around it, zeros beyond the ends."""
    if kernel == 1:
        return x
    frames, half = x.shape[1], kernel // 2
    padded = functional.pad(x, (0, 0, half, half))
    return torch.cat([padded[:, tap : tap + frames] for tap in range(kernel)], dim=-1)


def frame_mask(lengths: Tensor | None, frames: int) -> Tensor | None:
    """Which frames are real: bool (B, T), or None when all of them are.

    Args:
        lengths: (B,) real frames of each clip, or None.
    """
    if lengths is None:
        return None
    mask = torch.arange(frames, device=lengths.device)[None, :] < lengths[:, None]
    return None if bool(mask.all()) else mask


def window_mask(mask: Tensor | None, batch: int, frames: int, window: int, device: torch.device) -> Tensor:
    """Which windows hold at least one real frame: float (B, W)."""
    windows = -(-frames // window)
    if mask is None:
        return torch.ones((batch, windows), device=device)
    starts = torch.arange(windows, device=device) * window
    return mask[:, starts].float()


def mean_over_clip(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the real frames, in float32: (B, T, C) -> (B, C)."""
    return mean_over_windows(x, mask, x.shape[1])[:, 0]


def mean_over_windows(x: Tensor, mask: Tensor | None, window: int) -> Tensor:
    """Mean over each window of `window` frames, in float32: (B, T, C) -> (B, W, C).

    Window i holds exactly the frames [i * window, (i + 1) * window); the last one averages what there is, and a
    window wholly in the padding is zero.
    """
    batch, frames, _ = x.shape
    missing = -frames % window
    if mask is None and missing == 0:
        return torch.unflatten(x.float(), 1, (-1, window)).mean(dim=2)
    real = x.new_ones((batch, frames), dtype=torch.float32) if mask is None else mask.float()
    padded = functional.pad(x.float() * real[..., None], (0, 0, 0, missing))
    summed = torch.unflatten(padded, 1, (-1, window)).sum(dim=2)
    counts = torch.unflatten(functional.pad(real, (0, missing)), 1, (-1, window)).sum(dim=2)
    return summed / counts.clamp(min=1.0)[..., None]
