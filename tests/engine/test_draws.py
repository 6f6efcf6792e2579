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


def value_and_sums_by_hand(raw: Tensor) -> Tensor:
    mean, log_variance = bounded_by_hand(raw).chunk(2, dim=-1)
    value = mean + torch.exp(log_variance / 2.0) * noise_for(mean)
    expected = -(draws.LOG_TWO_PI + mean.square() + log_variance.exp()).sum(dim=-1) / 2.0
    entropy = (1.0 + draws.LOG_TWO_PI + log_variance).sum(dim=-1) / 2.0
    return torch.cat((value, expected[..., None], entropy[..., None]), dim=-1)


def value_and_sums(raw: Tensor) -> Tensor:
    noise = noise_for(raw.chunk(2, dim=-1)[0])
    value, expected, entropy = draws.drawn_with_sums(raw, noise, -3.0, 6.0)
    return torch.cat((value, expected[..., None], entropy[..., None]), dim=-1)


def noise_for(mean: Tensor) -> Tensor:
    return torch.randn(mean.shape, generator=torch.Generator().manual_seed(5))


# from one vector to several pieces of rows
@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 5, 8), (3, 700, 96)])
@pytest.mark.parametrize(
    ("formula", "by_hand"),
    [(bounded, bounded_by_hand), (value_and_sums, value_and_sums_by_hand)],
    ids=["bounded", "drawn with sums"],
)
def test_a_formula_in_pieces_is_the_plain_one(formula: Formula, by_hand: Formula, shape: tuple[int, ...]) -> None:
    values = [torch.randn(shape, requires_grad=True)]
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
    value, _, _ = draws.drawn_with_sums(part, noise, -3.0, 6.0)
    torch.testing.assert_close(value, mean + torch.exp(log_variance / 2.0) * noise)


def test_a_draw_of_a_rounded_product_is_the_exact_one_but_for_rounding() -> None:
    raw = torch.randn(6, 40, 64)
    rounded = raw.bfloat16().requires_grad_()
    exact = rounded.detach().float().requires_grad_()
    found, wanted = (value_and_sums(values) for values in (rounded, exact))
    torch.testing.assert_close(found.float(), wanted, atol=0.02, rtol=0.01)
    for result in (found, wanted):
        result.float().square().sum().backward()
    assert rounded.grad is not None
    assert exact.grad is not None
    assert float((rounded.grad.float() - exact.grad).norm() / exact.grad.norm()) < 0.01
