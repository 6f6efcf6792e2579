"""A take's recipe goes round: with the sound out of the program and back in, and through a terminal."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from pytestqt.qtbot import QtBot

from engine.api import Take
from studio.app import Studio
from studio.domain.payload import Payload

JOB_MS = 100_000


def mixed_take(qtbot: QtBot, studio: Studio) -> Take:
    """A take that uses everything a recipe knows: weights, seconds, two strengths, an edit."""
    session = studio.session
    a, b, c, d = session.library.clips
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", clips=(c,)))
    session.transfer.add_voice(Payload("clips", clips=(d,)))
    session.transfer.weigh_voices([0.75, 0.25])
    session.transfer.add_emotion(Payload("seconds", seconds=((b, 0), (b, 1))))
    session.transfer.set_strength(0.8)
    session.transfer.set_strength_m(1.1)
    session.second_edits.give(a, [1], Payload("seconds", seconds=((d, 0),)), rule="mean", weight=0.5)
    session.rendering.render()
    qtbot.waitUntil(lambda: len(session.takes.items) == 1, timeout=JOB_MS)
    return session.takes.items[0]


def test_a_take_makes_the_same_sound_again_from_the_list_from_its_file_and_in_a_terminal(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    session = studio.session
    take = mixed_take(qtbot, studio)
    sound = soundfile.read(take.transformed)[0]

    session.recipes.render_again(0)
    qtbot.waitUntil(lambda: len(session.takes.items) == 2, timeout=JOB_MS)
    np.testing.assert_array_equal(soundfile.read(session.takes.items[1].transformed)[0], sound)

    flac = tmp_path / "mine.flac"
    with qtbot.waitSignal(session.recipes.save_take(0, flac).done, timeout=JOB_MS):
        pass
    before = session.transfer.setup
    session.transfer.clear_desk()
    session.imports.add_files([flac])
    qtbot.waitUntil(lambda: session.transfer.setup.gives, timeout=JOB_MS)
    assert session.transfer.setup.source == before.source
    session.rendering.render()
    qtbot.waitUntil(lambda: len(session.takes.items) == 3, timeout=JOB_MS)
    np.testing.assert_array_equal(soundfile.read(session.takes.items[2].transformed)[0], sound)
    dropped = next(clip for clip in session.library.clips.values() if clip.name == "mine.flac")
    assert session.recipes.made_by[dropped.id].take == take.name

    line = session.recipes.command_of(take)
    assert line is not None
    words = shlex.split(line)
    words[words.index("--out") + 1] = str(tmp_path / "said.wav")
    done = subprocess.run(
        [sys.executable, "-m", "engine", *words[1:], "--json"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["outputs"][0]["transformed"] == str(tmp_path / "said.wav")
    np.testing.assert_allclose(soundfile.read(tmp_path / "said.wav")[0], sound, atol=2e-3)


def test_the_file_that_is_dragged_out_says_how_it_was_made(qtbot: QtBot, studio: Studio) -> None:
    take = mixed_take(qtbot, studio)
    (url,) = studio.window.desk.takes.files().urls()
    with soundfile.SoundFile(url.toLocalFile()) as file:
        comment = file.comment
    assert url.toLocalFile() != take.transformed, "the take keeps its own file"
    assert "recipe" in comment
    studio.session.transfer.clear_desk()
    studio.session.recipes.look_for([url.toLocalFile()])
    qtbot.waitUntil(lambda: studio.session.transfer.setup.gives, timeout=JOB_MS)
