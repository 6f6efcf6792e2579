"""Training: set up a run, watch its curves, pause, stop and resume it, and use what it made."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from engine.api import RunSpec
from studio.domain.probe_tasks import CCC_TASKS, task_titles
from studio.domain.run_record import RunRecord
from studio.engine_link.job import Job
from studio.panels.training.auditions import AuditionSection
from studio.panels.training.checkpoints_model import PROBES
from studio.panels.training.new_run_form import NewRunForm
from studio.panels.training.runs_model import BEST, NAME, STATE, STEPS, WHEN, RunsTable
from studio.plots.curves.view import CurvesView
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session
from studio.widgets.progress_row import duration_words

REFRESH_MS = 200  # points come faster than eyes read
FEWEST_ROWS = 3  # of the list of runs, its heading one of them
NEW, RUNS = range(2)
HELD_OUT = "held out"


class TrainingPanel(QWidget):
    """Two pages: a new run, and the runs there are."""

    def __init__(
        self, session: Session, messages: Messages, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._preferences = preferences
        self._drawn: tuple[str, int] | None = None  # run and number of its points on the plot
        self._last_drawn: object = None
        self._heard: set[int] = set()  # jobs whose progress is listened to
        self.setObjectName("training")
        self.form = NewRunForm(session.library, session.model)
        self.runs = RunsTable(session.runs, self)
        self._make_list()
        self._make_progress()
        self.curves = CurvesView()
        self.curves.setObjectName("curves")
        self.curves.set_titles(self._term_titles())
        self.curves.logarithmic.setChecked(preferences.get("training/logarithmic", False))
        self.curves.logarithmic.toggled.connect(partial(preferences.set, "training/logarithmic"))
        self.probes = CurvesView(
            splits={HELD_OUT: self.tr("Held-out clips")},
            empty=self.tr("Of every checkpoint that a run keeps, it is measured here what it tells of new clips."),
            signed=False,
        )
        self.probes.setObjectName("probeCurves")
        self.probes.set_titles(self._probe_titles())
        self._probed: object = None  # what of the probes is on the plot
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

    # ------------------------------------------------------------------------------------------ actions
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

    # ------------------------------------------------------------------------------------------ reactions
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
        self._show_curves(record)
        self._show_probes(record)
        self.audition.show_run(record)
        self._show_progress()
        self._show_actions()

    def _show_curves(self, record: RunRecord | None) -> None:
        points = [] if record is None else record.points
        key = "" if record is None else record.run_dir
        shown = self._drawn[1] if self._drawn is not None and self._drawn[0] == key else None
        continues = shown is not None and shown <= len(points) and (
            shown == 0 or points[shown - 1] is self._last_drawn
        )  # fmt: skip
        if not continues:
            self.curves.clear()
            shown = 0
        for point in points[shown:]:
            self.curves.add(point.step, point.split, point.terms)
        self._drawn = (key, len(points))
        self._last_drawn = points[-1] if points else None
        if not continues:
            self.curves.draw()

    def _show_probes(self, record: RunRecord | None) -> None:
        probes = {} if record is None else dict(record.heard.probes)
        if (shown := (None if record is None else record.run_dir, probes)) == self._probed:
            return
        self._probed = shown
        self.probes.clear()
        for step, found in sorted(probes.items()):
            self.probes.add(step, HELD_OUT, {task: reading.score for task, reading in found.readings.items()})
        self.probes.draw()

    def _show_progress(self) -> None:
        record, job = self.current(), self._job()
        if job is not None and job.id not in self._heard:
            self._heard.add(job.id)
            job.changed.connect(self._job_changed)
        self.bar.setVisible(job is not None)
        for button in (self.pause_button, self.stop_button, self.cancel_button):
            button.setVisible(job is not None)
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
            return self.tr("Finished.") if record.done is None else self.tr("Finished in {0} on {1}.").format(
                duration_words(record.done.seconds), record.done.device
            )  # fmt: skip
        if record.has_state:
            return self.tr("Stopped. It goes on from its last saved step.")
        return self.tr("Stopped before its first save; resuming begins anew.")

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
        """A run that could not start is told where it was set up, too."""
        self.form.tell(f"{what} {hint}")

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

    def _term_titles(self) -> dict[str, str]:
        return {
            "total": self.tr("Total (objective)"),
            "reconstruction": self.tr("Reconstruction"),
            "prior_z": self.tr("Prior of z"),
            "entropy_z": self.tr("Entropy of z"),
            "prior_m": self.tr("Predictor of m"),
            "entropy_m": self.tr("Entropy of m"),
            "prior_h": self.tr("Predictor of h"),
            "entropy_h": self.tr("Entropy of h"),
            "levels": self.tr("Levels (pitch, spectrum)"),
            "contrast": self.tr("Telling clips apart by h"),
            "error": self.tr("Squared error"),
        }

    def _probe_titles(self) -> dict[str, str]:
        measures = {task: self.tr("{0} (CCC)") if task in CCC_TASKS else self.tr("{0} (share told right)")
                    for task in PROBES}  # fmt: skip
        titles = task_titles()
        return {task: measures[task].format(titles[task]) for task in PROBES}

    # ------------------------------------------------------------------------------------------ layout
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
        self.resume_button = self._button("resumeRun", self.tr("Resume"), self.resume)
        self.use_button = self._button("useModel", self.tr("Use this model"), self.use_model)
        self.open_button = self._button("openRun", self.tr("Folder"), self.open_folder)
        self.open_button.setToolTip(self.tr("Open the folder of the run"))
        self.delete_button = self._button("deleteRun", self.tr("Delete…"), self.ask_to_delete)

    def _make_progress(self) -> None:
        self.bar = QProgressBar()
        self.bar.setObjectName("trainingProgress")
        self.bar.setAccessibleName(self.tr("Progress of the training"))
        self.state = QLabel()
        self.state.setObjectName("trainingState")
        self.state.setWordWrap(True)
        self.pause_button = self._button("pauseRun", self.tr("Pause"), self.toggle_pause)
        self.stop_button = self._button("stopRun", self.tr("Stop and keep"), self.stop_and_keep)
        self.cancel_button = self._button("cancelRun", self.tr("Cancel…"), self.ask_to_cancel)
        self.stop_button.setIcon(theme.icon("stop"))
        self.pause_button.setToolTip(self.tr("Hold the training still and free its device"))
        self.stop_button.setToolTip(self.tr("End early, save, and keep the best model; it can be resumed"))

    def _button(self, name: str, words: str, slot: object) -> QPushButton:
        button = QPushButton(words)
        button.setObjectName(name)
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        list_part = QWidget()
        column = QVBoxLayout(list_part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.view, 1)
        column.addLayout(_row(self.resume_button, self.use_button, self.open_button, self.delete_button))

        watch = QWidget()
        column = QVBoxLayout(watch)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addLayout(_row(self.pause_button, self.stop_button, self.cancel_button))
        self.watched = QTabWidget()
        self.watched.setObjectName("watchPages")
        self.watched.setDocumentMode(True)
        self.watched.addTab(self.curves, self.tr("Objective"))
        self.watched.addTab(self.probes, self.tr("Probes"))
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


def _row(*buttons: QPushButton) -> QHBoxLayout:
    """Beside each other, all of them in a dock at the side of a small window, too."""
    theme.tighten(*buttons)
    row = QHBoxLayout()
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return row
