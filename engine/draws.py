"""The element-wise formulas of a Gaussian at every frame, a cache-sized piece at a time.

A minute of speech has two million numbers of z, and a formula of five operations would travel through memory five
times. On a processor each formula therefore runs piece by piece, in place, and its gradient is written out, or in
one compiled loop (engine/kernels.py); on other devices it is the plain formula. All are the same mathematics
(tests/engine/test_draws.py, test_kernels.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from engine.products import loops

LOG_TWO_PI = math.log(2.0 * math.pi)
# Numbers: half a megabyte of float32, so that a piece and what is made of it stay in the cache. With four times as
# much a step of the paper's sizes takes 3 % longer.
_PIECE = 1 << 17


def mean_and_bounded(raw: Tensor, middle: float, radius: float) -> tuple[Tensor, Tensor]:
    """(..., 2 * latent) of any precision -> mean and bounded log-variance, (..., latent) in float32 each.

    The bound is middle + radius * tanh((raw - middle) / radius): slope 1 in the middle.
    """
    if raw.device.type == "cpu":
        found: tuple[Tensor, Tensor] = _MeanAndBounded.apply(raw, middle, radius)  # type: ignore[no-untyped-call]
        return found
    mean, free = raw.float().chunk(2, dim=-1)
    return mean, middle + radius * torch.tanh((free - middle) / radius)


def drawn_with_sums(raw: Tensor, noise: Tensor, middle: float, radius: float) -> tuple[Tensor, Tensor, Tensor]:
    """One draw of a Gaussian, and what the objective asks of the Gaussian itself, while its numbers are at hand.

    Args:
        raw: (..., 2 * latent) of any precision: the mean, and the log-variance before `mean_and_bounded` bounds it.
        noise: (..., latent) standard normal, float32.

    Returns:
        mean + exp(log_variance / 2) * noise, (..., latent), in float32 or, on a processor, in raw's precision;
        E log N(v; 0, 1) over v from the Gaussian, and its entropy: (...) each, summed over dimensions, in nats.
    """
    if raw.device.type == "cpu":
        by = loops(raw) if raw.dtype == torch.bfloat16 else None
        found: tuple[Tensor, Tensor, Tensor] = _DrawnWithSums.apply(raw, noise, middle, radius, by)  # type: ignore[no-untyped-call]
        return found
    mean, log_variance = mean_and_bounded(raw, middle, radius)
    value = mean + torch.exp(log_variance / 2.0) * noise
    return value, expected_log_standard_normal(mean, log_variance), entropy(log_variance)


def squared_distances(found: Tensor, wanted: Tensor) -> Tensor:
    """Sums of the squares of found - wanted over the last dimension, in float32; only `found` has a gradient."""
    if found.dtype == torch.bfloat16 and (by := loops(found)) is not None:
        sums: Tensor = _SquaredDistances.apply(found, wanted.detach(), by)  # type: ignore[no-untyped-call]
        return sums
    return (found.float() - wanted.detach()).square().sum(dim=-1)


def expected_log_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """E log N(v; 0, 1) over v from the Gaussian, summed over its dimensions: (..., latent) -> (...), in nats."""
    return -(LOG_TWO_PI + mean.square() + log_variance.exp()).sum(dim=-1) / 2.0


def entropy(log_variance: Tensor) -> Tensor:
    """Differential entropy of all dimensions together: (..., latent) -> (...), in nats."""
    return (log_variance.shape[-1] * (1.0 + LOG_TWO_PI) + log_variance.sum(dim=-1)) / 2.0


def pieces(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same rows of each tensor (..., channels), as views to read and to write in place: a piece at a time on a
    processor, all at once elsewhere."""
    flat = [tensor.flatten(0, -2) if tensor.dim() > 1 else tensor[None] for tensor in tensors]
    rows = max(1, _PIECE // max(1, *(tensor.shape[-1] for tensor in flat)))
    if flat[0].device.type != "cpu":
        rows = max(1, len(flat[0]))
    yield from zip(*(torch.split(tensor, rows) for tensor in flat), strict=True)


class _MeanAndBounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, raw: Tensor, middle: float, radius: float) -> tuple[Tensor, Tensor]:
        latent = raw.shape[-1] // 2
        mean, bounded = (raw.new_empty(*raw.shape[:-1], latent, dtype=torch.float32) for _ in range(2))
        for both, m, b in pieces(raw.contiguous(), mean, bounded):
            m.copy_(both[:, :latent])
            b.copy_(_tangent(both[:, latent:], middle, radius).mul_(radius).add_(middle))
        ctx.save_for_backward(bounded)
        ctx.middle, ctx.radius, ctx.dtype = middle, radius, raw.dtype
        return mean, bounded

    @staticmethod
    def backward(ctx: Any, to_mean: Tensor, to_bounded: Tensor) -> tuple[Tensor, None, None]:
        (bounded,) = ctx.saved_tensors
        latent = bounded.shape[-1]
        to_raw = bounded.new_empty(*bounded.shape[:-1], 2 * latent, dtype=ctx.dtype)
        for both, m, b, value in pieces(to_raw, to_mean.contiguous(), to_bounded.contiguous(), bounded):
            both[:, :latent] = m
            slope = (value - ctx.middle).div_(ctx.radius).square_().neg_().add_(1.0)
            both[:, latent:] = slope.mul_(b)
        return to_raw, None, None


class _SquaredDistances(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, found: Tensor, wanted: Tensor, by: ModuleType) -> Tensor:
        found, wanted = found.contiguous(), wanted.float().contiguous()
        sums = wanted.new_empty(wanted.shape[:-1])
        by.squared_distances(by.bits(found), wanted.flatten(0, -2).numpy(), sums.view(-1).numpy())
        ctx.save_for_backward(found, wanted)
        ctx.by = by
        return sums

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        found, wanted = ctx.saved_tensors
        by, to_found = ctx.by, torch.empty_like(found)
        each = gradient.float().contiguous().view(-1).numpy()
        by.squared_distances_gradient(by.bits(found), wanted.flatten(0, -2).numpy(), each, by.bits(to_found))
        return to_found, None, None


class _DrawnWithSums(torch.autograd.Function):
    """Keeps what came in and makes the rest anew in the gradient: that is cheaper than to fetch it from memory.

    With t the tangent, the log-variance is middle + radius * t and the deviation c exp(radius / 2 * t): constants
    enter where numbers are combined anyway, so that no piece is gone through for their sake.
    """

    @staticmethod
    def forward(
        ctx: Any, raw: Tensor, noise: Tensor, middle: float, radius: float, by: ModuleType | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        raw, noise = raw.contiguous(), noise.contiguous()
        latent = raw.shape[-1] // 2
        value = raw.new_empty(*raw.shape[:-1], latent)
        squares, tangents = (raw.new_empty(*raw.shape[:-1], 1, dtype=torch.float32) for _ in range(2))
        if by is None:
            _draw(raw, noise, middle, radius, value, squares, tangents)
        else:
            sums = (squares.flatten().numpy(), tangents.flatten().numpy())
            by.drawn(by.bits(raw), noise.flatten(0, -2).numpy(), middle, radius, by.bits(value), *sums)
        ctx.save_for_backward(raw, noise)
        ctx.middle, ctx.radius, ctx.by = middle, radius, by
        expected = squares[..., 0].add_(LOG_TWO_PI * latent).div_(-2.0)
        entropies = tangents[..., 0].mul_(radius / 2.0).add_((1.0 + LOG_TWO_PI + middle) * latent / 2.0)
        return value, expected, entropies

    @staticmethod
    def backward(
        ctx: Any, to_value: Tensor, to_expected: Tensor, to_entropy: Tensor
    ) -> tuple[Tensor, None, None, None, None]:
        raw, noise = ctx.saved_tensors
        latent, middle, radius = noise.shape[-1], ctx.middle, ctx.radius
        to_raw = torch.empty_like(raw)
        if (by := ctx.by) is not None:
            sums = (to_expected.flatten().contiguous().numpy(), to_entropy.flatten().contiguous().numpy())
            by.drawn_gradient(
                by.bits(raw), noise.flatten(0, -2).numpy(), middle, radius, by.bits(to_value.contiguous()), *sums,
                by.bits(to_raw),
            )  # fmt: skip
            return to_raw, None, None, None, None
        of_rows = (to_expected.contiguous()[..., None], (to_entropy / 2.0)[..., None])
        c = math.exp(middle / 2.0)
        for to, both, n, v, e, h in pieces(to_raw, raw, noise, to_value.contiguous(), *of_rows):
            above, tangent = v.to(torch.float32, copy=True), _tangent(both[:, latent:], middle, radius)
            to[:, :latent] = torch.addcmul(above, both[:, :latent].float(), e, value=-1.0)
            deviation = (tangent * (radius / 2.0)).exp_()  # over c
            to_variance = above.mul_(n).addcmul_(deviation, e, value=-c)
            to_variance = torch.addcmul(h, to_variance, deviation, value=c / 2.0)
            # ... times the slope of the bound, 1 - tangent^2
            to[:, latent:] = to_variance.addcmul_(to_variance * tangent, tangent, value=-1.0)
        return to_raw, None, None, None, None


def _draw(
    raw: Tensor, noise: Tensor, middle: float, radius: float, value: Tensor, squares: Tensor, tangents: Tensor
) -> None:
    """Fill in the draw, and of each row the sum of mean^2 + variance and that of the bound's tangent."""
    latent, c = noise.shape[-1], math.exp(middle / 2.0)
    for both, n, v, s, t in pieces(raw, noise, value, squares, tangents):
        tangent = _tangent(both[:, latent:], middle, radius)
        torch.sum(tangent, dim=-1, keepdim=True, out=t)
        deviation = tangent.mul_(radius / 2.0).exp_()  # over c
        mean = both[:, :latent].to(torch.float32, copy=True)
        v.copy_(torch.addcmul(mean, deviation, n, value=c))
        torch.sum(mean.square_().addcmul_(deviation, deviation, value=c * c), dim=-1, keepdim=True, out=s)


def _tangent(free: Tensor, middle: float, radius: float) -> Tensor:
    """tanh((free - middle) / radius) in float32, as new memory."""
    return free.to(torch.float32, copy=True).sub_(middle).div_(radius).tanh_()
