"""Selected seconds and the selected time, kept the same."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSignalBlocker, Signal

from studio.plots.second_lane import SecondLane
from studio.plots.timeline import Span, Timeline


class TimeLink(QObject):
    """Selects in the one what is selected in the other.

    Signals:
        changed(): other seconds are selected.
    """

    changed = Signal()

    def __init__(self, lane: SecondLane, timeline: Timeline, parent: QObject) -> None:
        super().__init__(parent)
        self._lane, self._timeline = lane, timeline
        self._linking = False
        self.count = 0  # seconds that the lane shows
        lane.selection_changed.connect(self._seconds_selected)
        timeline.selection_changed.connect(self._time_selected)

    def _seconds_selected(self, seconds: list[int]) -> None:
        """What lies together is selected in time as well."""
        self._linking = True
        if seconds and seconds[-1] - seconds[0] + 1 == len(seconds):
            self._timeline.select((float(seconds[0]), min(seconds[-1] + 1.0, self._timeline.duration_s)))
        else:
            self._timeline.select(None)
        self._linking = False
        self.changed.emit()

    def _time_selected(self, span: Span | None) -> None:
        """A time selected elsewhere is the seconds whose middles it holds."""
        if self._linking or not self.count:
            return
        chosen: Sequence[int] = ()
        if span is not None:
            duration = self._timeline.duration_s
            middles = [(s + min(s + 1.0, duration)) / 2 for s in range(self.count)]
            chosen = [s for s, middle in enumerate(middles) if span[0] <= middle <= span[1]]
        self._linking = True
        with QSignalBlocker(self._lane):
            self._lane.select(chosen)
        self._linking = False
        self.changed.emit()
