"""Feature cache: log-mel and F0 of every recording of a corpus, computed once for all runs.

The frames lie in packs (see cache.packs), found by the content of the recording and the audio spec: a file that was
moved, renamed or touched is not read again, and corpora that share recordings share their frames. A large corpus is
read by several processes. Whatever a kill leaves is gone on with; what was done is never done twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.api import ControlSignal, Progress, Report
from engine.api.errors import AudioError, Cancelled, CorpusError
from engine.api.specs import AudioSpec
from engine.audio import sound_files
from engine.audio.decoding import shown
from engine.corpus.cache import eviction, packs
from engine.corpus.cache.feature_workers import Outcome, Reader, Task, Unread, Written, readers
from engine.corpus.cache.frames import Frames
from engine.corpus.cache.index import Found, Index, hashed
from engine.corpus.manifest import Manifest, Skipped, Utterance
from engine.runtime.control import Eta, check_control
from engine.runtime.process_pool import cores

_VERSION = 4  # of how sound is resampled, log-mel and F0 are computed: part of the key of stored frames
_KEY_VERSION = 3  # of a corpus's own key, which runs remember: those of version 0.1 go on
_REPORT_S = 0.2
_KEEP_S = 1.0  # at most so much work is lost by a kill
_SCALING_FRAMES = 1_000_000
_WORTH_A_POOL_BYTES = 30_000_000  # a process takes seconds to start
_MOST_PROCESSES = 32
_NAME = "\0"  # stands for the file's name in what is remembered of it


@dataclass(frozen=True)
class Entry:
    """Frames of one recording in the cache, [start, start + frames), and what level normalisation added to it."""

    utterance: Utterance
    start: int
    frames: int
    gain_db: float = 0.0


@dataclass(frozen=True)
class MelCache:
    """Corpus ready for training.

    key: of the recordings' names and contents and the spec: equal keys, equal recordings in equal order.
    mel: float16 (all frames, bands) natural-log mel; f0: float32 (all frames,) Hz; read-only, on the disk.
    manifest: the recordings that could be used, in the order of `entries`, and all that were skipped.
    """

    key: str
    mel: Frames
    f0: Frames
    entries: tuple[Entry, ...]
    manifest: Manifest
    remarks: tuple[str, ...]

    def scaling(self, entries: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean of every band (bands,) and the standard deviation of all bands together (), over these entries.

        Of a large corpus evenly spaced frames are enough, a million of them.
        """
        step = max(1, sum(self.entries[i].frames for i in entries) // _SCALING_FRAMES)
        bands = self.mel.shape[1]
        count, total, squares = 0, np.zeros(bands), np.zeros(bands)
        for i in entries:
            entry = self.entries[i]
            frames = self.mel[entry.start : entry.start + entry.frames : step].astype(np.float64)
            count += len(frames)
            total += frames.sum(axis=0)
            squares += np.square(frames).sum(axis=0)
        mean = total / count
        variance = float((squares / count - np.square(mean)).mean())
        return torch.from_numpy(mean).float(), torch.tensor(max(variance, 1e-6) ** 0.5, dtype=torch.float32)


def build(
    manifest: Manifest,
    spec: AudioSpec,
    folder: Path,
    report: Report,
    control: ControlSignal,
    processes: int | None = None,
) -> MelCache:
    """Open a corpus in the cache in `folder`, computing what of it is missing.

    A recording that cannot be read is left out and named in the result.

    Args:
        processes: how many read at once; None: as many as there are processors, one for little work.

    Raises:
        CorpusError: not one recording can be used, or the cache cannot hold it (full disk, limit, permissions).
        Cancelled: the user cancelled or stopped it; what is done is kept for the next time.
    """
    try:
        with Index(folder) as index:
            return _Builder(manifest, spec, index, report, control).run(processes)
    except OSError as error:
        raise CorpusError(
            f"The cache folder {folder} cannot be used: {error.strerror or error}.",
            "Free some space or name another folder in TRIPTYCH_CACHE; what was computed so far is kept.",
        ) from error


class _Builder:
    def __init__(
        self, manifest: Manifest, spec: AudioSpec, index: Index, report: Report, control: ControlSignal
    ) -> None:
        self._manifest = manifest
        self._spec = spec
        self._spec_key = _spec_key(_VERSION, spec)
        self._index = index
        self._packs = index.folder / "packs"
        self._report = report
        self._control = control
        self._contents: dict[str, str] = {}  # by path
        self._unread: dict[str, str] = {}  # path -> why
        self._hashed: list[tuple[str, tuple[int, int], str]] = []
        self._written: list[Written] = []
        self._done = 0
        self._kept_at = time.monotonic()
        self._reported_at = 0.0

    def run(self, processes: int | None) -> MelCache:
        self._contents = self._index.contents([u.path for u in self._manifest.utterances])
        self._found = self._index.find(self._spec_key, list(set(self._contents.values())))
        todo = [u.path for u in self._manifest.utterances if self._contents.get(u.path) not in self._found]
        if todo:
            eviction.tidy(self._index)
            self._read(todo, processes)
        while True:
            try:
                return self._opened()
            except (OSError, ValueError):  # packs that were cleared or cut, this moment or by a fault of the disk
                lost = self._lost()
                if not lost:
                    raise
                self._index.forget(self._spec_key, lost)
                self._found = {content: place for content, place in self._found.items() if content not in lost}
                again = [u.path for u in self._manifest.utterances if self._contents.get(u.path) in lost]
                self._read(again, processes)

    def _read(self, paths: list[str], processes: int | None) -> None:
        sizes = {path: _size(path) for path in paths}
        total = sum(sizes.values())
        self._eta = Eta(float(total))
        if processes is None:
            processes = min(cores(), _MOST_PROCESSES) if total > _WORTH_A_POOL_BYTES else 1
        tasks = self._tasks(sizes)
        try:
            if processes > 1:
                with readers(processes, self._packs, self._spec.to_dict()) as pool:
                    self._take(pool.run(tasks))
                    self._keep()
            else:
                reader = Reader(self._packs, self._spec.to_dict(), self._index.packs(self._spec_key))
                try:
                    self._take(reader.read(task, self._check) for task in tasks)
                    self._keep()
                finally:
                    reader.close()
        finally:
            self._keep()

    def _tasks(self, sizes: dict[str, int]) -> Iterator[Task]:
        """Recordings to read: a file is hashed first, as its content may be known under another name."""
        under_way: set[str] = set()
        for path, size in sizes.items():
            try:
                stamp, content = hashed(path)
            except OSError as error:
                self._unread[path] = _why_unreadable(path, error)
                self._eta.advance(size)
                continue
            self._contents[path] = content
            self._hashed.append((path, stamp, content))
            if content in under_way or content in self._found or self._known(content):
                self._eta.advance(size)
                continue
            under_way.add(content)
            yield Task(path, content, stamp, size)

    def _known(self, content: str) -> bool:
        self._found |= self._index.find(self._spec_key, [content])
        return content in self._found

    def _take(self, outcomes: Iterator[Outcome | None]) -> None:
        for outcome in outcomes:
            match outcome:
                case Written(task, pack, start, frames, notes, gain_db):
                    unnamed = tuple(note.replace(shown(task.path), _NAME) for note in notes)
                    self._found[task.content] = Found(task.content, pack, start, frames, unnamed, gain_db)
                    self._written.append(outcome)
                case Unread(task, why):
                    self._unread[task.path] = why
            if outcome is not None:
                self._done += 1
                self._eta.advance(outcome.task.size)
            now = time.monotonic()
            if now - self._reported_at > _REPORT_S:
                self._reported_at = now
                self._report(Progress(self._eta.fraction, f"Reading recordings: {self._done}", self._eta.eta_s))
            if now - self._kept_at > _KEEP_S:
                self._keep()
            self._check()

    def _check(self) -> None:
        if check_control(self._control):
            raise Cancelled

    def _keep(self) -> None:
        """Write what was read into the index, its frames first; keep to the limit."""
        self._kept_at = time.monotonic()
        if not self._written and not self._hashed:
            return
        packs.sync(self._packs, {item.pack for item in self._written})
        with self._index.change():
            self._index.keep(self._spec_key, [self._found[item.task.content] for item in self._written])
            self._index.keep_contents(self._hashed)
        self._written, self._hashed = [], []
        if not eviction.make_room(self._index, {place.pack for place in self._found.values()}):
            raise CorpusError(
                f"The corpus needs more room than the cache may take ({self._index.limit_bytes / 1e9:.3g} GB).",
                "Raise the limit (Preferences > Storage, or triptych cache --limit GB) or take fewer recordings.",
            )

    def _place(self, utterance: Utterance) -> Found | None:
        return self._found.get(self._contents.get(utterance.path, ""))

    def _lengths(self) -> dict[str, int]:
        """Every pack that the corpus needs, and how many of its frames."""
        lengths: dict[str, int] = {}
        for utterance in self._manifest.utterances:
            if (place := self._place(utterance)) is not None:
                lengths[place.pack] = max(lengths.get(place.pack, 0), place.start + place.frames)
        return lengths

    def _lost(self) -> set[str]:
        """Contents whose pack is gone or too short."""
        gone = set()
        for pack, frames in self._lengths().items():
            try:
                packs.opened(self._packs, pack, frames, self._spec.bands)
            except (OSError, ValueError):
                gone.add(pack)
        return {content for content, place in self._found.items() if place.pack in gone}

    def _opened(self) -> MelCache:
        entries: list[Entry] = []
        places: list[Found] = []
        skipped, remarks, start = list(self._manifest.skipped), [], 0
        for utterance in self._manifest.utterances:
            if (place := self._place(utterance)) is None:
                skipped.append(Skipped(utterance.path, self._unread.get(utterance.path, "It cannot be read.")))
                continue
            entries.append(Entry(utterance, start, place.frames, place.gain_db))
            places.append(place)
            remarks += [note.replace(_NAME, shown(utterance.path)) for note in place.notes]
            start += place.frames
        if not entries:
            raise CorpusError(
                f"Not one of the {len(skipped)} files can be used; the first: {skipped[0].why}",
                "Choose other recordings.",
            )
        lengths = self._lengths()
        held = [packs.opened(self._packs, name, frames, self._spec.bands) for name, frames in lengths.items()]
        number = {name: i for i, name in enumerate(lengths)}
        stretches = [(number[place.pack], place.start, place.frames) for place in places]
        self._index.use(lengths)
        return MelCache(
            key=self._key(entries, places),
            mel=Frames([mel for mel, _ in held], stretches),
            f0=Frames([f0 for _, f0 in held], stretches),
            entries=tuple(entries),
            manifest=Manifest(
                tuple(entry.utterance for entry in entries),
                tuple(skipped),
                self._manifest.unmatched,
                self._manifest.troubles,
            ),
            remarks=tuple(remarks),
        )

    def _key(self, entries: list[Entry], places: list[Found]) -> str:
        named = [[e.utterance.name, p.content, p.frames] for e, p in zip(entries, places, strict=True)]
        front_end = _spec_key(_KEY_VERSION, self._spec)
        return hashlib.sha256(json.dumps([front_end, named]).encode()).hexdigest()[:32]


def _spec_key(version: int, spec: AudioSpec) -> str:
    return hashlib.sha256(json.dumps([version, spec.to_dict()], sort_keys=True).encode()).hexdigest()[:16]


def earlier_key(manifest: Manifest, spec: AudioSpec) -> str:
    """The key that runs begun before there was a common cache remember: of paths, sizes and times."""
    files = []
    for utterance in manifest.utterances:
        try:
            status = os.stat(utterance.path)
            files.append([utterance.path, status.st_size, status.st_mtime_ns])
        except OSError:  # vanished since the scan: reported when it is read
            files.append([utterance.path, 0, 0])
    text = json.dumps([1, spec.to_dict(), files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _why_unreadable(path: str, error: OSError) -> str:
    try:
        sound_files.probe(path)
    except AudioError as said:
        return said.what
    return f"It cannot be read: {error.strerror or error}."


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
