"""The probe matrix as a table: a row a task, a column each for h, m, z and the baselines, live."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from engine.api import PROBE_TASKS, ProbeResult, ProbeScore
from studio.domain.probe_tasks import CCC_TASKS, shown, task_titles
from studio.session.models.probes import Probes

LATENTS = ("h", "m", "z")
BASELINES = ("mel", "mfcc")
COLUMNS = (*LATENTS, *BASELINES)
SCORE = Qt.ItemDataRole.UserRole  # ProbeScore or None
RANGE = Qt.ItemDataRole.UserRole + 1  # (left, right) of the cell's scale
PENDING = Qt.ItemDataRole.UserRole + 2  # to be measured by the job under way
BEST = Qt.ItemDataRole.UserRole + 3  # the latent that predicts best

Index = QModelIndex | QPersistentModelIndex


class ProbesTable(QAbstractTableModel):
    """Shows the session's board."""

    def __init__(self, probes: Probes, parent: Any = None) -> None:
        super().__init__(parent)
        self._probes = probes
        self._names = task_titles()
        self._measures = {
            "speaker": self.tr("right"),
            "verify": self.tr("equal error, lower is better"),
            "gender": self.tr("right"),
            "emotion": self.tr("balanced accuracy"),
            "arousal": self.tr("CCC"),
            "valence": self.tr("CCC"),
        }

    def refresh(self) -> None:
        """The board has changed."""
        self.dataChanged.emit(self.index(0, 0), self.index(len(PROBE_TASKS) - 1, len(COLUMNS) - 1))
        self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, len(PROBE_TASKS) - 1)

    def result(self, row: int) -> ProbeResult | None:
        return self._probes.board.results.get(PROBE_TASKS[row])

    def score(self, row: int, column: int) -> ProbeScore | None:
        result = self.result(row)
        return None if result is None else result.scores.get(COLUMNS[column])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(PROBE_TASKS)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return {"mel": self.tr("mel"), "mfcc": self.tr("MFCC")}.get(COLUMNS[section], COLUMNS[section])
            return self._names[PROBE_TASKS[section]]
        if role == Qt.ItemDataRole.ToolTipRole:
            if orientation == Qt.Orientation.Horizontal:
                return self._column_words(COLUMNS[section])
            return f"{self._names[PROBE_TASKS[section]]}: {self._measures[PROBE_TASKS[section]]}"
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        task, score = PROBE_TASKS[row], self.score(row, column)
        if role == SCORE:
            return score
        if role == RANGE:
            return (-0.25, 1.0) if task in CCC_TASKS else (0.0, 0.6) if task == "verify" else (0.0, 1.0)
        if role == PENDING:
            return score is None and self._probes.board.job is not None and not self._failed(row)
        if role == BEST:
            return COLUMNS[column] in LATENTS and score is not None and self._is_best(row, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return "–" if score is None else shown(task, score.score)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        return None

    def words(self, row: int, column: int) -> str:
        """Everything that is known of a cell, in sentences."""
        task, score, result = PROBE_TASKS[row], self.score(row, column), self.result(row)
        what = f"{self._names[task]}, {self._column_words(COLUMNS[column])}"
        if score is None:
            if self._failed(row) and result is not None:
                return f"{what}: {self.tr('not run.')} {result.failed}"
            waiting = self._probes.board.job is not None
            return f"{what}: {self.tr('to come.') if waiting else self.tr('not measured.')}"
        parts = [f"{what}: {shown(task, score.score)} {self._measures[task]}"]
        if math.isfinite(score.low) and math.isfinite(score.high):
            parts[0] += self.tr(" (95 % interval {0} to {1})").format(
                shown(task, score.low), shown(task, score.high)
            )
        parts[0] += "."
        split = self._protocol(result.protocol if result is not None else "")
        parts.append(self.tr("{0} clips{1}.").format(score.n, f", {split}" if split else ""))
        parts.append(self.tr("With shuffled labels: {0}.").format(shown(task, score.shuffled)))
        if score.also:
            others = ", ".join(_also(name, value) for name, value in score.also.items())
            parts.append(self.tr("Also: {0}.").format(others))
        parts += [] if result is None else list(result.notes)
        return " ".join(parts)

    def _column_words(self, name: str) -> str:
        return {
            "h": self.tr("voice (h), the clip"),
            "m": self.tr("emotion (m), the mean of the clip’s seconds"),
            "z": self.tr("content (z), the mean of the clip’s frames"),
            "mel": self.tr("baseline: mean and deviation of the mel bands, and the level; no model"),
            "mfcc": self.tr("baseline: mean and deviation of MFCCs, and the level; no model"),
        }[name]

    def _protocol(self, name: str) -> str:
        return {
            "same session": self.tr("other clips of the same sitting"),
            "cross-chapter": self.tr("of another sitting than the training’s"),
            "speaker-disjoint": self.tr("of speakers the probe was not trained on"),
            "all pairs of clips": self.tr("in all pairs"),
        }.get(name, name)

    def _failed(self, row: int) -> bool:
        result = self.result(row)
        return result is not None and bool(result.failed)

    def _is_best(self, row: int, column: int) -> bool:
        result = self.result(row)
        if result is None or not all(name in result.scores for name in LATENTS):
            return False
        scores = {name: result.scores[name].score for name in LATENTS}
        best = min(scores.values()) if PROBE_TASKS[row] == "verify" else max(scores.values())
        return scores[COLUMNS[column]] == best


def _also(name: str, value: float) -> str:
    """Another measure by its full name: a count, a CCC, else a share."""
    if name.startswith(("clips", "pairs")):
        return f"{name} {value:.0f}"
    return f"{name} {shown('arousal' if name.startswith('CCC') else '', value)}"
