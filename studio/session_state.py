"""What the open project is, and how it is kept: the ground under the session's actions."""

from __future__ import annotations

import functools
import uuid
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from engine.api import (
    MapPoints,
    ModelInfo,
    Take,
)
from studio import library_file
from studio.analysis_queue import AnalysisQueue
from studio.clips import Clip
from studio.engine_link import EngineLink, Job
from studio.library_file import Library
from studio.messages import Messages
from studio.runs import RunRecord
from studio.transfer_setup import TransferSetup
from studio.undo import UndoActions

SAVE_AFTER_MS = 1_000


class SessionState(UndoActions):
    """Clips, selection, model, maps, takes, runs and the transfer desk's setup.

    Args:
        link: the road to the engine.
        data_dir: everything that outlives the program lies below it.
        messages: where it says what the user must know.

    Signals: *_changed tell what is different, never "refresh"; play_requested(clip id);
        take_play_requested(take, which of its three sounds).
    """

    clips_added = Signal(list)
    clips_removed = Signal(list)
    clips_changed = Signal(list)
    selection_changed = Signal(list)
    current_changed = Signal(str)
    model_changed = Signal()
    map_changed = Signal(str)
    takes_changed = Signal()
    runs_changed = Signal()
    transfer_changed = Signal()
    play_requested = Signal(str)
    take_play_requested = Signal(object, str)  # a Take; "original", "reconstruction" or "transformed"
    closing = Signal()  # nothing may be asked of the engine from here on

    def __init__(
        self, link: EngineLink, data_dir: Path, messages: Messages | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.link = link
        self.messages = messages or Messages(self)
        self.data_dir = data_dir
        self.runs_dir = data_dir / "runs"
        self.takes_dir = data_dir / "takes"
        self.analysis_dir = data_dir / "analysis"
        self._file = data_dir / "library.json"
        self.uuid = uuid.uuid4().hex
        self.clips: dict[str, Clip] = {}
        self.selection: list[str] = []
        self.current: str | None = None
        self.model: ModelInfo | None = None
        self.maps: dict[str, MapPoints] = {}
        self.map_job: Job | None = None
        self.takes: list[Take] = []
        self.starred: set[str] = set()  # the transformed sounds of takes the user likes
        self.runs: list[RunRecord] = []
        self.transfer = TransferSetup()
        self.transfer_job: Job | None = None
        self._model_path: str | None = None
        self._run_jobs: dict[str, Job] = {}
        self._placing: set[str] = set()

        self.analysis = AnalysisQueue(link, self.clips, str(self.analysis_dir), self)
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.timeout.connect(self._save_aside)
        self._savers = QThreadPool(self)
        self._savers.setMaxThreadCount(1)  # one after the other, so the newest is the last

    def encoded(self) -> list[Clip]:
        """The recordings that have h, m and z of the model in use."""
        return [clip for clip in self.clips.values() if clip.encoded_by(self.model)]

    def _encoded_or_say(self) -> list[Clip]:
        clips = self.encoded()
        if self.model is None:
            self.messages.say(
                self.tr("There is no model yet."), self.tr("Train one with “quick”, or open one: Model > Open.")
            )
        elif not clips:
            self.messages.say(
                self.tr("No recording is analysed with this model yet."), self.tr("Wait a moment, or add some.")
            )
        return clips

    def _tell_failures(self, job: Job) -> None:
        def tell(what: str, hint: str, details: str) -> None:
            if not job.lost:  # the death of the engine is told once, by the link
                self.messages.say(what, hint, details=details, level="error")

        job.failed.connect(tell)

    def _say_unwritten(self, path: Path, error: OSError) -> None:
        self.messages.say(
            self.tr("{0} cannot be written: {1}.").format(path, error.strerror or error),
            self.tr("Choose another place, or free some space."),
            level="error",
        )

    def _save_soon(self, after_ms: int = SAVE_AFTER_MS) -> None:
        if not self._save_timer.isActive() or self._save_timer.remainingTime() > after_ms:
            self._save_timer.start(after_ms)

    def _library(self) -> Library:
        return Library(
            self.uuid,
            [Clip(**vars(c)) for c in self.clips.values()],
            list(self.takes),
            self._model_path,
            sorted(self.starred),
        )

    def _save_aside(self) -> None:
        """In a thread: a large library takes longer to write than a window may stand still."""
        self._savers.start(functools.partial(self._write, self._library()))

    def _write(self, library: Library) -> None:
        try:
            library_file.write(self._file, library)
        except OSError as error:
            self._say_unwritten(self._file, error)
