"""The library's file: recordings, takes and the model survive the program, and a damaged file harms nobody."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api import Evidence, LatentRef, SecondEdit, Take
from studio.clips import ANALYSING, STATES, WAITING, Clip

FORMAT = "triptych-library"
VERSION = 1


@dataclass
class Library:
    """What outlives the program. model: path of the model in use; starred: transformed sounds of good takes."""

    uuid: str
    clips: list[Clip] = field(default_factory=list)
    takes: list[Take] = field(default_factory=list)
    model: str | None = None
    starred: list[str] = field(default_factory=list)


class DamagedError(Exception):
    """The file cannot be understood; the text says why."""


def write(path: Path, library: Library) -> None:
    """Write under a temporary name, then replace the old file.

    Raises:
        OSError: the disk refuses; the old file is untouched.
    """
    values = {
        "format": FORMAT,
        "version": VERSION,
        "uuid": library.uuid,
        "model": library.model,
        "clips": [vars(clip) for clip in library.clips],
        "takes": [dataclasses.asdict(take) for take in library.takes],
        "starred": library.starred,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(values, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read(path: Path) -> Library | None:
    """The library written before; None if there is none yet.

    Raises:
        DamagedError: damaged, foreign, unreadable or from a newer version.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DamagedError(str(error)) from error
    try:
        if values["format"] != FORMAT:
            raise DamagedError("it is not a library of Triptych")
        if values["version"] > VERSION:
            raise DamagedError("a newer Triptych wrote it")
        return Library(
            str(values["uuid"]),
            [_clip(clip) for clip in values["clips"]],
            [_take(take) for take in values["takes"]],
            _text_or_none(values["model"]),
            [str(path) for path in values.get("starred", [])],
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


def _clip(values: Mapping[str, Any]) -> Clip:
    clip_id, state = str(values["id"]), str(values["state"])
    if Path(clip_id).name != clip_id or clip_id in ("", ".", ".."):
        raise ValueError("a clip's id names a folder elsewhere")
    if state not in STATES:
        raise ValueError(f"a clip is {state}")
    error = values["error"]
    return Clip(
        id=clip_id,
        path=str(values["path"]),
        name=str(values["name"]),
        labels={str(name): str(text) for name, text in values["labels"].items()},
        state=WAITING if state == ANALYSING else state,
        duration_s=_number_or_none(values["duration_s"]),
        f0_median_hz=_number_or_none(values["f0_median_hz"]),
        error=None if error is None else (str(error[0]), str(error[1])),
        folder=_text_or_none(values["folder"]),
        model_hash=_text_or_none(values["model_hash"]),
    )


def _take(values: Mapping[str, Any]) -> Take:
    read: dict[str, Any] = dict(values)
    for name in ("voice", "emotion"):
        read[name] = _latents(values[name])
    read["edits"] = tuple(
        SecondEdit(
            tuple(int(second) for second in edit["target"]),
            _latents(edit["givers"]),
            float(edit["weight"]),
            float(edit["fade_in_s"]),
            float(edit["fade_out_s"]),
            str(edit["rule"]),
        )
        for edit in values.get("edits", ())
    )
    for name in ("evidence", "control_evidence"):
        read[name] = Evidence(**values[name])
    loudness = values.get("loudness_lufs", {})  # takes of earlier versions have none
    read["loudness_lufs"] = {str(name): float(lufs) for name, lufs in loudness.items()}
    return Take(**read)


def _latents(values: Sequence[Mapping[str, Any]]) -> tuple[LatentRef, ...]:
    return tuple(
        LatentRef(str(ref["folder"]), None if ref["second"] is None else int(ref["second"]), float(ref["weight"]))
        for ref in values
    )


def _number_or_none(value: Any) -> float | None:
    return None if value is None else float(value)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
