"""Edits of seconds on a command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import RULES, LatentRef, SecondEdit, edit_syntax
from engine.api.errors import SpecError


def test_an_edit_is_read_from_its_words() -> None:
    edit, paths = edit_syntax.read(
        ["2-5,7", "an gry.wav@0-2", "b.wav", "rule=tile", "weight=0.8", "fade-in=1", "fade-out=2"]
    )
    givers = (LatentRef("an gry.wav", 0), LatentRef("an gry.wav", 1), LatentRef("b.wav"))
    assert edit == SecondEdit((2, 3, 4, 7), givers, 0.8, 1.0, 2.0, "tile")
    assert paths == ["an gry.wav", "b.wav"]


def test_an_address_in_a_file_s_name_is_no_seconds() -> None:
    edit, _ = edit_syntax.read(["0", "me@home.wav"])
    assert edit.givers == (LatentRef("me@home.wav"),)


@pytest.mark.parametrize(
    "words",
    [
        ["2-5"],
        ["a-b", "c.wav"],
        ["5-2", "c.wav"],
        ["3-3", "c.wav"],
        ["", "c.wav"],
        ["0-999999999", "c.wav"],
        ["1", "weight=1"],
        ["1", "c.wav", "weight=much"],
        ["1", "c.wav@0-"],
    ],
)
def test_what_makes_no_edit_is_refused_in_words(words: list[str]) -> None:
    with pytest.raises(SpecError):
        edit_syntax.read(words)


def test_analyses_take_the_place_of_paths() -> None:
    edit, _ = edit_syntax.read(["1", "c.wav@3"])
    assert edit_syntax.placed(edit, {"c.wav": "/of/c"}.__getitem__).givers == (LatentRef("/of/c", 3),)


seconds = st.lists(st.integers(0, 40), min_size=1, max_size=6, unique=True).map(lambda s: tuple(sorted(s)))
refs = st.builds(LatentRef, st.sampled_from(["a.wav", "b.wav"]), st.none() | st.integers(0, 9))
edits = st.builds(
    SecondEdit,
    seconds,
    st.lists(refs, min_size=1, max_size=6).map(tuple),
    st.sampled_from([0.5, 1.0, 1.25]),
    st.sampled_from([0.0, 1.5]),
    st.sampled_from([0.0, 2.0]),
    st.sampled_from(RULES),
)


@given(edits)
def test_what_is_written_is_read_back(edit: SecondEdit) -> None:
    assert edit_syntax.read(edit_syntax.written(edit))[0] == edit
