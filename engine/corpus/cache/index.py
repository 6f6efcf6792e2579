"""Index of the cache, in one SQLite file: safe against a kill, and for several processes at a time.

files       path -> content, as long as size and time are the same: a file is hashed once
recordings  audio spec and content -> frames in a pack
packs       when each was last used
clips       whole analyses: size, and when each was last used
settings    the limit of size
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import CorpusError

VERSION = 2
DEFAULT_LIMIT_BYTES = 50 * 10**9
_WAIT_S = 60.0  # for another process that writes
_AT_ONCE = 500  # names in one question: SQLite takes a limited number
_TABLES = """
CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER, time_ns INTEGER, content TEXT) WITHOUT ROWID;
CREATE TABLE recordings (spec TEXT, content TEXT, pack TEXT, start INTEGER, frames INTEGER, notes TEXT,
                         gain_db REAL, PRIMARY KEY (spec, content)) WITHOUT ROWID;
CREATE INDEX recordings_of_pack ON recordings (pack);
CREATE TABLE packs (name TEXT PRIMARY KEY, spec TEXT, used REAL) WITHOUT ROWID;
CREATE TABLE clips (key TEXT PRIMARY KEY, bytes INTEGER, used REAL) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Found:
    """Frames of a recording in a pack: [start, start + frames).

    notes: what the user should know of reading it. gain_db: what level normalisation added to it.
    """

    content: str
    pack: str
    start: int
    frames: int
    notes: tuple[str, ...]
    gain_db: float


class Index:
    """The open index of the cache in a folder.

    Args:
        any_thread: it is used by several threads, which take turns.

    Raises:
        CorpusError: the folder cannot be used.
    """

    def __init__(self, folder: Path, *, any_thread: bool = False) -> None:
        self.folder = folder
        self._any_thread = any_thread
        try:
            (folder / "packs").mkdir(parents=True, exist_ok=True)
            self._base = self._opened()
        except (OSError, sqlite3.OperationalError) as error:
            raise CorpusError(
                f"The cache folder {folder} cannot be used: {getattr(error, 'strerror', None) or error}.",
                "Free some space or mend its permissions, or name another folder in TRIPTYCH_CACHE.",
            ) from error

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def _opened(self) -> sqlite3.Connection:
        file = self.folder / "index.sqlite"
        try:
            return self._connected(file)
        except sqlite3.OperationalError:
            raise  # busy, full, forbidden: no damage
        except sqlite3.DatabaseError:
            # Damaged, or of another version: what it knew is computed again. Its packs go with it.
            file.unlink()
            for pack in (self.folder / "packs").iterdir():
                pack.unlink(missing_ok=True)
        return self._connected(file)

    def _connected(self, file: Path) -> sqlite3.Connection:
        base = sqlite3.connect(file, timeout=_WAIT_S, isolation_level=None, check_same_thread=not self._any_thread)
        try:
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                base.execute("BEGIN IMMEDIATE")
                if base.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in _TABLES.split(";"):
                        base.execute(statement)
                    base.execute(f"PRAGMA user_version = {VERSION}")
                base.execute("COMMIT")
            elif version != VERSION:
                raise sqlite3.DatabaseError("of another version")
            base.execute("SELECT count(*) FROM settings").fetchone()
        except BaseException:
            base.close()
            raise
        return base

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Several changes that are seen all together or not at all; within another, part of that one."""
        if self._base.in_transaction:
            yield self._base
            return
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield self._base
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    def contents(self, paths: Sequence[str]) -> dict[str, str]:
        """The content hash of every path that is still the file it was when it was hashed."""
        known: dict[str, str] = {}
        for asked in _portions(paths):
            marks = ",".join("?" * len(asked))
            rows = self._base.execute(
                f"SELECT path, size, time_ns, content FROM files WHERE path IN ({marks})", asked
            )
            for path, size, time_ns, content in rows:
                if stamp(path) == (size, time_ns):
                    known[path] = content
        return known

    def keep_contents(self, hashed: Iterable[tuple[str, tuple[int, int], str]]) -> None:
        """Remember (path, stamp, content)."""
        with self.change() as base:
            base.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
                [(path, size, time_ns, content) for path, (size, time_ns), content in hashed],
            )

    def content(self, path: str) -> str:
        """The hash of a file's content; it is read only if it is new or was touched.

        Raises:
            OSError: it cannot be read.
        """
        if (known := self.contents([path]).get(path)) is not None:
            return known
        when, content = hashed(path)
        self.keep_contents([(path, when, content)])
        return content

    def find(self, spec: str, contents: Sequence[str]) -> dict[str, Found]:
        """The recordings of these contents that are held, by content."""
        found: dict[str, Found] = {}
        for asked in _portions(contents):
            marks = ",".join("?" * len(asked))
            question = (
                "SELECT content, pack, start, frames, notes, gain_db FROM recordings"
                f" WHERE spec = ? AND content IN ({marks})"
            )
            rows = self._base.execute(question, [spec, *asked])
            for content, pack, start, frames, notes, gain_db in rows:
                found[content] = Found(content, pack, start, frames, tuple(json.loads(notes)), gain_db)
        return found

    def keep(self, spec: str, recordings: Iterable[Found]) -> None:
        """Remember where recordings lie; their frames must be on the disk already."""
        with self.change() as base:
            for item in recordings:
                base.execute("INSERT OR IGNORE INTO packs VALUES (?, ?, ?)", (item.pack, spec, time.time()))
                base.execute(
                    "INSERT OR REPLACE INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (spec, item.content, item.pack, item.start, item.frames, json.dumps(item.notes), item.gain_db),
                )

    def forget(self, spec: str, contents: Iterable[str]) -> None:
        """Recordings whose frames are gone."""
        with self.change() as base:
            base.executemany("DELETE FROM recordings WHERE spec = ? AND content = ?", [(spec, c) for c in contents])

    def use(self, packs: Iterable[str]) -> None:
        """These packs were used just now."""
        with self.change() as base:
            base.executemany("UPDATE packs SET used = ? WHERE name = ?", [(time.time(), name) for name in packs])

    def packs(self, spec: str | None = None) -> dict[str, int]:
        """Every pack (of a spec), the one not used for longest first, and its frames that count."""
        rows = self._base.execute(
            "SELECT name, coalesce(max(start + frames), 0) FROM packs LEFT JOIN recordings ON pack = name"
            " WHERE ?1 IS NULL OR packs.spec = ?1 GROUP BY name ORDER BY used",
            (spec,),
        )
        return dict(rows.fetchall())

    def forget_pack(self, name: str) -> None:
        with self.change() as base:
            base.execute("DELETE FROM recordings WHERE pack = ?", (name,))
            base.execute("DELETE FROM packs WHERE name = ?", (name,))

    def keep_clips(self, clips: Iterable[tuple[str, int]]) -> None:
        """Remember (key, bytes)."""
        now = time.time()
        with self.change() as base:
            base.executemany("INSERT OR REPLACE INTO clips VALUES (?, ?, ?)", [(k, size, now) for k, size in clips])

    def use_clips(self, keys: Iterable[str]) -> None:
        """These clips were used just now."""
        with self.change() as base:
            base.executemany("UPDATE clips SET used = ? WHERE key = ?", [(time.time(), key) for key in keys])

    def clips(self) -> list[tuple[str, int]]:
        """Every kept clip and its bytes, the one not used for longest first."""
        return self._base.execute("SELECT key, bytes FROM clips ORDER BY used").fetchall()

    def forget_clips(self, keys: Iterable[str]) -> None:
        with self.change() as base:
            base.executemany("DELETE FROM clips WHERE key = ?", [(key,) for key in keys])

    @property
    def limit_bytes(self) -> int:
        row = self._base.execute("SELECT value FROM settings WHERE name = 'limit_bytes'").fetchone()
        return int(row[0]) if row else DEFAULT_LIMIT_BYTES

    def set_limit(self, limit_bytes: int) -> None:
        with self.change() as base:
            base.execute("INSERT OR REPLACE INTO settings VALUES ('limit_bytes', ?)", (limit_bytes,))

    def count(self) -> tuple[int, int]:
        """Recordings held as frames, and clips held as whole analyses."""
        row = self._base.execute(
            "SELECT (SELECT count(*) FROM recordings), (SELECT count(*) FROM clips)"
        ).fetchone()
        return int(row[0]), int(row[1])


def stamp(path: str) -> tuple[int, int] | None:
    """Size and time of a file, which change when it does; None if it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def hashed(path: str) -> tuple[tuple[int, int], str]:
    """A file's stamp and the SHA-256 of its content.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        return (status.st_size, status.st_mtime_ns), hashlib.file_digest(file, "sha256").hexdigest()


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[i : i + _AT_ONCE] for i in range(0, len(names), _AT_ONCE))
