"""The piecewise formulas of a Gaussian equal the plain ones, gradients too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine import draws

Formula = Callable[..., Tensor]


def bounded_by_hand(raw: Tensor) -> Tensor:
    mean, free = raw.chunk(2, dim=-1)
    return torch.cat((mean, -3.0 + 6.0 * torch.tanh((free + 3.0) / 6.0)), dim=-1)


def bounded(raw: Tensor) -> Tensor:
    return torch.cat(draws.mean_and_bounded(raw, -3.0, 6.0), dim=-1)


def drawn_by_hand(mean: Tensor, log_variance: Tensor) -> Tensor:
    return mean + torch.exp(log_variance / 2.0) * noise_for(mean)


def drawn(mean: Tensor, log_variance: Tensor) -> Tensor:
    return draws.drawn(mean, log_variance, noise_for(mean))


def noise_for(mean: Tensor) -> Tensor:
    return torch.randn(mean.shape, dtype=mean.dtype, generator=torch.Generator().manual_seed(5))


def expected_by_hand(mean: Tensor, log_variance: Tensor) -> Tensor:
    return -(draws.LOG_TWO_PI + mean.square() + log_variance.exp()).sum(dim=-1) / 2.0


# from one vector to several pieces of rows
@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 5, 8), (3, 700, 96)])
@pytest.mark.parametrize(
    ("formula", "by_hand", "arguments"),
    [
        (bounded, bounded_by_hand, 1),
        (drawn, drawn_by_hand, 2),
        (draws.expected_log_standard_normal, expected_by_hand, 2),
    ],
    ids=["bounded", "drawn", "expected"],
)
def test_a_formula_in_pieces_is_the_plain_one(
    formula: Formula, by_hand: Formula, arguments: int, shape: tuple[int, ...]
) -> None:
    values = [torch.randn(shape, requires_grad=True) for _ in range(arguments)]
    wanted = None
    gradients = []
    for function in (formula, by_hand):
        result = function(*values)
        wanted = torch.randn(result.shape) if wanted is None else wanted
        assert result.shape == wanted.shape
        gradients.append((result.detach(), *torch.autograd.grad((result * wanted).sum(), values)))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-5)


def test_a_part_of_a_larger_tensor_is_read_where_it_lies() -> None:
    whole = torch.randn(4, 30, 32)
    part = whole[:, 3:20, 8:24]
    mean, log_variance = draws.mean_and_bounded(part, -3.0, 6.0)
    torch.testing.assert_close(torch.cat((mean, log_variance), dim=-1), bounded_by_hand(part))
    noise = torch.randn(17, 4, 8).transpose(0, 1)
    value = draws.drawn(mean, log_variance, noise)
    torch.testing.assert_close(value, mean + torch.exp(log_variance / 2.0) * noise)
