"""What a take was made of, in names that outlive folders: for the tags of sound files, for words, for a terminal.

A recipe names recordings by the start of their id, their file's name and their folder's name: enough to find them
in this library or in another, and nothing about where they lie on anybody's disk.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from PySide6.QtCore import QCoreApplication

from engine.api import (
    FIRST_VOCODER,
    OWN_VOCODER,
    RENDERINGS,
    RULES,
    VOCODERS,
    LatentRef,
    ModelInfo,
    SecondEdit,
    Take,
    Transfer,
    edit_syntax,
)
from engine.api.stored_values import DamagedError, converted, one_of, values_of
from studio.domain.clip import Clip

FORMAT, VERSION = "triptych-recipe", 1
ID_LETTERS = 8  # of 32: enough to tell a library's recordings apart
MOST_REFERENCES = 20_000

Second = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0.0)]
Strength = Annotated[float, Meta(ge=0.0, le=1.5)]
Rule = Annotated[str, one_of(RULES)]


@dataclass(frozen=True)
class Named:
    """A recording by name."""

    id: str
    name: str
    folder: str = ""


@dataclass(frozen=True)
class Reference:
    """A recording, or (second) one second of it, whose voice or emotion is taken, with a weight."""

    clip: Named
    second: Second | None = None
    weight: Amount = 1.0


@dataclass(frozen=True)
class Edit:
    """Seconds of the source that take the m of others; see engine.api.SecondEdit."""

    target: Annotated[tuple[Second, ...], Meta(min_length=1)]
    givers: Annotated[tuple[Reference, ...], Meta(min_length=1)]
    weight: Strength = 1.0
    fade_in_s: Amount = 0.0
    fade_out_s: Amount = 0.0
    rule: Rule = "stretch"

    def __post_init__(self) -> None:
        if any(b <= a for a, b in pairwise(self.target)):
            raise ValueError("the seconds of an edit do not rise")


@dataclass(frozen=True)
class Recipe:
    """take: what the result was called; model: name of the model's file and its hash."""

    take: str
    source: Named
    model: str
    model_hash: str
    voice: tuple[Reference, ...] = ()
    emotion: tuple[Reference, ...] = ()
    strength: Strength = 1.0
    strength_m: Strength | None = None
    rule: Rule = "auto"
    edits: tuple[Edit, ...] = ()
    rendering: Annotated[str, one_of(tuple(RENDERINGS))] = "model"  # there was no other, at first
    vocoder: Annotated[str, one_of((OWN_VOCODER, *VOCODERS))] = FIRST_VOCODER


# What a recipe says in the very words of the engine's request. All else in it is recordings, by name.
_AS_ASKED = ("strength", "strength_m", "rule", "rendering", "vocoder")
_AS_EDITED = ("target", "weight", "fade_in_s", "fade_out_s", "rule")


def of_take(take: Take, clips: Iterable[Clip], model: str = "", gone: Mapping[str, Named] | None = None) -> Recipe:
    """model: path of the model, if it is known; gone: recordings that left the library, by their id."""
    return _of(take.request(model, "", take.name), take.model_hash, _namer(clips, gone or {}))


def of_request(request: Transfer, clips: Iterable[Clip], model: ModelInfo) -> Recipe:
    vocoder = model.vocoder if request.vocoder == OWN_VOCODER else request.vocoder
    return _of(replace(request, model=model.path, vocoder=vocoder), model.hash, _namer(clips, {}))


def request_of(recipe: Recipe, folder_of: Callable[[Named], str]) -> Transfer:
    """What the engine is to render; with which model, and where to, is left open.

    Args:
        folder_of: the analysis folder of a recording that the recipe names.
    """

    def refs(references: Iterable[Reference]) -> tuple[LatentRef, ...]:
        return tuple(LatentRef(folder_of(each.clip), each.second, each.weight) for each in references)

    return Transfer(
        source=folder_of(recipe.source),
        model="",
        out_dir="",
        name=recipe.take,
        voice=refs(recipe.voice),
        emotion=refs(recipe.emotion),
        edits=tuple(SecondEdit(givers=refs(edit.givers), **_some_of(edit, _AS_EDITED)) for edit in recipe.edits),
        recipe=to_text(recipe),
        **_some_of(recipe, _AS_ASKED),
    )


def _of(request: Transfer, model_hash: str, name: Callable[[str], Named]) -> Recipe:
    def references(refs: Iterable[LatentRef]) -> tuple[Reference, ...]:
        return tuple(Reference(name(ref.folder), ref.second, ref.weight) for ref in refs)

    return Recipe(
        take=request.name,
        source=name(request.source),
        model=Path(request.model).name,
        model_hash=model_hash,
        voice=references(request.voice),
        emotion=references(request.emotion),
        edits=tuple(Edit(givers=references(edit.givers), **_some_of(edit, _AS_EDITED)) for edit in request.edits),
        **_some_of(request, _AS_ASKED),
    )


def _some_of(values: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(values, name) for name in names}


def named(clip: Clip) -> Named:
    path = Path(clip.path)
    return Named(clip.id[:ID_LETTERS], path.name, path.parent.name)


def _namer(clips: Iterable[Clip], gone: Mapping[str, Named]) -> Callable[[str], Named]:
    known = {clip.folder: clip for clip in clips if clip.folder}

    def name(folder: str) -> Named:
        clip = known.get(folder)
        if clip is not None:
            return named(clip)
        clip_id = Path(folder).name  # an analysis is called like its recording
        return gone.get(clip_id, Named(clip_id[:ID_LETTERS], "?"))

    return name


def to_text(recipe: Recipe) -> str:
    """JSON; from_text reads it back."""
    return json.dumps({"format": FORMAT, "version": VERSION, **asdict(recipe)}, separators=(",", ":"))


def from_text(text: str) -> Recipe | None:
    """The recipe in a text that anybody may have written; None if it is none, or of a newer version."""
    try:
        recipe = converted(values_of(text, (FORMAT,), VERSION, msgspec.json.decode), Recipe)
    except DamagedError:
        return None
    return recipe if len(recipe.voice) + len(recipe.emotion) <= MOST_REFERENCES else None


@dataclass(frozen=True)
class Found:
    """A recipe in terms of a library: ids for its recordings, and the names of those that are not there."""

    source: str | None
    ids: dict[Named, str]
    missing: tuple[str, ...]


def find(recipe: Recipe, clips: Mapping[str, Clip]) -> Found:
    """Look a recipe's recordings up: by id, else by the names of file and folder, else by the file's if unique."""
    by_id = {clip_id[:ID_LETTERS]: clip for clip_id, clip in clips.items()}
    by_name: dict[str, list[Clip]] = {}
    for clip in clips.values():
        by_name.setdefault(Path(clip.path).name, []).append(clip)
    ids: dict[Named, str] = {}
    missing: dict[str, None] = {}
    for named in all_named(recipe):
        if named in ids:
            continue
        if (there := _look_up(named, by_id, by_name)) is None:
            missing[named.name] = None
        else:
            ids[named] = there.id
    return Found(ids.get(recipe.source), ids, tuple(missing))


def all_named(recipe: Recipe) -> list[Named]:
    """Every recording of a recipe, the source first; some several times."""
    references = [*recipe.voice, *recipe.emotion, *(each for edit in recipe.edits for each in edit.givers)]
    return [recipe.source, *(reference.clip for reference in references)]


def _look_up(named: Named, by_id: Mapping[str, Clip], by_name: Mapping[str, Sequence[Clip]]) -> Clip | None:
    clip = by_id.get(named.id)
    if clip is not None and named.name in ("?", Path(clip.path).name):
        return clip
    alike = by_name.get(named.name, ())
    close = [clip for clip in alike if Path(clip.path).parent.name == named.folder]
    for some in (close, alike):
        if len(some) == 1:
            return some[0]
    return clip


def summary(recipe: Recipe) -> str:
    """One line for people."""
    parts = [f"voice (h) of {references_words(recipe.voice)}"] if recipe.voice else []
    parts += [f"emotion (m) of {references_words(recipe.emotion)}"] if recipe.emotion else []
    parts += ["single seconds"] if recipe.edits else []
    return f"{recipe.source.name} with {' and '.join(parts)}, strength {strength_words(recipe)}"


def strength_words(recipe: Recipe) -> str:
    """ "80 %", or both where h and m differ."""
    h = f"{100 * recipe.strength:.0f} %"
    if recipe.strength_m is None or recipe.strength_m == recipe.strength or not (recipe.emotion and recipe.voice):
        only_m = recipe.emotion and not recipe.voice and recipe.strength_m is not None
        return f"{100 * (recipe.strength_m or 0.0):.0f} %" if only_m else h
    return f"{h} (h), {100 * recipe.strength_m:.0f} % (m)"


def references_words(references: Sequence[Reference], most: int = 3) -> str:
    """Names with their shares, the weightiest first: "anna.wav 60 %, emil.wav, second 3, 40 %"."""
    total = sum(reference.weight for reference in references) or 1.0
    shares: dict[tuple[str, int | None], float] = {}
    for reference in references:
        key = (reference.clip.name, reference.second)
        shares[key] = shares.get(key, 0.0) + reference.weight / total
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    second = QCoreApplication.translate("Recipe", "{0}, second {1}")
    words = [
        (name if at is None else second.format(name, at)) + (f" {100 * share:.0f} %" if len(shares) > 1 else "")
        for (name, at), share in ordered[:most]
    ]
    more = len(ordered) - most
    return ", ".join(words) + (
        QCoreApplication.translate("Recipe", " and {0} more").format(more) if more > 0 else ""
    )


def command_line(take: Take, clips: Iterable[Clip], model: ModelInfo, out: str) -> str | None:
    """What makes the same sound in a terminal; None if a recording is not in the library any more.

    Args:
        model: the one the take was made with. out: name of the file to write.
    """
    paths = {clip.folder: clip.path for clip in clips if clip.folder}
    references = [*take.voice, *take.emotion, *(ref for edit in take.edits for ref in edit.givers)]
    if not {take.source, *(ref.folder for ref in references)} <= paths.keys():
        return None

    def words(refs: Iterable[LatentRef]) -> list[str]:
        return edit_syntax.written_givers([replace(ref, folder=paths[ref.folder]) for ref in refs])

    line = ["triptych", "transfer", paths[take.source], "--out", out, "--model", model.path]
    line += ["--voice", *words(take.voice)] if take.voice else []
    line += ["--emotion", *words(take.emotion)] if take.emotion else []
    line += ["--strength", f"{take.strength:g}"] if take.strength != 1.0 else []
    if take.strength_m is not None and take.strength_m != take.strength and take.emotion:
        line += ["--strength-m", f"{take.strength_m:g}"]
    line += ["--rule", take.emotion_rule] if take.emotion_rule != "auto" else []
    line += ["--rendering", take.rendering] if take.rendering != "model" else []
    line += ["--vocoder", take.vocoder] if take.rendering == "model" and take.vocoder != model.vocoder else []
    for edit in take.edits:
        line += ["--edit", *edit_syntax.written(edit_syntax.placed(edit, lambda folder: paths[folder]))]
    return shlex.join(line)
