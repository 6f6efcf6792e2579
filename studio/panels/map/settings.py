"""The settings of a t-SNE map, each with its reason, in a small popover."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QSpinBox, QWidget

METRICS = ("euclidean", "cosine", "manhattan")


class MapSettings(QWidget):
    """Perplexity, PCA, metric and seed, as keyword arguments of a FitMap request."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.perplexity = QDoubleSpinBox()
        self.perplexity.setRange(2.0, 500.0)
        self.perplexity.setDecimals(0)
        self.perplexity.setValue(30.0)
        self.pca = QSpinBox()
        self.pca.setRange(2, 1024)
        self.pca.setValue(50)
        self.distance = QComboBox()
        self.distance.addItems(list(METRICS))
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.round = QSpinBox()
        self.round.setRange(1, 50)
        self.round.setValue(8)
        form = QFormLayout(self)
        rows = (
            (
                "perplexity",
                self.tr("Perplexity"),
                self.perplexity,
                self.tr(
                    "How many neighbours each point minds. Small shows fine clusters, large the overall shape. "
                    "With few points it is lowered by itself."
                ),
            ),
            (
                "pca",
                self.tr("PCA dimensions"),
                self.pca,
                self.tr("Latents are first reduced to so many dimensions: faster, and free of noise."),
            ),
            (
                "metric",
                self.tr("Distance"),
                self.distance,
                self.tr(
                    "Euclidean minds length and direction of a latent, cosine the direction alone; "
                    "manhattan is less moved by single odd dimensions."
                ),
            ),
            (
                "seed",
                self.tr("Seed"),
                self.seed,
                self.tr("The same seed gives the same map. Try another to see what is chance."),
            ),
            (
                "round",
                self.tr("Points a pin is the mean of"),
                self.round,
                self.tr(
                    "A pin, or a place on a path, stands for the mean of so many points round it; nearer ones "
                    "count more, as one over the squared distance."
                ),
            ),
        )
        for name, words, editor, tip in rows:
            editor.setObjectName(name)
            editor.setToolTip(tip)
            editor.setAccessibleName(words)
            editor.setAccessibleDescription(tip)
            form.addRow(words, editor)
            label = form.labelForField(editor)
            label.setToolTip(tip)

    def values(self) -> dict[str, Any]:
        return {
            "perplexity": self.perplexity.value(),
            "pca": self.pca.value(),
            "metric": self.distance.currentText(),
            "seed": self.seed.value(),
        }
