"""A project's file: what is in the project survives the program, and a damaged file harms nobody.

A project is a folder (NAME.triptych) with project.json and, below it, takes/, analysis/, maps/ and runs/. Places
are written relative to that folder, so that it can be moved whole; what lies outside (recordings, models) is
written with its absolute place too, which is tried where the relative one leads nowhere.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api import RENDERINGS, RULES, VOCODERS, EditedEvidence, Evidence, LatentRef, SecondEdit, Take
from studio.domain import audition_set
from studio.domain import recipe as recipes
from studio.domain.audition_set import AuditionEntry
from studio.domain.clip import ANALYSING, STATES, WAITING, Clip
from studio.domain.payload import Payload
from studio.domain.recipe import Named, Recipe
from studio.domain.transfer_setup import EmotionChip, LaneEdit, TransferSetup, VoiceChip
from studio.project.folder import Listing
from studio.services.background_threads import unhurried

FILE, AUTOSAVE, SUFFIX = "project.json", "project.autosave.json", ".triptych"
UNTITLED_FILE = "library.json"  # of work that was never saved
FORMAT, VERSION = "triptych-project", 2
OLD_FORMAT = "triptych-library"  # version 1: absolute places, neither maps nor runs nor the desk

Link = str | dict[str, str]


@dataclass
class Project:
    """What outlives the program. Places are absolute here.

    model: path of the model in use; starred: transformed sounds of good takes; runs: run folders outside the
    project; maps: file of each latent's map; made_by: recipes of recordings that are takes saved earlier, by id;
    gone: names of recordings that left the library while a take needs them, by id; audition: what is heard at
    every checkpoint of a run.
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


class DamagedError(Exception):
    """The file cannot be understood; the text says why."""


class NewerError(DamagedError):
    """A newer Triptych wrote the file."""


def moved_project(project: Project, place: Callable[[str], str]) -> Project:
    """The same project, its things in their new places."""
    return dataclasses.replace(
        project,
        clips=[moved_clip(clip, place) for clip in unhurried(project.clips)],
        takes=[moved_take(take, place) for take in unhurried(project.takes)],
        model=None if project.model is None else place(project.model),
        starred=[place(sound) for sound in project.starred],
        runs=[place(run) for run in project.runs],
    )


def moved_clip(clip: Clip, place: Callable[[str], str]) -> Clip:
    """The same recording, its analysis in its new place."""
    twin = clip.copied()
    twin.folder = None if clip.folder is None else place(clip.folder)
    return twin


def moved_take(take: Take, place: Callable[[str], str]) -> Take:
    """The same take, its files and those of what it was made of in their new places."""

    def refs(given: tuple[LatentRef, ...]) -> tuple[LatentRef, ...]:
        return tuple(dataclasses.replace(ref, folder=place(ref.folder)) for ref in given)

    places: dict[str, Any] = {name: place(getattr(take, name)) for name in _TAKE_PLACES}
    return dataclasses.replace(
        take,
        voice=refs(take.voice),
        emotion=refs(take.emotion),
        edits=tuple(dataclasses.replace(edit, givers=refs(edit.givers)) for edit in take.edits),
        **places,
    )


# ---------------------------------------------------------------------------------------------- writing
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
    links = _Links(base)
    values = {
        "format": FORMAT,
        "version": VERSION,
        "uuid": project.uuid,
        "model": None if project.model is None else _link(project.model, base),
        "starred": [_link(sound, base) for sound in project.starred],
        "runs": [_link(run, base) for run in project.runs],
        "maps": {latent: _link(file, base) for latent, file in project.maps.items()},
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


_TAKE_PLACES = ("source", "original", "control", "transformed", "transformed_folder", "control_folder")


def _needed(project: Project) -> dict[str, tuple[str, str, str]]:
    """Of the recordings that left, those that a take was made of."""
    if not project.gone:
        return {}
    used: set[str] = set()
    for take in project.takes:
        refs = (*take.voice, *take.emotion, *(ref for edit in take.edits for ref in edit.givers))
        used |= {os.path.basename(folder) for folder in (take.source, *(ref.folder for ref in refs))}
    return {i: (one.id, one.name, one.folder) for i, one in project.gone.items() if i in used}


def _clip_values(clip: Clip, links: _Links) -> dict[str, Any]:
    folder = None if clip.folder is None else links(clip.folder)
    return vars(clip) | {"path": links(clip.path), "folder": folder}


def _with_links(take: dict[str, Any], base: Path) -> dict[str, Any]:
    refs = [*take["voice"], *take["emotion"], *(ref for edit in take["edits"] for ref in edit["givers"])]
    for ref in refs:
        ref["folder"] = _link(ref["folder"], base)
    return take | {name: _link(take[name], base) for name in _TAKE_PLACES}


def _link(place: str, base: Path) -> Link:
    """Inside the project: the relative place alone. Outside: both."""
    return _told(place, _relative(place, base))


def _told(place: str, relative: str | None) -> Link:
    if relative is None:
        return {"absolute": place}
    return {"relative": relative, "absolute": place} if relative.startswith("../") else relative


def _relative(place: str, base: Path) -> str | None:
    """None for a place on another drive, and for one that is not absolute."""
    if not os.path.isabs(place):
        return None
    try:
        return os.path.relpath(place, base).replace(os.sep, "/")
    except ValueError:
        return None


class _Links:
    """`_link` for many places, of which none is above the project: what they lie in is worked out once."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._folders: dict[str, str | None] = {}

    def __call__(self, place: str) -> Link:
        folder, name = os.path.split(place)
        if name in ("", ".", ".."):
            return _link(place, self._base)
        if folder not in self._folders:
            self._folders[folder] = _relative(folder, self._base)
        beside = self._folders[folder]
        return _told(place, name if beside == "." else None if beside is None else f"{beside}/{name}")


# ---------------------------------------------------------------------------------------------- reading
def read(path: Path) -> Project | None:
    """The project written before; None if there is none yet.

    Raises:
        NewerError: from a newer version. DamagedError: damaged, foreign or unreadable.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(str(error)) from error
    try:
        if values["format"] not in (FORMAT, OLD_FORMAT):
            raise DamagedError("it is not a project of Triptych")
        if values["version"] > VERSION:
            raise NewerError("a newer Triptych wrote it")
        place = _Places(path.parent)
        model = values["model"]
        return Project(
            str(values["uuid"]),
            [_clip(clip, place) for clip in values["clips"]],
            [_take(take, place) for take in values["takes"]],
            None if model is None else place(model),
            [place(sound) for sound in values.get("starred", [])],
            [place(run) for run in values.get("runs", [])],
            {str(latent): place(file) for latent, file in values.get("maps", {}).items()},
            _desk(values.get("desk", {})),
            _recipes(values.get("made_by", {})),
            {str(i): Named(*map(str, named)) for i, named in values.get("gone", {}).items()},
            audition_set.from_values(values.get("audition", ())),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}") from error


def set_aside(path: Path) -> Path:
    """Move a file that cannot be used out of the way, never over another one."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    os.replace(path, aside)
    return aside


class _Places:
    """Absolute places from links. A folder is worked out and looked at once, however many recordings it holds."""

    def __init__(self, base: Path) -> None:
        self._base = os.path.abspath(base)
        self._folders: dict[str, str] = {}
        self._there = Listing()

    def __call__(self, link: Any) -> str:
        if isinstance(link, str):  # inside the project, or absolute as version 1 wrote it
            return self._beside(link)
        absolute = str(link["absolute"])
        if (relative := link.get("relative")) is None:
            return absolute
        beside = self._beside(str(relative))
        return beside if beside == absolute or beside in self._there or absolute not in self._there else absolute

    def _beside(self, relative: str) -> str:
        folder, name = os.path.split(relative)
        if name in ("", ".", ".."):
            return os.path.normpath(os.path.join(self._base, relative))
        if folder not in self._folders:
            self._folders[folder] = os.path.normpath(os.path.join(self._base, folder))
        return os.path.join(self._folders[folder], name)


def _clip(values: Mapping[str, Any], place: _Places) -> Clip:
    clip_id, state = str(values["id"]), str(values["state"])
    if os.path.basename(clip_id) != clip_id or "\\" in clip_id or clip_id in ("", ".", ".."):
        raise ValueError("a clip's id names a folder elsewhere")
    if state not in STATES:
        raise ValueError(f"a clip is {state}")
    error = values["error"]
    return Clip(
        id=clip_id,
        path=place(values["path"]),
        name=str(values["name"]),
        labels={str(name): str(text) for name, text in values["labels"].items()},
        state=WAITING if state == ANALYSING else state,
        duration_s=_number_or_none(values["duration_s"]),
        f0_median_hz=_number_or_none(values["f0_median_hz"]),
        error=None if error is None else (str(error[0]), str(error[1])),
        folder=None if values["folder"] is None else place(values["folder"]),
        model_hash=_text_or_none(values["model_hash"]),
    )


def _take(values: Mapping[str, Any], place: _Places) -> Take:
    known = {one.name for one in dataclasses.fields(Take)}
    read: dict[str, Any] = {name: value for name, value in values.items() if name in known}
    for name in _TAKE_PLACES:
        read[name] = place(values[name])
    for name in ("voice", "emotion"):
        read[name] = _refs(values[name], place)
    for name in ("evidence", "control_evidence"):
        read[name] = Evidence(**values[name])
    read["name"], read["rule"], read["model_hash"] = (str(values[n]) for n in ("name", "rule", "model_hash"))
    read["strength"] = float(values["strength"])
    loudness = values.get("loudness_lufs", {})  # takes of earlier versions have none
    read["loudness_lufs"] = {str(name): float(lufs) for name, lufs in loudness.items()}
    read["edits"] = tuple(
        SecondEdit(**edit | {"target": tuple(map(int, edit["target"])), "givers": _refs(edit["givers"], place)})
        for edit in values.get("edits", ())
    )
    if (edited := values.get("edited")) is not None:
        read["edited"] = EditedEvidence(**edited | {"seconds": tuple(map(int, edited["seconds"]))})
    return Take(**read)


def _refs(values: Iterable[Mapping[str, Any]], place: _Places) -> tuple[LatentRef, ...]:
    return tuple(
        LatentRef(place(ref["folder"]), None if ref["second"] is None else int(ref["second"]), float(ref["weight"]))
        for ref in values
    )


def _desk(values: Mapping[str, Any]) -> TransferSetup:
    """What is known of the desk; what another version added to it is left out."""
    strength = float(values.get("strength", 1.0))
    setup = TransferSetup(
        source=_text_or_none(values.get("source")),
        strength=strength,
        strength_m=float(values.get("strength_m", strength)),  # one strength counted for both at first
        rule=str(values.get("rule", "auto")),
    )
    if setup.rule not in RULES:
        setup.rule = "auto"
    rendering = str(values.get("rendering", setup.rendering))
    setup.rendering = rendering if rendering in RENDERINGS else setup.rendering
    vocoder = str(values.get("vocoder", setup.vocoder))
    setup.vocoder = vocoder if vocoder in VOCODERS else setup.vocoder
    setup.voices = [
        VoiceChip(_payload(chip["payload"]), str(chip["title"]), float(chip["weight"]))
        for chip in values.get("voices", ())
    ]
    setup.emotions = [
        EmotionChip(_payload(chip["payload"]), str(chip["title"]), float(chip["weight"]))
        for chip in values.get("emotions", ())
    ]
    setup.edits = {
        str(clip): tuple(_lane_edit(edit) for edit in edits) for clip, edits in values.get("edits", {}).items()
    }
    return setup


def _lane_edit(values: Mapping[str, Any]) -> LaneEdit:
    target = tuple(sorted({int(second) for second in values["target"]}))
    if not target or target[0] < 0 or values["rule"] not in RULES:
        raise ValueError("an edit of seconds names none")
    return LaneEdit(
        target,
        _payload(values["payload"]),
        str(values["title"]),
        float(values["weight"]),
        float(values["fade_in_s"]),
        float(values["fade_out_s"]),
        str(values["rule"]),
    )


def _recipes(values: Mapping[str, Any]) -> dict[str, Recipe]:
    read = {str(clip_id): recipes.from_text(text) for clip_id, text in values.items()}
    return {clip_id: recipe for clip_id, recipe in read.items() if recipe is not None}


def _payload(values: Mapping[str, Any]) -> Payload:
    return Payload(
        str(values["kind"]),
        tuple(map(str, values["clips"])),
        str(values["speaker"]),
        tuple((str(clip), int(second)) for clip, second in values["seconds"]),
        tuple(map(float, values.get("weights", ()))),
        str(values.get("name", "")),
        _label(values.get("label", ("", ""))),
    )


def _label(values: Any) -> tuple[str, str]:
    name, value = values
    return str(name), str(value)


def _number_or_none(value: Any) -> float | None:
    return None if value is None else float(value)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
