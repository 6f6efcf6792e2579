"""Training runs as a table, the newest first."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QDateTime,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from studio.domain.run_record import RunRecord
from studio.panels.training.checkpoints_model import objective_text
from studio.session.training.training_runs import Runs

Index = QModelIndex | QPersistentModelIndex
NAME, WHEN, STATE, STEPS, BEST = range(5)
NOTHING = QModelIndex()


def best_validation(record: RunRecord) -> float | None:
    """The largest total on held-out utterances; the objective is to be maximised."""
    totals = [p.terms["total"] for p in record.points if p.split == "validation" and "total" in p.terms]
    return max(totals, default=None)


def steps_of(record: RunRecord) -> int:
    if record.done is not None:
        return record.done.steps
    return record.points[-1].step if record.points else 0


class RunsTable(QAbstractTableModel):
    """Shows runs."""

    def __init__(self, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._titles = {
            NAME: self.tr("Name"),
            WHEN: self.tr("Started"),
            STATE: self.tr("State"),
            STEPS: self.tr("Steps"),
            BEST: self.tr("Best"),
        }
        self._states = {
            "running": self.tr("training"),
            "paused": self.tr("paused"),
            "done": self.tr("finished"),
            "stopped": self.tr("stopped"),
            "failed": self.tr("failed"),
        }
        self._shown: list[RunRecord] = []
        self.refresh()

    def refresh(self) -> None:
        """Show the runs there are now."""
        runs = list(reversed(self._runs.records))
        if [run.run_dir for run in runs] == [run.run_dir for run in self._shown]:
            self._shown = runs
            if runs:
                self.dataChanged.emit(self.index(0, 0), self.index(len(runs) - 1, len(self._titles) - 1))
            return
        self.beginResetModel()
        self._shown = runs
        self.endResetModel()

    def run(self, row: int) -> RunRecord | None:
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def row_of(self, run_dir: str) -> int | None:
        return next((row for row, run in enumerate(self._shown) if run.run_dir == run_dir), None)

    def rowCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight if section in (STEPS, BEST) else Qt.AlignmentFlag.AlignLeft
        if role == Qt.ItemDataRole.ToolTipRole and section == BEST:
            return self.tr("The largest total of the objective on held-out utterances; more is better.")
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        run = self.run(index.row())
        if run is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(run, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (STEPS, BEST):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join([run.run_dir, *(run.error or ())])
        return None

    def _text(self, run: RunRecord, column: int) -> str:
        if column == NAME:
            return run.name
        if column == STATE:
            return self._states.get(run.state, run.state)
        if column == STEPS:
            return f"{steps_of(run):,}"
        if column == BEST:
            best = best_validation(run)
            return "–" if best is None else objective_text(best, digits=2)
        started = QDateTime.fromSecsSinceEpoch(int(run.started_at))
        return QLocale().toString(started, QLocale.FormatType.ShortFormat)
