"""`triptych reproduce`: the paper's experiments."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from engine import jobs
from engine.api import Reproduce, ReproduceDone
from engine.cli.common import Facts
from engine.cli.terminal import Terminal


def reproduce(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Train and probe the models of the paper, and write the report."""
    request = Reproduce(
        corpus=tuple(str(Path(p).absolute()) for p in options.corpus),
        out=options.out,
        size=options.size,
        model=options.model,
        hold_out=tuple(name for name in options.hold_out.split(",") if name),
        seed=options.seed,
        device=options.device,
    )
    done = jobs.run(request, terminal.report, terminal.control)
    assert isinstance(done, ReproduceDone)
    for reason in done.missing:
        terminal.say(reason)
    return dataclasses.asdict(done)
