"""A take for other programs: a copy under a name that says what it is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from stage import some_take

from engine.api import LatentRef, SecondEdit, Take
from studio.domain.clip import Clip
from studio.project.take_file import MOST_LETTERS, copy_out, speaking_name


def clip(name: str, speaker: str = "") -> Clip:
    return Clip(name, f"/r/{name}.flac", name=f"{name}.flac", labels={"speaker": speaker} if speaker else {})


CLIPS = {"/b": clip("b1", "bea"), "/b2": clip("b2", "bea"), "/c": clip("c1")}


@pytest.fixture
def take(tmp_path: Path) -> Take:
    folder = tmp_path / "a-1"
    folder.mkdir()
    (folder / "a-1.wav").write_bytes(b"RIFF and all that")
    return some_take("a-1", str(folder / "a-1.wav"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"voice": (LatentRef("/b"), LatentRef("/b2"))}, "a-1, voice of bea 80 %"),
        ({"voice": (LatentRef("/c"), LatentRef("/b"))}, "a-1, voice of c1 and 1 more 80 %"),
        ({"emotion": (LatentRef("/c", 2), LatentRef("/c", 3))}, "a-1, emotion of c1 120 %"),
        ({"voice": (LatentRef("/gone/0123456789"),)}, "a-1, voice of 01234567 80 %"),
        ({"edits": (SecondEdit((1,), (LatentRef("/b", 0),)),)}, "a-1, seconds edited"),
        ({"name": "the good one", "voice": (LatentRef("/b"),)}, "the good one"),
        ({"name": "what: this/that?"}, "what- this-that-"),
        ({"name": " . "}, "a-1"),
    ],
)
def test_the_name_says_what_was_made_unless_the_user_said_it(
    take: Take, changes: dict[str, object], words: str
) -> None:
    made = replace(take, strength=0.8, strength_m=1.2, **changes)  # type: ignore[arg-type]
    assert speaking_name(made, CLIPS) == words


def test_a_long_name_is_cut(take: Take) -> None:
    assert len(speaking_name(replace(take, name="a" * 500), CLIPS)) == MOST_LETTERS


def test_other_programs_get_a_copy_which_is_made_once(take: Take) -> None:
    copy = copy_out(take, "a with b")
    assert copy.name == "a with b.wav"
    assert copy.read_bytes() == Path(take.transformed).read_bytes()
    assert not os.path.samefile(copy, take.transformed)
    assert copy_out(take, "a with b") == copy
    assert [file.name for file in copy.parent.iterdir()] == ["a with b.wav"]


def test_a_copy_that_somebody_changed_is_theirs(take: Take) -> None:
    copy = copy_out(take, "a with b")
    copy.write_bytes(b"cut and faded")
    again = copy_out(take, "a with b")
    assert again.name == "a with b (2).wav"
    assert again.read_bytes() == Path(take.transformed).read_bytes()
    assert copy.read_bytes() == b"cut and faded"


def test_a_sound_that_is_gone_leaves_nothing_behind(take: Take) -> None:
    Path(take.transformed).unlink()
    with pytest.raises(OSError, match="No such file"):
        copy_out(take, "a with b")
    folder = Path(take.transformed).parent / "out"
    assert list(folder.iterdir()) == []
