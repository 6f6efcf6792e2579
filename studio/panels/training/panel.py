"""Training: set up a run, watch its curves, pause, stop and resume it, and use what it made."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QLabel,
    QMessageBox,
    QScrollArea,
    QSplitter,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from engine.api import RunSpec
from studio.domain.run_record import RunRecord
from studio.engine_link.job import Job
from studio.panels.training.auditions import AuditionSection
from studio.panels.training.new_run_form import NewRunForm
from studio.panels.training.run_curves import RunCurves
from studio.panels.training.run_progress import RunProgressView, button, button_row
from studio.panels.training.runs_model import BEST, NAME, STATE, STEPS, WHEN, RunsTable
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

REFRESH_MS = 200  # points come faster than eyes read
FEWEST_ROWS = 3  # of the list of runs, its heading one of them
NEW, RUNS = range(2)


class TrainingPanel(QWidget):
    """Two pages: a new run, and the runs there are."""

    def __init__(
        self, session: Session, messages: Messages, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._followed: set[int] = set()  # jobs whose progress is followed
        self.setObjectName("training")
        self.form = NewRunForm(session.library, session.model)
        self.runs = RunsTable(session.runs, self)
        self._make_list()
        self.progress = RunProgressView()
        self.progress.pause_wanted.connect(self.toggle_pause)
        self.progress.stop_wanted.connect(self.stop_and_keep)
        self.progress.cancel_wanted.connect(self.ask_to_cancel)
        self.curves = RunCurves(preferences, self)
        self.audition = AuditionSection(session)
        self._lay_out()

        self._soon = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._soon.timeout.connect(self.refresh)
        session.runs.changed.connect(self._runs_changed)
        session.auditions.changed.connect(self._runs_changed)
        session.checkpoints.step_changed.connect(self._runs_changed)
        session.model.changed.connect(self._show_actions)
        self.form.start_requested.connect(self.start)
        self.view.selectionModel().currentRowChanged.connect(lambda *_: self._show_run())
        self.refresh()
        self.choose(0)
        self.pages.setCurrentIndex(RUNS if session.runs.records else NEW)

    def start(self, spec: RunSpec) -> None:
        """Begin a run and show it."""
        job = self._session.runs.start(spec)
        if job is None:  # the session has said why
            return
        job.failed.connect(self._start_failed)
        self.refresh()
        self.choose(0)
        self.pages.setCurrentIndex(RUNS)
        self.form.propose_name()

    def choose(self, row: int) -> None:
        """Show the run of this row."""
        if 0 <= row < self.runs.rowCount():
            self.view.setCurrentIndex(self.runs.index(row, NAME))

    def current(self) -> RunRecord | None:
        return self.runs.run(self.view.currentIndex().row())

    def toggle_pause(self) -> None:
        """Pause the run (its GPU is freed), or let it go on."""
        if (job := self._job()) is not None:
            job.resume() if job.state == "paused" else job.pause()

    def stop_and_keep(self) -> None:
        """End the run early and keep its best and last model; it can be resumed."""
        if (job := self._job()) is not None:
            job.stop_and_keep()

    def ask_to_cancel(self) -> None:
        """End the run at once, after a question: what it learnt since its last save is lost."""
        job, record = self._job(), self.current()
        if job is None or record is None:
            return
        question = self.tr(
            "End “{0}” at once? What it learnt since its last save is lost. “Stop and keep” saves first."
        ).format(record.name)
        if self._sure(self.tr("Cancel the training"), question):
            job.cancel()

    def resume(self) -> None:
        """Go on with a stopped or failed run from its last saved step."""
        if (record := self.current()) is not None:
            self._session.runs.resume(record.run_dir)

    def use_model(self) -> None:
        """Make the run's best model the current one."""
        record = self.current()
        if record is not None and record.best is not None:
            self._session.model.open(record.best)

    def open_folder(self) -> None:
        if (record := self.current()) is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(record.run_dir))

    def ask_to_delete(self) -> None:
        """Delete the run's folder with its models, after a question."""
        record = self.current()
        if record is None:
            return
        question = self.tr("Delete “{0}” with its models and curves? This cannot be undone.\n{1}").format(
            record.name, record.run_dir
        )
        if self._in_use(record):
            question += "\n\n" + self.tr("The model in use now is one of them.")
        if self._sure(self.tr("Delete the run"), question):
            self._session.runs.remove(record.run_dir)

    def refresh(self) -> None:
        """Show the runs as they are now."""
        chosen = self.current()
        self.runs.refresh()
        if chosen is not None and (row := self.runs.row_of(chosen.run_dir)) is not None:
            self.choose(row)
        elif self.runs.rowCount() and self.current() is None:
            self.choose(0)
        there = self.runs.rowCount() > 0
        self.empty.setVisible(not there)
        self.split.setVisible(there)
        self._show_run()

    def _runs_changed(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _show_run(self) -> None:
        record = self.current()
        self.curves.show_run(record)
        self.audition.show_run(record)
        self._show_progress()
        self._show_actions()

    def _show_progress(self) -> None:
        record, job = self.current(), self._job()
        if job is not None and job.id not in self._followed:
            self._followed.add(job.id)
            job.changed.connect(self._job_changed)
        self.progress.show_run(record, job)

    def _show_actions(self) -> None:
        record, job = self.current(), self._job()
        idle = record is not None and job is None
        self.resume_button.setEnabled(idle and record is not None and record.resumable)
        best = record is not None and record.best is not None
        used = record is not None and self._in_use(record)
        self.use_button.setEnabled(best and not used)
        self.use_button.setText(self.tr("In use") if used else self.tr("Use this model"))
        self.open_button.setEnabled(record is not None)
        self.delete_button.setEnabled(idle)

    def _job_changed(self) -> None:
        self._show_progress()
        self._show_actions()

    def _start_failed(self, what: str, hint: str, _details: str) -> None:
        """A run that could not start is reported where it was set up, too."""
        self.form.show_problem(f"{what} {hint}")

    def _job(self) -> Job | None:
        record = self.current()
        job = None if record is None else self._session.runs.job_of(record.run_dir)
        return None if job is None or job.ended else job

    def _in_use(self, record: RunRecord) -> bool:
        model = self._session.model.info
        return model is not None and Path(model.path).parent == Path(record.run_dir)

    def _sure(self, title: str, question: str) -> bool:
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
        answer = QMessageBox.question(self, title, question, buttons, QMessageBox.StandardButton.No)
        return answer == QMessageBox.StandardButton.Yes

    def _make_list(self) -> None:
        self.view = QTableView()
        self.view.setObjectName("runs")
        self.view.setAccessibleName(self.tr("Training runs"))
        self.view.setModel(self.runs)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setWordWrap(False)
        self.view.setMinimumHeight(FEWEST_ROWS * (self.fontMetrics().height() + 8))
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.view.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column in (STATE, STEPS, BEST, WHEN):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.resume_button = button("resumeRun", self.tr("Resume"), self.resume)
        self.use_button = button("useModel", self.tr("Use this model"), self.use_model)
        self.open_button = button("openRun", self.tr("Folder"), self.open_folder)
        self.open_button.setToolTip(self.tr("Open the folder of the run"))
        self.delete_button = button("deleteRun", self.tr("Delete…"), self.ask_to_delete)

    def _lay_out(self) -> None:
        list_part = QWidget()
        column = QVBoxLayout(list_part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.view, 1)
        column.addLayout(button_row(self.resume_button, self.use_button, self.open_button, self.delete_button))

        watch = QWidget()
        column = QVBoxLayout(watch)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.progress)
        self.watched = QTabWidget()
        self.watched.setObjectName("watchPages")
        self.watched.setDocumentMode(True)
        self.watched.addTab(self.curves.objective, self.tr("Objective"))
        self.watched.addTab(self.curves.probes, self.tr("Probes"))
        self.watched.addTab(self.audition, self.tr("Audition"))
        column.addWidget(self.watched, 1)

        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(list_part)
        self.split.addWidget(watch)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 4)
        self.empty = QLabel(self.tr("No training run yet.\nSet one up under “New run”."))
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        runs = QWidget()
        column = QVBoxLayout(runs)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.addWidget(self.empty, 1)
        column.addWidget(self.split, 1)
        self.pages = QTabWidget()
        self.pages.setObjectName("trainingPages")
        self.pages.setDocumentMode(True)
        self.pages.addTab(self.form, self.tr("New run"))
        scroll = QScrollArea()  # where height is short
        scroll.setWidget(runs)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pages.addTab(scroll, self.tr("Runs"))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.pages)
