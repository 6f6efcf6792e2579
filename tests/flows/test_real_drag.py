"""One drag as a person does it: a display, a mouse, the real program."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import desktop
import pytest
from small_model import save_small_model


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
        studio.drag(places["row"], places["zone"], (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0))
        assert studio.said() == {"source": clips[0].name}
