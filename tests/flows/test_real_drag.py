"""One drag as a person does it: a display, a mouse, the real program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_model import save_small_model

NEEDED = ("Xvfb", "xdotool")


@pytest.fixture
def display() -> Iterator[str]:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


def test_a_clip_dragged_by_mouse_from_the_library_becomes_the_desk_s_source(
    display: str, example_set: Path, tmp_path: Path
) -> None:
    clips = [str(path) for path in sorted(example_set.glob("anna_calm_*.flac"))[:2]]
    environment = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    program = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("visible_studio.py")),
            str(save_small_model(tmp_path)),
            *clips,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert program.stdout is not None
    try:
        line = program.stdout.readline()
        assert line, program.communicate()[1]
        places = json.loads(line)

        def mouse(*words: object) -> None:
            subprocess.run(["xdotool", *map(str, words)], check=True, env=environment, timeout=20)

        (x, y), (to_x, to_y) = places["row"], places["zone"]
        mouse("mousemove", "--sync", x, y, "mousedown", 1)
        # a drag begins only after some way, and its target hears of it step by step
        for share in (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
            mouse("mousemove", "--sync", round(x + share * (to_x - x)), round(y + share * (to_y - y)))
        mouse("mousemove_relative", "--sync", 2, 2)
        mouse("mouseup", 1)
        assert json.loads(program.stdout.readline()) == {"source": Path(clips[0]).name}
    finally:
        program.communicate("", timeout=30)
    assert program.returncode == 0
