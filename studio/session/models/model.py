"""The model in use: opening one, and which recordings are encoded with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PySide6.QtCore import Signal

from engine.api import Inspect, ModelInfo
from studio.domain import drop_rules
from studio.domain.clip import Clip
from studio.engine_link.engine_link import Job
from studio.project.project_file import Project
from studio.project.project_folder import Moved
from studio.services import paths
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part


class Model(Part):
    """The library is analysed with one model at a time.

    info: the model in use. path: its file, also before it is opened.

    Signals:
        changed(): a model was opened.
    """

    changed = Signal()

    def __init__(self, context: Context, library: Library) -> None:
        super().__init__(context)
        self._context, self._library = context, library
        self.info: ModelInfo | None = None
        self.path: str | None = None

    def clear(self) -> None:
        # the model itself stays in use until another is opened
        self.path = None

    def load(self, stored: Project) -> None:
        self.path = stored.model
        usable = [p for p in (self.path, str(paths.starter_model() or "")) if p and Path(p).is_file()]
        if self.path is not None and self.path not in usable:
            self._context.messages.say(
                self.tr("The model {0} is no longer there.").format(self.path),
                self.tr("Open another one with Model > Open, or train one."),
                level="warning",
            )
        if usable:
            self.open(usable[0])
        else:
            self._keep()

    def dump(self, project: Project) -> None:
        project.model = self.path

    def relocate(self, moved: Moved) -> None:
        if self.path is not None:
            self.path = moved(self.path)
        if self.info is not None:
            self.info = dataclasses.replace(self.info, path=moved(self.info.path))

    def open(self, path: str | Path) -> Job:
        """Use a model: the library is analysed with it, maps of another one are dropped."""
        self._library.analysis.held = True
        job = self._context.link.submit(
            Inspect(str(path)), title=self.tr("Open the model {0}").format(Path(path).name), latest_key="model"
        )
        job.done.connect(self._context.current_only(self.use))
        job.failed.connect(self._context.current_only(lambda *_words: self._keep()))
        job.cancelled.connect(self._context.current_only(self._keep))
        self._context.report_failures(job)
        return job

    def use(self, model: ModelInfo) -> None:
        """Take up a model that was opened."""
        kept = self.path == model.path
        self.info = model
        self.path = model.path
        self.changed.emit()
        self._library.analysis.set_model(model)
        if not kept:
            self._context.mark_changed()

    def encoded(self) -> list[Clip]:
        """The recordings that have h, m and z of the model in use."""
        if self.info is None:
            return []
        wanted = self.info.hash  # first: with thousands of recordings under way it rules out the most
        clips = self._library.clips.values()
        return [clip for clip in clips if clip.model_hash == wanted and clip.encoded_by(self.info)]

    def encoded_or_say(self) -> list[Clip]:
        """The same; where there are none, the user is told why."""
        clips = self.encoded()
        if self.info is None:
            obstacle = drop_rules.no_model()
            self._context.messages.say(obstacle.what, obstacle.hint)
        elif not clips:
            self._context.messages.say(
                self.tr("No recording is analysed with this model yet."), self.tr("Wait a moment, or add some.")
            )
        return clips

    def _keep(self) -> None:
        self._library.analysis.held = False
        self._library.analysis.pump()
