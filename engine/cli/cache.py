"""`triptych cache`: what was computed of recordings and is kept."""

from __future__ import annotations

import argparse
import dataclasses

from engine import jobs
from engine.api import CacheState, CareForCache
from engine.api.errors import SpecError
from engine.cli.common import Facts
from engine.cli.terminal import Terminal


def cache(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Say what the cache holds; clear it or change its limit."""
    if options.limit is not None and not 0.1 <= options.limit <= 1e6:
        raise SpecError(f"limit is {options.limit:g} GB.", "It can be 0.1 to 1000000 GB.", "limit")
    limit = None if options.limit is None else round(options.limit * 1e9)
    state = jobs.run(CareForCache(options.clear, limit), terminal.report, terminal.control)
    assert isinstance(state, CacheState)
    return dataclasses.asdict(state)
