"""Sorting as people count."""

from __future__ import annotations

from studio.services.natural_sort import natural


def test_numbers_go_by_their_size_and_before_letters() -> None:
    wanted = [
        "",
        "9",
        "10",
        "a",
        "a2",
        "a10",
        "a10b1",
        "a10b2",
        "a10c",
        "a b1",
        "ab1",
        "B1",
        "b02x",
        "b2y",
        "b٣",
        "b4",
    ]
    keys = [natural(text) for text in wanted]
    assert keys == sorted(set(keys))


def test_leading_zeros_and_case_do_not_count() -> None:
    assert natural("S007") == natural("s7")
    assert natural("s") != natural("s0")
