"""What the open project is, and how it is kept: the ground under the session's actions."""

from __future__ import annotations

import copy
import functools
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QThreadPool, QTimer, Signal

from engine.api import (
    OWN_VOCODER,
    MapPoints,
    ModelInfo,
    Take,
)
from studio.domain.audition_set import AuditionEntry, Hearing
from studio.domain.clip import Clip
from studio.domain.live_takes import LiveTakes
from studio.domain.recipe import Named, Recipe
from studio.domain.run_record import RunRecord
from studio.domain.transfer_setup import TransferSetup
from studio.engine_link.analysis_queue import AnalysisQueue
from studio.engine_link.engine_link import EngineLink, Job
from studio.project import map_file, project_file
from studio.project.folder import is_inside
from studio.project.project_file import Project
from studio.services.background_threads import awaited
from studio.services.messages import Messages
from studio.session.undo import UndoActions

SAVE_AFTER_MS = 1_000
SAVE_RESULTS_AFTER_MS = 15_000  # what the engine found can be had again: no hurry


class SessionState(UndoActions):
    """Clips, selection, model, maps, takes, runs and the transfer desk's setup.

    Args:
        link: the road to the engine.
        data_dir: everything that outlives the program lies below it.
        messages: where it says what the user must know.

    Signals: *_changed tell what is different, never "refresh"; play_requested(clip id);
        take_play_requested(take, which of its three sounds); stop_requested(): nothing may sound now.
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
    probes_changed = Signal()
    checkpoint_kept = Signal(str)  # folder of the run
    audition_changed = Signal()  # the set, what is rendered of it, or the checkpoint heard
    hearing_changed = Signal()  # what the player flips between
    transfer_changed = Signal()
    play_requested = Signal(str)
    stop_requested = Signal()
    checkpoint_play_requested = Signal(str)  # name of a sound of `hearing`, from its beginning
    checkpoint_flip_requested = Signal(str)  # the same, at the place that is heard
    take_play_requested = Signal(object, str)  # a Take; "original", "reconstruction" or "transformed"
    take_follow_requested = Signal(object)  # a Take that has taken another's place, to be heard where that was
    project_changed = Signal()  # another project, another name, or saved and unsaved changed places
    storage_measured = Signal(object)  # Storage
    saved = Signal(bool)  # the saving that was asked for is over; whether it worked
    missing_told = Signal()  # the user wants to tell where missing recordings are
    _back = Signal(object)  # from a thread: what is to be done here
    closing = Signal()  # nothing may be asked of the engine from here on

    def __init__(
        self, link: EngineLink, data_dir: Path, messages: Messages | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.link = link
        self.messages = messages or Messages(self)
        self.data_dir = data_dir
        self.epoch = 0  # goes up when another project is opened: what was asked for before is not of this one
        self.uuid = uuid.uuid4().hex
        self.clips: dict[str, Clip] = {}
        self.selection: list[str] = []
        self.current: str | None = None
        self.model: ModelInfo | None = None
        self.vocoder = OWN_VOCODER  # of sounds that name none
        self.maps: dict[str, MapPoints] = {}
        self.map_jobs: dict[str, Job] = {}  # layouts under way, by latent
        self.takes: list[Take] = []
        self.live = LiveTakes()  # takes that follow the sliders
        self.starred: set[str] = set()  # the transformed sounds of takes the user likes
        self.gone: dict[str, Named] = {}  # recordings that left the library, by id: takes may still name them
        self.made_by: dict[str, Recipe] = {}  # of recordings that are takes saved earlier, by id
        self.runs: list[RunRecord] = []
        self.audition: list[AuditionEntry] = []  # what is heard at every checkpoint
        self.hearing: Hearing | None = None  # the checkpoints that the player flips between
        self.heard_step: int | None = None  # of the one it plays
        self.transfer = TransferSetup()
        self.transfer_job: Job | None = None
        self._model_path: str | None = None
        self._run_jobs: dict[str, Job] = {}
        self._placing: set[str] = set()

        self._ids_by_path: dict[str, str] = {}
        self._map_files: dict[str, tuple[MapPoints, str]] = {}  # what of the maps is written, and where
        self._lock_file: QLockFile | None = None
        self._changed_since_save = False
        self._analysed_since_save = False

        self.analysis = AnalysisQueue(link, self.clips, "", self)
        self._enter(data_dir, named=False)
        self.undo_stack.cleanChanged.connect(self._clean_changed)
        self._back.connect(self._come_back)
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.timeout.connect(self._save_aside)
        self._savers = QThreadPool(self)
        self._savers.setMaxThreadCount(1)  # one after the other, so the newest is the last

    def select(self, ids: Iterable[str], origin: str = "") -> None:
        """Choose recordings, everywhere. origin names the panel that asks, for logs and tests."""
        del origin
        chosen = [clip_id for clip_id in ids if clip_id in self.clips]
        if chosen == self.selection:
            return
        self.selection = chosen
        self.selection_changed.emit(chosen)

    def set_current(self, clip_id: str | None) -> None:
        """The recording that is seen and heard."""
        new = clip_id if clip_id in self.clips else None
        if new == self.current:
            return
        self.current = new
        if new is not None:
            self.analysis.look_at([new])
        self.current_changed.emit(new or "")

    def play(self, clip_id: str) -> None:
        """Make a recording the current one and play it."""
        if clip_id in self.clips:
            self.set_current(clip_id)
            self.play_requested.emit(clip_id)

    def set_device(self, device: str) -> None:
        """Where the engine computes from the next job on: auto, cpu, cuda:0 ..."""
        self.link.device = device

    def encoded(self) -> list[Clip]:
        """The recordings that have h, m and z of the model in use."""
        if self.model is None:
            return []
        wanted = self.model.hash  # first: with thousands of recordings under way it rules out the most
        return [clip for clip in self.clips.values() if clip.model_hash == wanted and clip.encoded_by(self.model)]

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

    # ------------------------------------------------------------------ the project's places
    def _enter(self, folder: Path, *, named: bool) -> None:
        """From now on things are kept below this folder; named: the user saved the project there."""
        self.folder = folder
        self.named = named
        self.runs_dir, self.takes_dir = folder / "runs", folder / "takes"
        self.maps_dir, self.analysis_dir = folder / "maps", folder / "analysis"
        self._autosave = folder / (project_file.AUTOSAVE if named else project_file.UNTITLED_FILE)
        self.analysis.set_folder(str(self.analysis_dir))

    @property
    def title(self) -> str:
        """What the project is called; nothing if it was never saved."""
        return self.folder.stem if self.named else ""

    @property
    def modified(self) -> bool:
        """Whether there is something that `save` would keep and closing without it would not."""
        if not self.named:
            return bool(self.clips or self.takes or self.runs)
        return self._changed_since_save or not self.undo_stack.isClean()

    def _clean_changed(self, _clean: bool) -> None:
        self.project_changed.emit()

    def current_only(self, slot: Callable[..., object]) -> Callable[..., None]:
        """A slot for an answer of the engine: it does nothing once another project is open.

        Whatever puts a job's result into the project is connected through this.
        """
        epoch = self.epoch

        def only_now(*result: object) -> None:
            if self.epoch == epoch:
                slot(*result)

        return only_now

    # ------------------------------------------------------------------ keeping
    def _save_soon(self, *, analyses: bool = False) -> None:
        """Write aside what changed, within a second.

        analyses: nothing but what the engine found out of recordings: no hurry, and nothing to ask the user about.
        """
        if analyses:
            self._analysed_since_save = True
        elif not self._replaying and not self._changed_since_save:  # steps tell of themselves by the undo stack
            self._changed_since_save = True
            self.project_changed.emit()
        after_ms = SAVE_RESULTS_AFTER_MS if analyses else SAVE_AFTER_MS
        if not self._save_timer.isActive() or self._save_timer.remainingTime() > after_ms:
            self._save_timer.start(after_ms)

    def _project(self) -> Project:
        """A copy for a thread to write; maps that are not on the disk yet are put on their way there."""
        for latent, points in self.maps.items():
            if points.final and (latent not in self._map_files or self._map_files[latent][0] is not points):
                file = self.maps_dir / f"{latent}-{uuid.uuid4().hex[:8]}.npz"
                self._map_files[latent] = (points, str(file))
                self._savers.start(functools.partial(self._write_map, file, points))
        return Project(
            self.uuid,
            [clip.copied() for clip in self.clips.values()],
            list(self.takes),
            self._model_path,
            sorted(self.starred),
            [record.run_dir for record in self.runs if not is_inside(record.run_dir, self.folder)],
            {latent: file for latent, (_points, file) in self._map_files.items() if latent in self.maps},
            copy.deepcopy(self.transfer),
            dict(self.made_by),
            dict(self.gone),
            list(self.audition),
        )

    def _save_aside(self) -> None:
        """In a thread: a large library takes longer to write than a window may stand still."""
        self._savers.start(functools.partial(self._write, self._autosave, self._project()))

    def _wait_for_savers(self) -> None:
        with awaited():
            self._savers.waitForDone()

    def _write(self, file: Path, project: Project) -> None:
        try:
            project_file.write(file, project)
        except OSError as error:
            self._say_unwritten(file, error)

    def _write_map(self, file: Path, points: MapPoints) -> None:
        try:
            map_file.write(file, points)
        except OSError as error:
            self._say_unwritten(file, error)

    def _aside(self, work: Callable[[], object], then: Callable[..., object]) -> None:
        """Work in a thread, then go on here with what it found, unless another project is open by then."""
        go_on = self.current_only(then)
        self._savers.start(lambda: self._back.emit(functools.partial(go_on, work())))

    def _come_back(self, go_on: Callable[[], None]) -> None:
        go_on()
