"""How far a run is, and what can be done with it while it goes on."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from studio.domain.run_record import RunRecord
from studio.engine_link.job import Job
from studio.services import theme
from studio.widgets.progress_row import duration_words


class RunProgressView(QWidget):
    """A bar, words and buttons.

    Signals:
        pause_wanted(): to pause, or to go on. stop_wanted(): to end early and keep the models. cancel_wanted().
    """

    pause_wanted = Signal()
    stop_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setObjectName("trainingProgress")
        self.bar.setAccessibleName(self.tr("Progress of the training"))
        self.state = QLabel()
        self.state.setObjectName("trainingState")
        self.state.setWordWrap(True)
        self.pause_button = button("pauseRun", self.tr("Pause"), self.pause_wanted.emit)
        self.stop_button = button("stopRun", self.tr("Stop and keep"), self.stop_wanted.emit)
        self.cancel_button = button("cancelRun", self.tr("Cancel…"), self.cancel_wanted.emit)
        self.stop_button.setIcon(theme.icon("stop"))
        self.pause_button.setToolTip(self.tr("Hold the training still and free its device"))
        self.stop_button.setToolTip(self.tr("End early, save, and keep the best model; it can be resumed"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addLayout(button_row(self.pause_button, self.stop_button, self.cancel_button))

    def show_run(self, record: RunRecord | None, job: Job | None) -> None:
        """Show the job of a run, or how the run ended."""
        for part in (self.bar, self.pause_button, self.stop_button, self.cancel_button):
            part.setVisible(job is not None)
        if job is not None:
            self._show_job(job)
        elif record is not None:
            self.state.setText(self._ending(record))

    def _show_job(self, job: Job) -> None:
        paused = job.state == "paused"
        fraction = job.fraction
        self.bar.setRange(0, 0 if fraction is None and not paused else 1000)
        self.bar.setValue(0 if fraction is None else round(1000 * fraction))
        self.bar.setFormat("" if fraction is None else f"{100 * fraction:.1f} %")
        words = [job.message or self.tr("Starting…")]
        if paused:
            at = job.message if job.message.startswith("Paused") else ""  # which also says how much is free
            words = [at or self.tr("Paused; the device is free for other work.")]
        elif job.eta_s is not None and math.isfinite(job.eta_s):
            words.append(self.tr("{0} left").format(duration_words(job.eta_s)))
        self.state.setText(" · ".join(words))
        self.pause_button.setText(self.tr("Resume") if paused else self.tr("Pause"))
        self.pause_button.setIcon(theme.icon("play" if paused else "pause"))

    def _ending(self, record: RunRecord) -> str:
        if record.error is not None:
            return " ".join(record.error)
        if record.state == "done":
            return (
                self.tr("Finished.")
                if record.done is None
                else self.tr("Finished in {0} on {1}.").format(
                    duration_words(record.done.seconds), record.done.device
                )
            )
        if record.has_state:
            return self.tr("Stopped. It goes on from its last saved step.")
        return self.tr("Stopped before its first save; resuming begins anew.")


def button(name: str, words: str, slot: Callable[[], object]) -> QPushButton:
    made = QPushButton(words)
    made.setObjectName(name)
    made.clicked.connect(lambda _checked=False: slot())
    return made


def button_row(*buttons: QPushButton) -> QHBoxLayout:
    """Beside each other, all of them in a dock at the side of a small window, too."""
    theme.tighten(*buttons)
    row = QHBoxLayout()
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return row
