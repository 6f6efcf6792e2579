"""Several threads of one process that take a training step together, each on its rows of the batch.

A step is some thousand operations of a tenth of a millisecond. Shared out one by one, each would wait for a
sleeping thread to wake, which takes as long as the operation itself: two cores were hardly faster than one. Here
every thread (a lane) goes through the whole step alone, forwards and backwards, and meets the others only where the
batch is looked across: the places that engine/ranks.py knows, for processes do the same.

What is learnt is what one thread learns, but for the order of sums, and always the same for the same number of
threads: sums are taken in the lanes' order, and no random number depends on how many there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from engine import ranks
from engine.ranks import Share

MOST = 4  # beyond it the lanes wait for Python's lock rather than for each other

# Of these rows: what is to be minimised, a scalar, and figures (n,) to be told. Both are shares, which add up.
Work = Callable[[slice, torch.Generator], tuple[Tensor, Tensor]]


class Lanes:
    """The threads of a process, divided evenly among lanes. A context: what it starts ends with it.

    Args:
        threads: how many the lanes may use together; 1 leaves everything to the calling thread.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self.count = max(number for number in range(1, MOST + 1) if threads % number == 0)
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self.count > 1:
            self._pool = ThreadPoolExecutor(self.count, "lane")
            all_there = threading.Barrier(self.count)
            list(self._pool.map(lambda _: self._settle(all_there), range(self.count)))
            torch.set_num_threads(self._threads)  # of this thread, for what is not shared out
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _settle(self, all_there: threading.Barrier) -> None:
        torch.get_num_threads()  # or the first operation would set the number once more
        torch.set_num_threads(self._threads // self.count)
        all_there.wait()  # each thread takes one of these

    def learn(
        self, rows: slice, work: Work, generator: torch.Generator, parameters: Sequence[nn.Parameter]
    ) -> Tensor:
        """Leave the gradients of what is to be minimised over these rows in the parameters' `grad`.

        Args:
            rows: this process's rows of the batch.
            generator: moved on by one step's draws.

        Returns:
            The figures (n,) of these rows.
        """
        if self._pool is None or rows.stop - rows.start < self.count:
            figures, gradients = _worked(work, rows, generator, parameters)
        else:
            figures, gradients = self._learn_together(self._pool, rows, work, generator, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return figures

    def _learn_together(
        self,
        pool: ThreadPoolExecutor,
        rows: slice,
        work: Work,
        generator: torch.Generator,
        parameters: Sequence[nn.Parameter],
    ) -> tuple[Tensor, list[Tensor | None]]:
        whole = ranks.share_of(rows)
        meeting = _Meeting(self.count, whole.exchange)
        edges = [rows.start + (rows.stop - rows.start) * lane // self.count for lane in range(self.count + 1)]
        own_generators = [generator.clone_state() for _ in range(self.count)]

        def run(lane: int) -> tuple[Tensor, list[Tensor | None]]:
            own = slice(edges[lane], edges[lane + 1])
            share = Share(whole.size, own.start, own.stop, meeting.place(lane), leads=lane == 0)
            try:
                with ranks.sharing(share):
                    return _worked(work, own, own_generators[lane], parameters)
            except BaseException:
                meeting.broken()  # or the others would wait for ever
                raise

        runs = [pool.submit(run, lane) for lane in range(self.count)]
        errors = [error for done in runs if (error := done.exception()) is not None]
        for error in errors:
            if not isinstance(error, threading.BrokenBarrierError):  # what only follows from another's
                raise error
        (figures, gradients), *others = (done.result() for done in runs)
        for more_figures, more in others:
            figures += more_figures
            pairs = [(a, b) for a, b in zip(gradients, more, strict=True) if a is not None and b is not None]
            torch._foreach_add_([a for a, _ in pairs], [b for _, b in pairs])
        generator.set_state(own_generators[0].get_state())
        return figures, gradients


def _worked(
    work: Work, rows: slice, generator: torch.Generator, parameters: Sequence[nn.Parameter]
) -> tuple[Tensor, list[Tensor | None]]:
    loss, figures = work(rows, generator)
    gradients = torch.autograd.grad(loss, list(parameters), allow_unused=True)
    # Fused Adam goes through memory as it lies: a gradient must lie as its weights do.
    return figures, [None if gradient is None else gradient.contiguous() for gradient in gradients]


class _Meeting:
    """Where lanes bring tensors and each takes away the sum of all.

    Args:
        onward: replaces the sum by that of all processes, where there are several.
    """

    def __init__(self, count: int, onward: Callable[[Tensor], None]) -> None:
        self._brought: list[Tensor] = [torch.empty(0)] * count
        self._sum = torch.empty(0)
        self._onward = onward
        self._barrier = threading.Barrier(count, action=self._add_up)

    def place(self, lane: int) -> Callable[[Tensor], None]:
        """What replaces a lane's values by everyone's sum, in place."""

        def exchange(values: Tensor) -> None:
            self._brought[lane] = values
            self._barrier.wait()
            values.copy_(self._sum)

        return exchange

    def broken(self) -> None:
        """Nobody waits here any more."""
        self._barrier.abort()

    def _add_up(self) -> None:
        # A new tensor each time: the last one may still be read.
        added = self._brought[0].clone()
        for values in self._brought[1:]:
            added += values
        self._onward(added)
        self._sum = added
