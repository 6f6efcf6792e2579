"""The recordings of the project: which there are, which are selected and seen, their labels and analyses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import Signal

from studio.domain.clip import ANALYSING, FAILED, MISSING, WAITING, Clip, new_ids
from studio.domain.recipes import Named, named
from studio.engine_link.analysis_queue import AnalysisQueue
from studio.project.project_file import Project
from studio.project.project_folder import Moved
from studio.session.context import Context
from studio.session.part import Part


@dataclass
class Arrivals:
    """What one import brought: clips by id, and labels of known clips before and after."""

    clips: dict[str, Clip] = field(default_factory=dict)
    labels: dict[str, tuple[dict[str, str], dict[str, str]]] = field(default_factory=dict)
    undone: bool = False


class Library(Part):
    """Recordings by id.

    clips: all of them; gone: names of those that left, by id: takes may still name them.
    selection: ids of the chosen ones; current: id of the one that is seen and heard.
    analysis: which of them are analysed next.

    Signals: each with the ids concerned; current_changed with one id, "" for none.
    """

    added = Signal(list)
    removed = Signal(list)
    changed = Signal(list)
    selection_changed = Signal(list)
    current_changed = Signal(str)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._context = context
        self.clips: dict[str, Clip] = {}
        self.gone: dict[str, Named] = {}
        self.selection: list[str] = []
        self.current: str | None = None
        self._ids_by_path: dict[str, str] = {}
        self.analysis = AnalysisQueue(context.link, self.clips, str(context.analysis_dir), self)
        self.analysis.changed.connect(self._analysed)
        self.analysis.halted.connect(self._analysis_halted)
        context.entered.connect(lambda: self.analysis.set_folder(str(context.analysis_dir)))

    def clear(self) -> None:
        gone = list(self.clips)
        self.select([])
        self.set_current(None)
        self.clips.clear()
        self._ids_by_path.clear()
        self.gone = {}
        self.removed.emit(gone)

    def load(self, stored: Project) -> None:
        self.gone = stored.gone
        self.insert(stored.clips)

    def dump(self, project: Project) -> None:
        project.clips = [clip.copied() for clip in self.clips.values()]
        project.gone = dict(self.gone)

    def relocate(self, moved: Moved) -> None:
        changed = []
        for clip in self.clips.values():
            if clip.folder is not None and (place := moved.folder(clip.folder)) is not None:
                clip.folder = place
                changed.append(clip.id)
        self.changed.emit(changed)

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

    def id_of(self, path: str) -> str | None:
        """The id of the recording of a file, if it has one."""
        return self._ids_by_path.get(path)

    def clip_in(self, folder: str) -> Clip | None:
        """The recording whose analysis lies in a folder."""
        return next((clip for clip in self.clips.values() if clip.folder == folder), None)

    def speakers(self) -> list[str]:
        """Every speaker named by a label, in the order of the recordings."""
        return list(dict.fromkeys(s for clip in self.clips.values() if (s := clip.labels.get("speaker"))))

    def remove(self, ids: Iterable[str]) -> None:
        """Take recordings out of the library; their files stay where they are."""
        gone = [self.clips[clip_id] for clip_id in dict.fromkeys(ids) if clip_id in self.clips]
        if not gone:
            return
        words = (
            self.tr("Remove {0}").format(gone[0].name)
            if len(gone) == 1
            else self.tr("Remove {0} recordings").format(len(gone))
        )
        ids = [clip.id for clip in gone]
        self._context.undo.undoable(words, lambda: self.take_out(ids), lambda: self.put_back(gone))

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
            self._context.undo.undoable(words, lambda: self.put_labels(after), lambda: self.put_labels(before))

    def analyse_again(self, ids: Iterable[str]) -> None:
        """Try recordings once more that failed or went missing."""
        again = [self.clips[i] for i in ids if i in self.clips and self.clips[i].state in (FAILED, MISSING)]
        for clip in again:
            clip.state, clip.error = WAITING, None
        if again:
            self.changed.emit([clip.id for clip in again])
        self.analysis.go_on()

    def put_labels(self, labels: Mapping[str, dict[str, str]]) -> None:
        """All labels of some recordings, as they are from now on; a part of a step of undo."""
        changed = [clip_id for clip_id in labels if clip_id in self.clips]
        for clip_id in changed:
            self.clips[clip_id].labels = labels[clip_id]
        if changed:
            self.changed.emit(changed)
            self._context.mark_changed()

    def take_out(self, ids: Iterable[str]) -> None:
        """Off the library; what was computed stays on the disk, so that it can be put back."""
        there = {clip_id for clip_id in ids if clip_id in self.clips}
        if not there:
            return
        gone = [clip_id for clip_id in self.clips if clip_id in there]
        for clip_id in gone:
            clip = self.clips.pop(clip_id)
            self._ids_by_path.pop(clip.path, None)
            self.gone[clip_id] = named(clip)
        self.removed.emit(gone)
        self.select([clip_id for clip_id in self.selection if clip_id in self.clips])
        if self.current in there:
            self.set_current(None)
        self._context.mark_changed()

    def put_back(self, clips: Sequence[Clip]) -> None:
        """Into the library again. What was under way when it left begins anew."""
        back = [clip for clip in clips if clip.id not in self.clips and clip.path not in self._ids_by_path]
        for clip in back:
            if clip.state == ANALYSING:
                clip.state = WAITING
        self.insert(back)
        self.analysis.go_on()
        self._context.mark_changed()

    def put_paths(self, places: Mapping[str, str]) -> None:
        """Where some recordings are from now on, by id; a part of a step of undo."""
        changed = []
        for clip in (self.clips[clip_id] for clip_id in places if clip_id in self.clips):
            self._ids_by_path.pop(clip.path, None)
            clip.path = places[clip.id]
            self._ids_by_path[clip.path] = clip.id
            if clip.state in (MISSING, FAILED):
                clip.state, clip.error = WAITING, None
            changed.append(clip.id)
        self.changed.emit(changed)
        self.analysis.go_on()
        self._context.mark_changed()

    def insert(self, clips: Sequence[Clip]) -> None:
        """Rows for recordings that have an id already."""
        for clip in clips:
            self.clips[clip.id] = clip
            self._ids_by_path[clip.path] = clip.id
        if clips:
            self.added.emit([clip.id for clip in clips])

    def insert_found(self, found: Sequence[tuple[str, dict[str, str]]], arrivals: Arrivals | None = None) -> None:
        """Rows for files that have none yet; a known file gets the labels it lacks.

        Args:
            found: file and labels of each.
            arrivals: what came is added to it.
        """
        came = arrivals or Arrivals()
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
        self.insert(new)
        if labelled:
            self.changed.emit(labelled)
        if new or labelled:
            self._context.mark_changed()

    def _analysed(self, ids: list[str]) -> None:
        self.changed.emit(ids)
        self._context.mark_changed(analyses=True)

    def _analysis_halted(self, what: str, hint: str, details: str) -> None:
        self._context.messages.say(
            what, hint, details=details, level="warning", action=(self.tr("Go on analysing"), self.analysis.go_on)
        )
