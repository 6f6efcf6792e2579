"""What is said below a map: how it was made, and how far it can be trusted."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.api import MapPoints
from studio.widgets.elided_label import ElidedLabel


class AboutMap(QWidget):
    """Two lines: caption and score."""

    def __init__(self) -> None:
        super().__init__()
        right = Qt.TextElideMode.ElideRight
        self.caption, self.score = ElidedLabel(mode=right), ElidedLabel(mode=right)
        self.caption.setObjectName("mapCaption")
        self.score.setObjectName("mapScore")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.caption)
        column.addWidget(self.score)

    def show_map(self, points: MapPoints, model_hash: str) -> None:
        """Describe a layout; model_hash is of the model at hand, for layouts that name none."""
        self.caption.setText(self._caption(points, model_hash))
        self._show_score(points)

    def _caption(self, points: MapPoints, model_hash: str) -> str:
        """How this map was made."""
        settings: dict[str, Any] = points.settings
        words = [
            self.tr("{0} of {1}").format(settings.get("method", "t-SNE"), points.latent),
            self.tr("{0} points").format(len(points.ids)),
        ]
        if settings.get("perplexity") is not None:
            words.append(self.tr("perplexity {0}").format(f"{float(settings['perplexity']):.3g}"))
        if settings.get("metric", "euclidean") != "euclidean":
            words.append(str(settings["metric"]))
        if "seed" in settings:
            words.append(self.tr("seed {0}").format(settings["seed"]))
        if model := str(settings.get("model_hash") or model_hash):
            words.append(self.tr("model {0}").format(model[:8]))
        return "  ·  ".join(words)

    def _show_score(self, points: MapPoints) -> None:
        """How far it can be trusted, once it is done."""
        settings: dict[str, Any] = points.settings
        known = settings.get("neighbours_kept") is not None and points.final
        self.score.setVisible(known)
        if not known:
            return
        words = self.tr("{0} of {1} neighbours kept  ·  trustworthiness {2}").format(
            f"{settings['neighbours_kept']:.0%}", settings["score_neighbours"], f"{settings['trustworthiness']:.2f}"
        )
        self.score.setText(words)
        why = self.tr(
            "Of the nearest latents of every point, how many are also its nearest on the map; and 1 less "
            "the penalty for neighbours on the map that are strangers (trustworthiness)."
        )
        self.score.setToolTip(f"{words}\n{why}")
