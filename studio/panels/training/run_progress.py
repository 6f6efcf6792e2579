"""How far a run is, and the buttons that pause and end it."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMessageBox, QProgressBar, QPushButton, QVBoxLayout, QWidget

from studio.domain.run_record import RunRecord
from studio.engine_link.job import Job
from studio.services import theme
from studio.session.models.training_runs import Runs
from studio.widgets.progress_row import duration_words


class RunProgress(QWidget):
    """Shows how far one run is, or how it ended; pauses, stops and cancels it.

    Signals:
        changed(): the run's job has another state.
    """

    changed = Signal()

    def __init__(self, runs: Runs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._record: RunRecord | None = None
        self._followed: set[int] = set()  # jobs whose progress is followed
        self.bar = QProgressBar()
        self.bar.setObjectName("trainingProgress")
        self.bar.setAccessibleName(self.tr("Progress of the training"))
        self.state = QLabel()
        self.state.setObjectName("trainingState")
        self.state.setWordWrap(True)
        self.pause_button = push_button("pauseRun", self.tr("Pause"), self.toggle_pause)
        self.stop_button = push_button("stopRun", self.tr("Stop and keep"), self.stop_and_keep)
        self.cancel_button = push_button("cancelRun", self.tr("Cancel…"), self.ask_to_cancel)
        self.stop_button.setIcon(theme.icon("stop"))
        self.pause_button.setToolTip(self.tr("Hold the training still and free its device"))
        self.stop_button.setToolTip(self.tr("End early, save, and keep the best model; it can be resumed"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addLayout(button_row(self.pause_button, self.stop_button, self.cancel_button))

    @property
    def job(self) -> Job | None:
        """The job that trains the run; None if none does."""
        job = None if self._record is None else self._runs.job_of(self._record.run_dir)
        return None if job is None or job.ended else job

    def show_run(self, record: RunRecord | None) -> None:
        """Show how far this run is now."""
        self._record = record
        job = self.job
        if job is not None and job.id not in self._followed:
            self._followed.add(job.id)
            job.changed.connect(self._job_changed)
        self.bar.setVisible(job is not None)
        for button in (self.pause_button, self.stop_button, self.cancel_button):
            button.setVisible(job is not None)
        if job is not None:
            self._show_job(job)
        elif record is not None:
            self.state.setText(self._ending(record))

    def toggle_pause(self) -> None:
        """Pause the run (its GPU is freed), or let it go on."""
        if (job := self.job) is not None:
            job.resume() if job.state == "paused" else job.pause()

    def stop_and_keep(self) -> None:
        """End the run early and keep its best and last model; it can be resumed."""
        if (job := self.job) is not None:
            job.stop_and_keep()

    def ask_to_cancel(self) -> None:
        """End the run at once, after a question: what it learnt since its last save is lost."""
        job, record = self.job, self._record
        if job is None or record is None:
            return
        question = self.tr(
            "End “{0}” at once? What it learnt since its last save is lost. “Stop and keep” saves first."
        ).format(record.name)
        if is_sure(self, self.tr("Cancel the training"), question):
            job.cancel()

    def _job_changed(self) -> None:
        self.show_run(self._record)
        self.changed.emit()

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
            if record.done is None:
                return self.tr("Finished.")
            took = duration_words(record.done.seconds)
            return self.tr("Finished in {0} on {1}.").format(took, record.done.device)
        if record.has_state:
            return self.tr("Stopped. It goes on from its last saved step.")
        return self.tr("Stopped before its first save; resuming begins anew.")


def is_sure(parent: QWidget, title: str, question: str) -> bool:
    """The user's answer to a question before something is lost."""
    buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
    answer = QMessageBox.question(parent, title, question, buttons, QMessageBox.StandardButton.No)
    return answer == QMessageBox.StandardButton.Yes


def push_button(name: str, words: str, slot: Callable[[], None]) -> QPushButton:
    """A button that is found by its object name."""
    button = QPushButton(words)
    button.setObjectName(name)
    button.clicked.connect(slot)
    return button


def button_row(*buttons: QPushButton) -> QHBoxLayout:
    """Buttons beside each other, narrow enough for a dock at the side of a small window."""
    theme.tighten(*buttons)
    row = QHBoxLayout()
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return row
