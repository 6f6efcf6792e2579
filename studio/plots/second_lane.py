"""Lane of the seconds of a recording: chips on its timeline that are selected, painted and dragged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from studio.plots.second_chip import Second, paint_second
from studio.plots.time_plot import LEFT_AXIS_PX, SCROLL_NOTCH, WHEEL_NOTCH
from studio.plots.timeline import Timeline

HEIGHT_PX, LEAST_HEIGHT_PX = 46, 28  # the lower one still holds a line of words
GAP_PX = 1.0


class SecondLane(QWidget):
    """Shows seconds and lets them be chosen.

    Click selects, drag or Shift selects a range, Ctrl adds and takes away, double click asks for the phrase; with
    the brush on, pressing and drawing paints. What is selected can be dragged away.

    Signals:
        selection_changed(list of seconds)
        painted(list of seconds): a stroke of the brush has ended.
        phrase_wanted(second), play_wanted(second), hovered(words), menu_wanted(global position)
        drag_wanted(): the selection is dragged away.
        copy_wanted(), paste_wanted(), restore_wanted(): by their keys.
        dropped(list of seconds, QMimeData): something was let go on them.
    """

    selection_changed = Signal(list)
    painted = Signal(list)
    phrase_wanted = Signal(int)
    play_wanted = Signal(int)
    hovered = Signal(str)
    menu_wanted = Signal(QPoint)
    drag_wanted = Signal()
    copy_wanted = Signal()
    paste_wanted = Signal()
    restore_wanted = Signal()
    dropped = Signal(list, object)

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._seconds: tuple[Second, ...] = ()
        self.words = ""  # why there are no seconds
        self.selection: tuple[int, ...] = ()
        self.brush = False
        self._anchor = 0
        self._cursor = 0  # of the keyboard
        self._pressed: tuple[QPointF, int] | None = None
        self._drags = False  # what is pressed may be dragged away
        self._stroke: set[int] = set()
        self._over: set[int] = set()  # what a drop would reach
        self.takes_drop: Callable[[QMimeData], bool] = lambda _mime: False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMaximumHeight(HEIGHT_PX)
        self.setAccessibleName(self.tr("Seconds of m"))
        timeline.view_changed.connect(lambda *_: self.update())
        timeline.playhead_changed.connect(lambda _s: self.update())

    def set_seconds(self, seconds: Sequence[Second], words: str = "") -> None:
        """Show these; with none, the words say why."""
        fewer = len(seconds) < len(self._seconds)
        self._seconds, self.words = tuple(seconds), words
        self._cursor = min(self._cursor, max(0, len(seconds) - 1))
        if fewer and any(second >= len(seconds) for second in self.selection):
            self.select([second for second in self.selection if second < len(seconds)])
        self.update()

    def second(self, number: int) -> Second | None:
        return self._seconds[number] if 0 <= number < len(self._seconds) else None

    def select(self, seconds: Sequence[int]) -> None:
        chosen = tuple(sorted({second for second in seconds if 0 <= second < len(self._seconds)}))
        if chosen != self.selection:
            self.selection = chosen
            self.update()
            self.selection_changed.emit(list(chosen))

    def second_at(self, x: float) -> int | None:
        """The second at a horizontal position in pixels; None beside them."""
        start, stop = self._timeline.view_s
        width = self.width() - LEFT_AXIS_PX
        if x < LEFT_AXIS_PX or width <= 0:
            return None
        second = int(start + (x - LEFT_AXIS_PX) / width * (stop - start))
        return second if 0 <= second < len(self._seconds) else None

    def box(self, second: int) -> QRectF:
        """Where a second is drawn; the last one ends with the recording."""
        start, stop = self._timeline.view_s
        scale = (self.width() - LEFT_AXIS_PX) / max(1e-9, stop - start)
        end = min(second + 1.0, self._timeline.duration_s or second + 1.0)
        left, right = (LEFT_AXIS_PX + (at - start) * scale for at in (float(second), end))
        return QRectF(left + GAP_PX / 2, 2.0, max(1.0, right - left - GAP_PX), self.height() - 4.0)

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, LEAST_HEIGHT_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        second = self.second_at(event.position().x())
        if event.button() != Qt.MouseButton.LeftButton or second is None:
            return
        keys = event.modifiers()
        self._pressed, self._cursor = (event.position(), second), second
        self._drags = False
        if self.brush:
            self._stroke = {second}
            self.update()
        elif keys & Qt.KeyboardModifier.ControlModifier:
            self._anchor = second
            self.select(sorted(set(self.selection) ^ {second}))
        elif keys & Qt.KeyboardModifier.ShiftModifier:
            self._select_to(second)
        elif second in self.selection:
            self._drags = True
        else:
            self._anchor = second
            self.select([second])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        second = self.second_at(event.position().x())
        if self._pressed is None:
            found = None if second is None else self.second(second)
            self.hovered.emit("" if found is None else found.description)
            return
        if self.brush:
            if second is not None:
                self._stroke.add(second)
                self.update()
        elif self._drags:
            moved = (event.position() - self._pressed[0]).manhattanLength()
            if moved >= QApplication.startDragDistance():
                self._pressed = None
                self.drag_wanted.emit()
        elif second is not None and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._select_to(second)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if self.brush and self._stroke:
            stroke, self._stroke = sorted(self._stroke), set()
            self.update()
            self.painted.emit(stroke)
        elif pressed is not None and self._drags:
            self._anchor = pressed[1]
            self.select([pressed[1]])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        second = self.second_at(event.position().x())
        if second is not None and not self.brush:
            self._pressed = None
            self.phrase_wanted.emit(second)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        turned = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or not event.angleDelta().y():
            self._timeline.scroll(-SCROLL_NOTCH * turned / 120)
            return
        start, stop = self._timeline.view_s
        share = (event.position().x() - LEFT_AXIS_PX) / max(1, self.width() - LEFT_AXIS_PX)
        self._timeline.zoom(WHEEL_NOTCH ** (turned / 120), start + share * (stop - start))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit("")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at, where = event.pos(), event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            second = self.second_at(at.x())
            if second is not None and second not in self.selection:
                self.select([second])
        elif self.selection:
            where = self.mapToGlobal(self.box(self.selection[0]).center().toPoint())
        self.menu_wanted.emit(where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self._seconds:
            self._cursor = min(max(0, self._cursor + step), len(self._seconds) - 1)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._select_to(self._cursor)
            else:
                self._anchor = self._cursor
                self.select([self._cursor])
            self._timeline.reveal(self._cursor + 0.5)
            self._announce(self._cursor)
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select(range(len(self._seconds)))
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.paste_wanted.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.restore_wanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._seconds:
            self.play_wanted.emit(self._cursor)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._announce(self._cursor)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _select_to(self, second: int) -> None:
        low, high = sorted((self._anchor, second))
        self.select(range(low, high + 1))

    def _announce(self, second: int) -> None:
        """Give the description to the screen reader and the readout."""
        found = self.second(second)
        if found is not None:
            self.setAccessibleDescription(found.description)
            self.hovered.emit(found.description)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._seconds and self.takes_drop(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._over = reached(self.second_at(event.position().x()), self.selection)
        if self._over:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()
        self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._over = set()
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        hit, self._over = reached(self.second_at(event.position().x()), self.selection), set()
        self.update()
        if not hit:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.dropped.emit(sorted(hit), event.mimeData())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        ink = palette.color(QPalette.ColorRole.WindowText)
        painter.setPen(ink)
        font = painter.font()
        font.setItalic(True)
        painter.setFont(font)
        label = QRectF(0, 0, LEFT_AXIS_PX - 8, self.height())
        painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "m")
        font.setItalic(False)
        painter.setFont(font)
        room = QRectF(LEFT_AXIS_PX, 0, self.width() - LEFT_AXIS_PX, self.height())
        painter.setClipRect(room)
        if not self._seconds:
            painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, self.words)
            return
        start, stop = self._timeline.view_s
        for number in range(max(0, int(start)), min(len(self._seconds), int(stop) + 1)):
            paint_second(
                painter,
                self.box(number),
                self._seconds[number],
                palette,
                selected=number in self.selection,
                marked=number in self._over or number in self._stroke,
                focused=self.hasFocus() and number == self._cursor,
            )
        scale = room.width() / max(1e-9, stop - start)
        x = LEFT_AXIS_PX + (self._timeline.playhead_s - start) * scale
        ground = palette.color(QPalette.ColorRole.Base)
        for colour, width in ((ground, 4.0), (ink, 1.4)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))


def reached(second: int | None, selection: Sequence[int]) -> set[int]:
    """What an action at a second reaches: that second, or the whole selection if it is one of them."""
    if second is None:
        return set()
    return set(selection) if second in selection else {second}
