"""What the user does with maps: laying out, placing, asking who is near, morphing along a path."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from engine.api import FindNearest, FitMap, LatentRef, MapPoints, Morph, PlaceOnMap
from studio.domain.clip import Clip
from studio.engine_link.engine_link import Job
from studio.services.plurals import counted
from studio.session.context import SessionState


class MapActions(SessionState):
    """A map shows latents of the model in use, never of another."""

    def fit_map(self, latent: str, **settings: float | int | str | bool) -> Job | None:
        """Lay out all analysed recordings. settings: those of FitMap."""
        if not (clips := self._encoded_or_say()):
            return None
        request = FitMap(_places(clips), latent, **settings)  # type: ignore[arg-type]
        job = self.link.submit(request, title=self.tr("Map of {0}").format(latent), latest_key=f"map-{latent}")
        self.map_jobs[latent] = job
        job.partial.connect(self.current_only(self._show_map))
        job.done.connect(self.current_only(self._map_done))
        self._placing.discard(latent)
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(self.current_only(functools.partial(self._map_ended, job, latent)))
        job.note.connect(lambda what, hint: self.messages.say(what, hint))
        self._tell_failures(job)
        self.map_changed.emit(latent)
        return job

    def stop_map(self, latent: str) -> None:
        """End a layout where it is and keep it."""
        if (job := self.map_jobs.get(latent)) is not None:
            job.stop_and_keep()

    def find_nearest(self, latent: str, query: Sequence[LatentRef], metric: str = "euclidean") -> Job | None:
        """Which analysed latents are nearest to one, or to the mean of several: a job that ends with Neighbours."""
        clips = self.encoded()
        if not clips or not query:
            return None
        return self.link.submit(
            FindNearest(_places(clips), tuple(query), latent, metric=metric),
            title=self.tr("Nearest in {0}").format(latent),
            latest_key="nearest",
        )

    def render_morph(self, latent: str, steps: Sequence[Sequence[LatentRef]]) -> Job | None:
        """Give the transfer's source (else the current recording) one latent after the other, as one sound."""
        source = self.clips.get(self.transfer.source or self.current or "")
        if self.model is None or source is None or not source.encoded_by(self.model):
            self.messages.say(
                self.tr("There is no recording to morph."),
                self.tr(
                    "Choose one in the library, or as the source of the transfer, and wait until it is analysed."
                ),
                level="warning",
            )
            return None
        folder = self.data_dir / "morphs"
        request = Morph(
            str(source.folder), self.model.path, str(folder), "morph", tuple(tuple(step) for step in steps), latent,
            vocoder=self.vocoder,
        )  # fmt: skip
        job = self.link.submit(
            request,
            title=self.tr("Give {0} a pin").format(source.name)
            if len(steps) == 1
            else self.tr("Morph {0} in {1} steps").format(source.name, len(steps)),
            latest_key="morph",
        )
        self._tell_failures(job)
        return job

    def _show_map(self, points: MapPoints) -> None:
        if self.model is not None and model_of(points) in (self.model.hash, None):
            self.maps[points.latent] = points
            self.map_changed.emit(points.latent)

    def _map_done(self, points: MapPoints) -> None:
        self._show_map(points)
        self._save_soon()

    def _map_ended(self, job: Job, latent: str, *_result: object) -> None:
        if self.map_jobs.get(latent) is job:
            del self.map_jobs[latent]
            self.map_changed.emit(latent)

    def _place_new(self) -> None:
        """Put recordings that were analysed since onto the maps there are; nothing on them moves."""
        for latent, points in self.maps.items():
            known = set(points.ids)
            new = [clip for clip in self.encoded() if clip.id not in known]
            if not new or latent in self.map_jobs or latent in self._placing:
                continue
            self._placing.add(latent)
            on_it = [clip for clip in self.encoded() if clip.id in known]
            request = PlaceOnMap(_places(new), latent, points, _places(on_it))
            job = self.link.submit(
                request,
                title=counted(
                    len(new), self.tr("Place 1 recording on the map"), self.tr("Place {0} recordings on the map")
                ),
            )
            for ended in (job.done, job.cancelled):
                ended.connect(lambda *_result, latent=latent: self._placing.discard(latent))
            job.done.connect(self.current_only(functools.partial(self._placed, points)))
            # A map some of whose clips are gone cannot take them: it stays in _placing until it is laid out anew.
            job.failed.connect(lambda what, hint, _details: self.messages.say(what, hint))

    def _placed(self, before: MapPoints, new: MapPoints) -> None:
        if self.maps.get(new.latent) is before:
            self.maps[new.latent] = joined(before, new)
            self.map_changed.emit(new.latent)
            self._save_soon()
            self._place_new()  # what was analysed meanwhile


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
    made_by = points.settings.get("model_hash")
    return None if made_by is None else str(made_by)


def _places(clips: Sequence[Clip]) -> tuple[tuple[str, str], ...]:
    return tuple((clip.id, str(clip.folder)) for clip in clips)
