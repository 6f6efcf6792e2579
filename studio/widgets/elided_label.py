"""Label of one line that ends in "…" where room is short, with the whole text in its tooltip."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

LEAST_PX = 30  # of a label that asks for a width


class ElidedLabel(QLabel):
    """Set with setText like any other; `whole` is what it stands for.

    Args:
        mode: where it gives way; names do in the middle, as their ends tell them apart.
        most_px: asks for the width of its text, up to this; without it takes the width that is left over.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        most_px: int | None = None,
    ) -> None:
        super().__init__(parent)
        self._mode = mode
        self._most_px = most_px
        self.whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        if most_px is None:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        else:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        self.whole = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._fit()
        self.updateGeometry()

    def clear(self) -> None:
        self.setText("")

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        if self._most_px is not None:
            hint.setWidth(min(self._most_px, self.fontMetrics().horizontalAdvance(self.whole) + 2))
        return hint

    def minimumSizeHint(self) -> QSize:
        least = 0 if self._most_px is None else min(LEAST_PX, self.sizeHint().width())
        return QSize(least, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.contentsRect().width()
        super().setText(self.fontMetrics().elidedText(self.whole, self._mode, room))
