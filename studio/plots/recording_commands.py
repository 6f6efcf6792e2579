"""Commands of the view of a recording: what is shown, zoom, scroll and selection, with their keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.plots.timeline import Timeline
from studio.services.actions import IN_THE_VIEW, Action, Actions

ZOOM_STEP = 0.5


class RecordingCommands(QObject):
    """Makes the actions and adds them to the view; `actions` has them by name.

    Args:
        view: where the keys answer.
        timeline: what zoom, scroll and selection act on.
        fit: shows all of the time and the frequencies.

    Signals:
        chosen(): a choice of how it is drawn was changed by the user.
        picture_wanted(): the same, of what is drawn: another picture or line is needed.
    """

    chosen = Signal()
    picture_wanted = Signal()

    def __init__(self, view: QWidget, timeline: Timeline, fit: Callable[[], object]) -> None:
        super().__init__(view)
        self.actions = Actions(view, (*self._choices(), *self._shown(timeline, fit), *self._keys(timeline))).by_id
        view.addActions(list(self.actions.values()))
        for action in self.actions.values():
            action.setStatusTip(action.toolTip())
            action.setToolTip(f"{action.toolTip()} ({action.shortcut().toString()})")
        for name in ("zoom_selection", "difference"):
            self.actions[name].setEnabled(False)

    def is_checked(self, name: str) -> bool:
        """Whether a choice is made and can be."""
        return self.actions[name].isEnabled() and self.actions[name].isChecked()

    def _choices(self) -> tuple[Action, ...]:
        return (
            _command(
                "linear",
                self.tr("&Linear spectrum"),
                "S",
                self.picture_wanted.emit,
                short=self.tr("Linear"),
                tip=self.tr(
                    "Show the sound's own spectrum in equal steps of frequency, instead of the model's bands"
                ),
                checked=False,
            ),
            _command(
                "difference",
                self.tr("&Difference"),
                "D",
                self.picture_wanted.emit,
                short=self.tr("Difference"),
                tip=self.tr("Show what the transfer changed: the transformed version minus the reconstruction"),
                checked=False,
            ),
            _command(
                "show_f0",
                self.tr("Show &pitch"),
                "P",
                self.chosen.emit,
                short=self.tr("F0"),
                tip=self.tr("Draw the fundamental frequency (F0); of a take, before and after"),
                checked=True,
            ),
            _command(
                "show_intensity",
                self.tr("Show &intensity"),
                "I",
                self.picture_wanted.emit,
                short=self.tr("Intensity"),
                tip=self.tr("Draw the level of the sound: from −80 dBFS at the bottom to 0 at the top"),
                checked=False,
            ),
            _command(
                "snap",
                self.tr("S&nap to seconds"),
                "W",
                self.chosen.emit,
                short=self.tr("Snap"),
                tip=self.tr(
                    "Selections are made of whole 1-second windows of m; Shift while dragging turns it about"
                ),
                checked=False,
            ),
            _command(
                "lane_tools",
                self.tr("&Tools of the seconds"),
                "T",
                self.chosen.emit,
                short=self.tr("Tools"),
                tip=self.tr("Show the tools for the seconds of m; without them the pictures are higher"),
                checked=True,
            ),
        )

    def _shown(self, timeline: Timeline, fit: Callable[[], object]) -> tuple[Action, ...]:
        return (
            _command(
                "fit",
                self.tr("&Fit"),
                "F",
                fit,
                short=self.tr("Fit"),
                tip=self.tr("Show all of the time and the frequencies"),
            ),
            _command(
                "zoom_selection",
                self.tr("&Zoom to selection"),
                "Z",
                timeline.zoom_to_selection,
                short=self.tr("Zoom"),
                tip=self.tr("Show the selected time"),
            ),
        )

    def _keys(self, timeline: Timeline) -> tuple[Action, ...]:
        return tuple(
            _command(name, words, key, callback, short=words, tip=words)
            for name, words, key, callback in (
                ("zoom_in", self.tr("Zoom i&n"), "+", lambda: timeline.zoom(ZOOM_STEP, timeline.playhead_s)),
                ("zoom_out", self.tr("Zoom &out"), "-", lambda: timeline.zoom(1 / ZOOM_STEP, timeline.playhead_s)),
                ("earlier", self.tr("Scroll to &earlier"), "PgUp", lambda: timeline.scroll(-ZOOM_STEP)),
                ("later", self.tr("Scroll to l&ater"), "PgDown", lambda: timeline.scroll(ZOOM_STEP)),
                (
                    "select_from",
                    self.tr("Selection &begins at the playhead"),
                    "[",
                    lambda: timeline.select_from(timeline.playhead_s),
                ),
                (
                    "select_to",
                    self.tr("Selection ends at the play&head"),
                    "]",
                    lambda: timeline.select_to(timeline.playhead_s),
                ),
                ("select_none", self.tr("Select n&othing"), "Esc", lambda: timeline.select(None)),
            )
        )


def _command(
    name: str,
    title: str,
    key: str,
    callback: Callable[[], object],
    *,
    short: str,
    tip: str,
    checked: bool | None = None,
) -> Action:
    # Only within this view: elsewhere letters belong to lists and fields.
    return Action(name, title, callback, key, IN_THE_VIEW, short=short, tip=tip, checked=checked)
