"""What the flows share: a sound server of their own, a window with four recordings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import desktop
import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from small_model import save_small_model

ANALYSIS_MS = 100_000
BUSY = 2.5  # runnable processes a core, over a minute; from here on a sound server itself drops out
CALM_S = 180  # what sounds in real time waits so long for its turn, and then tries


@dataclass
class SoundServer:
    """A private PulseAudio. env: the environment to reach it; rate of its sinks is 16 kHz, mono."""

    env: dict[str, str]
    folder: Path
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def load(self, module: str) -> str:
        """Load a module, such as another sink; returns its index."""
        return self._control("load-module", *module.split())

    def unload(self, index: str) -> None:
        self._control("unload-module", index)

    def make_default(self, sink: str) -> None:
        self._control("set-default-sink", sink)

    def _control(self, *words: str) -> str:
        command = ["pactl", *words]
        told = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=10, check=True)
        return told.stdout.strip()

    def listen(self, source: str = "null.monitor") -> Listener:
        """Begin to write down what a source hears."""
        form = ["--format=float32le", "--rate=16000", "--channels=1", "--latency-msec=10"]
        recorder = subprocess.Popen(["parec", "-d", source, *form], env=self.env, stdout=subprocess.PIPE)
        self._running.append(recorder)
        return Listener(recorder)

    def run(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a Python program of the studio's."""
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=self.env | {"PYTHONPATH": str(desktop.ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)  # type: ignore[arg-type]
        return process

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.terminate()
            process.wait(10)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@dataclass
class Listener:
    """Hears a source: samples with the time at which each arrived."""

    process: subprocess.Popen[bytes]
    heard: list[tuple[float, np.ndarray]] = field(default_factory=list)

    def until(self, condition: Callable[[], object], patience_s: float) -> None:
        """Listen until the condition holds, or patience ends."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        os.set_blocking(descriptor, False)
        deadline = time.monotonic() + patience_s
        rest = b""
        while not condition() and time.monotonic() < deadline:
            try:
                rest += os.read(descriptor, 1 << 16)
            except BlockingIOError:
                time.sleep(0.002)  # what arrives is dated by it
                continue
            whole = len(rest) // 4 * 4
            self.heard.append((time.monotonic(), np.frombuffer(rest[:whole], np.float32)))
            rest = rest[whole:]

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.float32), *(piece for _, piece in self.heard)])

    def time_of(self, sample: int) -> float:
        """When a sample arrived, on the monotonic clock."""
        first = 0
        for now, piece in self.heard:
            if sample < first + len(piece):
                return now - (first + len(piece) - sample) / 16_000
            first += len(piece)
        raise AssertionError(f"only {first} samples were heard")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever waits for calm gets that time on top of the usual two minutes."""
    for item in items:
        if "sound_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(CALM_S + 120))


def wait_for_calm() -> None:
    """Return once others leave the processor to a sound server, or when the patience has ended."""
    deadline = time.monotonic() + CALM_S
    while os.getloadavg()[0] > BUSY * (os.cpu_count() or 1) and time.monotonic() < deadline:
        time.sleep(1.0)


@pytest.fixture
def sound_server(tmp_path: Path) -> Iterator[SoundServer]:
    """A private PulseAudio with a null sink, on a machine that is not too busy for it."""
    missing = [tool for tool in desktop.SOUND_NEEDS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: pulseaudio, pulseaudio-utils)")
    wait_for_calm()
    try:
        with desktop.silent_sound(tmp_path) as told:
            env = {k: v for k, v in os.environ.items() if not k.startswith("PULSE_")}
            env |= told | {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
            server = SoundServer(env, tmp_path)
            try:
                yield server
            finally:
                server.close()
    except desktop.NoSoundError as error:
        pytest.skip(f"pulseaudio: {error}")


@pytest.fixture
def studio(qtbot: QtBot, triptych_home: Path, speech: list[Path], tmp_path: Path) -> Iterator[Any]:
    """A window with four clips, analysed with a small model; nothing renders unasked."""
    from studio.app import Studio  # late: most flows have no window of their own

    studio = Studio()
    studio.window.show()
    studio.window.desk.on_drop.setChecked(False)
    session = studio.session
    session.project.restore()
    session.model.open(save_small_model(tmp_path))
    session.imports.add_files(speech)
    qtbot.waitUntil(lambda: len(session.model.encoded()) == 4, timeout=ANALYSIS_MS)
    yield studio
    # After a failure the window would ask about a training or about changes, and nobody is there to answer.
    for job in studio.link.training_jobs():
        job.cancel()
    qtbot.waitUntil(lambda: not studio.link.training_jobs(), timeout=ANALYSIS_MS)
    session.discard_changes()
    studio.window.close()
    studio.close()
    studio.window.deleteLater()
