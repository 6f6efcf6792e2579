"""Values that carry a format and a version, in files and tags: read strictly by type, refused in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_PLAIN_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "yes or no",
    "array": "a list",
    "object": "named values",
    "null": "nothing",
}


class DamagedError(ValueError):
    """Stored values cannot be understood; the text says why, in plain words."""


class NewerError(DamagedError):
    """A newer Triptych wrote them."""


def values_of(
    text: str | bytes, formats: tuple[str, ...], version: int, parse: Callable[[str | bytes], Any] = json.loads
) -> dict[str, Any]:
    """The values in a JSON text that says {"format": ..., "version": ...}.

    Args:
        formats: those that are understood. version: the newest that is understood.
        parse: json.loads takes NaN and infinities, which measurements may hold; msgspec.json.decode refuses them.

    Raises:
        DamagedError: no JSON, or of another format. NewerError: of a later version.
    """
    try:
        values = parse(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"it is not JSON: {error}") from error
    if not isinstance(values, dict) or values.get("format") not in formats:
        raise DamagedError("it is of another kind")
    if converted(values.get("version"), int) > version:
        raise NewerError("a newer Triptych wrote it")
    return values


def converted(values: object, kind: type[T], *, keys_are_text: bool = False) -> T:
    """Plain values as a dataclass, a msgspec.Struct or any other type, checked against its annotations.

    What a later version added is passed over; what is missing needs a default.

    Args:
        keys_are_text: JSON knows no others; keys of another type are read from their text.

    Raises:
        DamagedError: they do not fit.
    """
    try:
        return msgspec.convert(values, kind, str_keys=keys_are_text)
    except msgspec.ValidationError as error:
        raise DamagedError(in_plain_words(error)) from error
    except RecursionError as error:
        raise DamagedError("it is nested too deeply") from error


def one_of(known: tuple[str, ...]) -> msgspec.Meta:
    """The constraint of a text that is one of those known: Annotated[str, one_of(RULES)]."""
    return msgspec.Meta(pattern=f"^({'|'.join(map(re.escape, known))})$")


def in_plain_words(error: msgspec.ValidationError) -> str:
    """ "clips[2].name: expected text, got a whole number"."""
    what, _, where = str(error).partition(" - at `$")
    words = re.sub(r"`(\w+)(?: \| null)?`", lambda found: _PLAIN_KINDS.get(found[1], found[1]), what)
    words = re.sub(r"text matching regex '\^\((.*)\)\$'", lambda found: found[1].replace("|", " or "), words)
    place = where.strip("`.")
    words = words[:1].lower() + words[1:]
    return f"{place}: {words}" if place else words
