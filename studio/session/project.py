"""What the user does with projects: save, open, begin anew, recover, find recordings that were moved.

Work that was never saved lies in the data folder and is simply there again the next time. A project that was saved
has a folder of its own; what was changed since is written beside its file every second, so that a crash costs
nothing, and takes the file's place when the user saves.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QLockFile

from studio.domain import run_record
from studio.domain.clip import FAILED, MISSING, WAITING
from studio.domain.transfer_setup import TransferSetup
from studio.project import disk_jobs, disk_usage, map_file, project_file
from studio.project import folder as project_folder
from studio.project.folder import MOVED, Moved
from studio.project.project_file import AUTOSAVE, FILE, SUFFIX, DamagedError, NewerError, Project, moved_take
from studio.services import paths
from studio.services.plurals import counted
from studio.session.auditions import AuditionActions
from studio.session.library import LibraryActions

LOCK = ".lock"
MOST_WINDOWS = 50


class ProjectActions(LibraryActions, AuditionActions):
    """The project as a whole."""

    # ------------------------------------------------------------------ opening
    def restore(self) -> None:
        """Take up what was never saved: recordings, takes, maps, runs and model of the last session."""
        place, number = self.data_dir, 1
        while (lock := _lock(place)) is None and number < MOST_WINDOWS:  # another window has it
            number += 1
            place = self.data_dir / f"window-{number}"
        self._lock_file = lock
        self._enter(place, named=False)
        try:
            stored = project_file.read(self._autosave)
        except DamagedError as error:
            stored = None
            self._set_library_aside(error)
        self._load(stored)

    def open_project(self, path: str | Path, *, recover: bool = False) -> bool:
        """Open a project by its folder or its file; whether it could be. What was open is left as it is.

        Args:
            recover: take what was written on the way instead of what was saved.
        """
        folder = folder_of(path)
        if self.link.training_jobs():
            self.messages.say(
                self.tr("A training is under way: {0}.").format(self.link.training_jobs()[0].title),
                self.tr("Stop it before you open another project; it can be resumed later."),
                level="warning",
            )
            return False
        try:
            stored = project_file.read(folder / (AUTOSAVE if recover else FILE))
            if stored is None:
                raise DamagedError(self.tr("there is none"))
        except NewerError:
            self.messages.say(
                self.tr("{0} was saved by a newer Triptych.").format(folder.name),
                self.tr("Update Triptych to open it. Nothing in it was changed."),
                level="error",
            )
            return False
        except DamagedError as error:
            self.messages.say(
                self.tr("The project {0} cannot be read: {1}.").format(folder, error),
                self.tr("Its sounds and models lie in its folder as they did."),
                level="error",
            )
            return False
        reopens = self.named and folder == self.folder
        lock = self._lock_file if reopens else _lock(folder)
        if lock is None:
            self.messages.say(
                self.tr("{0} is open in another window.").format(folder.name),
                self.tr("Close it there first."),
                level="warning",
            )
            return False
        self._leave()
        self._lock_file = lock
        self._enter(folder, named=True)
        self._load(stored)
        if recover:
            self._save_soon()
        else:
            disk_jobs.remove(folder / AUTOSAVE)
        self.messages.say(self.tr("Opened {0}").format(folder.stem))
        return True

    def new_project(self) -> bool:
        """Leave the saved project for what was never saved, or that for nothing. Sounds stay on the disk."""
        if self.link.training_jobs():
            self.messages.say(
                self.tr("A training is under way: {0}.").format(self.link.training_jobs()[0].title),
                self.tr("Stop it before you begin anew; it can be resumed later."),
                level="warning",
            )
            return False
        self._leave()
        if self.named:
            self.restore()
            if self.modified:
                self.messages.say(
                    self.tr("Here is the work that was never saved."),
                    self.tr("Save it as a project, or choose New once more to begin with nothing."),
                )
        else:
            self._load(None)
            self._save_soon()
        return True

    @staticmethod
    def unsaved_since(path: str | Path) -> float | None:
        """When changes were last kept aside (seconds since the epoch), if the project was not closed properly."""
        try:
            return (folder_of(path) / AUTOSAVE).stat().st_mtime
        except OSError:
            return None

    # ------------------------------------------------------------------ saving
    def save(self) -> bool:
        """Write the project where it is; False if it has no place yet. `saved` tells when it is done."""
        if self.named:
            self._save_to(self.folder)
        return self.named

    def save_as(self, path: str | Path) -> None:
        """Give the project a folder of its own and write it there, with its takes, analyses, maps and runs."""
        folder = Path(path)
        if folder.name in (FILE, AUTOSAVE):
            folder = folder.parent
        if folder.suffix != SUFFIX:
            folder = folder.with_name(folder.name + SUFFIX)
        if self.named and folder == self.folder:
            self._save_to(folder)
        elif (lock := _lock(folder)) is None:
            self.messages.say(
                self.tr("{0} cannot be written.").format(folder),
                self.tr("It is open in another window, or the folder is protected; choose another place."),
                level="error",
            )
        else:
            self._save_to(folder, lock)

    def discard_changes(self) -> None:
        """Forget what was written since the last saving, as the window closes without it."""
        if self.named:
            self._save_timer.stop()
            self._wait_for_savers()
            disk_jobs.remove(self.folder / AUTOSAVE)
            self._changed_since_save = self._analysed_since_save = False
            self.undo_stack.setClean()

    def close(self) -> None:
        """Write what is not written yet; the link is shut down by who made it."""
        self.closing.emit()
        unsaved = self._save_timer.isActive()
        self._save_timer.stop()
        self._wait_for_savers()
        if self.named and not self.modified and self._analysed_since_save:
            # Analyses are no one's decision: they are kept without asking.
            self._write(self.folder / FILE, self._project())
            disk_jobs.remove(self.folder / AUTOSAVE)
        elif unsaved:
            self._write(self._autosave, self._project())
        self._lock_file = None

    # ------------------------------------------------------------------ room on the disk
    def measure_storage(self) -> None:
        """Tell by storage_measured what the project takes on the disk."""
        self._aside(
            functools.partial(disk_usage.measure, self.folder, self._places_of_takes()), self.storage_measured.emit
        )

    def delete_unlisted_takes(self) -> None:
        """Delete the sounds of takes that are off the list. Steps that could bring one back are forgotten."""
        listed = self._places_of_takes()
        self.undo_stack.clear()
        self.live.forget_unlisted()
        self._aside(
            functools.partial(project_folder.sweep, self.takes_dir, listed), lambda _none: self.measure_storage()
        )

    def _places_of_takes(self) -> list[str]:
        """Folders of the takes on the list and of those under way to it."""
        listed = [str(Path(take.transformed).parent) for take in self.takes]
        return listed + [request.out_dir for request in self._under_way()]

    # ------------------------------------------------------------------ recordings that were moved
    def find_missing(self, folder: str | Path) -> None:
        """Look for the recordings that are not where they were below a folder, and link those found anew."""
        wanted = {clip.id: clip.path for clip in self.clips.values()}
        self.messages.say(self.tr("Looking for recordings in {0} …").format(folder))
        self._aside(functools.partial(disk_jobs.search, Path(folder), wanted), self._found_missing)

    def _found_missing(self, found: tuple[dict[str, str], int]) -> None:
        places, missing = found
        before = {i: self.clips[i].path for i in places if i in self.clips}
        if before:
            words = counted(len(before), self.tr("Find 1 recording"), self.tr("Find {0} recordings"))
            self.undoable(words, lambda: self._put_paths(places), lambda: self._put_paths(before))
        left = missing - len(before)
        self.messages.say(
            counted(len(before), self.tr("Found 1 recording."), self.tr("Found {0} recordings.")),
            counted(left, self.tr("1 is still missing."), self.tr("{0} are still missing.")) if left else "",
            level="warning" if left else "info",
        )

    def _put_paths(self, places: Mapping[str, str]) -> None:
        changed = []
        for clip in (self.clips[clip_id] for clip_id in places if clip_id in self.clips):
            self._ids_by_path.pop(clip.path, None)
            clip.path = places[clip.id]
            self._ids_by_path[clip.path] = clip.id
            if clip.state in (MISSING, FAILED):
                clip.state, clip.error = WAITING, None
            changed.append(clip.id)
        self.clips_changed.emit(changed)
        self.analysis.go_on()
        self._save_soon()

    # ------------------------------------------------------------------ inside: opening
    def _leave(self) -> None:
        """End what is under way for this project and put everything down."""
        self._save_timer.stop()
        self._wait_for_savers()  # what a thread is writing may be the same file
        if not self.named or self.modified:
            self._write(self._autosave, self._project())
        self._wait_for_savers()  # the project puts maps on their way to the disk
        self.epoch += 1
        for job in self.link.active():
            if job is not self.analysis.job:
                job.cancel()
        self.clear_batch()
        self.copied_seconds = None
        gone, maps = list(self.clips), list(self.maps)
        self.select([])
        self.set_current(None)
        self.clips.clear()
        self._ids_by_path.clear()
        self.maps.clear()
        self.takes, self.starred, self.runs = [], set(), []
        self.live.clear()
        self.transfer, self.transfer_job = TransferSetup(), None
        self.map_jobs.clear()
        self._placing.clear()
        self._map_files.clear()
        self.made_by, self.gone = {}, {}
        self.audition, self.audition_job = [], None
        self.stop_hearing()
        self.undo_stack.clear()
        self.clips_removed.emit(gone)
        for latent in maps:
            self.map_changed.emit(latent)
        self.takes_changed.emit()
        self.runs_changed.emit()
        self.transfer_changed.emit()

    def _load(self, stored: Project | None) -> None:
        """Show what was stored, or the beginning of everything."""
        stored = stored or Project(uuid.uuid4().hex)
        self.uuid = stored.uuid
        self.takes = stored.takes
        self.starred = set(stored.starred)
        self._model_path = stored.model
        self.transfer = stored.desk
        self.made_by = stored.made_by
        self.gone = stored.gone
        self.audition = stored.audition
        self._insert(stored.clips)
        self.runs = [r for r in run_record.discover(self.runs_dir) if not (Path(r.run_dir) / MOVED).exists()]
        known = {record.run_dir for record in self.runs}
        self.runs += [
            r for place in stored.runs if place not in known and (r := run_record.read(Path(place))) is not None
        ]
        self._tidy()
        for latent, file in stored.maps.items():
            if (points := map_file.read(Path(file))) is not None and points.latent == latent:
                self.maps[latent] = points
                self._map_files[latent] = (points, file)
        self._changed_since_save = self._analysed_since_save = False
        self.undo_stack.clear()
        self.takes_changed.emit()
        self.runs_changed.emit()
        self.transfer_changed.emit()
        for latent in self.maps:
            self.map_changed.emit(latent)
        self._take_up_model()
        self.project_changed.emit()
        if self.clips:
            places = [clip.path for clip in self.clips.values()]
            self._aside(functools.partial(disk_jobs.count_missing, places), self._tell_missing)

    def _take_up_model(self) -> None:
        usable = [p for p in (self._model_path, str(paths.starter_model() or "")) if p and Path(p).is_file()]
        if self._model_path is not None and self._model_path not in usable:
            self.messages.say(
                self.tr("The model {0} is no longer there.").format(self._model_path),
                self.tr("Open another one with Model > Open, or train one."),
                level="warning",
            )
        if usable:
            self.set_model(usable[0])
        else:
            self.analysis.held = False
            self.analysis.pump()

    def _tell_missing(self, count: int) -> None:
        if count:
            self.messages.say(
                counted(
                    count,
                    self.tr("1 recording is not where it was."),
                    self.tr("{0} recordings are not where they were."),
                ),
                self.tr("What is known of them is kept; tell where they are now."),
                level="warning",
                action=(self.tr("Find them …"), self.missing_told.emit),
            )

    def _tidy(self) -> None:
        """In a thread: analyses that nothing shows or writes any more, and what was moved into a saved project."""
        used, written = disk_jobs.analyses_of(self.clips.values(), self.takes), self.analysis.ids()
        moved = () if self.named else (self.takes_dir, self.runs_dir)
        self._savers.start(functools.partial(disk_jobs.tidy, self.analysis_dir, used, written, moved))

    def _set_library_aside(self, error: DamagedError) -> None:
        try:
            aside = project_file.set_aside(self._autosave)
        except OSError as problem:
            self._say_unwritten(self._autosave, problem)
            return
        self.messages.say(
            self.tr("The library of the last session cannot be read: {0}.").format(error),
            self.tr("It is kept as {0}; you begin with an empty one. Your recordings are untouched.").format(aside),
            level="error",
        )

    # ------------------------------------------------------------------ inside: saving
    def _save_to(self, folder: Path, lock: QLockFile | None = None) -> None:
        """In a thread: bring in what lies elsewhere, then write the file."""
        self._save_timer.stop()
        idle = [r.run_dir for r in self.runs if self.job_of(r.run_dir) is None and not self.audition_of(r.run_dir)]
        project, index = self._project(), self.undo_stack.index()
        self._changed_since_save = self._analysed_since_save = False
        leaves = None if self.named else self.folder
        self._aside(
            functools.partial(disk_jobs.bring_and_write, folder, idle, project, leaves),
            lambda result: self._saved(folder, lock, index, result),
        )

    def _saved(self, folder: Path, lock: QLockFile | None, index: int, result: dict[str, str] | OSError) -> None:
        if isinstance(result, OSError):
            self._changed_since_save = True
            self._say_unwritten(folder, result)
            self.project_changed.emit()
            self.saved.emit(False)
            return
        self._follow(result)
        if folder != self.folder:
            self._enter(folder, named=True)
            self._lock_file = lock
        if self.undo_stack.index() == index:
            self.undo_stack.setClean()
        if self.modified:
            self._save_soon()
        self.messages.say(self.tr("Saved {0}").format(folder))
        self.project_changed.emit()
        self.saved.emit(True)

    def _follow(self, folders: Mapping[str, str]) -> None:
        """Everything that was brought elsewhere is from now on known by its new place."""
        if not folders:
            return
        place = Moved(folders)
        changed = [clip.id for clip in self.clips.values() if clip.folder in folders]
        for clip_id in changed:
            self.clips[clip_id].folder = folders[str(self.clips[clip_id].folder)]
        self.takes = [moved_take(take, place) for take in self.takes]
        self.live.move(lambda take: moved_take(take, place))
        self.starred = {place(sound) for sound in self.starred}
        for record in self.runs:
            if (moved := place(record.run_dir)) != record.run_dir:
                record.run_dir = moved
                record.look_again()
        self.stop_hearing()
        self._map_files = {latent: (points, place(file)) for latent, (points, file) in self._map_files.items()}
        if self._model_path is not None:
            self._model_path = place(self._model_path)
        if self.model is not None:
            self.model = dataclasses.replace(self.model, path=place(self.model.path))
        self.clips_changed.emit(changed)
        self.takes_changed.emit()
        self.runs_changed.emit()


def folder_of(path: str | Path) -> Path:
    """A project's folder, by the folder itself or the file in it."""
    place = Path(os.path.abspath(path))
    return place.parent if place.name in (FILE, AUTOSAVE) else place


def is_project(path: str | Path) -> bool:
    return (folder_of(path) / FILE).is_file()


def _lock(folder: Path) -> QLockFile | None:
    """A folder's lock, or None if another window has it or it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    lock = QLockFile(str(folder / LOCK))
    lock.setStaleLockTime(0)  # stale only if its process is gone
    return lock if lock.tryLock(0) else None
