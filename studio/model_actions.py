"""What the user does with models and maps."""

from __future__ import annotations

import functools
from pathlib import Path

from engine.api import (
    FitMap,
    Inspect,
    MapPoints,
    ModelInfo,
    PlaceOnMap,
)
from studio.counted import counted
from studio.engine_link import Job
from studio.session_state import SessionState


class ModelActions(SessionState):
    """Model and maps: a map shows latents of the model in use, never of another."""

    def set_model(self, path: str | Path) -> Job:
        """Use a model: the library is analysed with it, maps of another one are dropped."""
        self.analysis.held = True
        job = self.link.submit(
            Inspect(str(path)), title=self.tr("Open the model {0}").format(Path(path).name), latest_key="model"
        )
        job.done.connect(self.current_only(self._use))
        job.failed.connect(self.current_only(lambda *_words: self._keep_model()))
        job.cancelled.connect(self.current_only(self._keep_model))
        self._tell_failures(job)
        return job

    def _use(self, model: ModelInfo) -> None:
        same = self.model is not None and self.model.hash == model.hash
        kept = self._model_path == model.path
        self.model = model
        self._model_path = model.path
        if not same:
            dropped = [latent for latent, points in self.maps.items() if _model_of(points) != model.hash]
            for latent in dropped:
                del self.maps[latent]
            self.stop_map()
        self.model_changed.emit()
        if not same:
            for latent in dropped:
                self.map_changed.emit(latent)
        self.analysis.set_model(model)
        if not kept:
            self._save_soon()

    def _keep_model(self) -> None:
        self.analysis.held = False
        self.analysis.pump()

    def fit_map(self, latent: str, **settings: float | int | str | bool) -> Job | None:
        """Lay out all analysed recordings. settings: those of FitMap."""
        if not (clips := self._encoded_or_say()):
            return None
        request = FitMap(tuple((c.id, str(c.folder)) for c in clips), latent, **settings)  # type: ignore[arg-type]
        job = self.map_job = self.link.submit(request, title=self.tr("Map of {0}").format(latent), latest_key="map")
        job.partial.connect(self.current_only(self._show_map))
        job.done.connect(self.current_only(self._map_done))
        self._placing.discard(latent)
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(self.current_only(functools.partial(self._map_ended, job, latent)))
        job.note.connect(lambda what, hint: self.messages.say(what, hint))
        self._tell_failures(job)
        self.map_changed.emit(latent)
        return job

    def stop_map(self) -> None:
        """End the layout where it is and keep it."""
        if self.map_job is not None:
            self.map_job.stop_and_keep()

    def _show_map(self, points: MapPoints) -> None:
        if self.model is not None and _model_of(points) in (self.model.hash, None):
            self.maps[points.latent] = points
            self.map_changed.emit(points.latent)

    def _map_done(self, points: MapPoints) -> None:
        self._show_map(points)
        self._save_soon()

    def _map_ended(self, job: Job, latent: str, *_result: object) -> None:
        if self.map_job is job:
            self.map_job = None
            self.map_changed.emit(latent)

    def _place_new(self) -> None:
        """Put recordings that were analysed since onto the maps there are; nothing on them moves."""
        for latent, points in self.maps.items():
            known = set(points.ids)
            new = [clip for clip in self.encoded() if clip.id not in known]
            if not new or self.map_job is not None or latent in self._placing:
                continue
            self._placing.add(latent)
            request = PlaceOnMap(tuple((clip.id, str(clip.folder)) for clip in new), latent)
            job = self.link.submit(
                request,
                title=counted(
                    len(new), self.tr("Place 1 recording on the map"), self.tr("Place {0} recordings on the map")
                ),
            )
            job.done.connect(self.current_only(functools.partial(self._placed, points)))
            for ended in (job.done, job.cancelled):
                ended.connect(lambda *_result, latent=latent: self._placing.discard(latent))
            # A map of an earlier worker cannot take them: latent stays in _placing until it is laid out anew.
            job.failed.connect(lambda what, hint, _details: self.messages.say(what, hint))

    def _placed(self, before: MapPoints, new: MapPoints) -> None:
        if self.maps.get(new.latent) is before:
            self.maps[new.latent] = joined(before, new)
            self.map_changed.emit(new.latent)
            self._save_soon()


def joined(first: MapPoints, second: MapPoints) -> MapPoints:
    """The points of both, the first's settings."""
    import numpy as np

    return MapPoints(
        first.latent,
        (*first.ids, *second.ids),
        np.concatenate([first.index, second.index]),
        np.concatenate([first.xy, second.xy]),
        first.settings,
        first.final,
    )


def _model_of(points: MapPoints) -> str | None:
    made_by = points.settings.get("model_hash")
    return None if made_by is None else str(made_by)
