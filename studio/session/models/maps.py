"""Maps of latents: laying out, adding what came since, asking who is near."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Signal

from engine.api import FindNearest, FitMap, LatentRef, MapPoints, PlaceOnMap
from studio.domain.clip import Clip
from studio.engine_link.engine_link import Job
from studio.project import map_file
from studio.project.project_file import Project
from studio.project.project_folder import Moved
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.models.model import Model
from studio.session.part import Part


class Maps(Part):
    """A map shows latents of the model in use, never of another.

    points: the map of each latent; jobs: layouts under way, by latent.

    Signals:
        changed(latent).
    """

    changed = Signal(str)

    def __init__(self, context: Context, library: Library, model: Model) -> None:
        super().__init__(context)
        self._context, self._model = context, model
        self.points: dict[str, MapPoints] = {}
        self.jobs: dict[str, Job] = {}
        self._adding: set[str] = set()  # latents whose maps are taking up recordings
        self._files: dict[str, tuple[MapPoints, str]] = {}  # what of the maps is written, and where
        self._model_hash: str | None = None
        model.changed.connect(self._drop_others)
        library.analysis.finished.connect(self.add_new)

    def clear(self) -> None:
        latents = list(self.points)
        self.points.clear()
        self.jobs.clear()
        self._adding.clear()
        self._files.clear()
        for latent in latents:
            self.changed.emit(latent)

    def load(self, stored: Project) -> None:
        for latent, file in stored.maps.items():
            if (points := map_file.read(Path(file))) is not None and points.latent == latent:
                self.points[latent] = points
                self._files[latent] = (points, file)
        for latent in self.points:
            self.changed.emit(latent)

    def dump(self, project: Project) -> None:
        """Maps that are not on the disk yet are put on their way there."""
        for latent, points in self.points.items():
            if points.final and (latent not in self._files or self._files[latent][0] is not points):
                file = self._context.maps_dir / f"{latent}-{uuid.uuid4().hex[:8]}.npz"
                self._files[latent] = (points, str(file))
                self._context.threads.start(functools.partial(self._write, file, points))
        project.maps = {latent: file for latent, (_points, file) in self._files.items() if latent in self.points}

    def relocate(self, moved: Moved) -> None:
        self._files = {latent: (points, moved(file)) for latent, (points, file) in self._files.items()}

    def fit(self, latent: str, **settings: float | int | str | bool) -> Job | None:
        """Lay out all analysed recordings. settings: those of FitMap."""
        if not (clips := self._model.encoded_or_say()):
            return None
        context = self._context
        request = FitMap(_ids_and_folders(clips), latent, **settings)  # type: ignore[arg-type]
        job = context.link.submit(request, title=self.tr("Map of {0}").format(latent), latest_key=f"map-{latent}")
        self.jobs[latent] = job
        job.partial.connect(context.current_only(self.show))
        job.done.connect(context.current_only(self._done))
        self._adding.discard(latent)
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(context.current_only(functools.partial(self._ended, job, latent)))
        job.note.connect(lambda what, hint: context.messages.say(what, hint))
        context.report_failures(job)
        self.changed.emit(latent)
        return job

    def stop(self, latent: str) -> None:
        """End a layout where it is and keep it."""
        if (job := self.jobs.get(latent)) is not None:
            job.stop_and_keep()

    def find_nearest(self, latent: str, query: Sequence[LatentRef], metric: str = "euclidean") -> Job | None:
        """Which analysed latents are nearest to one, or to the mean of several: a job that ends with Neighbours."""
        clips = self._model.encoded()
        if not clips or not query:
            return None
        return self._context.link.submit(
            FindNearest(_ids_and_folders(clips), tuple(query), latent, metric=metric),
            title=self.tr("Nearest in {0}").format(latent),
            latest_key="nearest",
        )

    def add_new(self) -> None:
        """Put recordings that were analysed since onto the maps there are; nothing on them moves."""
        for latent, points in self.points.items():
            known = set(points.ids)
            new = [clip for clip in self._model.encoded() if clip.id not in known]
            if not new or latent in self.jobs or latent in self._adding:
                continue
            self._adding.add(latent)
            on_it = [clip for clip in self._model.encoded() if clip.id in known]
            job = self._context.link.submit(
                PlaceOnMap(_ids_and_folders(new), latent, points, _ids_and_folders(on_it)),
                title=counted(
                    len(new), self.tr("Place 1 recording on the map"), self.tr("Place {0} recordings on the map")
                ),
            )
            for ended in (job.done, job.cancelled):
                ended.connect(lambda *_result, latent=latent: self._adding.discard(latent))
            job.done.connect(self._context.current_only(functools.partial(self._added, points)))
            # A map some of whose clips are gone cannot take them: it stays in _adding until it is laid out anew.
            job.failed.connect(lambda what, hint, _details: self._context.messages.say(what, hint))

    def _drop_others(self) -> None:
        """Another model: the maps of the one before, and layouts under way, are of no use."""
        model = self._model.info
        if model is None or model.hash == self._model_hash:
            return
        self._model_hash = model.hash
        dropped = [latent for latent, points in self.points.items() if model_of(points) != model.hash]
        for latent in dropped:
            del self.points[latent]
        for latent in list(self.jobs):
            self.stop(latent)
        for latent in dropped:
            self.changed.emit(latent)

    def show(self, points: MapPoints) -> None:
        """Show a layout under way or done, if it is of the model in use."""
        model = self._model.info
        if model is not None and model_of(points) in (model.hash, None):
            self.points[points.latent] = points
            self.changed.emit(points.latent)

    def _done(self, points: MapPoints) -> None:
        self.show(points)
        self._context.mark_changed()

    def _ended(self, job: Job, latent: str, *_result: object) -> None:
        if self.jobs.get(latent) is job:
            del self.jobs[latent]
            self.changed.emit(latent)

    def _added(self, before: MapPoints, new: MapPoints) -> None:
        if self.points.get(new.latent) is before:
            self.points[new.latent] = joined(before, new)
            self.changed.emit(new.latent)
            self._context.mark_changed()
            self.add_new()  # what was analysed meanwhile

    def _write(self, file: Path, points: MapPoints) -> None:
        try:
            map_file.write(file, points)
        except OSError as error:
            self._context.report_unwritten(file, error)


def joined(first: MapPoints, second: MapPoints) -> MapPoints:
    """The points of both, the first's settings."""
    return MapPoints(
        first.latent,
        (*first.ids, *second.ids),
        np.concatenate([first.index, second.index]),
        np.concatenate([first.xy, second.xy]),
        first.settings,
        first.final,
    )


def model_of(points: MapPoints) -> str | None:
    """Hash of the model whose latents a map shows."""
    made_by = points.settings.get("model_hash")
    return None if made_by is None else str(made_by)


def _ids_and_folders(clips: Sequence[Clip]) -> tuple[tuple[str, str], ...]:
    return tuple((clip.id, str(clip.folder)) for clip in clips)
