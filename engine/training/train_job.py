"""The request to train."""

from __future__ import annotations

from engine.api import ControlSignal, Report, Train, TrainDone
from engine.training import loop


def train(request: Train, report: Report, control: ControlSignal) -> TrainDone:
    """Start or resume the run in a folder; see `loop.train` for what it reports and raises."""
    return loop.train(request.run_dir, report, control)
