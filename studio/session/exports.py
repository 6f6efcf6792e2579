"""What the user takes out of the program."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from engine.api import (
    Export,
    ExportDone,
    Figure,
    FigureDone,
    MapPoints,
)
from studio.domain.clip import Clip
from studio.engine_link.engine_link import Job
from studio.project.coordinates_file import write_coordinates
from studio.services.plurals import counted
from studio.session.model import ModelActions


class ExportActions(ModelActions):
    """Tables and figures for other programs."""

    def export_embeddings(self, path: str | Path, latent: str, ids: Iterable[str] | None = None) -> Job | None:
        """Write h, m, z or all of the analysed recordings (those named, or every one): CSV, NPZ or Parquet."""
        chosen = None if ids is None else set(ids)
        clips = [clip for clip in self._encoded_or_say() if chosen is None or clip.id in chosen]
        if not clips or self.model is None:
            return None
        request = Export(tuple((c.ref(), str(c.folder)) for c in clips), str(path), latent, self.model.path)
        job = self.link.submit(request, title=self.tr("Export {0}").format(Path(path).name))
        job.done.connect(self._exported)
        self._tell_failures(job)
        return job

    def export_figure(
        self,
        path: str | Path,
        latent: str,
        labels: tuple[str, ...] = (),
        colour: str = "",
        **look: float | str | None,
    ) -> Job | None:
        """Draw a map for a paper.

        Args:
            labels: what each point is coloured by, one a point; colour: what that is called.
            look: width_cm, height_cm, font and font_pt of a Figure.
        """
        if (points := self.maps.get(latent)) is None:
            self.messages.say(self.tr("There is no map of {0} yet.").format(latent), self.tr("Lay it out first."))
            return None
        request = Figure(str(path), points, labels, colour, **look)  # type: ignore[arg-type]
        job = self.link.submit(request, title=self.tr("Draw {0}").format(Path(path).name))
        job.done.connect(self._drawn)
        self._tell_failures(job)
        return job

    def export_coordinates(self, path: str | Path, latent: str) -> None:
        """Write a map's points as CSV, in a thread: there may be very many."""
        if (points := self.maps.get(latent)) is None:
            self.messages.say(self.tr("There is no map of {0} yet.").format(latent), self.tr("Lay it out first."))
            return
        self._savers.start(functools.partial(self._write_coordinates, Path(path), points, dict(self.clips)))

    def _write_coordinates(self, path: Path, points: MapPoints, clips: dict[str, Clip]) -> None:
        try:
            write_coordinates(path, points, clips)
        except OSError as error:
            self._say_unwritten(path, error)
        else:
            self.messages.say(self.tr("Saved {0}").format(path))

    def _exported(self, result: ExportDone) -> None:
        names = ", ".join(Path(file).name for file in result.files)
        self.messages.say(counted(result.rows, self.tr("Exported 1 row: "), self.tr("Exported {0} rows: ")) + names)

    def _drawn(self, result: FigureDone) -> None:
        self.messages.say(self.tr("Saved {0}").format(result.file))
