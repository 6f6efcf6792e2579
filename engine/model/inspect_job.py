"""The request to say what a model file is."""

from __future__ import annotations

from engine.api import ControlSignal, Inspect, ModelInfo, Report
from engine.model import checkpoint


def inspect(request: Inspect, report: Report, control: ControlSignal) -> ModelInfo:
    """Say what a model file is, verified but without building the model.

    Raises:
        CheckpointError: it is damaged, foreign or from a newer version.
    """
    return checkpoint.inspect(request.model)
