"""Everything under way, and what became of it: progress, time left, pause, stop, cancel, details."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from studio.engine_link.engine_link import EngineLink
from studio.engine_link.job import Job, State
from studio.services import theme
from studio.services.messages import Messages
from studio.widgets.progress_row import ProgressRow, duration_words

MOST_ENDED = 30


class JobsPanel(QWidget):
    """A row a job, the newest first."""

    def __init__(self, link: EngineLink, messages: Messages, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("jobs")
        self._link = link
        self._messages = messages
        self._rows: dict[int, tuple[Job, ProgressRow]] = {}
        self._empty = QLabel(self.tr("Nothing is under way."))
        self._empty.setObjectName("jobsEmpty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._clear = QPushButton(self.tr("Clear finished"))
        self._clear.setObjectName("clearJobs")
        self._clear.clicked.connect(self.clear_finished)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inner)
        self._scroll = scroll
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self._clear)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, theme.SMALL, theme.SPACE, theme.SMALL)
        outer.addWidget(self._empty, 1)
        outer.addWidget(scroll, 1)
        outer.addLayout(foot)
        for job in self._link.jobs():
            self._add(job)
        self._link.job_added.connect(self._add)
        self._show_emptiness()

    def clear_finished(self) -> None:
        """Take rows of ended jobs away."""
        for number, (job, _row) in list(self._rows.items()):
            if job.ended:
                self._drop(number)
        self._show_emptiness()

    def _add(self, job: Job) -> None:
        row = ProgressRow(job.title)
        self._rows[job.id] = (job, row)
        self._column.insertWidget(0, row)
        row.cancel_wanted.connect(job.cancel)
        row.stop_wanted.connect(job.stop_and_keep)
        row.pause_toggled.connect(lambda: job.resume() if job.state == State.PAUSED else job.pause())
        row.details_wanted.connect(lambda: self._report(job))
        job.changed.connect(lambda: self._show(job))
        self._show(job)
        ended = [number for number, (old, _row) in self._rows.items() if old.ended]
        for number in ended[:-MOST_ENDED]:
            self._drop(number)
        self._show_emptiness()

    def _drop(self, number: int) -> None:
        _job, row = self._rows.pop(number)
        row.deleteLater()

    def _show(self, job: Job) -> None:
        if job.id not in self._rows:
            return
        row = self._rows[job.id][1]
        running, paused = job.state == State.RUNNING, job.state == State.PAUSED
        row.show_state(self._words(job), job.fraction, running=running, ended=job.ended)
        row.pause.setVisible((running or paused) and job.is_training)
        row.pause.setIcon(theme.icon("play" if paused else "pause"))
        row.pause.setToolTip(self.tr("Go on") if paused else self.tr("Pause"))
        row.stop.setVisible((running or paused) and job.is_training)
        row.cancel.setVisible(not job.ended)
        row.details.setVisible(job.state == State.FAILED)

    def _words(self, job: Job) -> str:
        if job.state == State.FAILED and job.words is not None:
            return " ".join(job.words[:2])
        states = {
            State.WAITING: self.tr("waiting"),
            State.DONE: self.tr("done"),
            State.CANCELLED: self.tr("cancelled"),
            State.FAILED: self.tr("failed"),
            State.PAUSED: self.tr("paused"),
        }
        parts = [states[job.state]] if job.state in states else []
        if not job.ended:
            if job.fraction is not None and job.state != State.WAITING:
                parts.append(f"{job.fraction:.0%}")
            if job.eta_s is not None:
                parts.append(self.tr("{0} left").format(duration_words(job.eta_s)))
            if job.message:
                parts.append(job.message)
        return "  ·  ".join(parts)

    def _report(self, job: Job) -> None:
        if job.words is not None:
            what, hint, details = job.words
            self._messages.say(what, hint, details=details, level="error")

    def _show_emptiness(self) -> None:
        self._empty.setVisible(not self._rows)
        self._scroll.setVisible(bool(self._rows))
        self._clear.setVisible(bool(self._rows))
