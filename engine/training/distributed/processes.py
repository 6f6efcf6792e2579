"""Processes of a distributed run, started by torchrun: gloo between processors, NCCL between graphics cards.

Every process runs the same loop on its own rows of each batch, with the random numbers of the whole batch, so that
N processes learn what one learns at the same batch. DistributedDataParallel adds up the gradients. Only the first
process writes, and its clock counts.
"""

from __future__ import annotations

import contextlib
import datetime
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from engine.api import Control, ControlSignal
from engine.api.errors import SpecError, TrainingError
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.runtime import devices
from engine.training.distributed.launch import LaunchedProcess, this_process
from engine.training.distributed.shared_batch import SharedBatch
from engine.training.state import RunProgress

CORPUS_TIME = datetime.timedelta(days=2)  # a corpus may take hours to read
_BY_STRENGTH = (Control.RUN, Control.PAUSE, Control.STOP, Control.CANCEL)

Found = TypeVar("Found")


class Processes:
    """The processes of one run, seen from one of them; in a run of one process, that one.

    All methods but `device`, `share` and `watching` wait for the other processes.
    """

    def __init__(self, here: LaunchedProcess | None = None, patient: Any = None) -> None:
        here = here or LaunchedProcess()
        self.number, self.count, self.first = here.number, here.count, here.first
        self.local, self.local_count = here.local, here.local_count
        self._patient = patient  # the group whose waits may last
        self._asked_to_end = False

    def device(self, name: str) -> torch.device:
        """The device of this process: of several on one machine, each has a graphics card to itself.

        Raises:
            SpecError: there are not so many cards, or a single one was named for all.
        """
        if self.count == 1:
            return devices.resolve(name)
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        device = devices.resolve(name)
        if device.type == "cpu":
            return device
        if device.type != "cuda" or device.index is not None or self.local >= torch.cuda.device_count():
            raise SpecError(
                f"The {self.local_count} processes on this machine cannot share the device {name}.",
                "Start one process a graphics card, with the device auto, or choose the device cpu.",
                "device",
            )
        torch.cuda.set_device(self.local)
        return torch.device("cuda", self.local)

    @contextlib.contextmanager
    def folder(self, run_dir: Path, names: Sequence[str]) -> Iterator[Path]:
        """The run folder; in all processes but the first, a passing folder with copies of these files of it."""
        if self.count == 1:
            yield run_dir
            return
        contents = [(run_dir / name).read_bytes() if (run_dir / name).is_file() else None for name in names]
        with tempfile.TemporaryDirectory(prefix="triptych-process-") as passing:
            for name, content in zip(names, contents, strict=True):
                if (copy := self._of_first(content)) is not None:
                    (Path(passing) / name).write_bytes(copy)
            yield run_dir if self.first else Path(passing)

    def one_after_another(self, action: Callable[[], Found]) -> Found:
        """Do the same everywhere, the first process of each machine before its others, which find its files."""
        if self.count == 1:
            return action()
        if self.local > 0:
            dist.barrier(self._patient)
            return action()
        found = action()
        dist.barrier(self._patient)
        return found

    def must_agree(self, fact: str, what: str, hint: str) -> None:
        """Raise TrainingError(what, hint) where a fact is not that of the first process."""
        if self.count > 1 and self._of_first(fact.encode()) != fact.encode():
            raise TrainingError(what, hint)

    def watching(self, control: ControlSignal) -> ControlSignal:
        """What the user requests, or STOP once the system has asked this process to end."""

        def requested() -> Control:
            state = control()
            return Control.STOP if self._asked_to_end and state is not Control.CANCEL else state

        return requested

    def agreed(self, requested: Control) -> Control:
        """The strongest of the states requested of all processes."""
        if self.count == 1:
            return requested
        strength = torch.tensor(_BY_STRENGTH.index(requested))
        dist.all_reduce(strength, dist.ReduceOp.MAX)
        return _BY_STRENGTH[int(strength)]

    def follow_first(self, progress: RunProgress) -> None:
        """Take over the plan of the first process."""
        if self.count == 1:
            return
        plan = torch.tensor([progress.planned_crops or 0, progress.validate_every])
        dist.broadcast(plan, 0)
        crops, progress.validate_every = plan.tolist()
        progress.planned_crops = crops or None

    def distributed(self, step: nn.Module) -> nn.Module:
        """A step that begins with the first process's weights, and whose gradients become everyone's mean."""
        if self.count == 1:
            return step
        # torch.compiler, which it asks for, takes a second to import: one process alone does not need it.
        from engine.training.distributed.sync_batch_norm import synchronise

        synchronise(step)
        return DistributedDataParallel(step)

    def share(self, size: int) -> tuple[slice, BatchContext]:
        """This process's rows of a batch, and what lets the model ask for the others."""
        if self.count == 1:
            return slice(0, size), SINGLE_PROCESS
        rows = slice(size * self.number // self.count, size * (self.number + 1) // self.count)
        return rows, SharedBatch(size, rows)

    def sum(self, values: Tensor) -> Tensor:
        """The sum of every process's values."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def ask_to_end(self, *_: object) -> None:
        """Let every process stop; as a handler of signals."""
        self._asked_to_end = True

    def _of_first(self, content: bytes | None) -> bytes | None:
        """The first process's bytes, in every process."""
        size = torch.tensor(-1 if content is None else len(content))
        dist.broadcast(size, 0)
        if int(size) < 0:
            return None
        own = content if self.first and content is not None else bytes(int(size))
        held = torch.frombuffer(bytearray(own), dtype=torch.uint8) if own else torch.empty(0, dtype=torch.uint8)
        dist.broadcast(held, 0)
        return held.numpy().tobytes()


@contextlib.contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started, brought together; this one alone where it started none.

    SIGTERM, which torchrun sends to all when one is lost and a cluster before it takes a machine back, becomes the
    requested state STOP.

    Raises:
        TrainingError: they do not find each other, or one of them has ended before the others.
    """
    here = this_process()
    if here.count == 1:
        yield Processes(here)
        return
    try:
        store, number, count = next(rendezvous("env://"))
        # torchrun keeps its store when it begins processes anew: they must not find the lost ones' addresses.
        store = dist.PrefixStore(f"attempt{here.restarts}", store)  # type: ignore[attr-defined]
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=number, world_size=count)
        processes = Processes(here, dist.new_group(timeout=CORPUS_TIME, backend="gloo"))
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"The processes of this run do not find each other ({str(error).splitlines()[0]}).",
            "Check the address and port given to torchrun, and that all machines reach it; then start again.",
        ) from error
    handled = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, processes.ask_to_end) if handled else None
    try:
        yield processes
        dist.destroy_process_group()  # after a good end only: a group that has lost a member hangs here
    except RuntimeError as error:
        if not (isinstance(error, dist.DistError) or "gloo" in str(error) or "NCCL" in str(error)):
            raise
        raise TrainingError(
            f"Another process of this run has ended or answers no more ({str(error).splitlines()[0]}).",
            "See its own message above; then go on with --resume, with as many processes as you like.",
        ) from error
    finally:
        if handled:
            signal.signal(signal.SIGTERM, before)
