"""Chip of one named thing that was dropped somewhere, with its weight and a cross to take it away."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QSizePolicy, QSpinBox, QToolButton, QWidget

from studio.widgets.elided_label import ElidedLabel

MOST_TEXT_PX, MOST_DETAIL_PX = 200, 100
TITLE_PX = 64  # where the title would have less, the detail is left to the tooltip


class Chip(QFrame):
    """Shows a title and a detail; Delete or the cross removes it.

    Args:
        title: what it is ("Speaker 84").
        detail: what is known of it ("mean of 12 clips"), shown dimmed.
        weight_percent: its share in a mixture, None when it stands alone.

    Signals:
        removed(): the user wants it gone.
        weight_changed(int): percent, 1 to 99.
        drag_wanted(): the pressed mouse has moved far enough.
    """

    removed = Signal()
    weight_changed = Signal(int)
    drag_wanted = Signal()

    def __init__(
        self, title: str, detail: str = "", *, weight_percent: int | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._pressed_at: QPoint | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{title}, {detail}" if detail else title)
        self.setToolTip("\n".join(part for part in (title, detail) if part))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(9, 3, 3, 3)
        layout.setSpacing(4)
        named = ElidedLabel(title, most_px=MOST_TEXT_PX)
        layout.addWidget(named)
        self._detail: ElidedLabel | None = None
        if detail and weight_percent is None:  # in a mixture the share matters more; the tooltip has the detail
            self._detail = ElidedLabel(detail, most_px=MOST_DETAIL_PX)
            self._detail.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            layout.addWidget(self._detail)
        self.weight: QSpinBox | None = None
        if weight_percent is not None:
            self.weight = QSpinBox(minimum=1, maximum=99, value=weight_percent, suffix=" %")
            self.weight.setAccessibleName(self.tr("Share of {title}").format(title=title))
            self.weight.setToolTip(self.tr("Share of this one in the mixture"))
            self.weight.setKeyboardTracking(False)
            self.weight.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)  # arrow keys and wheel; room is short
            self.weight.setFixedWidth(self.weight.fontMetrics().horizontalAdvance("100 %") + 14)
            self.weight.valueChanged.connect(self.weight_changed)
            layout.addWidget(self.weight)
        cross = QToolButton()
        cross.setText("✕")
        cross.setObjectName("removeChip")
        cross.setAutoRaise(True)
        cross.setAccessibleName(self.tr("Remove {title}").format(title=title))
        cross.setToolTip(self.tr("Remove (Delete)"))
        cross.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Delete on the chip itself does the same
        cross.clicked.connect(self.removed)
        layout.addWidget(cross)
        self._whole_px = super().sizeHint().width()
        # Beneath this width the detail leaves the title too little.
        self._least_whole_px = self._whole_px - max(0, named.sizeHint().width() - TITLE_PX)

    def sizeHint(self) -> QSize:
        """With the detail, whether there is room for it now or not."""
        return QSize(self._whole_px, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._detail is not None:
            fits = self.width() >= self._least_whole_px
            self._detail.setFixedWidth(self._detail.sizeHint().width() if fits else 0)

    def set_weight(self, percent: int) -> None:
        """Show another share, without telling anyone."""
        if self.weight is not None:
            with QSignalBlocker(self.weight):
                self.weight.setValue(percent)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.pos() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        start = self._pressed_at
        if start is not None and (event.pos() - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed_at = None
            self.drag_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = self.palette().color(QPalette.ColorRole.Highlight)
        fill = self.palette().color(QPalette.ColorRole.Highlight)
        fill.setAlpha(46)
        edge.setAlpha(255 if self.hasFocus() else 130)
        painter.setBrush(fill)
        painter.setPen(edge)
        inset = 0.5
        box = self.rect().toRectF().adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(box, 10, 10)
