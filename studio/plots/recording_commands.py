"""Commands of the view of a recording: what is shown, zoom, scroll and selection, with their keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from studio.plots.timeline import Timeline

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
        self._view = view
        self.actions = self._choices() | self._shown_commands(timeline, fit) | self._key_commands(timeline)
        for name in ("show_f0", "lane_tools"):
            self.actions[name].setChecked(True)
        for name in ("zoom_selection", "difference"):
            self.actions[name].setEnabled(False)

    def is_checked(self, name: str) -> bool:
        """Whether a choice is made and can be."""
        return self.actions[name].isEnabled() and self.actions[name].isChecked()

    def _choices(self) -> dict[str, QAction]:
        return {
            "linear": self._choice(
                self.tr("&Linear spectrum"),
                self.tr("Linear"),
                "S",
                self.tr("Show the sound's own spectrum in equal steps of frequency, instead of the model's bands"),
                self.picture_wanted.emit,
            ),
            "difference": self._choice(
                self.tr("&Difference"),
                self.tr("Difference"),
                "D",
                self.tr("Show what the transfer changed: the transformed version minus the reconstruction"),
                self.picture_wanted.emit,
            ),
            "show_f0": self._choice(
                self.tr("Show &pitch"),
                self.tr("F0"),
                "P",
                self.tr("Draw the fundamental frequency (F0); of a take, before and after"),
                self.chosen.emit,
            ),
            "show_intensity": self._choice(
                self.tr("Show &intensity"),
                self.tr("Intensity"),
                "I",
                self.tr("Draw the level of the sound: from −80 dBFS at the bottom to 0 at the top"),
                self.picture_wanted.emit,
            ),
            "snap": self._choice(
                self.tr("S&nap to seconds"),
                self.tr("Snap"),
                "W",
                self.tr("Selections are made of whole 1-second windows of m; Shift while dragging turns it about"),
                self.chosen.emit,
            ),
            "lane_tools": self._choice(
                self.tr("&Tools of the seconds"),
                self.tr("Tools"),
                "T",
                self.tr("Show the tools for the seconds of m; without them the pictures are higher"),
                self.chosen.emit,
            ),
        }

    def _shown_commands(self, timeline: Timeline, fit: Callable[[], object]) -> dict[str, QAction]:
        everything = self.tr("Show all of the time and the frequencies")
        return {
            "fit": self._command(self.tr("&Fit"), self.tr("Fit"), "F", everything, fit),
            "zoom_selection": self._command(
                self.tr("&Zoom to selection"),
                self.tr("Zoom"),
                "Z",
                self.tr("Show the selected time"),
                timeline.zoom_to_selection,
            ),
        }

    def _key_commands(self, timeline: Timeline) -> dict[str, QAction]:
        made: tuple[tuple[str, str, str, Callable[[], object]], ...] = (
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
        return {name: self._command(words, words, key, words, slot) for name, words, key, slot in made}

    def _command(self, text: str, short: str, key: str, tip: str, slot: Callable[[], object]) -> QAction:
        action = QAction(text, self._view)
        action.setIconText(short)
        action.setShortcut(QKeySequence(key))
        # Only within this view: elsewhere letters belong to lists and fields.
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setToolTip(f"{tip} ({key})")
        action.setStatusTip(tip)
        action.triggered.connect(lambda _checked=False: slot())
        self._view.addAction(action)
        return action

    def _choice(self, text: str, short: str, key: str, tip: str, slot: Callable[[], object]) -> QAction:
        action = self._command(text, short, key, tip, slot)
        action.setCheckable(True)
        return action
