"""Batch norm over the rows of several processes: what functional.batch_norm would make of all of them together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine import ranks

MOMENTUM, EPSILON = 0.1, 1e-5  # functional.batch_norm's own


@torch.compiler.disable  # type: ignore[untyped-decorator]
def normed_over_all(
    rows: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor, running_variance: Tensor
) -> Tensor:
    """Normalise rows (n, channels) by everyone's mean and variance, and move the running ones along, in place."""
    values = rows.float().detach()
    # About the running mean, so that squares of a mean that is large against the spread cost no digits.
    about = values - running_mean
    size = values.new_full((1,), float(len(values)))
    sums = ranks.over_all(torch.cat((about.sum(dim=0), about.square().sum(dim=0), size)))
    first, second, size = torch.split(sums, [len(weight), len(weight), 1])
    shift = first / size
    variance = (second / size - shift.square()).clamp_min(0.0)
    mean = running_mean + shift
    normed: Tensor = _Normed.apply(rows, weight, bias, mean, variance, size)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        running_mean.lerp_(mean, MOMENTUM)
        running_variance.lerp_(variance * size / (size - 1.0).clamp_min(1.0), MOMENTUM)
    return normed


class _Normed(torch.autograd.Function):
    """Its gradient takes account of mean and variance being everyone's (Ioffe and Szegedy 2015)."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, size: Tensor
    ) -> Tensor:
        scale = torch.rsqrt(variance + EPSILON)
        ctx.save_for_backward(rows, weight, mean, scale, size)
        return ((rows.float() - mean) * (scale * weight) + bias).to(rows.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, mean, scale, size = ctx.saved_tensors
        unit = (rows.float() - mean) * scale
        above = gradient.float()
        to_bias, to_weight = above.sum(dim=0), (above * unit).sum(dim=0)
        own = torch.cat((to_bias, to_weight))
        of_all_bias, of_all_weight = (ranks.total(own) / size).chunk(2)
        to_rows = (above - of_all_bias - unit * of_all_weight) * (scale * weight)
        return to_rows.to(rows.dtype), to_weight, to_bias, None, None, None
