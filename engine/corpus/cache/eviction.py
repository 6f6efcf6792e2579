"""Eviction from the cache: its size, what goes when it is above its limit, and clearing it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from engine.corpus.cache import packs
from engine.corpus.cache.index import Index


def used_bytes(index: Index) -> int:
    """What the cache takes on the disk. Clips are counted by the index: a walk would take long."""
    held = [index.folder / "index.sqlite", *(index.folder / "packs").iterdir()]
    return sum(map(_size, held)) + sum(size for _, size in index.clips())


def make_room(index: Index, keep: Collection[str] = ()) -> bool:
    """Delete what was not used for longest until the cache is below its limit: whole analyses first, which are
    larger and sooner computed again, then packs.

    Args:
        keep: packs that are needed now.

    Returns:
        False if what is left is still above the limit.
    """
    over = used_bytes(index) - index.limit_bytes
    gone = []
    for key, size in index.clips() if over > 0 else ():
        if over <= 0:
            break
        shutil.rmtree(clip_folder(index.folder, key), ignore_errors=True)
        gone.append(key)
        over -= size
    if gone:
        index.forget_clips(gone)
    for name in index.packs() if over > 0 else ():
        if over <= 0:
            break
        if name not in keep:
            over -= _drop(index, name)
    return over <= 0


def clear(index: Index) -> None:
    """Delete everything that no process writes to just now."""
    keys = [key for key, _ in index.clips()]
    shutil.rmtree(index.folder / "clips", ignore_errors=True)
    index.forget_clips(keys)
    for name in index.packs():
        _drop(index, name)
    tidy(index)
    with index.change() as base:
        base.execute("DELETE FROM files")


def tidy(index: Index) -> None:
    """Delete packs that the index does not name: a killed process began them."""
    known = index.packs()
    for name in {file.stem for file in (index.folder / "packs").iterdir()} - known.keys():
        packs.remove(index.folder / "packs", name)


def clip_folder(folder: Path, key: str) -> Path:
    return folder / "clips" / key[:2] / key


def _drop(index: Index, name: str) -> int:
    """Delete a pack; the bytes that are free now."""
    folder = index.folder / "packs"
    size = sum(_size(folder / f"{name}{suffix}") for suffix in packs.SUFFIXES)
    if not packs.remove(folder, name):
        return 0
    index.forget_pack(name)
    return size


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
