"""Scan of folders, tables and single recordings into one manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from engine.api import AUDIO_SUFFIXES, TABLE_SUFFIXES, ClipRef, ControlSignal, TableColumns
from engine.api.errors import Cancelled, CorpusError
from engine.corpus import label_table as tables
from engine.corpus.layouts.emodb import EmoDb
from engine.corpus.layouts.folders import speaker_of_each
from engine.corpus.layouts.librispeech import LibriSpeech
from engine.corpus.layouts.omg import Omg
from engine.corpus.layouts.ravdess import Ravdess
from engine.corpus.manifest import LABEL_NAMES, Labels, Manifest, Skipped, Utterance
from engine.runtime.control import check_control

# Tables that label the recordings below their folder without being asked for.
OWN_TABLES = tuple(f"{name}{suffix}" for name in ("labels", "manifest") for suffix in TABLE_SUFFIXES)
_OMG_LEVELS_UP = 2  # from a split's folder to the tables


def scan(
    places: Sequence[str],
    clips: Sequence[ClipRef],
    control: ControlSignal,
    columns: Mapping[str, TableColumns] | None = None,
    seen: Callable[[Path], None] = lambda path: None,
    all_seen: Callable[[], None] = lambda: None,
) -> Manifest:
    """Every recording below the folders, every one that a table names, and the single ones, each once.

    Layouts are recognised file by file. A labels.csv (or manifest.csv, or .tsv) below a folder labels what it
    names. A table's labels go before a layout's, and a clip's own labels before both. Nothing is decoded
    here: a file that turns out to be no sound is reported when it is read.

    Args:
        places: folders, tables and recordings.
        columns: what the columns of a table mean, by the table's path; of others it is guessed.
        seen: called with every recording below the folders as soon as it is found, once. Its labels may stand in
            a table that is found later, so nothing more is known of it by then.
        all_seen: called when there will be no more of these; labels are searched after that.

    Raises:
        CorpusError: a folder is missing or unreadable, or there is no recording at all.
        Cancelled: the user cancelled or stopped it.
    """
    return _Scan(control, columns or {}, seen, all_seen).run([Path(place).absolute() for place in places], clips)


@dataclass(frozen=True)
class _Folder:
    """Contents of one of the folders, and the tables that belong to it."""

    root: Path
    recordings: tuple[Path, ...]
    tables: tuple[Path, ...]  # labels.csv and its like
    omg: tuple[Path, ...]
    others: int = 0  # files that are no recordings


@dataclass(frozen=True)
class _File:
    """File as known without opening it: its real path, and why it cannot be used, empty if it can."""

    real: str
    why: str


class _Scan:
    def __init__(
        self,
        control: ControlSignal,
        columns: Mapping[str, TableColumns],
        seen: Callable[[Path], None],
        all_seen: Callable[[], None],
    ) -> None:
        self._control = control
        self._columns = columns
        self._seen, self._all_seen = seen, all_seen
        self._reported: set[str] = set()  # real paths that `seen` was called with
        self._files: dict[Path, _File] = {}
        self._real_folders: dict[Path, str] = {}
        self._layouts = (LibriSpeech(), Ravdess(), EmoDb())
        self._utterances: dict[str, Utterance] = {}
        self._skipped: list[Skipped] = []
        self._unmatched: list[Skipped] = []
        self._troubles: list[tuple[str, str]] = []
        self._from_tables: dict[str, dict[str, str]] = {}  # labels by real path

    def run(self, places: Sequence[Path], clips: Sequence[ClipRef]) -> Manifest:
        files = [place for place in places if place.is_file()]
        given = [file for file in files if file.suffix.lower() in TABLE_SUFFIXES]
        roots = [place for place in places if place not in files]
        for root in roots:  # before the first recording is reported
            _check_folder(root)
        folders = [self._folder(root) for root in roots]
        self._all_seen()
        for folder in folders:
            for table in folder.tables:
                self._join(table, partial(_below, table.parent, folder.recordings))
        named = [(t, self._join(t, partial(recordings_below, t.parent, self._control))) for t in given]
        for folder in folders:
            self._add_folder(folder)
        for table, recordings in named:
            for path in recordings:
                self._add(path, _name(path, table.parent), self._layout(path) or Labels())
        clips = [*(ClipRef(str(file), str(file)) for file in files if file not in given), *clips]
        for clip in clips:
            path = Path(clip.path).absolute()
            self._add(path, path.name, self._layout(path) or Labels(), given=clip.labels)
        return self._manifest(sum(folder.others for folder in folders))

    def _folder(self, root: Path) -> _Folder:
        above = [
            path for folder in list(root.parents)[:_OMG_LEVELS_UP] for path in sorted(folder.glob("omg_*.csv"))
        ]
        recordings, own, omg, others = [], [], above, 0
        for path in _files(root, self._skipped, self._control):
            if path.suffix.lower() in AUDIO_SUFFIXES:
                recordings.append(path)
                self._report_seen(path)
                continue
            others += 1
            if path.name.lower() in OWN_TABLES:
                own.append(path)
            elif Omg.is_table(path):
                omg.append(path)
        return _Folder(root, tuple(recordings), tuple(own), tuple(omg), others)

    def _report_seen(self, path: Path) -> None:
        file = self._file(path)
        if not file.why and file.real not in self._reported:
            self._reported.add(file.real)
            self._seen(path)

    def _file(self, path: Path) -> _File:
        if (file := self._files.get(path)) is None:
            file = self._files[path] = _File(self._real(path), _unusable(path))
        return file

    def _real(self, path: Path) -> str:
        """As os.path.realpath, which looks at every folder on the way to every file anew."""
        if path.is_symlink():
            return os.path.realpath(path)
        folder = path.parent
        if (real := self._real_folders.get(folder)) is None:
            real = self._real_folders[folder] = os.path.realpath(folder)
        return os.path.join(real, path.name)

    def _join(self, file: Path, beside: Callable[[], Iterable[Path]]) -> list[Path]:
        """Read the labels of a table; the recordings it names."""
        try:
            table = tables.read(file)
            joined = tables.join(table, self._columns.get(str(file)) or tables.guess(table), beside)
        except CorpusError as error:
            self._troubles.append((error.what, error.hint))
            return []
        self._unmatched += joined.unmatched
        self._from_tables |= {os.path.realpath(path): labels for path, labels in joined.labels.items()}
        return list(joined.labels)

    def _layout(self, path: Path) -> Labels | None:
        """Labels by the layout of the file, None if it follows none."""
        return next((found for layout in self._layouts if (found := layout.labels(path)) is not None), None)

    def _add_folder(self, folder: _Folder) -> None:
        omg = self._omg(folder)
        known: dict[Path, Labels] = {}
        videos: dict[Path, str] = {}
        for path in folder.recordings:
            if (labels := self._layout(path)) is not None:
                known[path] = labels
            elif omg is not None and (found := omg.labels(path)) is not None:
                videos[path], known[path] = found
        if omg is not None:
            self._unmatched += omg.unmatched()
        known |= speaker_of_each(path for path in folder.recordings if path not in known)
        for path in folder.recordings:
            more = {"video": videos[path]} if path in videos else {}
            self._add(path, _name(path, folder.root), known[path], more)

    def _omg(self, folder: _Folder) -> Omg | None:
        try:
            return Omg(folder.omg) if folder.omg else None
        except CorpusError as error:
            self._troubles.append((error.what, error.hint))
            return None

    def _add(
        self,
        path: Path,
        name: str,
        from_layout: Labels,
        more: Mapping[str, str] = MappingProxyType({}),
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Add a recording. The user's own labels (given) go before a table's, and these before the layout's."""
        file = self._file(path)
        if file.why:
            self._skipped.append(Skipped(str(path), file.why))
            return
        real = file.real
        if (before := self._utterances.get(real)) is not None:
            if before.path != str(path):
                self._skipped.append(Skipped(str(path), "It is in the corpus already."))
            return
        said = {**self._from_tables.get(real, {}), **given}
        labels = Labels.of(given).over(Labels.of(self._from_tables.get(real, {})).over(from_layout))
        own = {word: value for word, value in said.items() if word not in LABEL_NAMES and value}
        self._utterances[real] = Utterance(str(path), name, labels, {**more, **own})

    def _manifest(self, others: int) -> Manifest:
        if self._utterances:
            ordered = sorted(self._utterances.values(), key=lambda u: (u.name, u.path))
            return Manifest(tuple(ordered), tuple(self._skipped), tuple(self._unmatched), tuple(self._troubles))
        if self._troubles:
            raise CorpusError(*self._troubles[0])
        more = f" ({others} other files are there)" if others else ""
        if self._skipped:
            first = self._skipped[0]
            more += f"; {Path(first.path).name} and {len(self._skipped) - 1} more cannot be used: {first.why}"
        elif self._unmatched:
            more += f"; {self._unmatched[0].path}: {self._unmatched[0].why}"
        raise CorpusError(f"The corpus holds no recording{more}.", "Choose a folder that holds sound files.")


def recordings_below(root: Path, control: ControlSignal) -> list[Path]:
    """Every file below a folder that is named like a recording."""
    return [path for path in _files(root, [], control) if path.suffix.lower() in AUDIO_SUFFIXES]


def _below(folder: Path, recordings: Sequence[Path]) -> Iterable[Path]:
    return [path for path in recordings if folder in path.parents]


def _name(path: Path, root: Path) -> str:
    """Path below the folder it was found in; its bare name if it lies elsewhere."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _check_folder(root: Path) -> None:
    if not root.is_dir():
        raise CorpusError(f"The folder {root} is not there.", "Check whether it was moved, or choose another one.")


def _files(root: Path, skipped: list[Skipped], control: ControlSignal) -> Iterator[Path]:
    """Every file below root, in order, hidden ones left out."""
    _check_folder(root)

    def unreadable(error: OSError) -> None:
        if error.filename == str(root):
            raise CorpusError(
                f"The folder {root} cannot be read: {error.strerror}.", "Change its permissions or choose another."
            ) from error
        skipped.append(Skipped(str(error.filename), f"The folder cannot be read: {error.strerror}."))

    for folder, below, names in os.walk(root, onerror=unreadable):
        if check_control(control):
            raise Cancelled
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder, name)


def _unusable(path: Path) -> str:
    """Why a file cannot be used; empty if it can, as far as one sees without opening it."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"It cannot be found: {error.strerror or error}."
    if size == 0:
        return "The file is empty."
    if not os.access(path, os.R_OK):
        return "It may not be read."
    return ""
