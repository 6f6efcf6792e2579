"""`triptych info`: what a model file is."""

from __future__ import annotations

import argparse
import dataclasses

from engine import jobs
from engine.api import Inspect, ModelInfo
from engine.cli.common import Facts, model_named
from engine.cli.terminal import Terminal


def info(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Say what a model file holds: sizes, settings, provenance and hash."""
    options.model = options.model_file or options.model
    result = jobs.run(Inspect(model_named(options)), terminal.report, terminal.control)
    assert isinstance(result, ModelInfo)
    return dataclasses.asdict(result)
