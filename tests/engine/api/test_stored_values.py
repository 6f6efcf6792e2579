"""Stored values: format and version first, then every value by its type, and refusals in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import pytest

from engine.api.stored_values import DamagedError, NewerError, converted, one_of, values_of


@dataclass(frozen=True)
class Part:
    name: str
    weight: Annotated[float, msgspec.Meta(ge=0.0, le=1.5)] = 1.0
    rule: Annotated[str, one_of(("mean", "tile.x"))] = "mean"


@dataclass
class Whole:
    parts: tuple[Part, ...]
    title: str | None = None
    by_step: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.title == "":
            raise ValueError("the title is empty")


def test_values_come_back_as_the_types_say_and_what_is_new_is_passed_over() -> None:
    values = {"parts": [{"name": "a", "weight": 1, "colour": "red"}], "by_step": {"8": 0.5}, "later": 1}
    read = converted(values, Whole, keys_are_text=True)
    assert read == Whole((Part("a", 1.0),), None, {8: 0.5})
    assert isinstance(read.parts[0].weight, float)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "expected named values, got a list"),
        ({}, "parts"),
        ({"parts": [{"name": 3}]}, "parts[0].name: expected text, got a whole number"),
        ({"parts": [{"name": "a", "weight": 2.0}]}, "parts[0].weight: expected a number <= 1.5"),
        ({"parts": [{"name": "a", "weight": float("nan")}]}, "parts[0].weight"),
        ({"parts": [{"name": "a", "weight": True}]}, "got yes or no"),
        ({"parts": [{"name": "a", "rule": "tilexx"}]}, "parts[0].rule: expected mean or tile"),
        ({"parts": [], "title": ""}, "the title is empty"),
    ],
)
def test_what_does_not_fit_is_told_in_plain_words_with_its_place(values: Any, words: str) -> None:
    with pytest.raises(DamagedError) as caught:
        converted(values, Whole)
    assert words in str(caught.value)
    assert "`str`" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "1", "{}", '{"format": "ours"}', '{"format": "theirs", "version": 1}']
)
def test_what_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(DamagedError):
        values_of(text, ("ours",), 2)


def test_a_newer_version_is_told_apart_and_an_older_one_is_read() -> None:
    with pytest.raises(NewerError, match="newer Triptych"):
        values_of('{"format": "ours", "version": 3}', ("ours",), 2)
    assert values_of('{"format": "old", "version": 1, "a": NaN}', ("ours", "old"), 2)["version"] == 1


def test_a_strict_parser_takes_no_numbers_without_end() -> None:
    for number in ("NaN", "Infinity", "1e999"):
        with pytest.raises(DamagedError):
            values_of(f'{{"format": "ours", "version": 1, "a": {number}}}', ("ours",), 1, msgspec.json.decode)


def test_deep_nesting_is_damage() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    with pytest.raises(DamagedError):
        values_of(f'{{"format": "ours", "version": 1, "a": {deep}}}', ("ours",), 1)
