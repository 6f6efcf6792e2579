"""Morphing: a recording given one latent after the other, as one sound."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from engine.api import LatentRef, Morph
from studio.engine_link.engine_link import Job
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.models.model import Model
from studio.session.transfers.transfer import TransferDesk


class Morphs(QObject):
    """Renders a path on a map, or one point of it. Nothing of it is kept."""

    def __init__(self, context: Context, library: Library, model: Model, transfer: TransferDesk) -> None:
        super().__init__(context)
        self._context, self._library, self._model, self._transfer = context, library, model, transfer

    def render(self, latent: str, steps: Sequence[Sequence[LatentRef]]) -> Job | None:
        """Give the transfer's source (else the current recording) one latent after the other, as one sound."""
        library, model = self._library, self._model.info
        source = library.clips.get(self._transfer.setup.source or library.current or "")
        if model is None or source is None or not source.encoded_by(model):
            self._context.messages.say(
                self.tr("There is no recording to morph."),
                self.tr(
                    "Choose one in the library, or as the source of the transfer, and wait until it is analysed."
                ),
                level="warning",
            )
            return None
        request = Morph(
            source=str(source.folder),
            model=model.path,
            out_dir=str(self._context.data_dir / "morphs"),
            name="morph",
            steps=tuple(tuple(step) for step in steps),
            latent=latent,
            vocoder=self._transfer.vocoder,
        )
        job = self._context.link.submit(
            request,
            title=self.tr("Give {0} a pin").format(source.name)
            if len(steps) == 1
            else self.tr("Morph {0} in {1} steps").format(source.name, len(steps)),
            latest_key="morph",
        )
        self._context.report_failures(job)
        return job
