"""Rendering the transfer that is set up: when asked, and by itself as sliders move."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PySide6.QtCore import Signal

from engine.api import OWN_VOCODER, Control, Transfer
from studio.domain import drop_rules, recipes, transfer_setup
from studio.domain.clip import Clip
from studio.domain.drop_rules import Obstacle
from studio.domain.live_takes import sound_of
from studio.engine_link.engine_link import Job
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.models.model import Model
from studio.session.part import Part
from studio.session.transfers.takes import Takes
from studio.session.transfers.transfer import TransferDesk


class Rendering(Part):
    """Makes takes of the desk's setup; a newer request cancels an older one under way.

    job: the rendering under way.

    Signals:
        changed(): a rendering begins or has ended.
    """

    changed = Signal()

    def __init__(
        self, context: Context, library: Library, model: Model, takes: Takes, transfer: TransferDesk
    ) -> None:
        super().__init__(context)
        self._context, self._library, self._model = context, library, model
        self._takes, self._transfer = takes, transfer
        self.job: Job | None = None
        self._live_job: Job | None = None  # under way, and nobody asked for it
        self._sound_of_setup: Transfer | None = None  # what the setup was when it was last looked at
        transfer.edited.connect(lambda: self._show_rendered(play=True))

    def clear(self) -> None:
        self.job = None

    def render(self, *, live: bool = False) -> Job | None:
        """Render the transfer as it is set up; a render under way gives way to it.

        Args:
            live: nobody asked for it. It takes the place of the one before it where sliders alone were moved since,
                and what was rendered before is shown as it is.
        """
        if (request := self.request_or_say()) is None:
            return None
        source = self._library.clips[self._transfer.setup.source or ""]
        if live:
            self._context.undo.close_step()
            if self._show_rendered(play=False):  # it was played when the setup became what it is
                return None
        else:
            self._takes.live.current = None
        if self.job is not None:
            self.job.cancel()  # before a name is chosen: its own is free again
        title = self.tr("Transfer to {0}").format(source.name)
        request = self.with_recipe(self._named(request, source))
        job = self.job = self._context.link.submit(request, title=title, latest_key="transfer")
        self._live_job = job if live else None
        came = self._takes.add_live if live else self._takes.add
        job.done.connect(
            self._context.current_only(lambda take: came(take) if job.wish is not Control.CANCEL else None)
        )
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(lambda *_result: self._ended(job))
        self._context.report_failures(job)
        self.changed.emit()
        return job

    def obstacle(self) -> Obstacle | None:
        """Why the setup cannot be rendered; None when it can."""
        return drop_rules.why_not_rendered(self._transfer.setup, self._library.clips, self._model.info)

    def request_or_say(self) -> Transfer | None:
        """What the engine is to make of the setup, without a name as yet; the user is told why it cannot."""
        obstacle = self.obstacle()
        request = None if obstacle is not None else self._request()
        if request is None:
            self._say(obstacle or drop_rules.nothing_given())
        return request

    def with_recipe(self, request: Transfer) -> Transfer:
        """The request with the vocoder preferred, and what it is made of, in names, for the tags of its files."""
        request = self._as_preferred(request)
        return dataclasses.replace(request, recipe=recipes.to_text(self.recipe_of(request)))

    def recipe_of(self, request: Transfer) -> recipes.Recipe:
        """What a request is made of, in names."""
        assert self._model.info is not None
        return recipes.of_request(request, self._library.clips.values(), self._model.info)

    def _say(self, obstacle: Obstacle) -> None:
        """Tell the user; the recordings that are waited for go to the head of the queue."""
        if obstacle.waits:
            setup, clips = self._transfer.setup, self._library.clips
            references = [
                clip.id for _title, payload in setup.given() for clip in transfer_setup.clips_of(payload, clips)
            ]
            self._library.analysis.look_at([setup.source or "", *references])
        self._context.messages.say(obstacle.what, obstacle.hint, level="warning")

    def _request(self) -> Transfer | None:
        """As the engine takes it; None while it cannot be made."""
        setup, clips, model = self._transfer.setup, self._library.clips, self._model.info
        source = clips.get(setup.source or "")
        if source is None or model is None or not source.encoded_by(model):
            return None
        request = transfer_setup.request_of(setup, source, clips, model, self._context.takes_dir, "")
        return None if request is None else self._as_preferred(request)

    def _named(self, request: Transfer, source: Clip) -> Transfer:
        """The request with a folder of its own, under the name of the take whose place its sound will take."""
        live = self._takes.live.current
        if live is not None and live.follows_to(self._sound_of(request)) and self._takes.gives_way(live.shown):
            name = live.shown.name
            folder = self._takes.folder_beside(name)
        else:
            name = self._takes.free_name(Path(source.path).stem)
            folder = self._context.takes_dir / name
        return dataclasses.replace(request, name=name, out_dir=str(folder))

    def _show_rendered(self, *, play: bool) -> bool:
        """Show at once what was rendered of this setup before; whether there is such a thing.

        Args:
            play: it is to be heard, if it is another sound than before.
        """
        request = self._request() if self._takes.items else None
        sound = None if request is None else self._sound_of(request)
        is_new, self._sound_of_setup = sound != self._sound_of_setup, sound
        if sound is None:
            return False
        known = self._takes.show_known(sound, play=play and is_new)
        if known and self._live_job is not None:
            self._live_job.cancel()  # of a setup that was left
        return known

    def _sound_of(self, request: Transfer) -> Transfer:
        assert self._model.info is not None
        vocoder = self._model.info.vocoder if request.vocoder == OWN_VOCODER else request.vocoder
        return sound_of(dataclasses.replace(request, vocoder=vocoder), self._model.info.hash)

    def _as_preferred(self, request: Transfer) -> Transfer:
        vocoder = self._transfer.vocoder
        return dataclasses.replace(request, vocoder=vocoder) if request.vocoder == OWN_VOCODER else request

    def _ended(self, job: Job) -> None:
        if self._live_job is job:
            self._live_job = None
        if self.job is job:
            self.job = None
            self.changed.emit()
