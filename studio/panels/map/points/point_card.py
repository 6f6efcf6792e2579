"""The card of the point under the cursor: whose it is, where in the clip, a picture of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from PySide6.QtCore import QObject

from studio.domain.clip import Clip
from studio.panels.map.points.hover_card import HoverCard, Thumbnails
from studio.panels.map.points.point_table import FRAMES_A_SECOND, Key
from studio.plots.timeline import clock_text

CARD_LABELS, CARD_LETTERS = 6, 48


class PointCard(QObject):
    """Fills a hover card.

    Args:
        latent: of the map. clips: returns the library's clips by id.
    """

    def __init__(self, latent: str, clips: Callable[[], Mapping[str, Clip]], thumbnails: Thumbnails) -> None:
        super().__init__()
        self._latent, self._clips, self._thumbnails = latent, clips, thumbnails
        self.card = HoverCard()
        thumbnails.ready.connect(self._picture_ready)

    def text(self, key: Key) -> str:
        """What the card says of a point: rich text."""
        clip = self._clips().get(key[0])
        if clip is None:
            return self.tr("no longer in the library")
        lines = [f"<b>{escape(clip.name)}</b>"]
        if self._latent == "m":
            lines.append(self.tr("second {0} to {1}").format(key[1], key[1] + 1))
        elif self._latent == "z":
            lines.append(clock_text(key[1] / FRAMES_A_SECOND, 3))
        labels = [escape(shortened(f"{name}: {value}")) for name, value in clip.labels.items() if value]
        lines += labels[:CARD_LABELS]
        if clip.f0_median_hz is not None:
            lines.append(self.tr("median F0 {0} Hz").format(f"{clip.f0_median_hz:.0f}"))
        return "<br>".join(lines)

    def show(self, key: Key) -> None:
        """Fill the card for a point."""
        clip = self._clips().get(key[0])
        part = None
        if clip is not None and clip.duration_s and self._latent != "h":
            start = key[1] / (1.0 if self._latent == "m" else FRAMES_A_SECOND)
            length = 1.0 if self._latent == "m" else 1.0 / FRAMES_A_SECOND
            part = (min(1.0, start / clip.duration_s), min(1.0, (start + length) / clip.duration_s))
        folder = clip.folder or "" if clip is not None else ""
        self.card.describe(self.text(key), folder, part)
        if folder and (image := self._thumbnails.of(folder)) is not None:
            self.card.set_picture(image)

    def _picture_ready(self, folder: str) -> None:
        if self.card.isVisible() and self.card.folder == folder:
            self.card.set_picture(self._thumbnails.of(folder))


def shortened(words: str) -> str:
    return words if len(words) <= CARD_LETTERS else f"{words[:CARD_LETTERS].rstrip()} …"
