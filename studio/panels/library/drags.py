"""Recordings, speakers and labels on their way out of the library."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QDrag

from studio.domain import drag_payload
from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import clips_of
from studio.panels.library.row_selection import RowSelection
from studio.panels.library.table_model import EMOTION, GENDER, LABELS, SPEAKER
from studio.panels.library.table_view import LibraryView
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.widgets.drag_picture import HOT_SPOT, drag_picture

FILES_IN_A_DRAG = 500


class LibraryDrags(QObject):
    """What is carried when the selection is dragged.

    Args:
        project_id: of the open project: what is dragged means something there alone.
    """

    def __init__(
        self, view: LibraryView, selection: RowSelection, library: Library, project_id: Callable[[], str]
    ) -> None:
        super().__init__(view)
        self._view, self._selection, self._library, self._project_id = view, selection, library, project_id
        view.drag_wanted.connect(self.drag)

    def payload(self, column: int) -> Payload | None:
        """What is carried when the selection is dragged by a cell of this column."""
        if column == SPEAKER and (payload := self.of_speaker(self._selection.current_id())) is not None:
            return payload
        clip = self._library.clips.get(self._selection.current_id() or "")
        if column in (EMOTION, GENDER) and clip is not None and (value := clip.labels.get(LABELS[column])):
            return Payload("label", label=(LABELS[column], value))
        ids = self._selection.ids()
        return Payload("clips", tuple(ids)) if ids else None

    def of_speaker(self, clip_id: str | None) -> Payload | None:
        """Everything of a recording's speaker; None if nobody is named."""
        clip = self._library.clips.get(clip_id or "")
        speaker = clip.labels.get("speaker", "") if clip is not None else ""
        if not speaker:
            return None
        theirs = tuple(c.id for c in self._library.clips.values() if c.labels.get("speaker") == speaker)
        return Payload("speaker", theirs, speaker)

    def drag(self, column: int) -> None:
        """Begin a drag by a cell of this column."""
        payload = self.payload(column)
        if payload is None:
            return
        clips = clips_of(payload, self._library.clips)
        files = [clip.path for clip in clips[:FILES_IN_A_DRAG]]
        carried = QDrag(self._view)
        carried.setMimeData(drag_payload.to_mime(payload, self._project_id(), files))
        carried.setPixmap(drag_picture(self._view, self._words(payload)))
        carried.setHotSpot(HOT_SPOT)
        carried.exec(Qt.DropAction.CopyAction)

    def _words(self, payload: Payload) -> str:
        if payload.kind == "speaker":
            words = self.tr("Voice of {0}").format(payload.speaker)
        elif payload.kind == "label":
            words = self.tr("Every {0} clip").format(payload.label[1])
        elif len(payload.clips) == 1:
            words = self._library.clips[payload.clips[0]].name
        else:
            words = counted(len(payload.clips), self.tr("1 recording"), self.tr("{0} recordings"))
        return words
