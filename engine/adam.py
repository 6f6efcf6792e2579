"""Adam for lanes (engine/lanes.py): it adds up what the lanes found and moves the weights, in one pass through
memory and in as many threads as there were lanes.

Alone it is torch's own Adam, and so is its state, whichever way a step is taken.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Piece:
    """Neighbouring numbers of one parameter: the weights, what another lane adds to the gradient, Adam's memory.

    parameter: which one. place: where they lie in it, flat.
    """

    parameter: int
    place: slice
    weights: _Numbers
    more: _Numbers
    mean: _Numbers
    square: _Numbers


class LanesAdam(torch.optim.Adam):
    """torch.optim.Adam, without its options where it takes the step of lanes; those have float32 on a processor."""

    _pool: ThreadPoolExecutor | None = None
    _shares: Sequence[Sequence[_Piece]] = ()
    _made_of: Sequence[int] = ()

    @torch.no_grad()
    def step_of_lanes(self, others: Sequence[Sequence[Tensor]]) -> None:
        """As `step`, along the sum of everyone's gradients; `grad`, this lane's, is of no use afterwards.

        Args:
            others: of each other lane, one gradient for every parameter.
        """
        (group,) = self.param_groups
        held = [i for i, parameter in enumerate(group["params"]) if parameter.grad is not None]
        gradients = {i: group["params"][i].grad.view(-1) for i in held}
        *first, last = others
        for lane in first:
            torch._foreach_add_(list(gradients.values()), [lane[i].view(-1) for i in held])
        self._lay_out(held, last, len(others) + 1)
        flat = {i: gradient.numpy() for i, gradient in gradients.items()}
        factors = {i: self._factors(i) for i in held}
        if self._pool is None:
            self._pool = ThreadPoolExecutor(len(others), thread_name_prefix="triptych-adam")
        running = [self._pool.submit(_move, share, flat, factors) for share in self._shares[1:]]
        _move(self._shares[0], flat, factors)
        for each in running:
            each.result()

    def _lay_out(self, held: Sequence[int], more: Sequence[Tensor], threads: int) -> None:
        """Cut all weights in shares; again only when any of them lies elsewhere than at the step before."""
        flat = []
        for i in held:
            parameter = self.param_groups[0]["params"][i]
            state = self.state[parameter]
            if not state:
                state["step"] = torch.zeros(())
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            flat.append((parameter, more[i], state["exp_avg"], state["exp_avg_sq"]))
        made_of = [threads, *(tensor.data_ptr() for tensors in flat for tensor in tensors)]
        if made_of != self._made_of:
            arrays = [tuple(tensor.detach().view(-1).numpy() for tensor in tensors) for tensors in flat]
            self._shares, self._made_of = list(_shared_out(held, arrays, threads)), made_of

    def _factors(self, i: int) -> tuple[float, ...]:
        """What engine.kernels.adam asks for besides arrays, at a parameter's next step."""
        (group,) = self.param_groups
        of_mean, of_square = group["betas"]
        step = self.state[group["params"][i]]["step"]
        step += 1.0
        taken = float(step)
        eta = float(group["lr"]) / (1.0 - of_mean**taken)
        return of_mean, of_square, eta, math.sqrt(1.0 - of_square**taken), group["eps"]


def _move(share: Sequence[_Piece], gradients: dict[int, _Numbers], factors: dict[int, tuple[float, ...]]) -> None:
    adam: Any = importlib.import_module("engine.kernels").adam
    for piece in share:
        gradient = gradients[piece.parameter][piece.place]
        adam(piece.weights, gradient, piece.more, piece.mean, piece.square, *factors[piece.parameter])


def _shared_out(held: Sequence[int], arrays: Sequence[tuple[_Numbers, ...]], count: int) -> Iterator[list[_Piece]]:
    """All weights in `count` shares of one size, cut where a share ends."""
    total = sum(len(weights) for weights, *_ in arrays)
    edges = [total * number // count for number in range(count + 1)]
    for begin, end in itertools.pairwise(edges):
        share, at = [], 0
        for i, flat in zip(held, arrays, strict=True):
            size = len(flat[0])
            first, last = max(0, begin - at), min(size, end - at)
            if first < last:
                place = slice(first, last)
                share.append(_Piece(i, place, *(array[place] for array in flat)))
            at += size
        yield share
