"""Blocks of a trunk, [product, tanh, batch norm], in bfloat16 on one thread: nothing between products goes through
memory more often than it must.

The batch norm is that over the rows of everyone who shares a batch (sync_batch_norm.py), by the same sums and
formulas. Where only means of a block are asked for, what was normed is never written out: the mean of what is
normed is the normed mean, and all frames of a window have one gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from engine.products import Factors, Product, with_neighbours
from engine.training.distributed.sync_batch_norm import EPSILON, everyones_statistics, gradient_of_rows


@dataclass(frozen=True)
class Norm:
    """A batch norm (channels,): its weights, and its running statistics, which a block moves along in place."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_variance: Tensor


def normed_tanh_of_product(
    layer: Product, x: Tensor, added: Tensor | None, norm: Norm, by: ModuleType, *, kernel: int, window: int
) -> Tensor:
    """The batch norm of tanh(layer(x) + added): (batch, frames, outputs), bfloat16.

    Args:
        x, added, kernel, window: see products.tanh_of_product.
        by: what products.loops gave.
    """
    x = with_neighbours(x, kernel)
    weights = (layer.weight, layer.bias, norm.weight, norm.bias)
    running = (norm.running_mean, norm.running_variance)
    found: Tensor = _Normed.apply(x, added, window, *weights, *running, by)  # type: ignore[no-untyped-call]
    return found


def means_of_tanh_of_product(
    layer: Product,
    x: Tensor,
    added: Tensor | None,
    norm: Norm | None,
    by: ModuleType,
    *,
    kernel: int,
    window: int,
    over: int,
) -> Tensor:
    """Means over every `over` frames of tanh(layer(x) + added), normed if there is a norm: (batch, means, outputs),
    float32. The arguments are those of normed_tanh_of_product; `over` divides the frames."""
    x = with_neighbours(x, kernel)
    of_norm = (None,) * 4 if norm is None else (norm.weight, norm.bias, norm.running_mean, norm.running_variance)
    found: Tensor = _Means.apply(x, added, window, over, layer.weight, layer.bias, *of_norm, by)  # type: ignore[no-untyped-call]
    return found


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        added: Tensor | None,
        window: int,
        weight: Tensor,
        bias: Tensor,
        norm_weight: Tensor,
        norm_bias: Tensor,
        running_mean: Tensor,
        running_variance: Tensor,
        by: ModuleType,
    ) -> Tensor:
        factors = Factors.of(x, weight, added, window, by)
        y = factors.product(bias, tangent=True)
        about = running_mean.clone()
        sums = torch.empty(2, len(about), dtype=torch.float64)
        by.sums_about(by.bits(y), about.numpy(), *sums.numpy())
        mean, variance, size = everyones_statistics(
            sums, y.shape[:-1].numel(), about, running_mean, running_variance
        )
        scale = norm_weight * torch.rsqrt(variance + EPSILON)
        normed = torch.empty_like(y)
        by.scaled_and_shifted(by.bits(y), scale.numpy(), (norm_bias - mean * scale).numpy(), by.bits(normed))
        ctx.save_for_backward(factors.x, factors.weight, y, norm_weight, mean, variance)
        ctx.rest, ctx.size, ctx.by = factors.rest, size, by
        return normed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        half, half_weight, y, norm_weight, mean, variance = ctx.saved_tensors
        by, channels = ctx.by, len(mean)
        gradient = gradient.bfloat16().contiguous()
        sums = torch.empty(2, channels, dtype=torch.float64)
        by.norm_gradient_sums(by.bits(gradient), by.bits(y), mean.numpy(), *sums.numpy())
        sums[1] *= torch.rsqrt(variance + EPSILON)
        to_norm_bias, to_norm_weight = sums.float()
        linear = gradient_of_rows(sums, norm_weight, mean, variance, ctx.size)
        rows, to_bias = torch.empty_like(y), torch.empty(channels, dtype=torch.float64)
        by.norm_and_tanh_gradient(
            by.bits(gradient), by.bits(y), *(factor.numpy() for factor in linear), by.bits(rows), to_bias.numpy()
        )
        to_x, to_weight, to_added = Factors(half, half_weight, *ctx.rest).gradients(
            rows.flatten(0, -2), wants_x=ctx.needs_input_grad[0]
        )
        return to_x, to_added, None, to_weight, to_bias.float(), to_norm_weight, to_norm_bias, None, None, None


class _Means(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        added: Tensor | None,
        window: int,
        over: int,
        weight: Tensor,
        bias: Tensor,
        norm_weight: Tensor | None,
        norm_bias: Tensor | None,
        running_mean: Tensor | None,
        running_variance: Tensor | None,
        by: ModuleType,
    ) -> Tensor:
        factors = Factors.of(x, weight, added, window, by)
        y = factors.product(bias, tangent=True)
        batch, frames, channels = y.shape
        about = torch.zeros(channels) if running_mean is None else running_mean.clone()
        means = torch.empty(batch, frames // over, channels)
        sums = torch.empty(2, channels, dtype=torch.float64)
        by.window_sums_about(by.bits(y), over, about.numpy(), means.flatten(0, 1).numpy(), sums[1].numpy())
        ctx.rest, ctx.over, ctx.by, ctx.size = factors.rest, over, by, None
        if norm_weight is None or norm_bias is None or running_mean is None or running_variance is None:
            ctx.save_for_backward(factors.x, factors.weight, y)
            return means.div_(over)
        sums[0] = means.sum(dim=(0, 1), dtype=torch.float64)
        mean, variance, ctx.size = everyones_statistics(sums, batch * frames, about, running_mean, running_variance)
        from_mean = means.div_(over).add_(about - mean)
        ctx.save_for_backward(factors.x, factors.weight, y, norm_weight, mean, variance, from_mean)
        return torch.addcmul(norm_bias, from_mean, norm_weight * torch.rsqrt(variance + EPSILON))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        half, half_weight, y, *of_norm = ctx.saved_tensors
        by, channels = ctx.by, y.shape[-1]
        to_norm_bias = to_norm_weight = None
        by_rows = torch.zeros(channels)
        of_frames = gradient.float() / ctx.over
        if of_norm:
            norm_weight, mean, variance, from_mean = of_norm
            both = torch.stack((gradient.float(), gradient.float() * from_mean))
            sums = both.sum(dim=(1, 2), dtype=torch.float64)
            sums[1] *= torch.rsqrt(variance + EPSILON)
            to_norm_bias, to_norm_weight = sums.float()
            constant, by_gradient, by_rows = gradient_of_rows(sums, norm_weight, mean, variance, ctx.size)
            of_frames = torch.addcmul(constant, of_frames, by_gradient)
        rows, to_bias = torch.empty_like(y), torch.empty(channels, dtype=torch.float64)
        by.means_gradient(
            of_frames.contiguous().flatten(0, 1).numpy(), by.bits(y), ctx.over, by_rows.numpy(), by.bits(rows),
            to_bias.numpy(),
        )  # fmt: skip
        to_x, to_weight, to_added = Factors(half, half_weight, *ctx.rest).gradients(
            rows.flatten(0, -2), wants_x=ctx.needs_input_grad[0]
        )
        to_norm = (to_norm_weight, to_norm_bias)
        return to_x, to_added, None, None, to_weight, to_bias.float(), *to_norm, None, None, None
