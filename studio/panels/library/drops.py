"""Voices and emotions dropped right on recordings of a table: on one of them, or on all that are selected."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QTableView, QWidget

from studio.domain import drag_payload, drop_rules
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION, VOICE
from studio.domain.transfer_setup import title_of
from studio.panels.library.table_model import ClipTable
from studio.services.plurals import counted
from studio.session.session import Session


class ClipDrops(QObject):
    """Takes drops on the rows of a view. Without a key a drop means what is usual for it; Shift means the emotion.

    A drop on one of several selected recordings is given to all of them, as a batch.
    """

    def __init__(self, view: QTableView, table: ClipTable, session: Session) -> None:
        super().__init__(view)
        self._view = view
        self._table = table
        self._session = session
        self._payload: Payload | None = None  # what hovers
        self._hint = ""
        self._mark = _RowMark(view.viewport())
        view.viewport().setAcceptDrops(True)
        view.viewport().installEventFilter(self)

    def give(self, clip_ids: Sequence[str], what: str, payload: Payload) -> None:
        """Give recordings a voice (VOICE) or an emotion (EMOTION); the menus' twin of a drop."""
        if (reason := self.refusal(clip_ids, what, payload)) is not None:
            self._session.messages.say(reason)
        elif len(takers := self._takers(clip_ids, what, payload)) == 1:
            self._session.transfer.give(takers[0], payload, what)
            self._session.library.set_current(takers[0])
        else:
            self._session.batch.give(takers, payload, what)

    def refusal(self, clip_ids: Sequence[str], what: str, payload: Payload) -> str | None:
        """Why recordings cannot be given this; of many it is enough that one can, the batch tells of the others."""
        clips, model = self._session.library.clips, self._session.model.info
        reasons = [drop_rules.refusal_on_clip(what, payload, clip_id, clips, model) for clip_id in clip_ids]
        return None if None in reasons or not reasons else reasons[0]

    def _takers(self, clip_ids: Sequence[str], what: str, payload: Payload) -> list[str]:
        """Those of several recordings that do not give it themselves."""
        return [i for i in clip_ids if not drop_rules.is_its_own(what, payload, i, self._session.library.clips)]

    def targets(self, at: QPointF) -> list[str]:
        """The recordings that a drop at this place is for."""
        index = self._view.indexAt(at.toPoint())
        if not index.isValid():
            return []
        under = self._table.id_at(index.row())
        selected = self._session.library.selection
        return list(selected) if under in selected and len(selected) > 1 else [under]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove) and isinstance(event, QDragMoveEvent):
            return self._hover(event)
        if kind == QEvent.Type.DragLeave:
            self._leave()
        elif kind == QEvent.Type.Drop and isinstance(event, QDropEvent):
            return self._drop(event)
        return False

    def _hover(self, event: QDragMoveEvent) -> bool:
        if isinstance(event, QDragEnterEvent):
            self._payload = drag_payload.payload_of(event.mimeData(), self._session.context.uuid)
        if self._payload is None:
            event.ignore()  # files belong to the window
            return True
        targets, what = self.targets(event.position()), self._meant(event)
        reason = self.refusal(targets, what, self._payload) if targets else ""
        if isinstance(event, QDragEnterEvent):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()  # or no move would be heard
        elif reason is None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()
        self._mark.show_on(self._rows(event.position()) if reason is None else QRect())
        self._tell(reason if reason is not None else self._promise(targets, what, self._payload))
        return True

    def _drop(self, event: QDropEvent) -> bool:
        payload = drag_payload.payload_of(event.mimeData(), self._session.context.uuid)
        targets, what = self.targets(event.position()), self._meant(event)
        self._leave()
        reason = self.refusal(targets, what, payload) if payload is not None and targets else ""
        if payload is None or reason is not None:
            event.ignore()
            if reason:
                self._session.messages.say(reason)
            return True
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.give(targets, what, payload)
        return True

    def _leave(self) -> None:
        self._payload = None
        self._tell("")
        self._mark.show_on(QRect())

    def _meant(self, event: QDropEvent) -> str:
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return EMOTION
        payload = self._payload or drag_payload.payload_of(event.mimeData(), self._session.context.uuid)
        return VOICE if payload is None else drop_rules.usual(payload)

    def _promise(self, targets: Sequence[str], what: str, payload: Payload) -> str:
        """What letting go would do."""
        clips, takers = self._session.library.clips, self._takers(targets, what, payload)
        onto = counted(len(takers), clips[takers[0]].name, self.tr("{0} recordings, as a batch"))
        title = title_of(payload, clips)
        if what == EMOTION:
            return self.tr("Let go to give the emotion of {0} to {1}.").format(title, onto)
        return self.tr("Let go to give the voice of {0} to {1}; with Shift its emotion.").format(title, onto)

    def _tell(self, words: str) -> None:
        if words != self._hint:
            self._hint = words
            self._session.messages.hint(words)

    def _rows(self, at: QPointF) -> QRect:
        index = self._view.indexAt(at.toPoint())
        row = self._view.visualRect(index)
        return QRect(0, row.top(), self._view.viewport().width(), row.height())


class _RowMark(QWidget):
    """A frame about the row that a drop would reach; the mouse goes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_on(self, place: QRect) -> None:
        self.setVisible(not place.isEmpty())
        self.setGeometry(place)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        painter.setPen(QPen(colour, 2))
        colour.setAlpha(40)
        painter.setBrush(colour)
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
