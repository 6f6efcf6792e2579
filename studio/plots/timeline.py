"""Timeline that the views of one recording share: the span shown, the selection and the playhead."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

SHORTEST_VIEW_S = 0.02
WINDOW_S = 1.0  # of m: what a selection can snap to
Span = tuple[float, float]


class Timeline(QObject):
    """One owner of the time axis; views show it and ask it to change. All values in seconds.

    Signals:
        duration_changed(float)
        view_changed(float, float): the span now shown.
        selection_changed(object): (start, stop) or None.
        playhead_changed(float)
        seek_requested(float): the user pointed at a time; whoever plays decides.
    """

    duration_changed = Signal(float)
    view_changed = Signal(float, float)
    selection_changed = Signal(object)
    playhead_changed = Signal(float)
    seek_requested = Signal(float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.duration_s = 0.0
        self.view_s: Span = (0.0, 1.0)
        self.selection_s: Span | None = None
        self.playhead_s = 0.0
        self.snapping = False  # selections are made of whole windows of m

    def set_duration(self, seconds: float) -> None:
        """A new recording: nothing selected, all of it shown."""
        self.duration_s = max(0.0, seconds)
        self.duration_changed.emit(self.duration_s)
        self.select(None)
        self.set_playhead(0.0)
        self.fit()

    def show(self, start: float, stop: float) -> None:
        """Show this span, kept within the recording and at least 20 ms long."""
        whole = self.duration_s or 1.0
        length = min(whole, max(SHORTEST_VIEW_S, stop - start))
        middle = (start + stop) / 2
        start = min(max(0.0, middle - length / 2), whole - length)
        if (start, start + length) != self.view_s:
            self.view_s = (start, start + length)
            self.view_changed.emit(*self.view_s)

    def fit(self) -> None:
        self.show(0.0, self.duration_s or 1.0)

    def zoom(self, factor: float, at: float) -> None:
        """Make the shown span `factor` times as long, with `at` staying under the cursor."""
        start, stop = self.view_s
        length = min(self.duration_s or 1.0, max(SHORTEST_VIEW_S, (stop - start) * factor))
        share = (at - start) / (stop - start)
        self.show(at - share * length, at + (1 - share) * length)

    def scroll(self, share: float) -> None:
        """Move the view by a share of its own length; positive is later."""
        start, stop = self.view_s
        step = (stop - start) * share
        self.show(start + step, stop + step)

    def zoom_to_selection(self) -> None:
        if self.selection_s is not None:
            self.show(*self.selection_s)

    def reveal(self, at: float) -> None:
        """Turn the page if `at` is out of sight."""
        start, stop = self.view_s
        if not start <= at <= stop:
            self.show(at, at + stop - start)

    def select(self, span: Span | None, *, snap_s: float | None = None) -> None:
        """Select a span, in any order of its ends; with `snap_s` widened to whole windows of that length."""
        if span is not None:
            low, high = sorted(span)
            if snap_s:
                low, high = math.floor(low / snap_s) * snap_s, math.ceil(high / snap_s) * snap_s
            low, high = max(0.0, low), min(self.duration_s, high)
            span = (low, high) if high > low else None
        if span != self.selection_s:
            self.selection_s = span
            self.selection_changed.emit(span)

    def snap_s(self, *, turned: bool) -> float | None:
        """What a selection made now snaps to; `turned` = the other way about, as Shift asks for."""
        return WINDOW_S if self.snapping != turned else None

    def move_edges(self, span: Span) -> None:
        """The ends of the selection were moved; with snapping each goes to the nearest end of a window."""
        if self.snapping:
            low, high = (round(edge / WINDOW_S) * WINDOW_S for edge in sorted(span))
            if high - low < WINDOW_S:
                low, high = (low, low + WINDOW_S) if low + WINDOW_S <= self.duration_s else (high - WINDOW_S, high)
            if self.duration_s - max(span) < WINDOW_S / 2:
                high = self.duration_s  # the last window is rarely whole
            span = (low, high)
        self.select(span)

    def select_from(self, start: float) -> None:
        """Let the selection begin here; without one it reaches to the end."""
        stop = self.selection_s[1] if self.selection_s is not None else self.duration_s
        self.select((start, stop if stop > start else self.duration_s), snap_s=self.snap_s(turned=False))

    def select_to(self, stop: float) -> None:
        """Let the selection end here; without one it begins at the beginning."""
        start = self.selection_s[0] if self.selection_s is not None else 0.0
        self.select((start if start < stop else 0.0, stop), snap_s=self.snap_s(turned=False))

    def set_playhead(self, seconds: float) -> None:
        if seconds != self.playhead_s:
            self.playhead_s = seconds
            self.playhead_changed.emit(seconds)


def clock_text(seconds: float, decimals: int = 2, *, always_minutes: bool = False) -> str:
    """3.25 -> "3.25 s" (or "0:03.25"); 83.5 -> "1:23.50"; 3725 -> "1:02:05.00"."""
    if seconds < 60 and not always_minutes:
        return f"{seconds:.{decimals}f} s"
    # Rounded first, so that 119.999 does not become "1:60.00".
    seconds = round(seconds, decimals)
    minutes, rest = divmod(seconds, 60)
    width = 3 + decimals if decimals else 2
    tail = f"{rest:0{width}.{decimals}f}"
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"
