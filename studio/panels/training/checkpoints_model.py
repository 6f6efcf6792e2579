"""A run's checkpoints as a table, in the order of their steps: how good each is, and whether it can be heard."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from engine.api import PROBE_TASKS, CheckpointProbes, KeptCheckpoint, best_of
from studio.domain.probe_tasks import CCC_TASKS, shown, task_titles
from studio.domain.run_record import RunRecord
from studio.widgets.progress_row import duration_words

Index = QModelIndex | QPersistentModelIndex
NOTHING = QModelIndex()
STEP, SOUND, TIME, OBJECTIVE = range(4)
PROBES = tuple(task for task in PROBE_TASKS if task != "verify")  # of pairs, which takes longer


def best_words(record: RunRecord) -> str:
    """Which checkpoint is the best and why; "" while there is none."""
    tr = QCoreApplication.translate
    best = best_of(record.checkpoints)
    if best is None:
        return ""
    words = tr(
        "Checkpoints", "Best: step {0}, because its objective on held-out speech is the largest, {1}."
    ).format(f"{best.step:,}", objective_text(best.terms["total"]))
    if (probes := record.heard.probes.get(best.step)) is None or not probes.readings:
        return words
    titles = task_titles()
    scores = [f"{titles[n].lower()} {_words(n, probes.readings[n].score)}" for n in PROBES if n in probes.readings]
    return words + " " + tr("Checkpoints", "Its probes: {0}.").format(", ".join(scores))


def objective_text(value: float, digits: int = 3) -> str:
    """The objective, or one of its terms, as it is read."""
    return f"{value:.{digits}f}".replace("-", "−")


def _words(task: str, score: float) -> str:
    return shown(task, score, digits=0)


class CheckpointsTable(QAbstractTableModel):
    """Shows the checkpoints of one run whose models are held."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._record: RunRecord | None = None
        self._entry = ""
        self._playing: int | None = None
        self._rows: tuple[KeptCheckpoint, ...] = ()
        self._best: int | None = None
        self._tasks: tuple[str, ...] = ()
        self._names = task_titles()
        self._short = {  # five of them fit the window's side
            "speaker": self.tr("Spk"),
            "gender": self.tr("Gen"),
            "emotion": self.tr("Emo"),
            "arousal": self.tr("Aro"),
            "valence": self.tr("Val"),
        }

    def show_run(self, record: RunRecord | None, entry: str, playing: int | None) -> None:
        """Show a run's checkpoints; the sounds are those of one entry, `playing` is the step that plays."""
        rows = () if record is None else tuple(kept for kept in record.checkpoints if kept.held)
        probes = () if record is None else tuple(record.heard.probes.values())
        tasks = tuple(task for task in PROBES if any(task in one.readings for one in probes))
        best = None if record is None else best_of(record.checkpoints)
        alike = tasks == self._tasks and [k.step for k in rows] == [k.step for k in self._rows]
        if not alike:
            self.beginResetModel()
        self._record, self._entry, self._playing = record, entry, playing
        self._rows, self._tasks, self._best = rows, tasks, None if best is None else best.step
        if not alike:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, self.columnCount() - 1))

    def checkpoint(self, row: int) -> KeptCheckpoint | None:
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, step: int | None) -> int | None:
        return next((row for row, kept in enumerate(self._rows) if kept.step == step), None)

    def has_sound(self, step: int) -> bool:
        """Whether the entry's sound of this step is there."""
        sound = None if self._record is None else self._record.heard.sounds.get((step, self._entry))
        return sound is not None and sound.trouble is None

    def rowCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else 4 + len(self._tasks)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        titles = {
            STEP: self.tr("Step"),
            TIME: self.tr("Time"),
            OBJECTIVE: self.tr("Obj."),
            SOUND: "♪",
        }
        if role == Qt.ItemDataRole.DisplayRole:
            return titles[section] if section in titles else self._short[self._tasks[section - 4]]
        if role == Qt.ItemDataRole.AccessibleTextRole and section >= 4:
            return self._names[self._tasks[section - 4]]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._about(section)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter if section == SOUND else Qt.AlignmentFlag.AlignRight
        return None

    def _about(self, section: int) -> str:
        if section == OBJECTIVE:
            return self.tr("The total of the objective on held-out speech; more is better.")
        if section == SOUND:
            return self.tr("Whether the audition chosen above can be heard with this checkpoint.")
        if section == TIME:
            return self.tr("How long the run had trained.")
        if section < 4:
            return ""
        task = self._tasks[section - 4]
        if task in CCC_TASKS:
            what = self.tr("Concordance (CCC) of a probe of emotion (m) with the labels, on held-out clips.")
        else:
            what = self.tr("Accuracy of a linear probe, on clips the run does not train on.")
        return f"{self._names[task]}: {what}"

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        kept = self.checkpoint(index.row())
        if kept is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(kept, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            if index.column() == SOUND:
                return Qt.AlignmentFlag.AlignCenter
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole and kept.step == self._playing:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(kept, index.column())
        return None

    def _text(self, kept: KeptCheckpoint, column: int) -> str:
        if column == STEP:
            return f"★ {kept.step:,}" if kept.step == self._best else f"{kept.step:,}"
        if column == TIME:
            return duration_words(kept.seconds)
        if column == OBJECTIVE:
            return objective_text(kept.terms["total"])
        if column == SOUND:
            return self._sound_text(kept.step)
        task = self._tasks[column - 4]
        reading = self._probes(kept.step)
        if reading is None:
            return "…"
        return _words(task, reading.readings[task].score) if task in reading.readings else "–"

    def _sound_text(self, step: int) -> str:
        if not self._entry or self._record is None:
            return ""
        sound = self._record.heard.sounds.get((step, self._entry))
        if sound is None:
            return "…"
        if sound.trouble is not None:
            return "!"
        return "▶" if step == self._playing else "♪"

    def _tip(self, kept: KeptCheckpoint, column: int) -> str:
        if column == SOUND and self._record is not None:
            sound = self._record.heard.sounds.get((kept.step, self._entry))
            if sound is not None:
                return " ".join(sound.trouble) if sound.trouble else self.tr("Double-click to hear it.")
            return self.tr("Not rendered yet.") if self._entry else self.tr("Choose an audition above.")
        if column == OBJECTIVE:
            return "\n".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in kept.terms.items())
        probes = self._probes(kept.step)
        if column < 4 or probes is None:
            return best_words(self._record) if kept.step == self._best and self._record is not None else ""
        task = self._tasks[column - 4]
        if task not in probes.readings:
            return probes.missing.get(task, "")
        reading = probes.readings[task]
        words = self.tr("{0}, of {1} clips that the run does not train on; guessing gives {2}.")
        return words.format(reading.measure, reading.clips, _words(task, reading.chance)).capitalize()

    def _probes(self, step: int) -> CheckpointProbes | None:
        return None if self._record is None else self._record.heard.probes.get(step)
