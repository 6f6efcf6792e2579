"""What every benchmark shares: fair timing beside a baseline, one table, one JSON file.

Ours and the baseline take turns, so that whatever else the machine does falls on both; a figure is the ratio of
their medians. `cpu` counts the processor's seconds of this process, its threads and its children, which other
programs on the machine disturb little; `wall` is what a person waits.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import gc
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

# Before torch: two teams that spin on two cores ruin each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A cache of the benchmark's own: nothing is found ready in the user's, and nothing is left there.
if "TRIPTYCH_CACHE" not in os.environ:
    os.environ["TRIPTYCH_CACHE"] = tempfile.mkdtemp(prefix="triptych-bench-")
    atexit.register(shutil.rmtree, os.environ["TRIPTYCH_CACHE"], ignore_errors=True)


@dataclass(frozen=True)
class Row:
    """One line of the table. `better` says which way is good; `goal` bounds `figure`, None where stated only.

    figure: the number to be judged, in `unit` ("x" for a ratio to the baseline); None where it was not measured.
    """

    what: str
    figure: float | None
    unit: str
    goal: float | None = None
    better: str = "higher"
    baseline: str = ""
    ours: str = ""
    theirs: str = ""
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.goal is None or self.figure is None:
            return None
        return self.figure >= self.goal if self.better == "higher" else self.figure <= self.goal


@dataclass(frozen=True)
class Timing:
    """Medians over the rounds, in seconds."""

    wall_s: float
    cpu_s: float


def timed(action: Callable[[], object]) -> Timing:
    """One run of an action."""
    gc.collect()
    wall, cpu = time.perf_counter(), processor_s()
    action()
    return Timing(time.perf_counter() - wall, processor_s() - cpu)


def processor_s() -> float:
    """Processor seconds so far of this process, its threads, and the processes that it has started and has now."""
    total = time.process_time()
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # in user and in system mode
    return total


def interleaved(actions: Sequence[Callable[[], object]], rounds: int, warm: int = 1) -> list[Timing]:
    """Every action `rounds` times, in turns: ours, baseline, ours, baseline ..."""
    for _ in range(warm):
        for action in actions:
            action()
    found: list[list[Timing]] = [[] for _ in actions]
    for _ in range(rounds):
        for timings, action in zip(found, actions, strict=True):
            timings.append(timed(action))
    return [middle(timings) for timings in found]


class Apart:
    """An action in a process of its own, so that neither side shares the other's memory, caches or settings.

    Args:
        make: a function of a module, called there with `arguments`; what it returns is the action.
    """

    def __init__(self, make: Callable[..., Callable[[], object]], *arguments: object, threads: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, make, arguments, threads), daemon=True)
        self._process.start()
        self.facts: dict[str, float] = self._pipe.recv()

    def __call__(self) -> Timing:
        self._pipe.send("go")
        timing: Timing = self._pipe.recv()
        return timing

    def end(self) -> None:
        self._pipe.send(None)
        self._process.join()


def _serve(
    pipe: Connection, make: Callable[..., Callable[[], object]], arguments: tuple[object, ...], threads: int
) -> None:
    import torch

    torch.set_num_threads(threads)
    action = make(*arguments)
    pipe.send(getattr(action, "facts", {}))
    while pipe.recv() is not None:
        pipe.send(timed(action))


def taking_turns(sides: Sequence[Apart], rounds: int, warm: int = 1) -> list[Timing]:
    """`interleaved` for actions in processes of their own; ends them."""
    found: list[list[Timing]] = [[] for _ in sides]
    for turn in range(warm + rounds):
        for timings, side in zip(found, sides, strict=True):
            timing = side()
            if turn >= warm:
                timings.append(timing)
    for side in sides:
        side.end()
    return [middle(timings) for timings in found]


def middle(timings: Sequence[Timing]) -> Timing:
    return Timing(
        statistics.median(timing.wall_s for timing in timings),
        statistics.median(timing.cpu_s for timing in timings),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def peak_mib() -> float:
    """The most memory this process has held so far, in MiB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024.0
    raise RuntimeError("/proc/self/status names no VmHWM; this benchmark needs Linux")


def machine() -> dict[str, object]:
    """What the figures were measured on, and how busy it was: a shared machine says so."""
    import torch

    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cuda": torch.cuda.is_available(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def arguments(purpose: str | None) -> argparse.ArgumentParser:
    """The parser every benchmark begins with: --json FILE, --threads N."""
    parser = argparse.ArgumentParser(description=purpose, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there as JSON")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser


def tell(title: str, rows: Sequence[Row], to: Path | None, **more: object) -> None:
    """Print the table and write the JSON."""
    print(table(title, rows))
    if to is not None:
        facts = {
            "title": title,
            "machine": machine(),
            "rows": [dataclasses.asdict(row) | {"met": row.met} for row in rows],
            **more,
        }
        to.write_text(json.dumps(facts, indent=1), "utf-8")


def table(title: str, rows: Sequence[Row]) -> str:
    lines = [f"## {title}", "", "| | measured | goal | ours | baseline |", "|---|---|---|---|---|"]
    for row in rows:
        sign = "at least" if row.better == "higher" else "at most"
        goal = (
            ""
            if row.goal is None
            else f"{sign} {_told(row.goal, row.unit)}{' (missed)' if row.met is False else ''}"
        )
        theirs = " ".join(part for part in (row.theirs, f"({row.baseline})" if row.baseline else "") if part)
        what = f"{row.what} ({row.note})" if row.note else row.what
        lines.append(f"| {what} | {_told(row.figure, row.unit)} | {goal} | {row.ours} | {theirs} |")
    return "\n".join(lines) + "\n"


def _told(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} times" if unit == "x" else f"{digits} {unit}".rstrip()


def milliseconds(seconds: float) -> str:
    return f"{1000.0 * seconds:.0f} ms" if seconds >= 0.01 else f"{1000.0 * seconds:.2g} ms"
