"""What is given, as words of a command line, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import LatentRef, edit_syntax
from engine.api.errors import SpecError


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("a.wav", ("a.wav", (), None)),
        ("a.wav=0.25", ("a.wav", (), 0.25)),
        ("a.wav@2-4,7", ("a.wav", (2, 3, 7), None)),
        ("dir@home/a=b.wav@2=1", ("dir@home/a=b.wav", (2,), 1.0)),
        ("a=b.wav", ("a=b.wav", (), None)),
        ("me@home.wav", ("me@home.wav", (), None)),
    ],
)
def test_a_giver_is_read_with_its_seconds_and_weight(word: str, read: tuple[str, tuple[int, ...], float]) -> None:
    assert edit_syntax.read_giver(word) == read


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(SpecError, match="negative"):
        edit_syntax.read_giver("a.wav=-1")


ref = st.builds(
    LatentRef,
    st.sampled_from(["/r/a.wav", "/r/b c.wav"]),
    st.none() | st.integers(0, 9),
    st.sampled_from([0.125, 0.25, 0.5]),
)


@given(st.lists(ref, min_size=1, max_size=8))
def test_what_is_written_reads_back_as_the_same_mean(refs: list[LatentRef]) -> None:
    back: dict[tuple[str, int | None], float] = {}
    words = [edit_syntax.read_giver(word) for word in edit_syntax.written_givers(refs)]
    weighed = any(weight is not None for _, _, weight in words)
    for path, seconds, weight in words:
        for second in seconds or (None,):
            share = (weight or 0.0) / max(1, len(seconds)) if weighed else 1.0
            back[(path, second)] = back.get((path, second), 0.0) + share
    want: dict[tuple[str, int | None], float] = {}
    for one in refs:
        want[(one.folder, one.second)] = want.get((one.folder, one.second), 0.0) + one.weight
    total = sum(want.values()) / sum(back.values())
    assert {key: value * total for key, value in back.items()} == pytest.approx(want)
