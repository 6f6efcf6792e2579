"""Natural sorting: speaker 9 before speaker 10."""

from __future__ import annotations

import re
from functools import lru_cache

_DIGITS = re.compile(r"\d+")
_KEPT = 1 << 16  # keys; a library is sorted over and over by the same names


@lru_cache(_KEPT)
def natural(text: str) -> str:
    """A sort key; empty for empty text. Numbers go by their size, and before anything else."""
    return _DIGITS.sub(_by_size, text.casefold())


def _by_size(number: re.Match[str]) -> str:
    digits = str(int(number.group()))
    return f"\0{chr(len(digits))}{digits}"  # the longer number is the larger one
