"""Several processes that train one model together, each on its rows of every batch; torchrun starts them.

N processes with a batch of B learn what one process with a batch of B learns, but for the order in which floats are
added up:

* All know the whole batch; each gathers its rows of it, padded as the whole batch would be.
* Each draws the random numbers of the whole batch and keeps those of its rows. So no number depends on how many
  processes there are, and one saved state serves any number. On a processor long rows have generators of their own,
  for which all draw no more than where to begin.
* What looks across a batch does so across processes: batch norm by `summed`, the contrast by `gathered`.
* A term is a sum over the whole batch divided by a count of the whole batch. Each process has its share of it, its
  own sum over everyone's count (`over_all`); shares and gradients of shares add up, in one exchange a step.

The model's code asks the functions here and does not know whether it is alone; `Ranks.share` says so around a step.
The first process alone writes the run folder. The others run the same code over a folder that is thrown away.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import math
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous

from engine.api import Control, ControlSignal
from engine.api.errors import SpecError, TrainingError
from engine.model.batch_context import BatchContext
from engine.runtime import devices
from engine.training.distributed.launch import Place, place

ANSWER_TIME = datetime.timedelta(minutes=10)  # a process that answers no more by then is lost
CORPUS_TIME = datetime.timedelta(days=2)  # a corpus may take hours to read
_WISHES = (Control.RUN, Control.PAUSE, Control.STOP, Control.CANCEL)  # the last one counts
_LONG_ROW = 1 << 13  # numbers: where beginning a generator anew costs nothing beside drawing them

Found = TypeVar("Found")


class LostProcessError(TrainingError):
    """Another process of the run has ended or does not answer; what it had to add is missing."""


# ---------------------------------------------------------------------------------------- within a step
@dataclass(frozen=True)
class Share:
    """The rows [first, last) of a batch of `size`, which this process has (also engine/lanes.py).

    exchange: replaces a tensor, in place, by its sum over all that share the batch.
    leads: whether it moves what lanes have in common, such as running statistics.
    """

    size: int
    first: int
    last: int
    exchange: Callable[[Tensor], None]
    leads: bool = True


_share: ContextVar[Share | None] = ContextVar("share", default=None)


@contextlib.contextmanager
def sharing(share: Share) -> Iterator[None]:
    """Work on a share of a batch."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


def share_of(rows: slice) -> Share:
    """The share in work, or all of a batch of these rows."""
    return _share.get() or Share(rows.stop, 0, rows.stop, lambda values: None)


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def shared() -> bool:
    """Whether the batch in work is shared by several processes."""
    return _share.get() is not None


def leads() -> bool:
    """Whether this process moves what those on its machine have in common (engine/lanes.py)."""
    share = _share.get()
    return share is None or share.leads


def normal(rows: int, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """Standard normal numbers (rows, *shape): of those for the whole batch this share's rows."""
    if device.type != "cpu" or math.prod(shape) < _LONG_ROW:
        return _drawn(torch.randn, rows, shape, generator, device)
    # A generator for every row, begun by a number that all draw: nobody has to draw the others' rows.
    seeds = _drawn(functools.partial(torch.randint, 2**63 - 1), rows, (), generator, device)
    found = torch.empty(rows, *shape)
    of_row = torch.Generator()
    for row, seed in zip(found, seeds.tolist(), strict=True):
        row.normal_(generator=of_row.manual_seed(seed))
    return found


def uniform(rows: int, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """Numbers from [0, 1), (rows, *shape), as `normal` draws them."""
    return _drawn(torch.rand, rows, shape, generator, device)


def over_all(counts: Tensor) -> Tensor:
    """Counts of all processes together; no gradient passes."""
    return counts if _share.get() is None else total(counts)


def total(values: Tensor) -> Tensor:
    """The sum of every share's values, while a batch is shared; no gradient passes."""
    found = values.detach().clone(memory_format=torch.contiguous_format)
    share_of(slice(0)).exchange(found)
    return found


def summed(values: Tensor) -> Tensor:
    """The sum of every process's tensor, at every process; gradients come back from all of them."""
    if _share.get() is None:
        return values
    found: Tensor = _Summed.apply(values)  # type: ignore[no-untyped-call]
    return found


def gathered(rows: Tensor) -> tuple[Tensor, int]:
    """The rows of the whole batch (size, ...) from this process's (n, ...), and the place of its first; with
    gradients."""
    share = _share.get()
    if share is None:
        return rows, 0
    before = rows.new_zeros((share.first, *rows.shape[1:]))
    after = rows.new_zeros((share.size - share.last, *rows.shape[1:]))
    return summed(torch.cat((before, rows, after))), share.first


class SharedBatch(BatchContext):
    """The batch in work, whether or not it is shared."""

    def normal(self, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        return normal(*shape, generator=generator, device=device)

    def uniform(self, *shape: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        return uniform(*shape, generator=generator, device=device)

    def sum_over_processes(self, values: Tensor) -> Tensor:
        return over_all(values)

    def gather_rows(self, rows: Tensor) -> tuple[Tensor, int]:
        return gathered(rows)


SHARED = SharedBatch()


class _Summed(torch.autograd.Function):
    """The objective is the sum of all shares, so what one process adds reaches the shares of all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return total(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return total(gradient)


def _drawn(
    draw: Callable[..., Tensor],
    rows: int,
    shape: tuple[int, ...],
    generator: torch.Generator | None,
    device: torch.device,
) -> Tensor:
    share = _share.get()
    if share is None:
        return draw((rows, *shape), generator=generator, device=device)
    whole = draw((share.size, *shape), generator=generator, device=device)
    return whole[share.first : share.last].clone()  # or the whole would be kept for the sake of a part


def _exchange(values: Tensor, group: Any = None, largest: bool = False) -> None:
    """Replace values by their sum, or the largest, over all processes."""
    with _in_words():
        dist.all_reduce(values, dist.ReduceOp.MAX if largest else dist.ReduceOp.SUM, group=group)


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo's and NCCL's errors have no kind of their own for this
        raise LostProcessError(
            f"Another process of this run has ended or answers no more ({str(error).splitlines()[0]}).",
            "See its own message above; then go on with --resume, with as many processes as you like.",
        ) from error


# ---------------------------------------------------------------------------------------- around the steps
class Ranks:
    """The processes of one run, seen from one of them.

    All but `device`, `share` and `steered` wait for the others, and raise LostProcessError when one has ended.
    """

    def __init__(self, here: Place | None = None, patient: Any = None) -> None:
        here = here or Place()
        self.number, self.count, self.first = here.number, here.count, here.first
        self.local, self.local_count = here.local, here.local_count
        self._patient = patient  # the group whose waits may last
        self._asked_to_end = False

    def device(self, name: str) -> torch.device:
        """The device of this process: of several on one machine, each has a graphics card to itself.

        Raises:
            SpecError: there are not so many, or a single one was named for all.
        """
        if self.count == 1:
            return devices.resolve(name)
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        device = devices.resolve(name)
        if device.type == "cpu":
            return device
        if device.type != "cuda" or (device.index is not None and self.local_count > 1):
            raise SpecError(
                f"Several processes cannot share the device {name}.", "Choose auto, cuda or cpu.", "device"
            )
        if self.local >= torch.cuda.device_count():
            raise SpecError(
                f"This machine has {torch.cuda.device_count()} graphics cards for {self.local_count} processes.",
                "Start one process a card (--nproc-per-node), or choose the device cpu.",
                "device",
            )
        device = torch.device("cuda", self.local)
        torch.cuda.set_device(device)
        return device

    @contextlib.contextmanager
    def folder(self, run_dir: Path, names: Sequence[str]) -> Iterator[Path]:
        """Where this process reads and writes the run: the first in run_dir, the others in a copy of what it needs.

        Args:
            names: files of run_dir that the others need, where they are there.
        """
        if self.first:
            for name in names if self.count > 1 else ():
                self._of_first((run_dir / name).read_bytes() if (run_dir / name).is_file() else None)
            yield run_dir
            return
        with tempfile.TemporaryDirectory(prefix="triptych-rank-") as passing:
            for name in names:
                if (content := self._of_first(None)) is not None:
                    (Path(passing) / name).write_bytes(content)
            yield Path(passing)

    def one_after_another(self, action: Callable[[], Found]) -> Found:
        """Do the same everywhere: first the first process, then the first of every machine, then the others, which
        so find ready what one on their machine has computed."""
        if self.count == 1:
            return action()
        mine = 0 if self.first else 1 if self.local == 0 else 2
        found: list[Found] = []
        for turn in range(3):
            if turn == mine:
                found.append(action())
            _exchange(torch.zeros(1), self._patient)
        return found[0]

    def must_agree(self, fact: str, what: str, hint: str) -> None:
        """Raise TrainingError(what, hint) where a fact is not that of the first process."""
        if self.count > 1 and (self._of_first(fact.encode()) or b"").decode() != fact:
            raise TrainingError(what, hint)

    def make_alike(self, module: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        if self.count > 1:
            for value in module.state_dict().values():
                with _in_words():
                    dist.broadcast(value, 0)

    def steered(self, control: ControlSignal) -> ControlSignal:
        """What the user wishes, or STOP once the system has asked this process to end. Waits for nobody."""

        def wish() -> Control:
            asked = control()
            return Control.STOP if self._asked_to_end and asked is not Control.CANCEL else asked

        return wish

    def agreed(self, wish: Control) -> Control:
        """What is to be done where each process was told its own wish: the strongest."""
        if self.count == 1:
            return wish
        told = torch.tensor([_WISHES.index(wish)])
        _exchange(told, largest=True)
        return _WISHES[int(told)]

    def decided_by_first(self, planned: int | None, every: int) -> tuple[int | None, int]:
        """The first process's numbers, neither below 0: what its clock decides."""
        if self.count == 1:
            return planned, every
        told = torch.tensor([-1 if planned is None else planned, every])
        with _in_words():
            dist.broadcast(told, 0)
        first, second = (int(number) for number in told)
        return None if first < 0 else first, second

    @contextlib.contextmanager
    def share(self, size: int) -> Iterator[slice]:
        """This process's rows of a batch, while they are worked on. A batch too small for all is the first's."""
        if self.count == 1 or size < self.count:
            yield slice(0, size if self.first else 0)
            return
        first, last = size * self.number // self.count, size * (self.number + 1) // self.count
        with sharing(Share(size, first, last, _exchange)):
            yield slice(first, last)

    def add_up(self, values: Tensor, parameters: Sequence[nn.Parameter] = ()) -> Tensor:
        """The sum of every process's values (n,); in the same exchange the parameters' gradients are summed."""
        if self.count == 1:
            return values
        held = [parameter for parameter in parameters if parameter.grad is not None]  # the same at every process
        flat = torch.cat([values, *(parameter.grad.flatten() for parameter in held if parameter.grad is not None)])
        _exchange(flat)
        added, *parts = torch.split(flat, [len(values), *(parameter.numel() for parameter in held)])
        for parameter, part in zip(held, parts, strict=True):
            parameter.grad = part.view_as(parameter)
        return added

    def _of_first(self, content: bytes | None) -> bytes | None:
        """The first process's bytes at every process."""
        size = torch.tensor([-1 if content is None else len(content)])
        with _in_words():
            dist.broadcast(size, 0)
            if int(size) <= 0:
                return None if int(size) < 0 else b""
            held = torch.empty(int(size), dtype=torch.uint8)
            if content is not None and self.first:
                held = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            dist.broadcast(held, 0)
        return held.numpy().tobytes()

    def _ask_to_end(self, number: int, frame: Any) -> None:
        del number, frame
        self._asked_to_end = True


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """The processes that torchrun started, brought together; alone where it started none.

    SIGTERM, which torchrun sends to all when one is lost and a cluster before it takes a machine back, becomes the
    wish to stop.

    Raises:
        TrainingError: they do not find each other.
    """
    here = place()
    if here.count == 1:
        yield Ranks(here)
        return
    try:
        store, number, count = next(rendezvous("env://", timeout=ANSWER_TIME))
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
            timeout=ANSWER_TIME,
            # torchrun keeps its store when it begins processes anew: they must not find the lost ones' addresses.
            store=dist.PrefixStore(f"attempt{here.restarts}", store),  # type: ignore[attr-defined]
            rank=number,
            world_size=count,
        )
        patient = dist.new_group(timeout=CORPUS_TIME, backend="gloo")
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"The processes of this run do not find each other ({str(error).splitlines()[0]}).",
            "Check the address and port given to torchrun, and that all machines reach it; then start again.",
        ) from error
    ranks = Ranks(here, patient)
    watching = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, ranks._ask_to_end) if watching else None
    try:
        yield ranks
        # Only after a good end: a group that has lost a member cannot be taken down in order.
        dist.destroy_process_group()
    finally:
        if watching:
            signal.signal(signal.SIGTERM, before)
