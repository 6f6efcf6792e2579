"""Cached analyses by the content of their recording: a clip that was analysed once is linked, not computed again.

    clips/<first two digits>/<key>/   files of one analysis, as they lie in a clip's folder

On most systems a file that is kept here and in a project is one file with two names, and takes its room once.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.api.atomic_files import link_or_copy
from engine.api.errors import CorpusError
from engine.corpus.cache import eviction
from engine.corpus.cache.index import Index, hashed, stamp

_WRITE_S = 1.0  # so much may be lost by a kill
_ROOM_BYTES = 200_000_000  # kept between two checks of the limit
_LEAVE_FREE_BYTES = 2 * 10**9  # on the disk, where keeping means copying


class KnownClips:
    """The cache's analyses; may be asked by several threads. Without a usable cache nothing is known or kept.

    trouble: why there is none (what, hint), for the user.

    Args:
        folder: the cache; None: nothing is known or kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self.trouble: tuple[str, str] | None = None
        self._folder = folder or Path()
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._hashed: list[tuple[str, tuple[int, int], str]] = []
        self._kept: list[tuple[str, int]] = []
        self._used: list[str] = []
        self._since_room = 0
        self._written_at = time.monotonic()
        try:
            self._index = Index(folder, any_thread=True) if folder is not None else None
        except CorpusError as error:
            self.trouble = error.what, error.hint

    def __enter__(self) -> KnownClips:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._write()
            if self._index is not None:
                self._index.__exit__()
                self._index = None

    def key(self, path: str, *facts: Any) -> str:
        """The key of what these facts make of a recording: of its content, whatever its name and time.

        Raises:
            OSError: it cannot be read.
        """
        return key_of(self._content(path), *facts)

    def take(self, key: str, names: Sequence[str], to: Path) -> bool:
        """Link the files of a kept analysis into a folder; False, and nothing there, if it is not held."""
        held = eviction.clip_folder(self._folder, key)
        if self._index is None or not held.is_dir():
            return False
        try:
            for name in names:
                link_or_copy(held / name, to / name)
        except FileNotFoundError:  # cleared just now, or kept by a version that had less
            for name in names:
                (to / name).unlink(missing_ok=True)
            return False
        with self._lock:
            self._used.append(key)
            self._write_if_due()
        return True

    def keep(self, key: str, names: Sequence[str], source: Path) -> None:
        """Keep files of a clip's folder under a key. A cache that is full or unwritable sets `trouble` once."""
        target = eviction.clip_folder(self._folder, key)
        if self._index is None or self.trouble is not None or target.is_dir():
            return
        temporary = target.with_name(f".{uuid.uuid4().hex}")
        try:
            temporary.mkdir(parents=True)
            for name in names:
                link_or_copy(source / name, temporary / name, leave_free=_LEAVE_FREE_BYTES)
            size = sum((temporary / name).stat().st_size for name in names)
            os.rename(temporary, target)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if not target.is_dir():  # else another process was first
                self.trouble = (
                    f"What is analysed cannot be kept for the next time: {error.strerror or error}.",
                    "Free some space, or clear the cache.",
                )
            return
        with self._lock:
            self._kept.append((key, size))
            self._since_room += size
            self._write_if_due()

    def _content(self, path: str) -> str:
        with self._lock:
            for known_path, when, content in self._hashed:  # of the last second
                if known_path == path and when == stamp(path):
                    return content
            if self._index is not None and (known := self._index.contents([path]).get(path)) is not None:
                return known
        when, content = hashed(path)
        with self._lock:
            self._hashed.append((path, when, content))
            self._write_if_due()
        return content

    def _write_if_due(self) -> None:
        if time.monotonic() - self._written_at > _WRITE_S:
            self._write()

    def _write(self) -> None:
        if self._index is not None and (self._hashed or self._kept or self._used):
            with self._index.change():
                self._index.keep_contents(self._hashed)
                self._index.keep_clips(self._kept)
                self._index.use_clips(self._used)
            if self._since_room > _ROOM_BYTES:
                eviction.make_room(self._index)
                self._since_room = 0
        self._hashed, self._kept, self._used = [], [], []
        self._written_at = time.monotonic()


def key_of(content: str, *facts: Any) -> str:
    """The key of what these facts make of a content."""
    return hashlib.sha256(json.dumps([content, *facts], sort_keys=True).encode()).hexdigest()
