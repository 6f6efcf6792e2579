"""What the user does with projects: save, open, begin anew, recover.

Work that was never saved lies in the data folder and is simply there again the next time. A project that was saved
has a folder of its own; what was changed since is written beside its file every second, so that a crash costs
nothing, and takes the file's place when the user saves.
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal

from studio.project import disk_jobs, project_file
from studio.project.project_file import AUTOSAVE, FILE, SUFFIX, DamagedError, NewerError, Project
from studio.project.project_folder import Moved
from studio.session.autosave import Autosave
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part
from studio.session.training.auditions import Auditions
from studio.session.training.training_runs import Runs
from studio.session.transfers.takes import Takes

LOCK = ".lock"
MOST_WINDOWS = 50


class OpenProject(QObject):
    """The project as a whole: it has every part put down, loaded, dumped and relocated, in their order.

    Args:
        parts: everything that keeps something of a project; a part stands after those that it needs.

    Signals:
        changed(): another project, another name, or saved and unsaved changed places.
        saved(worked): the saving that was asked for is over.
    """

    changed = Signal()
    saved = Signal(bool)

    def __init__(
        self,
        context: Context,
        parts: Sequence[Part],
        library: Library,
        takes: Takes,
        runs: Runs,
        auditions: Auditions,
    ) -> None:
        super().__init__(context)
        self._context, self._parts = context, parts
        self._library, self._takes, self._runs, self._auditions = library, takes, runs, auditions
        self._lock: QLockFile | None = None
        self.autosave = Autosave(context, self.dump)
        self.autosave.first_change.connect(self.changed)
        self._on_clean = context.undo.stack.cleanChanged.connect(lambda _clean: self.changed.emit())

    @property
    def title(self) -> str:
        """What the project is called; nothing if it was never saved."""
        return self._context.folder.stem if self._context.named else ""

    @property
    def modified(self) -> bool:
        """Whether there is something that `save` would keep and closing without it would not."""
        if not self._context.named:
            return bool(self._library.clips or self._takes.items or self._runs.records)
        return self.autosave.changed or not self._context.undo.stack.isClean()

    def dump(self) -> Project:
        """A copy of the whole project for a thread to write."""
        project = Project(self._context.uuid)
        for part in self._parts:
            part.dump(project)
        return project

    def restore(self) -> None:
        """Take up what was never saved: recordings, takes, maps, runs and model of the last session."""
        folder, number = self._context.data_dir, 1
        while (lock := _lock(folder)) is None and number < MOST_WINDOWS:  # another window has it
            number += 1
            folder = self._context.data_dir / f"window-{number}"
        self._lock = lock
        self._context.enter(folder, named=False)
        try:
            stored = project_file.read(self.autosave.file)
        except DamagedError as error:
            stored = None
            self._set_library_aside(error)
        self._load(stored)

    def open(self, path: str | Path, *, recover: bool = False) -> bool:
        """Open a project by its folder or its file; whether it could be. What was open is left as it is.

        Args:
            recover: take what was written on the way instead of what was saved.
        """
        folder, say = folder_of(path), self._context.messages.say
        if self._is_training(self.tr("Stop it before you open another project; it can be resumed later.")):
            return False
        try:
            stored = project_file.read(folder / (AUTOSAVE if recover else FILE))
            if stored is None:
                raise DamagedError(self.tr("there is none"))
        except NewerError:
            say(
                self.tr("{0} was saved by a newer Triptych.").format(folder.name),
                self.tr("Update Triptych to open it. Nothing in it was changed."),
                level="error",
            )
            return False
        except DamagedError as error:
            say(
                self.tr("The project {0} cannot be read: {1}.").format(folder, error),
                self.tr("Its sounds and models lie in its folder as they did."),
                level="error",
            )
            return False
        reopens = self._context.named and folder == self._context.folder
        lock = self._lock if reopens else _lock(folder)
        if lock is None:
            say(
                self.tr("{0} is open in another window.").format(folder.name),
                self.tr("Close it there first."),
                level="warning",
            )
            return False
        self._leave()
        self._lock = lock
        self._context.enter(folder, named=True)
        self._load(stored)
        if recover:
            self._context.mark_changed()
        else:
            disk_jobs.remove(folder / AUTOSAVE)
        say(self.tr("Opened {0}").format(folder.stem))
        return True

    def new(self) -> bool:
        """Leave the saved project for what was never saved, or that for nothing. Sounds stay on the disk."""
        if self._is_training(self.tr("Stop it before you begin anew; it can be resumed later.")):
            return False
        self._leave()
        if self._context.named:
            self.restore()
            if self.modified:
                self._context.messages.say(
                    self.tr("Here is the work that was never saved."),
                    self.tr("Save it as a project, or choose New once more to begin with nothing."),
                )
        else:
            self._load(None)
            self._context.mark_changed()
        return True

    @staticmethod
    def unsaved_since(path: str | Path) -> float | None:
        """When changes were last kept aside (seconds since 1970), if the project was not closed properly."""
        try:
            return (folder_of(path) / AUTOSAVE).stat().st_mtime
        except OSError:
            return None

    def save(self) -> bool:
        """Write the project where it is; False if it has no folder yet. `saved` reports when it is done."""
        if self._context.named:
            self._save_to(self._context.folder)
        return self._context.named

    def save_as(self, path: str | Path) -> None:
        """Give the project a folder of its own and write it there, with its takes, analyses, maps and runs."""
        folder = Path(path)
        if folder.name in (FILE, AUTOSAVE):
            folder = folder.parent
        if folder.suffix != SUFFIX:
            folder = folder.with_name(folder.name + SUFFIX)
        if self._context.named and folder == self._context.folder:
            self._save_to(folder)
        elif (lock := _lock(folder)) is None:
            self._context.messages.say(
                self.tr("{0} cannot be written.").format(folder),
                self.tr("It is open in another window, or the folder is protected; choose another place."),
                level="error",
            )
        else:
            self._save_to(folder, lock)

    def discard_changes(self) -> None:
        """Forget what was written since the last saving, as the window closes without it."""
        if self._context.named:
            self.autosave.stop()
            self._context.threads.wait()
            disk_jobs.remove(self._context.folder / AUTOSAVE)
            self.autosave.forget()
            self._context.undo.stack.setClean()

    def close(self) -> None:
        """Write what is not written yet; the link is shut down by who made it."""
        self._context.closing.emit()
        unsaved = self.autosave.stop()
        self._context.threads.wait()
        if self._context.named and not self.modified and self.autosave.analysed:
            # Analyses are no one's decision: they are kept without asking.
            self.autosave.write(self._context.folder / FILE)
            disk_jobs.remove(self._context.folder / AUTOSAVE)
        elif unsaved:
            self.autosave.write()
        self._context.threads.wait()  # dumping puts maps on their way to the disk
        QObject.disconnect(self._on_clean)  # the stack empties itself as it is deleted, which is no one's news
        self._lock = None

    def _is_training(self, hint: str) -> bool:
        """Whether a training keeps the project from being left; the user is told."""
        training = self._context.link.training_jobs()
        if training:
            what = self.tr("A training is under way: {0}.").format(training[0].title)
            self._context.messages.say(what, hint, level="warning")
        return bool(training)

    def _leave(self) -> None:
        """End what is under way for this project and put everything down."""
        self.autosave.stop()
        self._context.threads.wait()  # what a thread is writing may be the same file
        if not self._context.named or self.modified:
            self.autosave.write()
        self._context.threads.wait()  # dumping puts maps on their way to the disk
        self._context.epoch += 1
        for job in self._context.link.active():
            if job is not self._library.analysis.job:
                job.cancel()
        for part in reversed(self._parts):
            part.clear()
        self._context.undo.stack.clear()

    def _load(self, stored: Project | None) -> None:
        """Show what was stored, or the beginning of everything."""
        stored = stored or Project(uuid.uuid4().hex)
        self._context.uuid = stored.uuid
        for part in self._parts:
            part.load(stored)
        self._tidy()
        self.autosave.forget()
        self._context.undo.stack.clear()
        self.changed.emit()

    def _tidy(self) -> None:
        """In a thread: analyses that nothing shows or writes any more, and what was moved into a saved project."""
        context = self._context
        used = disk_jobs.analyses_of(self._library.clips.values(), self._takes.items)
        written = self._library.analysis.ids()
        moved = () if context.named else (context.takes_dir, context.runs_dir)
        context.threads.start(functools.partial(disk_jobs.tidy, context.analysis_dir, used, written, moved))

    def _set_library_aside(self, error: DamagedError) -> None:
        file = self.autosave.file
        try:
            aside = project_file.set_aside(file)
        except OSError as problem:
            self._context.report_unwritten(file, problem)
            return
        self._context.messages.say(
            self.tr("The library of the last session cannot be read: {0}.").format(error),
            self.tr("It is kept as {0}; you begin with an empty one. Your recordings are untouched.").format(aside),
            level="error",
        )

    def _save_to(self, folder: Path, lock: QLockFile | None = None) -> None:
        """In a thread: bring in what lies elsewhere, then write the file."""
        self.autosave.stop()
        runs = [record.run_dir for record in self._runs.records]
        idle = [run for run in runs if self._runs.job_of(run) is None and self._auditions.job_of(run) is None]
        project, index = self.dump(), self._context.undo.stack.index()
        self.autosave.forget()
        leaves = None if self._context.named else self._context.folder
        self._context.in_background(
            functools.partial(disk_jobs.bring_and_write, folder, idle, project, leaves),
            lambda result: self._saved(folder, lock, index, result),
        )

    def _saved(self, folder: Path, lock: QLockFile | None, index: int, result: dict[str, str] | OSError) -> None:
        if isinstance(result, OSError):
            self.autosave.changed = True
            self._context.report_unwritten(folder, result)
            self.changed.emit()
            self.saved.emit(False)
            return
        if result:
            moved = Moved(result)
            for part in self._parts:
                part.relocate(moved)
        if folder != self._context.folder:
            self._context.enter(folder, named=True)
            self._lock = lock
        if self._context.undo.stack.index() == index:
            self._context.undo.stack.setClean()
        if self.modified:
            self._context.mark_changed()
        self._context.messages.say(self.tr("Saved {0}").format(folder))
        self.changed.emit()
        self.saved.emit(True)


def folder_of(path: str | Path) -> Path:
    """A project's folder, by the folder itself or the file in it."""
    place = Path(os.path.abspath(path))
    return place.parent if place.name in (FILE, AUTOSAVE) else place


def is_project(path: str | Path) -> bool:
    """Whether a path leads to a saved project."""
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
