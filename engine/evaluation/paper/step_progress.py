"""Progress of a report as a whole, from the progress of its steps."""

from __future__ import annotations

from engine.api import ControlSignal, Note, Progress, Report
from engine.api.errors import Cancelled
from engine.runtime.control import check_control


class StepProgress:
    """How far the whole is: a step has parts of its own (reading, then training), the whole never goes back."""

    def __init__(self, report: Report, control: ControlSignal) -> None:
        self._report, self._control = report, control
        self._share, self._span, self._furthest = 0.0, 0.02, 0.0

    def begin(self, span: float) -> None:
        """Another step, which is this share of the whole.

        Raises:
            Cancelled: the user cancelled the job.
        """
        check_control(self._control)
        self._share, self._span = min(1.0, self._share + self._span), span

    def say(self, message: str) -> None:
        """What is done now.

        Raises:
            Cancelled: the user ended the job.
        """
        if check_control(self._control):
            raise Cancelled
        self._put(self._share, message)

    def within(self, event: object) -> None:
        """Events of a step: its progress as part of the whole, its notes; points of curves stay in its log."""
        if isinstance(event, Progress):
            self._put(self._share + self._span * (event.fraction or 0.0), event.message)
        elif isinstance(event, Note):
            self._report(event)

    def _put(self, share: float, message: str) -> None:
        self._furthest = min(1.0, max(self._furthest, share))
        self._report(Progress(self._furthest, message))
