"""How a job follows its user between two pieces of work, and how it tells how long it will take."""

from __future__ import annotations

import time

from engine.api import Control, ControlSignal
from engine.api.errors import Cancelled

_PAUSE_LOOK_S = 0.05


def check_control(control: ControlSignal) -> bool:
    """Call between two pieces of work: holds still while paused.

    Returns:
        True when the job is to end early and keep what it has.

    Raises:
        Cancelled: the user cancelled the job.
    """
    while (state := control()) is Control.PAUSE:
        time.sleep(_PAUSE_LOOK_S)
    if state is Control.CANCEL:
        raise Cancelled
    return state is Control.STOP


def check_cancel(control: ControlSignal) -> None:
    """Call within a piece of work: only pause and cancel count, STOP lets the piece be finished and kept.

    Raises:
        Cancelled: the user cancelled the job.
    """
    check_control(control)


class Eta:
    """Time still needed, from the share of the work done so far.

    Args:
        total: the whole work, in any unit.
    """

    def __init__(self, total: float) -> None:
        self._total = total
        self._done = 0.0
        self._began = time.monotonic()

    def advance(self, amount: float) -> None:
        self._done += amount

    @property
    def fraction(self) -> float:
        return min(1.0, self._done / self._total) if self._total > 0 else 1.0

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the pace so far; None before anything is done."""
        if self._done <= 0:
            return None
        return (time.monotonic() - self._began) / self._done * max(0.0, self._total - self._done)
