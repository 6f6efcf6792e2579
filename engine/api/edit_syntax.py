"""Edits of single seconds as words of a command line, and back.

    2-5 angry.wav@0-3 rule=stretch weight=0.8 fade-in=1

What is to change comes first: spans of time in whole seconds, so 2-5 is the three seconds from 2 s to 5 s, and 7 is
the one from 7 s to 8 s; several stand with commas between. Then the clips that give, each whole or some seconds of
it, then what differs from the usual.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from engine.api import LatentRef, SecondEdit
from engine.api.errors import SpecError

OPTIONS = {"rule": "rule", "weight": "weight", "fade-in": "fade_in_s", "fade-out": "fade_out_s"}
MOST_SECONDS = 100_000  # more than a day: a typing error, not a recording


def seconds_of(words: str) -> tuple[int, ...]:
    """ "2-5,7" -> (2, 3, 4, 7).

    Raises:
        SpecError: no such spans.
    """
    found: set[int] = set()
    for span in words.split(","):
        start, dash, stop = span.strip().partition("-")
        if not start.isdecimal() or (dash and not stop.isdecimal()):
            raise SpecError(f"{words!r} names no seconds.", "Write spans such as 2-5,7.", "edits")
        first, last = int(start), int(stop) if dash else int(start) + 1
        if not first < last <= MOST_SECONDS:
            raise SpecError(f"{span.strip()!r} is no span of time.", "Write it as start-end.", "edits")
        found.update(range(first, last))
    return tuple(sorted(found))


def spans_of(seconds: Sequence[int]) -> str:
    """(2, 3, 4, 7) -> "2-5,7-8"."""
    spans: list[list[int]] = []
    for second in seconds:
        if spans and second == spans[-1][1]:
            spans[-1][1] = second + 1
        else:
            spans.append([second, second + 1])
    return ",".join(f"{start}-{stop}" for start, stop in spans)


def read(words: Sequence[str]) -> tuple[SecondEdit, list[str]]:
    """An edit whose givers are named by their paths, and those paths; `placed` puts the analyses in their place.

    Raises:
        SpecError: it cannot be understood.
    """
    if len(words) < 2:
        raise SpecError("An edit names seconds and a clip that gives.", "Write: --edit 2-5 angry.wav", "edits")
    edit = SecondEdit(seconds_of(words[0]), ())
    givers: list[LatentRef] = []
    for word in words[1:]:
        name, sign, value = word.partition("=")
        if sign and name in OPTIONS:
            option: dict[str, Any] = {OPTIONS[name]: value if name == "rule" else _number(word, value)}
            edit = dataclasses.replace(edit, **option)
            continue
        path, at, spans = word.rpartition("@")
        if at and spans[:1].isdecimal():
            givers += [LatentRef(path, second) for second in seconds_of(spans)]
        else:
            givers.append(LatentRef(word))
    if not givers:
        raise SpecError("An edit names no clip that gives.", "Write: --edit 2-5 angry.wav", "edits")
    return dataclasses.replace(edit, givers=tuple(givers)), list(dict.fromkeys(ref.folder for ref in givers))


def read_giver(word: str) -> tuple[str, tuple[int, ...], float | None]:
    """ "a.wav@2-4=0.5" -> the clip, the seconds named of it (none = all) and its weight, if one is named.

    Raises:
        SpecError: the weight is negative.
    """
    weight = None
    path, sign, number = word.rpartition("=")
    if sign and path and _is_number(number):
        word, weight = path, float(number)
        if weight < 0.0:
            raise SpecError(f"The weight of {path} is negative.", "Give a weight from 0 up.", "weight")
    path, at, spans = word.rpartition("@")
    if at and path and spans[:1].isdecimal():
        return path, seconds_of(spans), weight
    return word, (), weight


def written_givers(refs: Sequence[LatentRef]) -> list[str]:
    """The inverse of `read_giver` for givers whose folder is their path; neighbouring seconds share a word.

    A word's weight is that of all its seconds together; where all recordings weigh alike, none is written.
    """
    runs: list[tuple[str, list[int], list[float]]] = []
    for ref in refs:
        last = runs[-1] if runs else None
        if (
            last
            and ref.second is not None
            and last[0] == ref.folder
            and last[1]
            and (last[1][-1] + 1 == ref.second and last[2][-1] == ref.weight)
        ):
            last[1].append(ref.second)
            last[2].append(ref.weight)
        else:
            runs.append((ref.folder, [] if ref.second is None else [ref.second], [ref.weight]))
    words = [f"{path}@{spans_of(seconds)}" if seconds else path for path, seconds, _ in runs]
    alike = len({ref.weight for ref in refs}) <= 1
    return words if alike else [f"{word}={sum(w):.6g}" for word, (_, _, w) in zip(words, runs, strict=True)]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def placed(edit: SecondEdit, folder_of: Callable[[str], str]) -> SecondEdit:
    """The same edit with other names for its givers: a path's analysis, or an analysis' path."""
    return dataclasses.replace(
        edit, givers=tuple(dataclasses.replace(ref, folder=folder_of(ref.folder)) for ref in edit.givers)
    )


def written(edit: SecondEdit) -> list[str]:
    """The inverse of `read`, for an edit whose givers are named by their paths."""
    words = [spans_of(edit.target)]
    runs: list[tuple[str, list[int]]] = []
    for ref in edit.givers:
        if ref.second is None:
            runs.append((ref.folder, []))
        elif runs and runs[-1][0] == ref.folder and runs[-1][1] and ref.second == runs[-1][1][-1] + 1:
            runs[-1][1].append(ref.second)
        else:
            runs.append((ref.folder, [ref.second]))
    words += [f"{path}@{spans_of(seconds)}" if seconds else path for path, seconds in runs]
    plain = SecondEdit((0,), ())
    for name, field in OPTIONS.items():
        value = getattr(edit, field)
        if value != getattr(plain, field):
            words.append(f"{name}={value if isinstance(value, str) else format(value, 'g')}")
    return words


def _number(word: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise SpecError(f"{word!r} is no number.", "Write for example weight=0.8.", "edits") from None
