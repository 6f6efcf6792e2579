"""What the user does with the library: recordings come in, get labels, are analysed and leave."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject

from engine.api import (
    AUDIO_SUFFIXES,
    ClipsFound,
    Scan,
    ScanDone,
    TableColumns,
)
from studio.domain.clip import ANALYSING, WAITING, Clip, new_ids
from studio.domain.recipe import named
from studio.engine_link.engine_link import EngineLink, Job
from studio.services import paths
from studio.services.messages import Messages
from studio.services.plurals import counted
from studio.session.batch import BatchActions
from studio.session.take_recipes import TakeActions

NAMED_SKIPS = 40  # told one by one in the details


@dataclass
class Import:
    """What one import brought: clips by id, and labels of known clips before and after."""

    clips: dict[str, Clip]
    labels: dict[str, tuple[dict[str, str], dict[str, str]]]
    undone: bool = False


class LibraryActions(BatchActions, TakeActions):
    """The recordings of the project."""

    def __init__(
        self, link: EngineLink, data_dir: Path, messages: Messages | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(link, data_dir, messages, parent)
        self.analysis.changed.connect(self._analysed)
        self.analysis.finished.connect(self._place_new)
        self.analysis.halted.connect(self._analysis_halted)

    def add_files(
        self, files: Iterable[str | Path], columns: Sequence[tuple[str, TableColumns]] = ()
    ) -> Job | None:
        """Add files, folders and tables of labels; what they hold comes in as it is found.

        Single recordings have their row at once, those in folders when they are come across; their labels follow.
        Returns the job that looks, None for nothing.

        Args:
            columns: what the columns of tables mean; of other tables it is guessed.
        """
        given = [str(Path(file).absolute()) for file in files]
        if not given:
            return None
        title = (
            Path(given[0]).name if len(given) == 1 else counted(len(given), self.tr("1 item"), self.tr("{0} items"))
        )
        came = Import({}, {})
        job = self.link.submit(Scan(tuple(given), tuple(columns)), title=self.tr("Look through {0}").format(title))
        job.partial.connect(self.current_only(lambda chunk: self._found(chunk, came)))
        job.done.connect(self.current_only(lambda result: self._scanned(result, len(came.clips))))
        job.note.connect(lambda what, hint: self.messages.say(what, hint, level="warning"))
        self._tell_failures(job)

        def do() -> None:
            if not came.undone:
                singles: list[tuple[str, dict[str, str]]] = [
                    (path, {}) for path in given if path.lower().endswith(AUDIO_SUFFIXES)
                ]
                self._insert_paths(singles, came)
                return
            came.undone = False
            self._put_labels({i: after for i, (_before, after) in came.labels.items()})
            self._put_back(list(came.clips.values()))

        def undo() -> None:
            came.undone = True
            job.cancel()
            self._put_labels({i: before for i, (before, _after) in came.labels.items()})
            self._take_out(came.clips)

        self.undoable(self.tr("Add {0}").format(title), do, undo)
        job.done.connect(self.current_only(lambda _result: self.look_for_recipes(given)))
        return job

    def load_example(self) -> None:
        """Bring in the synthetic voices that come with the program."""
        self.add_files([paths.example_dir()])

    def remove(self, ids: Iterable[str]) -> None:
        """Take recordings out of the library; their files stay where they are."""
        gone = [self.clips[clip_id] for clip_id in dict.fromkeys(ids) if clip_id in self.clips]
        if not gone:
            return
        desk = copy.deepcopy(self.transfer)

        def undo() -> None:
            self._put_back(gone)
            self._put_desk(desk)

        words = (
            self.tr("Remove {0}").format(gone[0].name)
            if len(gone) == 1
            else self.tr("Remove {0} recordings").format(len(gone))
        )
        self.undoable(words, lambda: self._take_out([clip.id for clip in gone]), undo)

    def set_label(self, ids: Iterable[str], name: str, value: str) -> None:
        """Give recordings a label; an empty value takes it away."""
        before: dict[str, dict[str, str]] = {}
        after: dict[str, dict[str, str]] = {}
        for clip in (self.clips[clip_id] for clip_id in ids if clip_id in self.clips):
            if clip.labels.get(name, "") != value:
                before[clip.id] = clip.labels
                after[clip.id] = {k: v for k, v in clip.labels.items() if k != name} | (
                    {name: value} if value else {}
                )
        if after:
            words = self.tr("Label {0}: {1}").format(name, value) if value else self.tr("No label {0}").format(name)
            self.undoable(words, lambda: self._put_labels(after), lambda: self._put_labels(before))

    def _put_labels(self, labels: Mapping[str, dict[str, str]]) -> None:
        changed = [clip_id for clip_id in labels if clip_id in self.clips]
        for clip_id in changed:
            self.clips[clip_id].labels = labels[clip_id]
        if changed:
            self.clips_changed.emit(changed)
            self._save_soon()

    def _take_out(self, ids: Iterable[str]) -> None:
        """Off the library; what was computed stays on the disk, so that it can be put back."""
        there = {clip_id for clip_id in ids if clip_id in self.clips}
        if not there:
            return
        gone = [clip_id for clip_id in self.clips if clip_id in there]
        for clip_id in gone:
            clip = self.clips.pop(clip_id)
            self._ids_by_path.pop(clip.path, None)
            self.gone[clip_id] = named(clip)
        if self.transfer.source in there:
            self._put_desk(dataclasses.replace(self.transfer, source=None))
        self.clips_removed.emit(gone)
        self.select([clip_id for clip_id in self.selection if clip_id in self.clips])
        if self.current in there:
            self.set_current(None)
        self._save_soon()

    def _put_back(self, clips: Sequence[Clip]) -> None:
        """Into the library again. What was under way when it left begins anew."""
        back = [clip for clip in clips if clip.id not in self.clips and clip.path not in self._ids_by_path]
        for clip in back:
            if clip.state == ANALYSING:
                clip.state = WAITING
        self._insert(back)
        self.analysis.go_on()
        self._save_soon()

    def analyse_again(self, ids: Iterable[str]) -> None:
        """Try recordings once more that failed or went missing."""
        again = [self.clips[i] for i in ids if i in self.clips and self.clips[i].state in ("failed", "missing")]
        for clip in again:
            clip.state, clip.error = WAITING, None
        if again:
            self.clips_changed.emit([clip.id for clip in again])
        self.analysis.go_on()

    def speakers(self) -> list[str]:
        return list(dict.fromkeys(s for clip in self.clips.values() if (s := clip.labels.get("speaker"))))

    def _insert(self, clips: Sequence[Clip]) -> None:
        for clip in clips:
            self.clips[clip.id] = clip
            self._ids_by_path[clip.path] = clip.id
        if clips:
            self.clips_added.emit([clip.id for clip in clips])

    def _insert_paths(self, found: Sequence[tuple[str, dict[str, str]]], came: Import | None = None) -> None:
        """Rows for files that have none yet; a known file gets the labels it lacks."""
        came = came or Import({}, {})
        new: list[Clip] = []
        labelled: list[str] = []
        ids = iter(new_ids(len(found)))
        for path, labels in found:
            if (known := self._ids_by_path.get(path)) is None:
                self._ids_by_path[path] = clip_id = next(ids)
                new.append(Clip(clip_id, path, labels=dict(labels)))
                came.clips[clip_id] = new[-1]
            elif known in self.clips and (more := labels | self.clips[known].labels) != self.clips[known].labels:
                if known not in came.clips:  # its own clips come and go with the labels they have
                    before = came.labels[known][0] if known in came.labels else self.clips[known].labels
                    came.labels[known] = (before, more)
                self.clips[known].labels = more
                labelled.append(known)
        self._insert(new)
        if labelled:
            self.clips_changed.emit(labelled)
        if new or labelled:
            self._save_soon()

    def _found(self, chunk: ClipsFound, came: Import | None = None) -> None:
        if came is None or not came.undone:
            self._insert_paths(chunk.clips, came)
            self.analysis.pump()

    def _scanned(self, result: ScanDone, new: int) -> None:
        known = result.found - new
        self.analysis.go_on()
        if not result.skipped and not result.unmatched:
            if known > 0 and new == 0:
                self.messages.say(
                    counted(
                        known,
                        self.tr("One recording was in the library already."),
                        self.tr("{0} recordings were in the library already."),
                    )
                )
            return
        told = []
        if result.skipped:
            told.append(counted(len(result.skipped), self.tr("1 file skipped."), self.tr("{0} files skipped.")))
        if result.unmatched:
            told.append(
                counted(
                    len(result.unmatched),
                    self.tr("1 row of a table could not be used."),
                    self.tr("{0} rows of tables could not be used."),
                )
            )
        left_out = (*result.skipped, *result.unmatched)
        listed = "\n".join(f"{path}: {why}" for path, why in left_out[:NAMED_SKIPS])
        more = len(left_out) - NAMED_SKIPS
        self.messages.say(
            " ".join(told),
            f"{Path(left_out[0][0]).name}: {left_out[0][1]}",
            details=listed + (self.tr("\n… and {0} more").format(more) if more > 0 else ""),
            level="warning",
        )

    def _analysed(self, ids: list[str]) -> None:
        self.clips_changed.emit(ids)
        self._save_soon(analyses=True)

    def _analysis_halted(self, what: str, hint: str, details: str) -> None:
        self.messages.say(
            what, hint, details=details, level="warning", action=(self.tr("Go on analysing"), self.analysis.go_on)
        )
