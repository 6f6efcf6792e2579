"""Recipes in the tags of sound files: written and read back, small and large, and never trusted."""

from __future__ import annotations

import base64
import json
import random
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Control, Event, Note, ReadRecipes, SaveSound
from engine.api.errors import EngineError, ExportError
from engine.audio import tags


def go_on() -> Control:
    return Control.RUN


def recipe(clips: int, letters: str = "speaker") -> str:
    return json.dumps({"voice": [{"name": f"{letters}_{i:04d}.wav", "weight": 1 / clips} for i in range(clips)]})


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "take.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(16_000) / 9), 16_000, "PCM_16")
    return path


def save(sound: Path, out: Path, text: str) -> list[Event]:
    reported: list[Event] = []
    done = tags.save(SaveSound(str(sound), str(out), "Größe", "h given, strength 1", text), reported.append, go_on)
    assert done.file == str(out)
    assert done.with_recipe is not bool(reported)
    return reported


def found(*paths: Path) -> dict[str, dict]:
    read = tags.read(ReadRecipes(tuple(map(str, paths))), lambda event: None, go_on)
    return {Path(path).name: json.loads(text) for path, text in read.recipes}


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("clips", [1, 12, 100])
def test_a_recipe_comes_back_from_the_file_as_it_went_in(sound: Path, suffix: str, clips: int) -> None:
    out = sound.with_name(f"mine{suffix}")
    assert save(sound, out, recipe(clips)) == []
    assert found(out) == {out.name: json.loads(recipe(clips))}
    with soundfile.SoundFile(out) as file:
        assert file.comment.splitlines()[0] == "h given, strength 1"
        assert (file.title, file.frames) == ("Größe", 16_000)


def test_a_saved_sound_is_the_sound(sound: Path) -> None:
    for suffix in (".wav", ".flac"):
        save(sound, sound.with_name(f"mine{suffix}"), recipe(1))
        np.testing.assert_array_equal(soundfile.read(sound.with_name(f"mine{suffix}"))[0], soundfile.read(sound)[0])


def test_a_recipe_too_long_for_wav_is_reported_and_the_sound_is_saved(sound: Path) -> None:
    letters = "".join(random.choices("abcdefghijklmnop", k=3_000))
    (note,) = save(sound, sound.with_name("mine.wav"), recipe(2, letters))
    assert isinstance(note, Note)
    assert "FLAC" in note.hint
    assert found(sound.with_name("mine.wav")) == {}
    assert soundfile.info(sound.with_name("mine.wav")).frames == 16_000
    assert save(sound, sound.with_name("mine.flac"), recipe(2, letters)) == []
    assert found(sound.with_name("mine.flac")) == {"mine.flac": json.loads(recipe(2, letters))}


def test_files_without_a_recipe_are_passed_over(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    assert found(sound, tmp_path / "text.wav", tmp_path / "missing.wav") == {}


def test_a_take_that_is_gone_and_a_suffix_that_is_none_are_reported(sound: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        save(tmp_path / "gone.wav", tmp_path / "out.wav", "")
    with pytest.raises(ExportError, match="which format"):
        save(sound, tmp_path / "out.mp3", "")


def test_a_small_tag_that_unpacks_to_gigabytes_is_no_recipe() -> None:
    bomb = base64.b64encode(zlib.compress(b"0" * 50_000_000, 9)).decode()
    assert tags.unpacked(f"recipe.z={bomb}") is None


@given(st.text(max_size=60))
def test_any_comment_is_read_without_harm(text: str) -> None:
    for start in ("", "recipe=", "recipe.z=", "words\nrecipe.z="):
        assert isinstance(tags.unpacked(start + text), str | None)
