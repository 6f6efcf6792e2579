"""One recipe on many recordings: a queue with a result for each, and another try for what failed."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal

from engine.api import Take, Transfer
from studio.domain import drop_rules, transfer_setup
from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import EmotionChip, TransferSetup, VoiceChip
from studio.engine_link.engine_link import Job
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.models.model import Model
from studio.session.part import Part
from studio.session.transfers.rendering import Rendering
from studio.session.transfers.takes import Takes
from studio.session.transfers.transfer import TransferDesk

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


class Batch(Part):
    """The batch renders one recording at a time, so that whatever the user does meanwhile waits for one at most.

    Signals:
        changed(): an item is new or in another state.
    """

    changed = Signal()

    def __init__(
        self,
        context: Context,
        library: Library,
        model: Model,
        takes: Takes,
        transfer: TransferDesk,
        rendering: Rendering,
    ) -> None:
        super().__init__(context)
        self._context, self._library, self._model = context, library, model
        self._takes, self._transfer, self._rendering = takes, transfer, rendering
        self.items: list[BatchItem] = []
        self._job: Job | None = None
        context.closing.connect(self.stop)
        library.changed.connect(lambda _ids: self._pump())

    def give(self, clip_ids: Sequence[str], payload: Payload, what: str) -> None:
        """Give many recordings one voice ("voice") or emotion ("emotion"), at the desk's strengths."""
        title = transfer_setup.title_of(payload, self._library.clips)
        setup = copy.deepcopy(self._transfer.setup)
        setup.voices = [VoiceChip(payload, title)] if what == "voice" else []
        setup.emotions = [EmotionChip(payload, title)] if what == "emotion" else []
        self._begin(clip_ids, setup)

    def render(self, clip_ids: Sequence[str]) -> None:
        """Give many recordings what lies on the desk."""
        if not self._transfer.setup.voices and not self._transfer.setup.emotions:
            self._context.messages.say(
                self.tr("There is no voice and no emotion on the desk."),
                self.tr("Drop one there first."),
                level="warning",
            )
            return
        self._begin(clip_ids, copy.deepcopy(self._transfer.setup))

    def retry(self, indices: Sequence[int] | None = None) -> None:
        """Try again what failed or was stopped; None: all of it."""
        for index, item in enumerate(self.items):
            if item.state in (BATCH_FAILED, STOPPED) and (indices is None or index in indices):
                item.state, item.words = BATCH_WAITING, ""
        self.changed.emit()
        self._pump()

    def stop(self) -> None:
        """Render no more of it; what is done stays."""
        for item in self.items:
            if item.state in (BATCH_WAITING, RENDERING):
                item.state, item.words = STOPPED, ""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self.changed.emit()

    def clear(self) -> None:
        """Empty the list; takes stay."""
        self.stop()
        self.items = []
        self.changed.emit()

    def made(self, take: Take) -> bool:
        """Whether a take came from a batch: those are not played one after the other."""
        return any(item.take is not None and item.take.transformed == take.transformed for item in self.items)

    def _begin(self, clip_ids: Sequence[str], setup: TransferSetup) -> None:
        clips = [
            self._library.clips[clip_id] for clip_id in dict.fromkeys(clip_ids) if clip_id in self._library.clips
        ]
        if not clips:
            return
        kept = [item for item in self.items if item.state in (BATCH_WAITING, RENDERING, BATCH_FAILED)]
        self.items = [*kept, *(BatchItem(clip.id, clip.name, setup) for clip in clips)]
        self._library.analysis.look_at([clip.id for clip in clips])
        self._context.messages.say(
            counted(
                len(clips), self.tr("1 recording is in the batch."), self.tr("{0} recordings are in the batch.")
            )
        )
        self.changed.emit()
        self._pump()

    def _pump(self) -> None:
        """Begin the next item that can be rendered, if none is under way."""
        if self._job is not None:
            return
        changed = False
        for item in self.items:
            if item.state != BATCH_WAITING:
                continue
            begun, news = self._begin_item(item)
            changed = changed or news
            if begun:
                break
        if changed:
            self.changed.emit()

    def _begin_item(self, item: BatchItem) -> tuple[bool, bool]:
        """Whether its rendering has begun, and whether it is in another state than before."""
        before = (item.state, item.words)
        clips, model = self._library.clips, self._model.info
        setup = dataclasses.replace(item.setup, source=item.clip_id)
        obstacle = drop_rules.why_not_rendered(setup, clips, model)
        if obstacle is not None and obstacle.waits:
            item.words = obstacle.what
        elif obstacle is not None or model is None:
            item.state, item.words = BATCH_FAILED, str(obstacle)
        else:
            source = clips[item.clip_id]
            name = self._takes.free_name(Path(source.path).stem)
            request = transfer_setup.request_of(setup, source, clips, model, self._context.takes_dir, name)
            if request is None:
                item.state, item.words = BATCH_FAILED, str(drop_rules.nothing_given())
            else:
                item.state, item.words = RENDERING, ""
                self._job = self._submit(item, self._rendering.with_recipe(request))
        return item.state == RENDERING, (item.state, item.words) != before

    def _submit(self, item: BatchItem, request: Transfer) -> Job:
        job = self._context.link.submit(request, title=self.tr("Batch: {0}").format(item.name))
        job.done.connect(self._context.current_only(lambda take: self._item_done(job, item, take)))
        job.failed.connect(lambda what, hint, _details: self._item_ended(job, item, f"{what} {hint}"))
        job.cancelled.connect(lambda: self._item_ended(job, item, None))
        return job

    def _item_done(self, job: Job, item: BatchItem, take: Take) -> None:
        item.state, item.words, item.take = DONE, "", take
        self._takes.add(take)
        self._next_item(job)

    def _item_ended(self, job: Job, item: BatchItem, why: str | None) -> None:
        if job is not self._job:
            return  # it was stopped, and may wait for another try by now
        item.state, item.words = (STOPPED, "") if why is None else (BATCH_FAILED, why)
        self._next_item(job)

    def _next_item(self, job: Job) -> None:
        if self._job is job:
            self._job = None
        self.changed.emit()
        self._pump()
