"""One recipe on many recordings: a queue with a result for each, and another try for what failed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.api import Take
from studio.domain import drop_rules, transfer_setup
from studio.domain.clip import FAILED, MISSING
from studio.domain.payload import Payload
from studio.domain.transfer_setup import EmotionChip, TransferSetup, VoiceChip
from studio.engine_link.engine_link import EngineLink, Job
from studio.services.messages import Messages
from studio.services.plurals import counted
from studio.session.second_edits import LaneActions

BATCH_WAITING, RENDERING, DONE, BATCH_FAILED, STOPPED = "waiting", "rendering", "done", "failed", "stopped"


@dataclass
class BatchItem:
    """One recording of a batch. words: why it failed, or what it waits for."""

    clip_id: str
    name: str
    setup: TransferSetup
    state: str = BATCH_WAITING
    words: str = ""
    take: Take | None = None


class BatchActions(LaneActions):
    """The batch renders one recording at a time, so that whatever the user does meanwhile waits for one at most.

    Signals:
        batch_changed(): an item of `batch` is new or in another state.
    """

    batch_changed = Signal()

    def __init__(
        self, link: EngineLink, data_dir: Path, messages: Messages | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(link, data_dir, messages, parent)
        self.batch: list[BatchItem] = []
        self._batch_job: Job | None = None
        self.closing.connect(self.stop_batch)
        self.clips_changed.connect(lambda _ids: self._pump_batch())

    def give_many(self, clip_ids: Sequence[str], payload: Payload, what: str) -> None:
        """Give many recordings one voice ("voice") or emotion ("emotion"), at the desk's strengths."""
        title = transfer_setup.title_of(payload, self.clips)
        setup = copy.deepcopy(self.transfer)
        setup.voices = [VoiceChip(payload, title)] if what == "voice" else []
        setup.emotions = [EmotionChip(payload, title)] if what == "emotion" else []
        self._begin_batch(clip_ids, setup)

    def render_many(self, clip_ids: Sequence[str]) -> None:
        """Give many recordings what lies on the desk."""
        if not self.transfer.voices and not self.transfer.emotions:
            self.messages.say(
                self.tr("There is no voice and no emotion on the desk."),
                self.tr("Drop one there first."),
                level="warning",
            )
            return
        self._begin_batch(clip_ids, copy.deepcopy(self.transfer))

    def retry_batch(self, places: Sequence[int] | None = None) -> None:
        """Try again what failed or was stopped; None: all of it."""
        for place, item in enumerate(self.batch):
            if item.state in (BATCH_FAILED, STOPPED) and (places is None or place in places):
                item.state, item.words = BATCH_WAITING, ""
        self.batch_changed.emit()
        self._pump_batch()

    def stop_batch(self) -> None:
        """Render no more of it; what is done stays."""
        for item in self.batch:
            if item.state in (BATCH_WAITING, RENDERING):
                item.state, item.words = STOPPED, ""
        job, self._batch_job = self._batch_job, None
        if job is not None:
            job.cancel()
        self.batch_changed.emit()

    def clear_batch(self) -> None:
        """Empty the list; takes stay."""
        self.stop_batch()
        self.batch = []
        self.batch_changed.emit()

    def is_of_batch(self, take: Take) -> bool:
        """Whether a take came from a batch: those are not played one after the other."""
        return any(item.take is not None and item.take.transformed == take.transformed for item in self.batch)

    def _begin_batch(self, clip_ids: Sequence[str], setup: TransferSetup) -> None:
        clips = [self.clips[clip_id] for clip_id in dict.fromkeys(clip_ids) if clip_id in self.clips]
        if not clips:
            return
        kept = [item for item in self.batch if item.state in (BATCH_WAITING, RENDERING, BATCH_FAILED)]
        self.batch = [*kept, *(BatchItem(clip.id, clip.name, setup) for clip in clips)]
        self.analysis.look_at([clip.id for clip in clips])
        self.messages.say(
            counted(
                len(clips), self.tr("1 recording is in the batch."), self.tr("{0} recordings are in the batch.")
            )
        )
        self.batch_changed.emit()
        self._pump_batch()

    def _pump_batch(self) -> None:
        """Begin the next item that can be rendered, if none is under way."""
        if self._batch_job is not None:
            return
        changed = False
        for item in self.batch:
            if item.state != BATCH_WAITING:
                continue
            begun, news = self._begin_item(item)
            changed = changed or news
            if begun:
                break
        if changed:
            self.batch_changed.emit()

    def _begin_item(self, item: BatchItem) -> tuple[bool, bool]:
        """Whether its rendering has begun, and whether it is in another state than before."""
        before = (item.state, item.words)
        source, model = self.clips.get(item.clip_id), self.model
        if source is None:
            item.state, item.words = BATCH_FAILED, self.tr("It is no longer in the library.")
        elif model is None:
            item.state, item.words = BATCH_FAILED, self.tr("There is no model.")
        elif source.state in (FAILED, MISSING):
            item.state, item.words = BATCH_FAILED, drop_rules.why_not(source, model)
        elif not source.encoded_by(model):
            item.words = self.tr("waits for its analysis")
        else:
            name = self._free_take_name(source)
            request = transfer_setup.request_of(item.setup, source, self.clips, model, self.takes_dir, name)
            if request is None:
                item.words = self.tr("waits for the analysis of what is given")
            else:
                item.state, item.words = RENDERING, ""
                job = self.link.submit(self._with_recipe(request), title=self.tr("Batch: {0}").format(source.name))
                self._batch_job = job
                job.done.connect(self.current_only(lambda take: self._item_done(job, item, take)))
                job.failed.connect(lambda what, hint, _details: self._item_ended(job, item, f"{what} {hint}"))
                job.cancelled.connect(lambda: self._item_ended(job, item, None))
        return item.state == RENDERING, (item.state, item.words) != before

    def _item_done(self, job: Job, item: BatchItem, take: Take) -> None:
        item.state, item.words, item.take = DONE, "", take
        self._rendered(take)
        self._next_item(job)

    def _item_ended(self, job: Job, item: BatchItem, why: str | None) -> None:
        if job is not self._batch_job:
            return  # it was stopped, and may wait for another try by now
        item.state, item.words = (STOPPED, "") if why is None else (BATCH_FAILED, why)
        self._next_item(job)

    def _next_item(self, job: Job) -> None:
        if self._batch_job is job:
            self._batch_job = None
        self.batch_changed.emit()
        self._pump_batch()
