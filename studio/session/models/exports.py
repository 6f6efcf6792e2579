"""What the user takes out of the program."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject

from engine.api import Export, ExportDone, Figure, FigureDone, MapPoints
from studio.domain.clip import Clip
from studio.engine_link.engine_link import Job
from studio.project.coordinates_file import write_coordinates
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.models.maps import Maps
from studio.session.models.model import Model


class Exports(QObject):
    """Tables and figures for other programs."""

    def __init__(self, context: Context, library: Library, model: Model, maps: Maps) -> None:
        super().__init__(context)
        self._context, self._library, self._model, self._maps = context, library, model, maps

    def embeddings(self, path: str | Path, latent: str, ids: Iterable[str] | None = None) -> Job | None:
        """Write h, m, z or all of the analysed recordings (those named, or every one): CSV, NPZ or Parquet."""
        chosen = None if ids is None else set(ids)
        clips = [clip for clip in self._model.encoded_or_say() if chosen is None or clip.id in chosen]
        if not clips or self._model.info is None:
            return None
        request = Export(tuple((c.ref(), str(c.folder)) for c in clips), str(path), latent, self._model.info.path)
        job = self._context.link.submit(request, title=self.tr("Export {0}").format(Path(path).name))
        job.done.connect(self._exported)
        self._context.report_failures(job)
        return job

    def figure(
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
        if (points := self._maps.points.get(latent)) is None:
            self._context.messages.say(
                self.tr("There is no map of {0} yet.").format(latent), self.tr("Lay it out first.")
            )
            return None
        request = Figure(str(path), points, labels, colour, **look)  # type: ignore[arg-type]
        job = self._context.link.submit(request, title=self.tr("Draw {0}").format(Path(path).name))
        job.done.connect(self._drawn)
        self._context.report_failures(job)
        return job

    def coordinates(self, path: str | Path, latent: str) -> None:
        """Write a map's points as CSV, in a thread: there may be very many."""
        if (points := self._maps.points.get(latent)) is None:
            self._context.messages.say(
                self.tr("There is no map of {0} yet.").format(latent), self.tr("Lay it out first.")
            )
            return
        self._context.threads.start(
            functools.partial(self._write_coordinates, Path(path), points, dict(self._library.clips))
        )

    def _write_coordinates(self, path: Path, points: MapPoints, clips: dict[str, Clip]) -> None:
        try:
            write_coordinates(path, points, clips)
        except OSError as error:
            self._context.report_unwritten(path, error)
        else:
            self._context.messages.say(self.tr("Saved {0}").format(path))

    def _exported(self, result: ExportDone) -> None:
        names = ", ".join(Path(file).name for file in result.files)
        self._context.messages.say(
            counted(result.rows, self.tr("Exported 1 row: "), self.tr("Exported {0} rows: ")) + names
        )

    def _drawn(self, result: FigureDone) -> None:
        self._context.messages.say(self.tr("Saved {0}").format(result.file))
