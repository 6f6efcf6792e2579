"""The element-wise formulas of a Gaussian at every frame, a cache-sized piece at a time.

A minute of speech has two million numbers of z, and a formula of five operations would travel through memory five
times. On a processor each formula therefore runs piece by piece, in place, and its gradient is written out; on
other devices it is the plain formula. Both are the same mathematics (tests/engine/test_draws.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

LOG_TWO_PI = math.log(2.0 * math.pi)
_PIECE = 1 << 17  # numbers: half a megabyte of float32, well within the second cache


def mean_and_bounded(raw: Tensor, middle: float, radius: float) -> tuple[Tensor, Tensor]:
    """(..., 2 * latent) of any precision -> mean and bounded log-variance, (..., latent) in float32 each.

    The bound is middle + radius * tanh((raw - middle) / radius): slope 1 in the middle.
    """
    if raw.device.type == "cpu":
        found: tuple[Tensor, Tensor] = _MeanAndBounded.apply(raw, middle, radius)  # type: ignore[no-untyped-call]
        return found
    mean, free = raw.float().chunk(2, dim=-1)
    return mean, middle + radius * torch.tanh((free - middle) / radius)


def drawn(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """mean + exp(log_variance / 2) * noise, all of one shape."""
    if mean.device.type == "cpu":
        found: Tensor = _Drawn.apply(mean, log_variance, noise)  # type: ignore[no-untyped-call]
        return found
    return mean + torch.exp(log_variance / 2.0) * noise


def expected_log_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """E log N(v; 0, 1) over v from the Gaussian, summed over its dimensions: (..., latent) -> (...), in nats."""
    if mean.device.type == "cpu":
        found: Tensor = _ExpectedLog.apply(mean, log_variance)  # type: ignore[no-untyped-call]
        return found
    return -(LOG_TWO_PI + mean.square() + log_variance.exp()).sum(dim=-1) / 2.0


def _pieces(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same rows of each tensor (..., channels), a piece at a time, as views to read and to write in place."""
    flat = [tensor.flatten(0, -2) if tensor.dim() > 1 else tensor[None] for tensor in tensors]
    rows = max(1, _PIECE // max(1, *(tensor.shape[-1] for tensor in flat)))
    yield from zip(*(torch.split(tensor, rows) for tensor in flat), strict=True)


class _MeanAndBounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, raw: Tensor, middle: float, radius: float) -> tuple[Tensor, Tensor]:
        latent = raw.shape[-1] // 2
        mean, bounded = (raw.new_empty(*raw.shape[:-1], latent, dtype=torch.float32) for _ in range(2))
        for both, m, b in _pieces(raw.contiguous(), mean, bounded):
            m.copy_(both[:, :latent])
            b.copy_(both[:, latent:])
            b.sub_(middle).div_(radius).tanh_().mul_(radius).add_(middle)
        ctx.save_for_backward(bounded)
        ctx.middle, ctx.radius, ctx.dtype = middle, radius, raw.dtype
        return mean, bounded

    @staticmethod
    def backward(ctx: Any, to_mean: Tensor, to_bounded: Tensor) -> tuple[Tensor, None, None]:
        (bounded,) = ctx.saved_tensors
        latent = bounded.shape[-1]
        to_raw = bounded.new_empty(*bounded.shape[:-1], 2 * latent, dtype=ctx.dtype)
        for both, m, b, value in _pieces(to_raw, to_mean.contiguous(), to_bounded.contiguous(), bounded):
            both[:, :latent] = m
            slope = (value - ctx.middle).div_(ctx.radius).square_().neg_().add_(1.0)
            both[:, latent:] = slope.mul_(b)
        return to_raw, None, None


class _Drawn(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
        value = torch.empty_like(mean, memory_format=torch.contiguous_format)
        for v, m, half, n in _pieces(value, mean.contiguous(), log_variance.contiguous(), noise):
            torch.addcmul(m, (half / 2.0).exp_(), n, out=v)
        ctx.save_for_backward(mean, value)
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        mean, value = ctx.saved_tensors
        to_variance = torch.empty_like(value)
        for to, m, v, g in _pieces(to_variance, mean.contiguous(), value, gradient.contiguous()):
            torch.sub(v, m, out=to)
            to.mul_(g).div_(2.0)
        return gradient, to_variance, None


class _ExpectedLog(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mean: Tensor, log_variance: Tensor) -> Tensor:
        sums = mean.new_empty(*mean.shape[:-1], 1)
        for s, m, free in _pieces(sums, mean.contiguous(), log_variance.contiguous()):
            torch.sum(m.square().add_(free.exp()), dim=-1, keepdim=True, out=s)
        ctx.save_for_backward(mean, log_variance)
        return sums[..., 0].add_(LOG_TWO_PI * mean.shape[-1]).div_(-2.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = (tensor.contiguous() for tensor in ctx.saved_tensors)
        to_mean, to_variance = torch.empty_like(mean), torch.empty_like(mean)
        each = gradient.contiguous()[..., None]
        for to_m, to_v, m, free, g in _pieces(to_mean, to_variance, mean, log_variance, each):
            torch.mul(m, -g, out=to_m)
            torch.exp(free, out=to_v)
            to_v.mul_(g / -2.0)
        return to_mean, to_variance
