"""The audition set and the checkpoints of a run: chosen, rendered, flipped between, and one of them used."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.domain.audition_set import item_of
from studio.domain.run_record import RunRecord
from studio.panels.training.audition_commands import audition_commands
from studio.panels.training.checkpoints_model import CheckpointsTable, best_words
from studio.services import theme
from studio.services.actions import Actions
from studio.services.plurals import counted
from studio.session.session import Session
from studio.widgets.choice_button import ChoiceButton
from studio.widgets.flow_layout import FlowLayout

ENTRY = Qt.ItemDataRole.UserRole
ROWS_SHOWN = 4  # of the set; more scroll


class AuditionSection(QWidget):
    """Shows what the session says of one run. `commands` holds what can be done, for a menu and the keys."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._record: RunRecord | None = None
        self._followed: set[int] = set()  # jobs whose progress is listened to
        self.setObjectName("audition")
        self.table = CheckpointsTable(self)
        self.commands = Actions(self, audition_commands(self)).by_id
        self._make_set()
        self._make_checkpoints()
        self._lay_out()
        session.auditions.changed.connect(self.refresh)
        session.checkpoints.step_changed.connect(self.refresh)
        session.library.selection_changed.connect(self._show_possible)
        session.transfer.changed.connect(self._show_possible)
        session.library.changed.connect(self._show_possible)
        session.model.changed.connect(self._show_possible)
        self.entries.currentItemChanged.connect(self._entry_chosen)
        self.view.selectionModel().currentRowChanged.connect(self._show_possible)
        self.view.doubleClicked.connect(self.play)
        self.refresh()

    def show_run(self, record: RunRecord | None) -> None:
        """The run whose checkpoints are shown."""
        self._record = record
        self.refresh()

    def refresh(self) -> None:
        """Show the set, the checkpoints and what is under way as they are now."""
        self._show_set()
        self._show_table()
        self._show_state()
        self._show_possible()

    def entry(self) -> str:
        """Id of the entry that is chosen; "" if there is none."""
        item = self.entries.currentItem()
        return "" if item is None else str(item.data(ENTRY))

    def step(self) -> int | None:
        """Of the checkpoint that is chosen."""
        kept = self.table.checkpoint(self.view.currentIndex().row())
        return None if kept is None else kept.step

    def choose(self, step: int) -> None:
        """Make the checkpoint of a step the current row."""
        if (row := self.table.row_of(step)) is not None:
            self.view.setCurrentIndex(self.table.index(row, 0))

    def add_clips(self) -> None:
        self._session.auditions.add_clips(self._session.library.selection)

    def add_desk(self) -> None:
        self._session.auditions.add_setup()

    def remove(self) -> None:
        self._session.auditions.remove([str(item.data(ENTRY)) for item in self.entries.selectedItems()])

    def play(self) -> None:
        """Hear the chosen audition with the chosen checkpoint."""
        if self._record is None:
            return
        if not self._session.checkpoints.play(self._record.run_dir, self.entry(), self.step()):
            self._session.messages.say(
                self.tr("This checkpoint has no sound of the chosen audition yet."),
                self.tr("Choose one that has, or render what is missing."),
            )

    def render_missing(self) -> None:
        """Render and measure what is missing of the run."""
        if self._record is not None:
            self._session.auditions.render(self._record.run_dir)

    def stop(self) -> None:
        self._session.auditions.stop()

    def use(self) -> None:
        """Make the chosen checkpoint the project's model."""
        if self._record is not None and (step := self.step()) is not None:
            self._session.runs.use_checkpoint(self._record.run_dir, step)

    def _show_set(self) -> None:
        chosen = self.entry()
        audition = self._session.auditions.entries
        with QSignalBlocker(self.entries):
            if [e.id for e in audition] != [
                str(self.entries.item(i).data(ENTRY)) for i in range(self.entries.count())
            ]:
                self.entries.clear()
                for entry in audition:
                    item = QListWidgetItem(entry.title)
                    item.setData(ENTRY, entry.id)
                    self.entries.addItem(item)
            for row, entry in enumerate(audition):
                item = self.entries.item(row)
                there = item_of(entry, self._session.library.clips) is not None
                font = self.entries.font()
                font.setItalic(not there)
                item.setFont(font)
                absent = self.tr("A recording of it is not in the library, or not analysed.")
                item.setToolTip(entry.words if there else f"{entry.words}\n{absent}")
                if entry.id == chosen or (row == 0 and not chosen):
                    self.entries.setCurrentItem(item)
        rows = min(max(len(audition), 1), ROWS_SHOWN)
        self.entries.setFixedHeight(rows * (self.fontMetrics().height() + 6) + 6)
        self.entries.setVisible(bool(audition))
        self.hint.setVisible(not audition)

    def _show_table(self) -> None:
        session, record = self._session, self._record
        hearing = session.checkpoints.hearing
        mine = hearing is not None and record is not None and hearing.run_dir == record.run_dir
        mine = mine and hearing is not None and hearing.entry == self.entry()
        step, newest = self.step(), self.view.currentIndex().row() == self.table.rowCount() - 1
        self.table.show_run(record, self.entry(), session.checkpoints.heard_step if mine else None)
        if mine and session.checkpoints.heard_step is not None:
            self.choose(session.checkpoints.heard_step)
        elif step is not None and not newest and self.table.row_of(step) is not None:
            self.choose(step)
        elif (last := self.table.checkpoint(self.table.rowCount() - 1)) is not None:
            self.choose(last.step)
        words = "" if record is None else best_words(record)
        self.best.setText(words)
        self.best.setVisible(words != "")
        self.view.setVisible(self.table.rowCount() > 0)
        self.none.setVisible(self.table.rowCount() == 0)

    def _show_state(self) -> None:
        record = self._record
        job = None if record is None else self._session.auditions.job_of(record.run_dir)
        if job is not None and job.id not in self._followed:
            self._followed.add(job.id)
            job.changed.connect(self._show_progress)
        lacking = () if record is None else self._session.auditions.due(record, again=True)[0]
        self.stop_button.setVisible(job is not None)
        self.render_button.setVisible(job is None and bool(lacking))
        self.state.setVisible(job is not None or bool(lacking))
        if job is None:
            self.state.setText(
                counted(
                    len(lacking),
                    self.tr("1 checkpoint lacks sounds or probes."),
                    self.tr("{0} checkpoints lack sounds or probes."),
                )
            )
        self._show_progress()

    def _show_progress(self) -> None:
        record = self._record
        job = None if record is None else self._session.auditions.job_of(record.run_dir)
        if job is not None:
            done = "" if job.fraction is None else f" · {100 * job.fraction:.0f} %"
            self.state.setText((job.message or self.tr("Rendering begins …")) + done)

    def _show_possible(self, *_: object) -> None:
        session, step = self._session, self.step()
        heard = step is not None and self.table.has_sound(step)
        for name, possible in (
            ("add_clips", bool(session.library.selection)),
            ("add_desk", session.transfer.setup.source is not None and session.transfer.setup.gives),
            ("remove", bool(self.entries.selectedItems())),
            ("play", heard),
            ("before", session.checkpoints.hearing is not None),
            ("after", session.checkpoints.hearing is not None),
            ("render", self._record is not None and session.auditions.job is None),
            ("stop", session.auditions.job is not None),
            ("use", step is not None),
        ):
            self.commands[name].setEnabled(possible)

    def _entry_chosen(self) -> None:
        """Another audition: what plays goes on, with the sound of the same step where there is one."""
        session, record = self._session, self._record
        if (
            session.checkpoints.hearing is not None
            and record is not None
            and session.checkpoints.heard_step is not None
        ):
            session.checkpoints.play(record.run_dir, self.entry(), session.checkpoints.heard_step)
        self.refresh()

    def before(self) -> None:
        """Go on with the checkpoint before."""
        self._session.checkpoints.flip(-1)

    def after(self) -> None:
        """Go on with the next checkpoint."""
        self._session.checkpoints.flip(1)

    def _make_set(self) -> None:
        self.heading = QLabel(self.tr("Audition set"))
        font = self.heading.font()
        font.setBold(True)
        self.heading.setFont(font)
        self.entries = QListWidget()
        self.entries.setObjectName("auditionSet")
        self.entries.setAccessibleName(self.tr("Audition set: what is played at every checkpoint"))
        self.entries.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.entries.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.entries.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hint = QLabel(self.tr("What is put here is rendered with every checkpoint that a run keeps."))
        self.hint.setWordWrap(True)
        self.hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def _make_checkpoints(self) -> None:
        self.state = QLabel()
        self.state.setObjectName("auditionState")
        self.state.setWordWrap(True)
        self.render_button = self._button("render")
        self.stop_button = self._button("stop")
        self.view = QTableView()
        self.view.setObjectName("checkpoints")
        self.view.setAccessibleName(self.tr("Checkpoints of the run"))
        self.view.setModel(self.table)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setWordWrap(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.view.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.none = QLabel(self.tr("Checkpoints appear here as the run keeps them."))
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.none.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.best = QLabel()
        self.best.setObjectName("bestCheckpoint")
        self.best.setWordWrap(True)

    def _button(self, command: str) -> QToolButton:
        action = self.commands[command]
        button = ChoiceButton(action)
        button.setObjectName(f"audition_{command}")
        style = Qt.ToolButtonStyle
        button.setToolButtonStyle(
            style.ToolButtonTextOnly if action.icon().isNull() else style.ToolButtonTextBesideIcon
        )
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(theme.SPACE)
        above = QWidget()
        flow = FlowLayout(above)
        flow.addWidget(self.heading)
        for name in ("add_clips", "add_desk", "remove"):
            flow.addWidget(self._button(name))
        column.addWidget(above)
        column.addWidget(self.hint)
        column.addWidget(self.entries)
        state = QHBoxLayout()
        for widget, stretch in ((self.state, 1), (self.render_button, 0), (self.stop_button, 0)):
            state.addWidget(widget, stretch)
        column.addLayout(state)
        column.addWidget(self.view, 1)
        column.addWidget(self.none, 1)
        column.addWidget(self.best)
        below = QWidget()
        flow = FlowLayout(below)
        for name in ("play", "before", "after", "use"):
            flow.addWidget(self._button(name))
        column.addWidget(below)
