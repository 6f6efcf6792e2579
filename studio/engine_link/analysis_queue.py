"""Which recordings are analysed next: one background job at a time, which gives way to what the user asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from PySide6.QtCore import QObject, QTimer, Signal

from engine.api import Analyse, AnalyseDone, ClipAnalysed, ClipFailed, ModelInfo
from studio.domain.clip import ANALYSING, FAILED, MISSING, READY, WAITING, Clip
from studio.engine_link.engine_link import EngineLink, Job
from studio.services.plurals import counted

REPORT_INTERVAL_MS = 200  # short clips come by the hundred a second, and every report is drawn
AT_ONCE = 500  # recordings a job; what is left follows in the next


class AnalysisQueue(QObject):
    """Keeps the clips' analyses up to date with their files and the model.

    Signals:
        changed(ids): these clips changed.
        finished(): nothing is left to do for now.
        halted(what, hint, details): the work cannot go on (full disk, bad model, cancelled) until `go_on`.
    """

    changed = Signal(list)
    finished = Signal()
    halted = Signal(str, str, str)

    def __init__(
        self, link: EngineLink, clips: Mapping[str, Clip], out_dir: str, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._link = link
        self._clips = clips
        self._out_dir = out_dir
        self.model: ModelInfo | None = None
        self.first: list[str] = []  # ids to take before the others: what the user looks at
        self.held = False  # while the model is not known yet
        self.job: Job | None = None
        self._batch: list[str] = []
        self._halted = False
        self._gives_way = False  # to a new model or a new order, not because the user ends it
        self._unreported: dict[str, None] = {}
        self._report_timer = QTimer(self)
        self._report_timer.setSingleShot(True)
        self._report_timer.setInterval(REPORT_INTERVAL_MS)
        self._report_timer.timeout.connect(self._report)

    def set_folder(self, out_dir: str) -> None:
        """Another project: what is found from now on lies there; what is under way for the old one is let go."""
        if out_dir != self._out_dir:
            self._out_dir = out_dir
            self._halted = False
            self._give_way()

    def ids(self) -> set[str]:
        """Recordings of which an analysis is being written, or may be at any time."""
        under_way = self.job.request if self.job is not None else None
        return set(self._clips) | ({ref.id for ref in under_way.clips} if isinstance(under_way, Analyse) else set())

    def go_on(self) -> None:
        """Take up work again after it was halted."""
        self._halted = False
        self.pump()

    def set_model(self, model: ModelInfo | None) -> None:
        """Bring every clip up to this model; what runs for another is stopped."""
        self.model = model
        self.held = False
        self._halted = False
        self._give_way()
        self.pump()

    def look_at(self, ids: Iterable[str]) -> None:
        """Take these first, if they wait."""
        self.first = [clip_id for clip_id in ids if clip_id in self._clips]
        waiting = any(self._clips[clip_id].state == WAITING for clip_id in self.first)
        if waiting and len(self._batch) > 2:
            self._give_way()

    def _give_way(self) -> None:
        """End the batch under way: it keeps what it has; the rest comes back, in the order that holds then."""
        if self.job is not None:
            self._gives_way = True
            self.job.stop_and_keep()

    def pump(self) -> None:
        """Begin the next batch, if there is one and none is under way."""
        if self.job is not None or self._halted or self.held:
            return
        wanted = {clip.id: clip for clip in self._clips.values() if self._needs(clip)}
        if not wanted:
            self.finished.emit()
            return
        order = [i for i in self.first if i in wanted]
        ahead = set(order)
        order += [i for i in wanted if i not in ahead]
        self._batch = order[:AT_ONCE]
        request = Analyse(
            tuple(wanted[i].ref() for i in self._batch),
            self._out_dir,
            None if self.model is None else self.model.path,
        )
        title = counted(len(order), self.tr("Analyse 1 recording"), self.tr("Analyse {0} recordings"))
        job = self.job = self._link.submit(request, title=title, background=True)
        job.partial.connect(self._take)
        job.changed.connect(self._show_current)
        job.done.connect(self._done)
        job.failed.connect(self._failed)
        job.cancelled.connect(self._cancelled)

    def _needs(self, clip: Clip) -> bool:
        if clip.state == WAITING:
            return True
        return clip.state == READY and self.model is not None and clip.model_hash != self.model.hash

    def _take(self, value: ClipAnalysed | ClipFailed) -> None:
        if value.clip_id in self._batch:
            self._batch.remove(value.clip_id)
        clip = self._clips.get(value.clip_id)
        if clip is None:  # removed meanwhile
            return
        if isinstance(value, ClipAnalysed):
            clip.state, clip.error = READY, None
            clip.folder, clip.model_hash = value.folder, value.model_hash
            clip.duration_s, clip.f0_median_hz = value.duration_s, value.f0_median_hz
        else:
            clip.state = FAILED if os.path.exists(clip.path) else MISSING
            clip.error = (value.what, value.hint)
        self._report_soon([clip.id, *self._begin_next()])

    def _show_current(self) -> None:
        if self.job is not None and self.job.state == "running" and self._begin_next():
            self._report_soon(self._batch[:1])

    def _begin_next(self) -> list[str]:
        """The engine works through the batch in order: its first is the one it is at."""
        clip = self._clips.get(self._batch[0]) if self._batch else None
        if clip is None or clip.state != WAITING:
            return []
        clip.state = ANALYSING
        return [clip.id]

    def _end(self) -> list[str]:
        """The job is over: what it did not come to waits again. Returns what was under way."""
        current = [i for i in self._batch[:1] if i in self._clips and self._clips[i].state == ANALYSING]
        for clip_id in current:
            self._clips[clip_id].state = WAITING
        self.job = None
        self._gives_way = False
        self._batch = []
        self._unreported |= dict.fromkeys(current)
        self._report()
        return current

    def _report_soon(self, ids: Iterable[str]) -> None:
        self._unreported |= dict.fromkeys(ids)
        if not self._report_timer.isActive():
            self._report_timer.start()

    def _report(self) -> None:
        self._report_timer.stop()
        ids = [clip_id for clip_id in self._unreported if clip_id in self._clips]
        self._unreported = {}
        if ids:
            self.changed.emit(ids)

    def _done(self, _result: AnalyseDone) -> None:
        self._end()
        self.pump()

    def _failed(self, what: str, hint: str, details: str) -> None:
        job, current = self.job, self._end()
        if job is not None and job.lost and current:
            # The recording at hand may be what killed the engine: it is put aside, the others go on.
            clip = self._clips[current[0]]
            clip.state = FAILED
            clip.error = (what, self.tr("The other recordings go on; right-click to analyse this one again."))
            self.changed.emit(current)
            self.pump()
            return
        self._halted = True
        self.halted.emit(what, hint, details)

    def _cancelled(self) -> None:
        gave_way = self._gives_way  # a job that had not begun has nothing to keep, and so ends as cancelled
        self._end()
        if gave_way:
            self.pump()
            return
        self._halted = True
        self.halted.emit(
            self.tr("The analysis was cancelled."), self.tr("What was analysed is kept; the rest waits."), ""
        )
