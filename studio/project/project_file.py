"""The file of a project, project.json: written, read, and set aside where it is damaged.

A project is a folder (NAME.triptych) with project.json and, below it, takes/, analysis/, maps/ and runs/. Paths
are written relative to that folder, so that it can be moved whole; what lies outside (recordings, models) is
written with its absolute path too, which is tried where the relative one leads nowhere.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.api import RENDERINGS, RULES, VOCODERS, LatentRef, Take
from engine.api.stored_values import DamagedError, NewerError, converted, values_of
from studio.domain import audition_set, recipes
from studio.domain.audition_set import AuditionEntry
from studio.domain.clip import ANALYSING, STATES, WAITING, Clip
from studio.domain.recipes import Named, Recipe
from studio.domain.transfer_setup import TransferSetup
from studio.project.project_folder import Listing
from studio.services.background_threads import unhurried

FILE, AUTOSAVE, SUFFIX = "project.json", "project.autosave.json", ".triptych"
UNTITLED_FILE = "library.json"  # of work that was never saved
FORMAT, VERSION = "triptych-project", 2
OLD_FORMAT = "triptych-library"  # version 1: absolute paths, neither maps nor runs nor the desk

Link = str | dict[str, str]

__all__ = ["AUTOSAVE", "FILE", "SUFFIX", "UNTITLED_FILE", "DamagedError", "NewerError", "Project"]
__all__ += ["moved_clip", "moved_project", "moved_take", "read", "set_aside", "write"]


@dataclass
class Project:
    """What outlives the program. Paths are absolute here.

    model: path of the model in use; starred: transformed sounds of good takes; runs: run folders outside the
    project; maps: file of each latent's map; made_by: recipes of recordings that are takes saved earlier, by id;
    gone: names of recordings that left the library while a take needs them, by id; audition: what is
    rendered at every checkpoint of a run.
    """

    uuid: str
    clips: list[Clip] = field(default_factory=list)
    takes: list[Take] = field(default_factory=list)
    model: str | None = None
    starred: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    maps: dict[str, str] = field(default_factory=dict)
    desk: TransferSetup = field(default_factory=TransferSetup)
    made_by: dict[str, Recipe] = field(default_factory=dict)
    gone: dict[str, Named] = field(default_factory=dict)
    audition: list[AuditionEntry] = field(default_factory=list)


def moved_project(project: Project, moved: Callable[[str], str]) -> Project:
    """The same project with the new paths of what was moved."""
    return dataclasses.replace(
        project,
        clips=[moved_clip(clip, moved) for clip in unhurried(project.clips)],
        takes=[moved_take(take, moved) for take in unhurried(project.takes)],
        model=None if project.model is None else moved(project.model),
        starred=[moved(sound) for sound in project.starred],
        runs=[moved(run) for run in project.runs],
    )


def moved_clip(clip: Clip, moved: Callable[[str], str]) -> Clip:
    """The same recording with the new path of its analysis."""
    twin = clip.copied()
    twin.folder = None if clip.folder is None else moved(clip.folder)
    return twin


def moved_take(take: Take, moved: Callable[[str], str]) -> Take:
    """The same take with the new paths of its files and of its references."""

    def refs(references: tuple[LatentRef, ...]) -> tuple[LatentRef, ...]:
        return tuple(dataclasses.replace(ref, folder=moved(ref.folder)) for ref in references)

    paths: dict[str, Any] = {name: moved(getattr(take, name)) for name in _TAKE_PATHS}
    return dataclasses.replace(
        take,
        voice=refs(take.voice),
        emotion=refs(take.emotion),
        edits=tuple(dataclasses.replace(edit, givers=refs(edit.givers)) for edit in take.edits),
        **paths,
    )


def write(path: Path, project: Project) -> None:
    """Write under a temporary name, then replace the old file.

    Raises:
        OSError: the disk refuses; the old file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        for text in _texts(project, path.parent):
            file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _texts(project: Project, base: Path) -> Iterator[str]:
    """The file's text, piece by piece: a library is long, and written while the window is used."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    links = Links(base)
    values = {
        "format": FORMAT,
        "version": VERSION,
        "uuid": project.uuid,
        "model": None if project.model is None else link_to(project.model, base),
        "starred": [link_to(sound, base) for sound in project.starred],
        "runs": [link_to(run, base) for run in project.runs],
        "maps": {latent: link_to(file, base) for latent, file in project.maps.items()},
        "desk": dataclasses.asdict(project.desk),
        "gone": _needed(project),
        "made_by": {clip_id: recipes.to_text(recipe) for clip_id, recipe in project.made_by.items()},
        "audition": audition_set.to_values(project.audition),
    }
    lists = {
        "clips": (_clip_values(clip, links) for clip in project.clips),
        "takes": (_with_links(dataclasses.asdict(take), base) for take in project.takes),
    }
    yield encode(values).removesuffix("}")
    for name, items in lists.items():
        yield f', "{name}": ['
        for number, item in enumerate(unhurried(items)):
            yield f"{', ' if number else ''}{encode(item)}"
        yield "]"
    yield "}"


_TAKE_PATHS = ("source", "original", "control", "transformed", "transformed_folder", "control_folder")


def _needed(project: Project) -> dict[str, tuple[str, str, str]]:
    """Of the recordings that left, those that a take was made of."""
    if not project.gone:
        return {}
    used: set[str] = set()
    for take in project.takes:
        refs = (*take.voice, *take.emotion, *(ref for edit in take.edits for ref in edit.givers))
        used |= {os.path.basename(folder) for folder in (take.source, *(ref.folder for ref in refs))}
    return {i: (one.id, one.name, one.folder) for i, one in project.gone.items() if i in used}


def _clip_values(clip: Clip, links: Links) -> dict[str, Any]:
    folder = None if clip.folder is None else links(clip.folder)
    return vars(clip) | {"path": links(clip.path), "folder": folder}


def _with_links(take: dict[str, Any], base: Path) -> dict[str, Any]:
    refs = [*take["voice"], *take["emotion"], *(ref for edit in take["edits"] for ref in edit["givers"])]
    for ref in refs:
        ref["folder"] = link_to(ref["folder"], base)
    return take | {name: link_to(take[name], base) for name in _TAKE_PATHS}


def link_to(path: str, base: Path) -> Link:
    """Inside the project: the relative path alone. Outside: both."""
    return _as_link(path, _relative(path, base))


def _as_link(path: str, relative: str | None) -> Link:
    if relative is None:
        return {"absolute": path}
    return {"relative": relative, "absolute": path} if relative.startswith("../") else relative


def _relative(path: str, base: Path) -> str | None:
    """None for a path on another drive, and for one that is not absolute."""
    if not os.path.isabs(path):
        return None
    try:
        return os.path.relpath(path, base).replace(os.sep, "/")
    except ValueError:
        return None


class Links:
    """`link_to` for many paths, none of them above the project: each folder is worked out once."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._folders: dict[str, str | None] = {}

    def __call__(self, path: str) -> Link:
        folder, name = os.path.split(path)
        if name in ("", ".", ".."):
            return link_to(path, self._base)
        if folder not in self._folders:
            self._folders[folder] = _relative(folder, self._base)
        beside = self._folders[folder]
        return _as_link(path, name if beside == "." else None if beside is None else f"{beside}/{name}")


class _Outside(msgspec.Struct):
    """Where something lies that is not inside the project: tried there if the relative path leads nowhere."""

    absolute: str
    relative: str | None = None


class _Stored(msgspec.Struct):
    """What project.json holds; recordings and takes still name files by links."""

    uuid: str
    clips: list[dict[str, Any]]
    takes: list[dict[str, Any]]
    model: str | _Outside | None
    starred: list[str | _Outside] = []
    runs: list[str | _Outside] = []
    maps: dict[str, str | _Outside] = {}
    desk: dict[str, Any] = {}
    made_by: dict[str, str] = {}
    gone: dict[str, tuple[str, str, str]] = {}
    audition: list[Any] = []


def read(path: Path) -> Project | None:
    """The project written before; None if there is none yet.

    Raises:
        NewerError: from a newer version. DamagedError: damaged, foreign or unreadable.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DamagedError(str(error)) from error
    stored = converted(values_of(text, (FORMAT, OLD_FORMAT), VERSION), _Stored)
    resolve = _Paths(path.parent)
    made_by = {clip_id: recipes.from_text(text) for clip_id, text in stored.made_by.items()}
    return Project(
        stored.uuid,
        [_clip(clip, resolve) for clip in stored.clips],
        [_take(take, resolve) for take in stored.takes],
        None if stored.model is None else resolve(stored.model),
        [resolve(sound) for sound in stored.starred],
        [resolve(run) for run in stored.runs],
        {latent: resolve(file) for latent, file in stored.maps.items()},
        _desk(stored.desk),
        {clip_id: recipe for clip_id, recipe in made_by.items() if recipe is not None},
        {clip_id: Named(*named) for clip_id, named in stored.gone.items()},
        audition_set.from_values(stored.audition),
    )


def set_aside(path: Path) -> Path:
    """Move a file that cannot be used out of the way, never over another one."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    os.replace(path, aside)
    return aside


class _Paths:
    """Absolute paths from links. A folder is worked out and looked at once, however many recordings it holds."""

    def __init__(self, base: Path) -> None:
        self._base = os.path.abspath(base)
        self._folders: dict[str, str] = {}
        self._there = Listing()

    def __call__(self, link: object) -> str:
        if isinstance(link, str):  # inside the project, or absolute as version 1 wrote it
            return self._beside(link)
        outside = converted(link, _Outside)
        if outside.relative is None:
            return outside.absolute
        beside = self._beside(outside.relative)
        moved = beside != outside.absolute and beside not in self._there and outside.absolute in self._there
        return outside.absolute if moved else beside

    def _beside(self, relative: str) -> str:
        folder, name = os.path.split(relative)
        if name in ("", ".", ".."):
            return os.path.normpath(os.path.join(self._base, relative))
        if folder not in self._folders:
            self._folders[folder] = os.path.normpath(os.path.join(self._base, folder))
        return os.path.join(self._folders[folder], name)


def _clip(values: dict[str, Any], resolve: _Paths) -> Clip:
    folder = values.get("folder")
    paths = {"path": resolve(values.get("path")), "folder": None if folder is None else resolve(folder)}
    clip = converted(values | paths, Clip)
    if os.path.basename(clip.id) != clip.id or "\\" in clip.id or clip.id in ("", ".", ".."):
        raise DamagedError("a clip's id names a folder elsewhere")
    if clip.state not in STATES:
        raise DamagedError(f"a clip is {clip.state}")
    if clip.state == ANALYSING:
        clip.state = WAITING
    return clip


class _StoredRef(msgspec.Struct):
    """A LatentRef whose folder is a link."""

    folder: str | _Outside
    second: int | None
    weight: float


def _take(values: dict[str, Any], resolve: _Paths) -> Take:
    def refs(stored: object) -> list[dict[str, Any]]:
        read = converted(stored, tuple[_StoredRef, ...])
        return [{"folder": resolve(ref.folder), "second": ref.second, "weight": ref.weight} for ref in read]

    edits = converted(values.get("edits", ()), tuple[dict[str, Any], ...])
    changes: dict[str, Any] = {name: resolve(values.get(name)) for name in _TAKE_PATHS}
    changes |= {name: refs(values.get(name)) for name in ("voice", "emotion")}
    changes |= {"edits": [edit | {"givers": refs(edit.get("givers"))} for edit in edits]}
    return converted(values | changes, Take)


def _desk(values: dict[str, Any]) -> TransferSetup:
    """What is known of the desk; what another version added to it is left out."""
    chosen = {"rule": RULES, "rendering": tuple(RENDERINGS), "vocoder": tuple(VOCODERS)}
    known = {name: value for name, value in values.items() if name not in chosen or value in chosen[name]}
    known.setdefault("strength_m", known.get("strength", 1.0))  # one strength counted for both at first
    return converted(known, TransferSetup)
