"""Leakage is tried here in every way we could think of, and must fail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api.errors import EngineError
from engine.evaluation.probes.examples import Example
from engine.evaluation.probes.splits import LeakError, Split, across_sessions, folds, two_corpora


def example(clip: str, speaker: str = "s", session: str = "", content: str = "") -> Example:
    return Example(clip, content or clip, speaker, session or speaker, {"speaker": speaker})


def positions(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@pytest.mark.parametrize(
    ("test_side", "apart", "what"),
    [
        (example("a1", "a"), "clip", "clip"),
        (example("renamed", "z", content="a1"), "clip", "content"),
        (example("a2", "a", "a-2"), "speaker", "speaker"),
        (example("a2", "a", "a-1"), "session", "session"),
    ],
)
def test_a_split_that_leaks_cannot_be_made(test_side: Example, apart: str, what: str) -> None:
    examples = [example("a1", "a", "a-1"), test_side]
    with pytest.raises(LeakError, match=what):
        Split(examples, positions(0), positions(1), apart)


def test_other_clips_of_a_speaker_are_no_leak_where_the_speaker_is_the_question() -> None:
    Split([example("a1", "a"), example("a2", "a")], positions(0), positions(1), "clip")


corpora = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 12)), min_size=12, max_size=40
).map(lambda rows: [example(f"{i}", f"p{s}", f"p{s}-{c}", f"x{k}") for i, (s, c, k) in enumerate(rows)])


@given(corpora, st.sampled_from(["clip", "speaker"]), st.integers(0, 3))
def test_no_corpus_makes_folds_that_leak_and_every_example_is_tested_once(
    examples: list[Example], apart: str, seed: int
) -> None:
    """Copies across speakers included: contents repeat freely here."""
    classes = np.array([e.speaker < "p3" for e in examples]).astype(str)
    try:
        made = folds(examples, classes, apart, seed)
    except EngineError:
        return  # all of it hangs together: nothing can be divided
    tested = np.concatenate([split.test for split in made])
    assert sorted(tested.tolist()) == list(range(len(examples)))
    for split in made:
        for name in ("clip", "content", apart):
            sides = [{getattr(examples[i], name) for i in side} for side in (split.train, split.test)]
            assert not sides[0] & sides[1]


@given(corpora, st.integers(0, 3))
def test_across_sessions_no_sitting_is_on_both_sides_and_every_voice_is_known(
    examples: list[Example], seed: int
) -> None:
    split = across_sessions(examples, seed)
    if split is None:
        return
    assert {examples[i].speaker for i in split.test} <= {examples[i].speaker for i in split.train}
    assert not {examples[i].session for i in split.test} & {examples[i].session for i in split.train}


def test_a_corpus_of_one_sitting_a_speaker_has_no_cross_chapter_split() -> None:
    assert across_sessions([example("a1", "a"), example("b1", "b"), example("b2", "b")], 0) is None


def test_a_test_corpus_that_repeats_training_clips_costs_them_in_training() -> None:
    examples = [
        example("a1", "a"),
        example("b1", "b"),
        example("c1", "c"),
        example("copy of a1", "d", content="a1"),
        example("b2", "b"),
    ]
    of_test = np.array([False, False, False, True, True])
    split, left_out = two_corpora(examples, of_test, "speaker")
    assert [examples[i].clip for i in split.train] == ["c1"]
    assert left_out == 2


def test_a_test_corpus_that_is_the_training_corpus_is_refused() -> None:
    examples = [example("a1", "a"), example("a1", "a")]
    with pytest.raises(EngineError, match="nothing that the test corpus does not hold"):
        two_corpora(examples, np.array([False, True]), "clip")


def test_one_speaker_alone_cannot_be_divided_by_speakers() -> None:
    with pytest.raises(EngineError, match="only one speaker"):
        folds([example("a1", "a"), example("a2", "a")], np.array(["x", "x"]), "speaker", 0)
