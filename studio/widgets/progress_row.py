"""Progress of one piece of work: its name, how far it is, how long it takes, and buttons to control it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QSizePolicy, QToolButton, QWidget

from studio.services import theme


def duration_words(seconds: float) -> str:
    """0:42, 12:05 or 3:07:00."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


class ProgressRow(QWidget):
    """Signals: pause_toggled, stop_wanted, cancel_wanted, details_wanted."""

    pause_toggled = Signal()
    stop_wanted = Signal()
    cancel_wanted = Signal()
    details_wanted = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel(title)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.bar.setAccessibleName(title)
        self.pause = self._button("pause", self.tr("Pause"), self.pause_toggled)
        self.stop = self._button("stop", self.tr("Stop and keep what there is"), self.stop_wanted)
        self.cancel = self._button("close", self.tr("Cancel"), self.cancel_wanted)
        self.details = self._button("info", self.tr("Details"), self.details_wanted)
        grid = QGridLayout(self)
        grid.setContentsMargins(theme.SPACE, theme.SMALL, theme.SPACE, theme.SMALL)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.title, 0, 0)
        grid.addWidget(self.bar, 1, 0)
        grid.addWidget(self.words, 2, 0)
        for column, button in enumerate((self.details, self.pause, self.stop, self.cancel), start=1):
            grid.addWidget(button, 0, column, 3, 1)
        grid.setColumnStretch(0, 1)

    def show_state(self, words: str, fraction: float | None, *, running: bool, ended: bool) -> None:
        """fraction None with running = busy; an ended row keeps its bar where it was."""
        self.words.setText(words)
        self.words.setToolTip(words)
        busy = running and fraction is None
        self.bar.setRange(0, 0 if busy else 1000)
        if not busy:
            self.bar.setValue(round(1000 * (fraction or 0.0)))
        self.bar.setVisible(not ended)

    def _button(self, icon: str, words: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton()
        button.setIcon(theme.icon(icon))
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.setAutoRaise(True)
        button.clicked.connect(signal)
        return button
