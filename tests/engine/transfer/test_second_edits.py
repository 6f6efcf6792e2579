"""The m of every second: whole clips by named rules, single seconds by edits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.api import LatentRef, SecondEdit, StoredClip
from engine.api.errors import SpecError
from engine.transfer.second_edits import given_m, matched

WINDOW = 4  # frames a second


def stored(folder: Path, name: str, m: list[list[float]], z: list[list[float]] | None = None) -> StoredClip:
    """A clip of two-dimensional latents; z has one value a second, repeated for its frames."""
    place = folder / name
    place.mkdir()
    np.save(place / "m.npy", np.array(m, np.float32))
    frames = np.repeat(np.array(z if z is not None else m, np.float16), WINDOW, axis=0)
    np.save(place / "z.npy", frames[: len(frames) - 1])  # the last second is never whole
    np.save(place / "f0.npy", np.full(len(frames), 120.0, np.float32))
    return StoredClip(str(place))


@pytest.fixture
def source(tmp_path: Path) -> StoredClip:
    return stored(tmp_path, "source", [[0, 0], [1, 0], [2, 0], [3, 0]], [[1, 0], [-1, 0], [1, 0], [-1, 0]])


@pytest.fixture
def reference(tmp_path: Path) -> StoredClip:
    return stored(tmp_path, "giver", [[10, 1], [20, 3]], [[-5, 0], [5, 0]])


def firsts(values: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in values[:, 0]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("mean", [15, 15, 15, 15]),
        ("tile", [10, 20, 10, 20]),
        ("stretch", [10, 12.5, 17.5, 20]),
        ("nearest", [20, 10, 20, 10]),
        ("auto", [15, 15, 15, 15]),
    ],
)
def test_each_rule_lays_two_seconds_on_four(
    source: StoredClip, reference: StoredClip, rule: str, expected: list[float]
) -> None:
    given, words = matched(source, range(4), [LatentRef(reference.folder)], rule, WINDOW)
    assert firsts(given) == expected
    assert words


@pytest.mark.parametrize("rule", ["tile", "stretch"])
def test_as_many_seconds_as_places_go_second_by_second(
    source: StoredClip, reference: StoredClip, rule: str
) -> None:
    given, words = matched(source, (1, 2), [LatentRef(reference.folder)], rule, WINDOW)
    assert firsts(given) == [10, 20]
    assert words == "second by second"


def test_long_givers_are_pressed_together(source: StoredClip) -> None:
    given, _ = matched(source, (0,), [LatentRef(source.folder)], "stretch", WINDOW)
    assert firsts(given) == [1.5]


def test_the_mean_is_weighted_and_takes_single_seconds(source: StoredClip, reference: StoredClip) -> None:
    refs = [LatentRef(reference.folder, 1, 3.0), LatentRef(source.folder, 0, 1.0)]
    given, _ = matched(source, (0, 1), refs, "mean", WINDOW)
    assert firsts(given) == [15, 15]


def test_an_edit_touches_its_own_seconds_and_no_other(source: StoredClip, reference: StoredClip) -> None:
    edit = SecondEdit((1, 3), (LatentRef(reference.folder, 0),), weight=0.5)
    found = given_m(source, (), 1.0, "auto", (edit,), WINDOW)
    assert firsts(found.m) == [0, 5.5, 2, 6.5]
    assert found.kept.tolist() == [1, 0.5, 1, 0.5]
    assert found.edited == (1, 3)
    assert "1-2,3-4 s" in found.rule


def test_edits_stand_upon_the_emotion_and_upon_each_other(source: StoredClip, reference: StoredClip) -> None:
    edits = (
        SecondEdit((0,), (LatentRef(reference.folder, 0),), weight=0.5),
        SecondEdit((0, 1), (LatentRef(reference.folder, 1),), weight=0.5),
    )
    found = given_m(source, (LatentRef(reference.folder),), 0.5, "mean", edits, WINDOW)
    assert firsts(found.m) == [14.375, 14, 8.5, 9]  # 0 -> 7.5 -> 8.75 -> 14.375; 1 -> 8 -> 14
    assert found.kept.tolist() == [0.125, 0.25, 0.5, 0.5]


def test_beyond_full_weight_exaggerates_and_keeps_nothing(source: StoredClip, reference: StoredClip) -> None:
    found = given_m(source, (), 1.0, "auto", (SecondEdit((2,), (LatentRef(reference.folder, 0),), 1.5),), WINDOW)
    assert firsts(found.m)[2] == 14
    assert found.kept[2] == 0


def test_nothing_given_leaves_its_own_seconds(source: StoredClip) -> None:
    found = given_m(source, (), 1.0, "auto", (), WINDOW)
    assert np.array_equal(found.m, source.array("m"))
    assert (found.kept == 1).all()
    assert found.edited == ()


def test_fades_rise_and_fall_at_the_ends_of_every_run() -> None:
    reference = (LatentRef("x"),)
    assert SecondEdit((2, 3, 4, 5), reference).weights().tolist() == [1, 1, 1, 1]
    faded = SecondEdit((2, 3, 4, 5), reference, weight=0.8, fade_in_s=2.0, fade_out_s=1.0)
    assert faded.weights() == pytest.approx([0.2, 0.6, 0.8, 0.4])
    two_runs = SecondEdit((0, 1, 7), reference, fade_in_s=1.0)
    assert two_runs.weights() == pytest.approx([0.5, 1, 0.5])


def test_a_fade_as_long_as_the_run_is_a_crossfade() -> None:
    weights = SecondEdit((0, 1, 2, 3), (LatentRef("x"),), fade_in_s=4.0).weights()
    assert weights == pytest.approx([0.125, 0.375, 0.625, 0.875])


@pytest.mark.parametrize(
    "changes",
    [
        {"target": ()},
        {"target": (4,)},
        {"target": (-1,)},
        {"target": (2, 1)},
        {"target": (1, 1)},
        {"givers": ()},
        {"weight": 1.6},
        {"weight": float("nan")},
        {"fade_in_s": -1.0},
        {"fade_out_s": float("inf")},
        {"rule": "magic"},
    ],
)
def test_an_impossible_edit_is_refused_in_words(
    source: StoredClip, reference: StoredClip, changes: dict[str, object]
) -> None:
    values: dict[str, object] = {"target": (0,), "givers": (LatentRef(reference.folder, 0),)}
    with pytest.raises(SpecError):
        given_m(source, (), 1.0, "auto", (SecondEdit(**(values | changes)),), WINDOW)  # type: ignore[arg-type]


def test_a_second_that_the_giver_lacks_is_refused_in_words(source: StoredClip, reference: StoredClip) -> None:
    with pytest.raises(SpecError, match="2 seconds"):
        matched(source, (0,), [LatentRef(reference.folder, 2)], "mean", WINDOW)


def test_in_the_mean_of_a_clip_its_pauses_do_not_count(source: StoredClip, reference: StoredClip) -> None:
    f0 = np.full(2 * WINDOW, np.nan, np.float32)
    f0[:WINDOW] = 120.0  # the second second is silent
    np.save(Path(reference.folder) / "f0.npy", f0)
    assert firsts(matched(source, range(4), [LatentRef(reference.folder)], "mean", WINDOW)[0]) == [10] * 4
    np.save(Path(reference.folder) / "f0.npy", np.full(2 * WINDOW, np.nan, np.float32))  # whispered
    assert firsts(matched(source, range(4), [LatentRef(reference.folder)], "mean", WINDOW)[0]) == [15] * 4
