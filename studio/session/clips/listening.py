"""What the user does to see, hear and record."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.api import Picture
from studio.domain.clip import Clip
from studio.engine_link.engine_link import Job
from studio.session.clips.library import Library
from studio.session.context import Context

LONGEST_NAME = 120


class Listening(QObject):
    """Playing recordings, pictures of stored sounds, and recordings of the user's own.

    Signals:
        play_requested(clip id).
        stop_requested(): nothing may sound now.
    """

    play_requested = Signal(str)
    stop_requested = Signal()

    def __init__(self, context: Context, library: Library) -> None:
        super().__init__(context)
        self._context, self._library = context, library

    def play(self, clip_id: str) -> None:
        """Make a recording the current one and play it."""
        if clip_id in self._library.clips:
            self._library.set_current(clip_id)
            self.play_requested.emit(clip_id)

    def be_silent(self) -> None:
        """Nothing may sound now: the microphone hears the loudspeaker."""
        self.stop_requested.emit()

    def draw_picture(self, folders: Sequence[str], *, spectrum: bool) -> Job:
        """Compute intensity and, if asked for, the linear spectrum of stored sounds; what is there is kept.

        A newer request takes the place of an older one: only what is looked at counts.
        """
        name = Path(folders[0]).name
        clip = self._library.clips.get(name)
        return self._context.link.submit(
            Picture(tuple(folders), spectrum),
            title=self.tr("Draw {0}").format(clip.name if clip else name),
            latest_key="picture",
        )

    def free_recording_path(self, name: str) -> Path:
        """Where a recording of that name can be written: in the project's folder, over no other one."""
        stem = "".join(c if c.isalnum() or c in " -_.,()" else "-" for c in name).strip(" .")[:LONGEST_NAME]
        stem = stem or self.tr("Recording")
        path, number = self._context.folder / "recordings" / f"{stem}.wav", 2
        while path.exists():
            path, number = path.with_name(f"{stem} {number}.wav"), number + 1
        return path

    def add_recording(self, path: str | Path, labels: Mapping[str, str]) -> str:
        """Take a recording just made into the library, analyse it first, and show it; returns its id.

        Maps take it up as they do every new recording. Undo takes it off the library; its file stays.
        """
        clip, library = Clip(uuid.uuid4().hex, str(path), labels=dict(labels)), self._library

        def do() -> None:
            library.put_back([clip])
            library.analysis.look_at([clip.id])

        words = self.tr("Record {0}").format(clip.name)
        self._context.undo.undoable(words, do, lambda: library.take_out([clip.id]))
        library.set_current(clip.id)
        library.select([clip.id], "record")
        return clip.id
