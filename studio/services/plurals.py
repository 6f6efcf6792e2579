"""Plurals: how many of something, in words."""

from __future__ import annotations


def counted(count: int, one: str, many: str) -> str:
    """`one` for exactly one, else `many` with the number put in at {0}; both are translated by the caller."""
    return one if count == 1 else many.format(count)
