"""The dashboard: speaker, gender and emotion predicted from h, m and z, beside baselines and controls."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QModelIndex, Qt
from PySide6.QtGui import QAction, QFont, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.engine_link.job import Job
from studio.panels.dashboard.probes_model import BASELINES, BEST, COLUMNS, PENDING, RANGE, SCORE, ProbesTable
from studio.panels.dashboard.score_cell import HEIGHT, WIDTH, ScoreCell
from studio.services import theme
from studio.services.actions import IN_THE_LIST, Action, Actions
from studio.services.messages import Messages
from studio.services.plurals import counted
from studio.services.preferences import Preferences
from studio.session.models.probes import FEWEST_CLIPS
from studio.session.session import Session
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.when_seen import WhenSeen

ALL, SELECTED, FOLDER = "all", "selected", "folder"
FOLDS = "folds"
REFRESH_MS = 200
DETAILS_LINES = (2, 5)


class DashboardPanel(QWidget):
    """The probe matrix with its corpus, its run and its exports. Nothing is measured before the user asks."""

    def __init__(
        self, session: Session, messages: Messages, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        del messages
        self._session = session
        self._preferences = preferences
        self._folders = {"corpus": "", "test": ""}
        self._job: Job | None = None
        self.setObjectName("dashboard")
        self.table = ProbesTable(session.probes, self)
        self.view = QTableView()
        self.view.setObjectName("probeMatrix")
        self.view.setAccessibleName(self.tr("Probe matrix"))
        self.view.setModel(self.table)
        baselines = frozenset(COLUMNS.index(name) for name in BASELINES)
        self.view.setItemDelegate(ScoreCell(SCORE, RANGE, PENDING, BEST, baselines, self.view))
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setCornerButtonEnabled(False)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        across, down = self.view.horizontalHeader(), self.view.verticalHeader()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        across.setMinimumSectionSize(WIDTH)
        across.setHighlightSections(False)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        down.setMinimumSectionSize(HEIGHT)
        down.setHighlightSections(False)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.corpus = self._choice("probeCorpus", self.tr("What is probed"))
        self.test = self._choice("probeTest", self.tr("What it is tested on"))
        self.run_button = QPushButton(self.tr("Run probes"))
        self.run_button.setObjectName("runProbes")
        self.run_button.setToolTip(self.tr("Measure every task; the window stays yours"))
        self.stop_button = QPushButton(self.tr("Stop"))
        self.stop_button.setObjectName("stopProbes")
        self.stop_button.setToolTip(self.tr("End after the task under way and keep what is measured"))
        self.progress = QProgressBar()
        self.progress.setObjectName("probeProgress")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.status = QLabel()
        self.status.setObjectName("probeStatus")
        self.status.setWordWrap(True)
        self.status.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.details = QLabel()
        self.details.setObjectName("probeDetails")
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._empty_words = QLabel()
        self._empty_words.setObjectName("dashboardEmpty")
        self._empty_words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty_words.setWordWrap(True)
        self._empty_run = QPushButton(self.tr("Run the probes"))
        self._empty_run.setObjectName("runProbesFirst")
        self.commands = self._make_commands()
        self.view.addActions([self.commands["copy"], *self._exports()])
        self._lay_out()

        self.corpus.activated.connect(lambda _row: self._chosen("corpus"))
        self.test.activated.connect(lambda _row: self._chosen("test"))
        self.run_button.clicked.connect(self.run)
        self._empty_run.clicked.connect(self.run)
        self.stop_button.clicked.connect(session.probes.stop)
        self.view.selectionModel().currentChanged.connect(self._show_details)
        self._soon = WhenSeen(self, REFRESH_MS)
        self._soon.due.connect(self.refresh)
        for signal in (
            session.library.added,
            session.library.removed,
            session.library.changed,
            session.library.selection_changed,
        ):
            signal.connect(self._soon.ask)  # a method: the connection ends with the panel
        session.probes.changed.connect(self.refresh)
        session.model.changed.connect(self.refresh)
        self.refresh()

    def run(self) -> None:
        """Measure every task on what is chosen."""
        corpus, test = self.corpus.currentData(), self.test.currentData()
        self._session.probes.run(
            selected=corpus == SELECTED,
            folder=self._folders["corpus"] if corpus == FOLDER else None,
            test_folder=self._folders["test"] if test == FOLDER else None,
        )

    def choose_folder(self, which: str, folder: str) -> None:
        """Probe ("corpus") or test on ("test") the recordings of a folder; none goes back to the project's."""
        self._folders[which] = folder
        if folder:
            self._preferences.set("last_folder", folder)
        box = self.corpus if which == "corpus" else self.test
        self._fill()
        box.setCurrentIndex(box.findData(FOLDER) if folder else 0)
        self.refresh()

    def export(self, suffix: str) -> None:
        """Ask where to, then write the matrix in this format."""
        start = Path(self._preferences.get("last_folder", str(Path.home()))) / f"probe-matrix{suffix}"
        kinds = {
            ".csv": self.tr("Tables (*.csv)"),
            ".tex": self.tr("LaTeX (*.tex)"),
            ".pdf": self.tr("Figures (*.pdf *.svg *.png)"),
        }
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Export the probe matrix"), str(start), kinds[suffix])
        if path:
            self._session.probes.export(path)

    def copy_details(self) -> None:
        """What the current cell says, to the clipboard."""
        if text := self.details.text():
            QGuiApplication.clipboard().setText(text)

    def refresh(self) -> None:
        """Show the session's board, or say what is missing for one."""
        board, session = self._session.probes.board, self._session
        self._fill()
        working = board.job is not None
        ready, why = self._may_run()
        self.run_button.setVisible(not working)
        self.run_button.setEnabled(ready)
        self.stop_button.setVisible(working)
        for box in (self.corpus, self.test):
            box.setEnabled(not working)
        self.progress.setVisible(working)
        self._follow(board.job)
        measured = any(result.scores for result in board.results.values())
        for action in self._exports():
            action.setEnabled(measured)
        self.more.setEnabled(measured)
        self.table.refresh()
        if not board.results and not working:
            self._empty_words.setText(why)
            self._empty_run.setVisible(ready)
            self._pages.setCurrentIndex(0)
            return
        self._pages.setCurrentIndex(1)
        words = (
            [board.job.message or self.tr("Waiting for the engine …")] if board.job is not None else [board.about]
        )
        if session.probes.are_stale():
            words.append(self.tr("The recordings or their labels have changed since: run the probes again."))
        elif not working and not board.done:
            words.append(self.tr("Stopped before all tasks were measured."))
        self.status.setText(".  ".join(word for word in words if word))
        if not self.view.currentIndex().isValid():
            self.view.setCurrentIndex(self.table.index(0, 0))
        self._show_details(self.view.currentIndex())

    def _may_run(self) -> tuple[bool, str]:
        """Whether probes can be run now, and words for the empty page."""
        if self.corpus.currentData() == FOLDER and self._session.model.info is not None:
            return True, self.tr("The recordings in {0} will be read and probed.").format(
                Path(self._folders["corpus"]).name
            )
        if not self._session.library.clips:
            return False, self.tr(
                "Drop recordings with their speakers’ names and emotions anywhere in this window; the dashboard "
                "measures how well voice (h), emotion (m) and content (z) predict them."
            )
        if self._session.model.info is None:
            return False, self.tr(
                "Probes need a model: train one in the Training tab, or open one with Model > Open."
            )
        ready = len(self._session.model.encoded())
        if ready < FEWEST_CLIPS:
            return False, self.tr("A probe needs at least {0} analysed recordings; there are {1}.").format(
                FEWEST_CLIPS, ready
            )
        return True, self.tr(
            "{0} recordings are ready. The probes measure how well speaker, gender and emotion can be predicted "
            "from voice (h), emotion (m) and content (z), beside two baselines that need no model and a control "
            "with shuffled labels."
        ).format(ready)

    def _fill(self) -> None:
        """The two choices, with the numbers of now."""
        clips, chosen = self._session.model.encoded(), len(self._session.library.selection)
        rows = [(counted(len(clips), self.tr("1 recording"), self.tr("All {0} recordings")), ALL)]
        if chosen:
            rows.append((counted(chosen, self.tr("1 selected"), self.tr("{0} selected")), SELECTED))
        _set_rows(self.corpus, rows + self._folder_rows("corpus"))
        _set_rows(self.test, [(self.tr("Folds, speakers apart"), FOLDS), *self._folder_rows("test")])

    def _folder_rows(self, which: str) -> list[tuple[str, str]]:
        named = Path(self._folders[which]).name
        rows = [(self.tr("Folder {0}").format(named), FOLDER)] if named else []
        return [*rows, (self.tr("Another folder …") if named else self.tr("A folder …"), "")]

    def _chosen(self, which: str) -> None:
        box = self.corpus if which == "corpus" else self.test
        if box.currentData() == "":
            start = self._preferences.get("last_folder", str(Path.home()))
            folder = QFileDialog.getExistingDirectory(self, self.tr("A folder of recordings"), start)
            self.choose_folder(which, folder or self._folders[which])
            return
        self.refresh()

    def _follow(self, job: Job | None) -> None:
        if job is not None and job is not self._job:
            self.progress.setRange(0, 0)
            job.progress.connect(self._show_progress)
        self._job = job

    def _show_progress(self, fraction: float | None, words: str, _eta_s: float | None) -> None:
        self.progress.setRange(0, 0 if fraction is None else 1000)
        self.progress.setValue(round(1000 * (fraction or 0.0)))
        self.status.setText(words)

    def _show_details(self, index: QModelIndex, _before: QModelIndex | None = None) -> None:
        self.details.setText(self.table.words(index.row(), index.column()) if index.isValid() else "")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.view.viewport().update()

    def _choice(self, name: str, words: str) -> QComboBox:
        box = QComboBox()
        box.setObjectName(name)
        box.setAccessibleName(words)
        box.setToolTip(words)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        box.setMinimumContentsLength(8)
        return box

    def _exports(self) -> list[QAction]:
        return [self.commands[name] for name in ("export_csv", "export_latex", "export_figure")]

    def _make_commands(self) -> dict[str, QAction]:
        """The same actions serve the buttons here and the window's menus."""
        copy = QKeySequence.StandardKey.Copy
        return Actions(
            self,
            (
                Action("run", self.tr("Run the &probes"), self.run),
                Action("stop", self.tr("&Stop probing"), self._session.probes.stop),
                Action("export_csv", self.tr("Export probes as &CSV …"), lambda: self.export(".csv")),
                Action("export_latex", self.tr("Export probes as &LaTeX …"), lambda: self.export(".tex")),
                Action("export_figure", self.tr("Export probes as &figure …"), lambda: self.export(".pdf")),
                Action("copy", self.tr("Cop&y what the cell says"), self.copy_details, copy, IN_THE_LIST),
            ),
        ).by_id

    def _lay_out(self) -> None:
        self.more = QToolButton()
        self.more.setObjectName("probeExport")
        self.more.setAccessibleName(self.tr("Export the probe matrix"))
        self.more.setToolTip(self.tr("Export the matrix as CSV, LaTeX or a figure"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setIcon(theme.icon("export"))
        menu = QMenu(self.more)
        menu.addActions(self._exports())
        self.more.setMenu(menu)
        bar = QWidget()
        flow = FlowLayout(bar)
        for tool in (self.corpus, self.test, self.run_button, self.stop_button, self.more):
            flow.addWidget(tool)

        key = QLabel(
            self.tr("● score with its 95 % interval    × with shuffled labels    bold: the best of h, m and z")
        )
        key.setObjectName("probeKey")
        key.setWordWrap(True)
        key.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        small = QFont(key.font())
        small.setPointSizeF(max(7.0, small.pointSizeF() * 0.9))
        key.setFont(small)
        details = QScrollArea()
        details.setWidgetResizable(True)
        details.setFrameShape(QScrollArea.Shape.NoFrame)
        fewest, most = (self.fontMetrics().lineSpacing() * lines + theme.SPACE for lines in DETAILS_LINES)
        details.setMinimumHeight(fewest)  # where height is short the matrix needs it more
        details.setMaximumHeight(most)
        details.setWidget(self.details)
        details.setFocusPolicy(Qt.FocusPolicy.NoFocus)

        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        column.addWidget(self._empty_words)
        column.addWidget(self._empty_run, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        board = QWidget()
        parts = QVBoxLayout(board)
        parts.setContentsMargins(0, 0, 0, 0)
        parts.setSpacing(theme.SMALL)
        parts.addWidget(self.status)
        parts.addWidget(self.view, 1)
        parts.addWidget(key)
        parts.addWidget(details)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(board)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        outer.setSpacing(theme.SPACE)
        outer.addWidget(bar)
        outer.addWidget(self.progress)
        outer.addWidget(self._pages, 1)


def _set_rows(box: QComboBox, rows: list[tuple[str, str]]) -> None:
    """Give a choice these rows (words, data); what was chosen stays, else the first is."""
    if rows == [(box.itemText(i), box.itemData(i)) for i in range(box.count())]:
        return
    before = box.currentData()
    box.blockSignals(True)
    box.clear()
    for words, data in rows:
        box.addItem(words, data)
    box.setCurrentIndex(max(0, box.findData(before) if before else 0))
    box.blockSignals(False)
