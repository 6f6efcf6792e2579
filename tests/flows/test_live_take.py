"""The slider over the real worker: one take follows it, heard without a break; undo has every sound back."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import soundfile
from pytestqt.qtbot import QtBot

from engine.api import Control, ReadRecipes, Transfer
from engine.audio import tags
from studio.domain import recipes
from studio.domain.drag_payload import Payload, to_mime
from studio.domain.evidence import sentence
from studio.panels.transfer.panel import RENDER_DELAY_MS
from studio.selftest.synthetic_input import drop

JOB_MS = 100_000


def strays_s(places: list[tuple[float, float]], length_s: float) -> list[float]:
    """How far each step of a looping playhead is from the time that it took; places: (time, place) in seconds."""
    apart = [(b[1] - a[1]) - (b[0] - a[0]) for a, b in pairwise(places)]
    return [abs((one + length_s / 2) % length_s - length_s / 2) for one in apart]


def test_one_take_follows_the_slider_under_the_playhead_and_undo_renders_nothing(qtbot: QtBot, studio: Any) -> None:
    session, desk, view = studio.session, studio.window.desk, studio.window.clip_view
    source, _, reference, _ = session.library.clips
    desk.on_drop.setChecked(True)
    session.library.set_current(source)
    for zone, clip in ((desk.source_zone, source), (desk.voice_zone, reference)):
        drop(studio.window, zone, to_mime(Payload("clips", clips=(clip,)), session.context.uuid))
    qtbot.waitUntil(lambda: len(session.takes.items) == 1, timeout=JOB_MS)
    made = [session.takes.items[0]]
    player = view.player
    player.set_loop(True)
    qtbot.waitUntil(lambda: player.state == "playing", timeout=JOB_MS)
    player.switch("reconstruction")
    player.seek(0.0)
    states: list[str] = []
    places: list[tuple[float, float]] = []
    player.state_changed.connect(states.append)
    player.position_changed.connect(lambda place_s: places.append((time.monotonic(), place_s)))

    def shown_is_heard() -> None:
        take = desk.takes.current()
        assert take is session.takes.items[0]
        assert view.loader.versions["transformed"].stored.folder == take.transformed_folder
        assert desk.verdict.text() == sentence(take)

    for percent in (80, 40):
        desk.board.of_voice.slider.setValue(percent)
        qtbot.waitUntil(
            lambda percent=percent: round(100 * session.takes.items[-1].strength) == percent, timeout=JOB_MS
        )
        assert len(session.takes.items) == 1
        made.append(session.takes.items[0])
        shown_is_heard()
    assert states == [], "it went on playing"
    assert player.sound == "reconstruction"
    assert max(strays_s(places, player.duration_s)) < 0.25, "it went on where it was"

    for take in (made[1], made[0]):
        session.undo.stack.undo()
        assert session.takes.items == [take]
        shown_is_heard()
        qtbot.wait(2 * RENDER_DELAY_MS)
    assert [job for job in session.link.active() if isinstance(job.request, Transfer)] == []
    session.undo.stack.redo()
    assert session.takes.items == [made[1]]
    assert player.state == "playing"

    assert len({Path(take.transformed) for take in made}) == 3
    for take in made:  # nothing was deleted, and each says how it was made
        assert soundfile.info(take.transformed).frames > 0
        ((_path, text),) = tags.read(
            ReadRecipes((take.transformed,)), lambda event: None, lambda: Control.RUN
        ).recipes
        recipe = recipes.from_text(text)
        assert recipe is not None
        assert recipe.strength == take.strength
