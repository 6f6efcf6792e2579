"""Recordings that are not where they were: counted when a project opens, looked for in a folder."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import Signal

from studio.project import disk_jobs
from studio.project.project_file import Project
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part


class MissingFiles(Part):
    """Finds recordings that were moved and links them anew.

    Signals:
        folder_wanted(): the user wants to say where missing recordings are.
    """

    folder_wanted = Signal()

    def __init__(self, context: Context, library: Library) -> None:
        super().__init__(context)
        self._context, self._library = context, library

    def load(self, stored: Project) -> None:
        if stored.clips:
            places = [clip.path for clip in stored.clips]
            self._context.in_background(functools.partial(disk_jobs.count_missing, places), self._report)

    def find(self, folder: str | Path) -> None:
        """Look for the recordings that are not where they were below a folder, and link those found anew."""
        wanted = {clip.id: clip.path for clip in self._library.clips.values()}
        self._context.messages.say(self.tr("Looking for recordings in {0} …").format(folder))
        self._context.in_background(functools.partial(disk_jobs.search, Path(folder), wanted), self._found)

    def _found(self, found: tuple[dict[str, str], int]) -> None:
        places, missing = found
        clips, put_paths = self._library.clips, self._library.put_paths
        before = {i: clips[i].path for i in places if i in clips}
        if before:
            words = counted(len(before), self.tr("Find 1 recording"), self.tr("Find {0} recordings"))
            self._context.undo.undoable(words, lambda: put_paths(places), lambda: put_paths(before))
        left = missing - len(before)
        self._context.messages.say(
            counted(len(before), self.tr("Found 1 recording."), self.tr("Found {0} recordings.")),
            counted(left, self.tr("1 is still missing."), self.tr("{0} are still missing.")) if left else "",
            level="warning" if left else "info",
        )

    def _report(self, count: int) -> None:
        if count:
            self._context.messages.say(
                counted(
                    count,
                    self.tr("1 recording is not where it was."),
                    self.tr("{0} recordings are not where they were."),
                ),
                self.tr("What is known of them is kept; tell where they are now."),
                level="warning",
                action=(self.tr("Find them …"), self.folder_wanted.emit),
            )
