"""Drags as a person does them: a display, a mouse, the real program."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import desktop
import numpy as np
import pytest
import soundfile
from small_model import save_small_model

from engine.api import Control, ReadRecipes
from engine.audio import tags
from studio.domain import recipes

STEPS = (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # shares of the way


@pytest.fixture
def display() -> Iterator[str]:
    missing = [name for name in desktop.DISPLAY_NEEDS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")
    with desktop.display(1600, 1000) as name:
        yield name


def test_a_clip_dragged_by_mouse_from_the_library_becomes_the_desk_s_source(
    display: str, example_set: Path, tmp_path: Path
) -> None:
    clips = sorted(example_set.glob("anna_calm_*.flac"))[:2]
    with desktop.visible_studio(display, save_small_model(tmp_path), clips) as studio:
        places = studio.places()
        studio.drag(places["row"], places["zone"], STEPS)
        studio.wait_for(source=clips[0].name)


@pytest.mark.parametrize("ending", ["mouse", "escape"])
def test_what_letting_go_would_do_is_not_said_any_more_once_the_drag_is_over(
    display: str, example_set: Path, tmp_path: Path, ending: str
) -> None:
    clips = [example_set / f"{name}_calm_1.flac" for name in ("anna", "emil")]
    with desktop.visible_studio(display, save_small_model(tmp_path), clips) as studio:
        places = studio.places()
        studio.carry(places["speaker"], places["row"], STEPS, 0.05)
        studio.wait_for(
            status="Let go to give the voice of emil_calm_1.flac to anna_calm_1.flac; with Shift its emotion."
        )
        if ending == "escape":
            studio.mouse("key", "Escape")
            studio.wait_for(status="")
            studio.mouse("mouseup", 1)
        else:
            studio.mouse("mouseup", 1)
            studio.wait_for(status="")


def test_a_take_dragged_by_mouse_into_another_program_is_a_copy_with_its_recipe(
    display: str, example_set: Path, tmp_path: Path
) -> None:
    clips = [example_set / f"{name}_calm_1.flac" for name in ("anna", "emil")]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with desktop.visible_studio(display, save_small_model(tmp_path), clips) as studio:
        places = studio.places()
        studio.mouse("mousemove", "--sync", *places["row"], "click", 1)
        studio.drag(places["speaker"], studio.places()["picture"], STEPS, 0.05)
        studio.wait_for(takes=1)
        with desktop.drop_window(display, elsewhere) as folder:
            at = folder.said()["at"]
            studio.drag(studio.places()["take"], at, STEPS, 0.05)
            told = folder.said()
    assert told["offered"] == ["CopyAction"]
    (file,) = map(Path, told["dropped"])
    assert file.name == "anna_calm_1-1, voice of emil_calm_1 100 %.wav"
    heard, rate_hz = soundfile.read(file)
    assert rate_hz == 16_000
    assert len(heard) / rate_hz == pytest.approx(soundfile.info(clips[0]).duration, abs=1e-3)
    assert np.abs(heard).max() > 0.01
    ((path, text),) = tags.read(ReadRecipes((str(file),)), lambda event: None, lambda: Control.RUN).recipes
    recipe = recipes.from_text(text)
    assert path == str(file)
    assert recipe is not None
    assert recipe.source.name == "anna_calm_1.flac"
    assert [reference.clip.name for reference in recipe.voice] == ["emil_calm_1.flac"]
