"""Several processes of one machine that take a training step together, each on its rows of the batch.

A step is some thousand operations of a tenth of a millisecond. Shared out one by one among torch's threads, each
would wait for a sleeping thread to wake, which takes as long as the operation itself; threads that each go through
a whole step wait as long for Python's lock. So every lane is a process: it goes through the step alone, forwards
and backwards, on weights in memory common to all, and meets the others only where the batch is looked across, as
processes on several machines do (engine/training/distributed/ranks.py).

What is learnt is what one process learns, but for the order of sums, and always the same for the same number of
lanes: sums are taken in the lanes' order, and no random number depends on how many there are.

Lane 0 is the process that trains. The others hear of a batch through a pipe and leave their gradients in common
memory. They end when their pipe does, and look now and then whether lane 0 is still there; it looks after them too.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt
import torch
import torch.multiprocessing  # tensors in common memory can be handed to a process from here on
from torch import Tensor

from engine.adam import LanesAdam
from engine.memory import keep_freed_memory
from engine.model.aux_vae import AuxVAE
from engine.model.baselines import Network
from engine.model.timescale.inputs import Batch
from engine.products import get_loops_ready
from engine.training.distributed import ranks
from engine.training.distributed.ranks import LostProcessError, Share
from engine.training.step import Step, stacked

MOST = 4
ROOM = 1 << 16  # numbers that are exchanged at once
# In a batch: with fewer, torch's own threads only get in the way of one process that works alone. Two took 1.3 to
# 1.6 times as long as one with 2 560, and 0.8 to 0.9 times with 8 192.
FEW_FRAMES = 5_000
_LOOK_S = 1.0  # between two looks whether the others are there
_COMMON = Path("/dev/shm")


def lanes_of(threads: int) -> int:
    """How many lanes so many threads are divided among, evenly; 1 where processes cannot have memory in common."""
    if not sys.platform.startswith("linux"):
        return 1
    return max(number for number in range(1, MOST + 1) if threads % number == 0)


class _OthersFailedError(Exception):
    """Another lane has failed: its own error tells more."""


@dataclass(frozen=True)
class _Order:
    """A lane's rows [first, last) of a batch of `size`, and where its random numbers begin."""

    size: int
    first: int
    last: int
    pieces: dict[str, npt.NDArray[Any]]
    padded: bool
    draws: bytes


@dataclass(frozen=True)
class _Failed:
    """What went wrong in a lane; memory: its memory ran out."""

    what: str
    memory: bool


class _Meeting:
    """Where lanes bring numbers and each takes away the sum of all. Made once, and handed to every process.

    Numbers lie in two places by turns: nobody writes a third time before all have read the first.
    """

    def __init__(self, context: SpawnContext, count: int) -> None:
        self.count = count
        self.places = torch.zeros(2, count, ROOM, dtype=torch.float64)
        self.places.share_memory_()  # type: ignore[no-untyped-call]
        # By who gives a signal and who waits for it: one that is ahead is not taken for another.
        self.signals = [[context.Semaphore(0) for _ in range(count)] for _ in range(count)]
        self.broken = context.Value("b", 0, lock=False)


class _Seat:
    """A lane at the meeting.

    Args:
        look: raises an error when those that are waited for have ended.
    """

    def __init__(self, meeting: _Meeting, lane: int, look: Callable[[], None]) -> None:
        self._meeting, self._lane, self._look = meeting, lane, look
        self._others = [other for other in range(meeting.count) if other != lane]
        self._turn = 0

    def exchange(self, values: Tensor) -> None:
        """Replace values by everyone's sum, in place.

        Raises:
            _OthersFailedError: another lane has failed.
        """
        for part in torch.split(values.view(-1), ROOM):
            self._exchange(part)

    def broken(self) -> None:
        """Let nobody wait here any more."""
        self._meeting.broken.value = 1
        for other in self._others:
            self._meeting.signals[self._lane][other].release()

    def _exchange(self, values: Tensor) -> None:
        places = self._meeting.places[self._turn % 2, :, : len(values)]
        self._turn += 1
        places[self._lane] = values
        for other in self._others:
            self._meeting.signals[self._lane][other].release()
        for other in self._others:
            self._wait(self._meeting.signals[other][self._lane])
        values.copy_(places.sum(dim=0))

    def _wait(self, signal_of: Any) -> None:
        while not signal_of.acquire(timeout=_LOOK_S):
            self._look()
        if self._meeting.broken.value:
            raise _OthersFailedError


class Lanes:
    """The processes that take steps together. A context: what it starts ends with it.

    Args:
        count: how many; see lanes_of. One leaves all to this process, and to torch's threads where they help.
    """

    def __init__(self, count: int, model: Network, step: Step) -> None:
        self._model, self._step = model, step
        self._parameters = list(model.parameters())
        self.count = count if count > 1 and isinstance(model, AuxVAE) and _has_room(model, count) else 1
        self._helpers: list[_Helper] = []
        self._seat: _Seat | None = None
        self._threads = torch.get_num_threads()

    def __enter__(self) -> Self:
        if self._step.half and self._parameters[0].device.type == "cpu":
            # Before the clock of a run goes, and before others would compile the same beside this process.
            get_loops_ready(_frames(self._step) * self._step.audio.bands / self.count)
        if self.count > 1:
            self._model.share_memory()
            self._start()
            torch.set_num_threads(max(1, self._threads // self.count))
        elif _frames(self._step) < FEW_FRAMES:
            torch.set_num_threads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        torch.set_num_threads(self._threads)

    def learn(
        self, batch: Batch, lengths: Tensor | None, generator: torch.Generator, speakers: Tensor | None = None
    ) -> Tensor:
        """Leave the gradients of what is to be minimised over these pieces in the parameters' `grad`.

        Args:
            batch: with lanes, its spectrograms must be float16 numbers, as the cache's are.
            lengths, speakers: see Step.terms.
            generator: moved on by one step's draws.

        Returns:
            The terms (terms,) of these pieces.

        Raises:
            LostProcessError: another lane's process has ended. MemoryError: its memory ran out.
        """
        figures, others = self._learn(batch, lengths, generator, speakers)
        for gradients in others:
            held = [(p.grad, more) for p, more in zip(self._parameters, gradients, strict=True)]
            pairs = [(own, more) for own, more in held if own is not None]
            torch._foreach_add_([own for own, _ in pairs], [more for _, more in pairs])
        return figures

    def take_step(
        self,
        optimiser: LanesAdam,
        batch: Batch,
        lengths: Tensor | None,
        generator: torch.Generator,
        speakers: Tensor | None = None,
    ) -> Tensor:
        """As `learn`, and move the model's weights, which the optimiser has; `grad` is of no use afterwards."""
        figures, others = self._learn(batch, lengths, generator, speakers)
        if others:
            optimiser.step_of_lanes(others)
        else:
            optimiser.step()
        return figures

    def _learn(
        self, batch: Batch, lengths: Tensor | None, generator: torch.Generator, speakers: Tensor | None
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Terms; this lane's gradients stay in `grad`, those of the others are returned."""
        others: list[list[Tensor]] = []
        if self.count == 1 or len(batch.mel) < self.count:
            figures, gradients = _worked(self._step, self._model, batch, lengths, generator, speakers)
        else:
            figures, gradients = self._learn_together(batch, lengths, generator)
            others = [helper.gradients for helper in self._helpers]
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        return figures, others

    def _learn_together(
        self, batch: Batch, lengths: Tensor | None, generator: torch.Generator
    ) -> tuple[Tensor, list[Tensor | None]]:
        if not self._helpers:
            self._start()
        seat, size = self._seat, len(batch.mel)
        assert seat is not None
        edges = [size * lane // self.count for lane in range(self.count + 1)]
        draws = generator.get_state().numpy().tobytes()
        try:
            for helper, first, last in zip(self._helpers, edges[1:-1], edges[2:], strict=True):
                pieces = {name: _as_kept(values[first:last]) for name, values in _named(batch)}
                helper.send(_Order(size, first, last, pieces, lengths is not None, draws))
            own, end = Batch(*(values[: edges[1]] for _, values in _named(batch))), edges[1]
            with ranks.sharing(Share(size, 0, end, seat.exchange)):
                figures, gradients = _worked(
                    self._step, self._model, own, None if lengths is None else lengths[:end], generator, None
                )
            for helper in self._helpers:
                figures += helper.figures()
        except _OthersFailedError:
            failed = [told for helper in self._helpers if isinstance(told := helper.told(), _Failed)]
            self._end()
            raise _as_error(failed) from None
        except BaseException:
            self._end()  # the others are somewhere within the step
            raise
        return figures, gradients

    def _start(self) -> None:
        # Multiprocessing forbids children to its daemons, lest they outlive their parent; ours watch a pipe.
        if (ourselves := multiprocessing.current_process()).daemon:
            ourselves.daemon = False
        context = multiprocessing.get_context("spawn")
        meeting = _Meeting(context, self.count)
        threads = max(1, self._threads // self.count)
        self._helpers = [
            _Helper(context, meeting, lane, self._model, self._step, threads) for lane in range(1, self.count)
        ]
        self._seat = _Seat(meeting, 0, self._look)

    def _look(self) -> None:
        for helper in self._helpers:
            helper.look()

    def _end(self) -> None:
        for helper in self._helpers:
            helper.end()
        self._helpers, self._seat = [], None


class _Helper:
    """Another lane, seen from lane 0. gradients: in common memory, one for each parameter."""

    def __init__(
        self, context: SpawnContext, meeting: _Meeting, lane: int, model: Network, step: Step, threads: int
    ) -> None:
        flat = torch.zeros(sum(parameter.numel() for parameter in model.parameters()))
        flat.share_memory_()  # type: ignore[no-untyped-call]
        self.gradients = list(_laid_out(flat, model))
        self._pipe, theirs = context.Pipe(duplex=True)
        self._process: BaseProcess = context.Process(
            target=_work,
            args=(theirs, meeting, lane, model, step, flat, threads, os.getpid()),
            name=f"triptych-lane-{lane}",
            daemon=True,
        )
        self._process.start()
        theirs.close()

    def send(self, order: _Order) -> None:
        try:
            self._pipe.send(order)
        except OSError:
            raise self._lost() from None

    def figures(self) -> Tensor:
        """Its terms, once it is through."""
        told = self.told()
        if isinstance(told, _Failed):
            raise _as_error([told])
        return torch.from_numpy(told)

    def told(self) -> Any:
        """What it says at the end of its step."""
        while not self._pipe.poll(_LOOK_S):
            self.look()
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            raise self._lost() from None

    def look(self) -> None:
        """Raises LostProcessError when it has ended."""
        if not self._process.is_alive():
            raise self._lost()

    def _lost(self) -> LostProcessError:
        self._process.join(_LOOK_S)
        return LostProcessError(
            f"A process that shares the work of this run has ended (code {self._process.exitcode}).",
            "Resume the run: it was saved as it is. If it happens again, give it one thread.",
        )

    def end(self) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join()


# ------------------------------------------------------------------------------------------- in every lane
def _worked(
    step: Step,
    model: Network,
    batch: Batch,
    lengths: Tensor | None,
    generator: torch.Generator,
    speakers: Tensor | None,
) -> tuple[Tensor, list[Tensor | None]]:
    got = step.terms(model, batch, lengths, generator, speakers)
    gradients = torch.autograd.grad(got.loss, list(model.parameters()), allow_unused=True)
    # Fused Adam goes through memory as it lies: a gradient must lie as its weights do.
    return stacked(got), [None if gradient is None else gradient.contiguous() for gradient in gradients]


def _work(
    pipe: Connection,
    meeting: _Meeting,
    lane: int,
    model: AuxVAE,
    step: Step,
    flat: Tensor,
    threads: int,
    parent: int,
) -> None:
    """Main of a process that is a lane."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches us too, but lane 0 decides
    torch.set_num_threads(threads)
    keep_freed_memory()
    model.train()

    def look() -> None:
        if os.getppid() != parent:
            os._exit(0)

    seat = _Seat(meeting, lane, look)
    gradients = list(_laid_out(flat, model))
    while True:
        try:
            order: _Order = pipe.recv()
        except (EOFError, OSError):  # the usual way to end
            return
        try:
            said: Any = _share(step, model, order, seat, gradients).numpy()
        except _OthersFailedError:
            continue
        except (RuntimeError, MemoryError) as error:  # any other ends the process, which lane 0 sees
            said = _Failed(str(error), isinstance(error, MemoryError | torch.OutOfMemoryError))
            seat.broken()
        pipe.send(said)


def _share(step: Step, model: AuxVAE, order: _Order, seat: _Seat, into: Sequence[Tensor]) -> Tensor:
    pieces = {name: torch.from_numpy(values) for name, values in order.pieces.items()}
    batch = Batch(**{name: t.float() if t.is_floating_point() else t for name, t in pieces.items()})
    generator = torch.Generator()
    generator.set_state(torch.frombuffer(bytearray(order.draws), dtype=torch.uint8))
    with ranks.sharing(Share(order.size, order.first, order.last, seat.exchange, leads=False)):
        figures, gradients = _worked(step, model, batch, batch.lengths if order.padded else None, generator, None)
    for place, gradient in zip(into, gradients, strict=True):
        if gradient is not None:
            place.copy_(gradient)
    return figures


def _laid_out(flat: Tensor, model: Network) -> Iterator[Tensor]:
    """A place in flat memory for each parameter."""
    first = 0
    for parameter in model.parameters():
        yield flat[first : first + parameter.numel()].view_as(parameter)
        first += parameter.numel()


def _named(batch: Batch) -> Iterator[tuple[str, Tensor]]:
    return ((item.name, getattr(batch, item.name)) for item in dataclasses.fields(Batch))


def _as_kept(values: Tensor) -> npt.NDArray[Any]:
    """Spectrograms as the cache has them: half the bytes, and the same numbers."""
    found: npt.NDArray[Any] = (values.half() if values.dim() == 3 else values).contiguous().numpy()
    return found


def _as_error(failed: Sequence[_Failed]) -> Exception:
    if not failed:
        return LostProcessError("Another process of this run has failed.", "Resume the run.")
    return MemoryError(failed[0].what) if failed[0].memory else RuntimeError(failed[0].what)


def _frames(step: Step) -> float:
    """Of a whole batch."""
    return step.train.batch_size * step.train.crop_s * step.audio.frames_per_second


def _has_room(model: AuxVAE, count: int) -> bool:
    """Whether weights and everyone's gradients find room in the memory that processes have in common."""
    weights = 4 * sum(value.numel() for value in (*model.parameters(), *model.buffers()))
    needed = weights * count + 8 * 2 * count * ROOM
    return _COMMON.is_dir() and shutil.disk_usage(_COMMON).free > 2 * needed
