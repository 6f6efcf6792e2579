"""A desktop as a person has it: a display, a mouse, a sound card that nobody hears, and the real program on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DISPLAY_NEEDS = ("Xvfb", "xdotool")
SOUND_NEEDS = ("pulseaudio", "parec", "pactl")
SILENT_SINK = "module-null-sink sink_name=null rate=16000 channels=1"

Place = tuple[int, int]


class NoSoundError(Exception):
    """The sound server does not start here."""


@contextmanager
def display(width: int, height: int) -> Iterator[str]:
    """A display of its own; its name."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def silent_sound(folder: Path) -> Iterator[dict[str, str]]:
    """A private PulseAudio with a null sink of 16 kHz, mono; what the environment of its programs has to say.

    Raises:
        NoSoundError: it does not start.
    """
    told = {"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), "PULSE_SERVER": f"unix:{folder}/pulse/native"}
    env = {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")} | told
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-target=stderr"]
    modules = ["-L", "module-native-protocol-unix auth-anonymous=1", "-L", SILENT_SINK]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen([*command, *modules], env=env, stderr=log)
        try:
            for _ in range(100):  # each probe takes its time: no sleep is needed
                probe = subprocess.run(["pactl", "info"], env=env, capture_output=True, timeout=10, check=False)
                if probe.returncode == 0:
                    break
                if process.poll() is not None:
                    raise NoSoundError("it does not start here: " + (folder / "server.log").read_text()[-300:])
            else:
                raise NoSoundError("it does not answer")
            yield told
        finally:
            process.terminate()
            process.wait(10)


@dataclass
class Talker:
    """A program on the display that says what happens to it, a JSON object a line."""

    environment: Mapping[str, str]
    process: subprocess.Popen[str]

    def said(self) -> dict[str, Any]:
        """The next thing that it says.

        Raises:
            AssertionError: it ended instead.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        found: dict[str, Any] = json.loads(line)
        return found

    def wait_for(self, **wanted: object) -> None:
        """Until it says that, whatever else it says before.

        Raises:
            AssertionError: it ended instead.
        """
        while self.said() != wanted:
            pass


class VisibleStudio(Talker):
    """The studio in a process of its own, filling the display; see visible_studio.py for what it says."""

    def places(self) -> dict[str, Place]:
        """Where things are on the screen now."""
        assert self.process.stdin is not None
        self.process.stdin.write("where\n")
        self.process.stdin.flush()
        while "row" not in (found := self.said()):
            pass
        return {name: (x, y) for name, (x, y) in found.items()}

    def mouse(self, *words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], check=True, env=self.environment, timeout=20)

    def drag(self, start: Place, end: Place, shares: Sequence[float], rest_s: float = 0.0) -> None:
        """Press at the start, go on by shares of the way, let go at the end."""
        self.carry(start, end, shares, rest_s)
        self.mouse("mouseup", 1)

    def carry(self, start: Place, end: Place, shares: Sequence[float], rest_s: float = 0.0) -> None:
        """Press at the start, go on by shares of the way, hold still at the end.

        A drag begins only after some way, and its target hears of it step by step.
        """
        (x, y), (to_x, to_y) = start, end
        self.mouse("mousemove", "--sync", x, y, "mousedown", 1)
        for share in shares:
            self.mouse("mousemove", "--sync", round(x + share * (to_x - x)), round(y + share * (to_y - y)))
            time.sleep(rest_s)
        self.mouse("mousemove_relative", "--sync", 2, 2)
        time.sleep(rest_s)


@contextmanager
def visible_studio(
    display_name: str, model: str | Path, clips: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Iterator[VisibleStudio]:
    """The studio with clips that are analysed; it must end well."""
    env = {**os.environ, **(environment or {}), "DISPLAY": display_name, "QT_QPA_PLATFORM": "xcb"}
    with _program("visible_studio.py", [model, *clips], env) as program:
        studio = VisibleStudio(env, program)
        assert studio.said() == {"analysed": len(clips)}
        yield studio


@contextmanager
def drop_window(display_name: str, folder: Path) -> Iterator[Talker]:
    """A window in the upper right corner that copies dropped files into a folder; see drop_window.py."""
    env = {**os.environ, "DISPLAY": display_name, "QT_QPA_PLATFORM": "xcb"}
    with _program("drop_window.py", [folder], env) as program:
        yield Talker(env, program)


@contextmanager
def _program(name: str, arguments: Sequence[object], env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """One beside this file, which ends when its standard input closes; it must end well."""
    program = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        cwd=ROOT,
    )
    try:
        yield program
    finally:
        program.communicate("", timeout=60)
    assert program.returncode == 0
