"""What a project's folder holds, moved and tidied. Plain functions for a thread; they know files, no session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from studio.services.background_threads import unhurried

MOVED = "moved"  # a file in a folder whose content lives in a saved project now
ALWAYS_COPIED = (".jsonl", ".json", ".wav")  # written on in place, or opened by other programs: never shared


def is_inside(path: str | Path, folder: Path) -> bool:
    return os.path.abspath(path).startswith(os.path.join(os.path.abspath(folder), ""))


def bring(folders: Mapping[str, str]) -> dict[str, str]:
    """Copy folders (old path -> new path). Returns those that arrived; what is there already stays as it is.

    Large files that nobody writes in place are shared with the old folder where the disk can do that.

    Raises:
        OSError: the disk refuses. What arrived so far is whole.
    """
    arrived = {}
    for old, new in folders.items():
        if not os.path.isdir(old):
            continue
        if not os.path.exists(new):
            temporary = f"{new}.part"
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.copytree(old, temporary, copy_function=_copy, ignore=shutil.ignore_patterns(MOVED))
            os.replace(temporary, new)
        arrived[old] = new
    return arrived


def bring_file(old: str, new: str) -> dict[str, str]:
    """Copy one file, as `bring` does."""
    if not os.path.isfile(old):
        return {}
    if not os.path.exists(new):
        os.makedirs(os.path.dirname(new), exist_ok=True)
        _copy(old, f"{new}.part")
        os.replace(f"{new}.part", new)
    return {old: new}


class Moved:
    """The new path of a file after `bring`; the old one where its folder was not brought."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders

    def __call__(self, path: str) -> str:
        for parent in (path, *map(str, Path(path).parents)):
            if (new := self._folders.get(parent)) is not None:
                return new + path[len(parent) :]
        return path

    def folder(self, old: str) -> str | None:
        """The new path of a folder that was brought itself; None if it was not."""
        return self._folders.get(old)


class Listing:
    """Whether files are there. A folder is looked at once, however many recordings it holds."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}

    def __contains__(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if folder not in self._known:
            try:
                self._known[folder] = set(os.listdir(folder))
            except OSError:
                self._known[folder] = set()
        return name in self._known[folder]


def sweep(root: Path, used: Iterable[str | Path]) -> None:
    """Delete the folders in root that nobody uses."""
    for folder in unused(root, used):
        shutil.rmtree(folder, ignore_errors=True)


def unused(root: Path, used: Iterable[str | Path]) -> list[Path]:
    kept = {os.path.abspath(path) for path in unhurried(used)}
    if not root.is_dir():
        return []
    return [one for one in unhurried(root.iterdir()) if one.is_dir() and os.path.abspath(one) not in kept]


def size_bytes(folder: Path) -> int:
    """Of all files below a folder."""
    total = 0
    for parent, _folders, files in unhurried(os.walk(folder)):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:  # gone meanwhile
                continue
    return total


def _copy(old: str, new: str) -> str:
    if not old.endswith(ALWAYS_COPIED):
        try:
            os.link(old, new)
            return new
        except OSError:  # another disk, or one that cannot share
            pass
    shutil.copy2(old, new)
    return new


def find_by_name(folder: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Where missing files are below a folder: old path -> new path.

    Files are known by name; of several alike, the one whose folders are named like the old one's. A name that is
    found several times without that is left alone.
    """
    names = {os.path.basename(path) for path in wanted.values()}
    found: dict[str, list[str]] = {}
    for parent, folders, files in unhurried(os.walk(folder)):
        folders.sort()
        for name in names.intersection(files):
            found.setdefault(name, []).append(os.path.join(parent, name))
    result = {}
    for key, old in unhurried(wanted.items()):
        paths = found.get(os.path.basename(old), [])
        scored = sorted(((_common_tail(path, old), path) for path in paths), reverse=True)
        if scored and (len(scored) == 1 or scored[0][0] > scored[1][0]):
            result[key] = scored[0][1]
    return result


def _common_tail(first: str, second: str) -> int:
    """How many parts two paths share at their ends."""
    parts = list(zip(reversed(Path(first).parts), reversed(Path(second).parts), strict=False))
    return next((i for i, (a, b) in enumerate(parts) if a != b), len(parts))
