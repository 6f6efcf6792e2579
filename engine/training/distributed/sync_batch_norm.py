"""Batch norm over the rows of several processes or threads: what functional.batch_norm would make of all of them
together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.draws import pieces
from engine.training.distributed import ranks

MOMENTUM, EPSILON = 0.1, 1e-5  # functional.batch_norm's own


@torch.compiler.disable  # type: ignore[untyped-decorator]
def normed_over_all(
    rows: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor, running_variance: Tensor
) -> Tensor:
    """Normalise rows (n, channels) by everyone's mean and variance, and move the running ones along, in place."""
    # Sums about the running mean, so that squares of a mean that is large against the spread cost no digits. Read
    # before the exchange: after it the leader moves it.
    about = running_mean.clone()
    # The scratch is of float32, and so is what is found, whatever the rows are.
    own_mean, own_variance = torch.batch_norm_update_stats(
        rows.detach(), torch.empty_like(about), torch.empty_like(about), MOMENTUM
    )
    away = own_mean - about
    sums = torch.stack((away, own_variance + away.square())) * float(len(rows))
    mean, variance, size = everyones_statistics(sums, len(rows), about, running_mean, running_variance)
    normed: Tensor = _Normed.apply(rows, weight, bias, mean, variance, size)  # type: ignore[no-untyped-call]
    return normed


def everyones_statistics(
    sums: Tensor, count: int, about: Tensor, running_mean: Tensor, running_variance: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Everyone's mean and variance (channels,), float32, and how many rows (); the leader moves the running ones.

    Args:
        sums: (2, channels) of this share's `count` rows less `about`, and of the squares of that.
        about: what the running mean was before the exchange, a copy; see normed_over_all.
    """
    everyone = ranks.total(torch.cat((sums.flatten(), sums.new_full((1,), float(count)))))
    size = everyone[-1]
    shift, square = everyone[:-1].view_as(sums) / size
    variance = (square - shift.square()).clamp_min(0.0)
    mean = about + shift.float()
    if ranks.leads():
        with torch.no_grad():
            running_mean.lerp_(mean, MOMENTUM)
            running_variance.lerp_((variance * size / (size - 1.0).clamp_min(1.0)).float(), MOMENTUM)
    return mean, variance.float(), size


def gradient_of_rows(
    own: Tensor, weight: Tensor, mean: Tensor, variance: Tensor, size: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """What makes the gradient to the rows of a norm by everyone's mean and variance (Ioffe and Szegedy 2015).

    Args:
        own: (2, channels) of this share, the gradients to the norm's bias and to its weight.

    Returns:
        three factors (channels,): the first, the gradient times the second, and the rows times the third add up.
    """
    of_all_bias, of_all_weight = (ranks.total(own) / size).float()
    scale = torch.rsqrt(variance + EPSILON)
    by_gradient, by_rows = weight * scale, -weight * scale.square() * of_all_weight
    return -by_gradient * of_all_bias - by_rows * mean, by_gradient, by_rows


class _Normed(torch.autograd.Function):
    """Its gradient takes account of mean and variance being everyone's (Ioffe and Szegedy 2015)."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, size: Tensor
    ) -> Tensor:
        rows = rows.contiguous()
        ctx.save_for_backward(rows, weight, mean, variance, size)
        normed: Tensor = torch.native_batch_norm(rows, weight, bias, mean, variance, False, 0.0, EPSILON)[0]
        return normed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, mean, variance, size = ctx.saved_tensors
        _, to_weight, to_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, rows, weight, mean, variance, None, None, False, EPSILON, [False, True, True]
        )
        own = torch.stack((to_bias, to_weight))
        constant, by_gradient, by_rows = gradient_of_rows(own, weight, mean, variance, size)
        # Rounded once, at the end: parts that all but cancel would leave their roundings behind.
        to_rows = torch.empty_like(rows)
        for to, g, row in pieces(to_rows, gradient.contiguous(), rows):
            to.copy_(torch.addcmul(constant, row.float(), by_rows).addcmul_(g.float(), by_gradient))
        return to_rows, to_weight, to_bias, None, None, None
