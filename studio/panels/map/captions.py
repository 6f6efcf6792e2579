"""Headings of the maps, and what is said where there is no map yet."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject

from studio.session.clips.library import Library
from studio.session.models.maps import Maps
from studio.session.models.model import Model

FEWEST_CLIPS = 3


def latent_name(latent: str) -> str:
    """The name of h, m or z within a sentence: "voice (h)"."""
    return {
        "h": QCoreApplication.translate("MapWords", "voice (h)"),
        "m": QCoreApplication.translate("MapWords", "emotion (m)"),
        "z": QCoreApplication.translate("MapWords", "content (z)"),
    }[latent]


class MapWords(QObject):
    """Words for the maps of a session."""

    def __init__(self, library: Library, model: Model, maps: Maps, parent: QObject) -> None:
        super().__init__(parent)
        self._library, self._model, self._maps = library, model, maps

    def why_empty(self, latent: str) -> tuple[str, bool]:
        """Words for an empty map, and whether it could be laid out now."""
        if not self._library.clips:
            return self.tr(
                "Drop recordings anywhere in this window; the map shows which of them sound alike."
            ), False
        if self._model.info is None:
            return self.tr(
                "A map needs a model: voice (h), emotion (m) and content (z) come from one.\nTrain one in the "
                "Training tab, or open one with Model > Open."
            ), False
        if latent in self._maps.jobs:
            return self.tr("Laying out the map … The first layout appears in a moment."), False
        ready = len(self._model.encoded())
        if ready < FEWEST_CLIPS:
            return self.tr("A map needs at least {0} analysed clips; there are {1}.").format(
                FEWEST_CLIPS, ready
            ), False
        what = {
            "h": self.tr("one point a clip"),
            "m": self.tr("one point a second"),
            "z": self.tr("one point a frame"),
        }
        return self.tr("{0} clips are ready.\nThe map of {1} shows {2}.").format(
            ready, latent_name(latent), what[latent]
        ), True

    def heading(self, latent: str) -> str:
        """Over a map that stands beside others."""
        return {
            "h": self.tr("Voice (h): a point a clip"),
            "m": self.tr("Emotion (m): a point a second"),
            "z": self.tr("Content (z): a point a frame"),
        }[latent]
