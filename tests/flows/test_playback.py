"""What the loudspeaker gets, through a real sound server: the clip, without a gap, under the playhead."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

RATE = 16_000
PLAYER = """
import json, sys, time
import soundfile
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from studio.audio.player import Player

app = QApplication([])
player = Player()

def tell(**what):
    print(json.dumps(what), flush=True)

def load(path):
    sound, rate = soundfile.read(path, dtype="float32")
    player.set_sounds({"original": sound, "transformed": sound / 4}, rate, gains={"transformed": 4.0})

player.output.note.connect(lambda note: tell(note=note))
player.output.names_changed.connect(lambda names: tell(devices=names))
player.output.changed.connect(lambda name: tell(output=name))
QTimer.singleShot(60000, lambda: app.exit(3))
"""
SPEAK = (
    PLAYER
    + """
load(sys.argv[1])
switched = []

def moved(seconds):
    tell(at=seconds, now=time.monotonic())
    if seconds > 0.6 and not switched:
        switched.append(True)
        player.switch("transformed")

player.position_changed.connect(moved)
player.state_changed.connect(lambda state: state == "stopped" and QTimer.singleShot(300, app.quit))
player.play()
code = app.exec()
player.shut_down()
sys.exit(code)
"""
)
PLUG = (
    PLAYER
    + """
load(sys.argv[1])
player.set_loop(True)
player.play()

def plugged(names):
    if len(names) == 2 and not player.output.wanted:
        player.output.choose(sorted(set(names) - {player.output.name})[0])
    if len(names) == 1 and player.output.wanted:
        tell(state=player.state)
        QTimer.singleShot(200, app.quit)

player.output.names_changed.connect(plugged)
app.exec()
player.shut_down()
"""
)


def speechlike() -> np.ndarray:
    """Two seconds that begin and end at once, and repeat nowhere."""
    times_s = np.arange(2 * RATE) / RATE
    voice = 0.2 * np.sin(2 * np.pi * 180 * times_s) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * times_s))
    noise: np.ndarray = np.random.default_rng(0).standard_normal(2 * RATE)
    return np.asarray(voice + 0.05 * noise, np.float32)


def told(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """All that the program said, once it has ended well."""
    output, errors = process.communicate(timeout=90)
    assert process.returncode == 0, output + errors
    return [json.loads(line) for line in output.splitlines()]


def test_the_clip_is_heard_without_a_gap_across_a_switch_under_a_truthful_playhead(
    sound_server: Any, tmp_path: Path
) -> None:
    clip = speechlike()
    soundfile.write(tmp_path / "clip.wav", clip, RATE, subtype="FLOAT")
    listener = sound_server.listen()
    listener.until(lambda: listener.heard, 10)
    process = sound_server.run(SPEAK, str(tmp_path / "clip.wav"))
    listener.until(lambda: process.poll() is not None, 75)
    lines = told(process)
    assert [line["note"] for line in lines if "note" in line] == [""]
    heard = listener.samples
    size = 1 << int(np.ceil(np.log2(len(heard) + len(clip))))
    likeness = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(clip, size)), size)
    start = int(np.argmax(likeness[: len(heard)]))
    piece = heard[start : start + len(clip)]
    assert np.corrcoef(piece, clip[: len(piece)])[0, 1] > 0.95
    # As loud after the switch as before: the quieter version has its gain.
    before, after = (slice(1600, 8000), slice(16_000, 30_000))
    ratio = [float(np.dot(piece[part], clip[part]) / np.dot(clip[part], clip[part])) for part in (before, after)]
    assert ratio[1] / ratio[0] == pytest.approx(1.0, abs=0.05)
    # When the middle of the clip was heard, the playhead stood there.
    heard_at = listener.time_of(start + RATE)
    places = [(line["now"], line["at"]) for line in lines if "at" in line and line["at"] > 0]
    playhead = float(np.interp(heard_at, *zip(*places, strict=True)))
    assert playhead == pytest.approx(1.0, abs=0.06)


def test_a_device_plugged_in_is_listed_and_one_pulled_out_is_replaced_while_playing(
    sound_server: Any, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "clip.wav", speechlike(), RATE, subtype="FLOAT")
    process = sound_server.run(PLUG, str(tmp_path / "clip.wav"))
    assert process.stdout is not None
    lines: list[dict[str, Any]] = []

    def wait_for(what: str, value: object) -> None:
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1].get(what) == value:
                return
        raise AssertionError(f"{what} never became {value!r}: {lines}")

    def names() -> list[str]:
        return next(line["devices"] for line in reversed(lines) if "devices" in line)

    wait_for("note", "")
    plugged = sound_server.load("module-null-sink sink_name=phones sink_properties=device.description=Headphones")
    wait_for("output", "Headphones")
    assert len(names()) == 2
    listener = sound_server.listen("phones.monitor")
    listener.until(lambda: len(listener.samples) > RATE // 2, 20)
    assert np.abs(listener.samples).max() > 0.05  # it is heard there
    sound_server.make_default("phones")  # as desktops do with a device plugged in; Qt looks again when it changes
    sound_server.unload(plugged)
    wait_for("state", "playing")
    wait_for("note", "The sound device “Headphones” is not there. Playing on “Null Output”.")
    assert names() == ["Null Output"]
    assert process.wait(30) == 0
