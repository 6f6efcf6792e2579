"""What every test gets: voices, a home of its own, fixed randomness; and what none may leave behind."""

from __future__ import annotations

import os

# Before Qt, numpy or torch is imported by anything.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import multiprocessing
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import settings as hypothesis_settings

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "resources" / "example"
FAREWELL_S = 5.0  # what was told to end gets this long to do so

hypothesis_settings.register_profile("triptych", derandomize=True, deadline=None, max_examples=50)
hypothesis_settings.load_profile("triptych")

Tone = Callable[..., np.ndarray]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs recorded speech; a warning by Qt fails its test, unless a mark of the test says otherwise."""
    for item in items:
        if "recordings" in getattr(item, "fixturenames", ()):
            item.add_marker("recorded")
        if item.get_closest_marker("qt_log_level_fail") is None:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
        # Offscreen, Qt has no window manager to ask, and a machine may have no sound server and no decoder of video
        # (VA-API): a missing server the studio tells in a note of its own, the others concern no one.
        no_video = ("Couldn't load va", "Couldn't resolve va")
        harmless = ("This plugin does not support", "PulseAudioService", "pipewire-0.3", *no_video)
        item.add_marker(pytest.mark.qt_log_ignore(*harmless, extend=True))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Recorded speech, which not every machine has; its tests get the mark `recorded` by themselves.

    The folder is TRIPTYCH_RECORDINGS, else ../shared/data beside the project.
    """
    folder = Path(os.environ.get("TRIPTYCH_RECORDINGS", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recorded speech in {folder}; TRIPTYCH_RECORDINGS may name another folder")
    return folder


@pytest.fixture(scope="session")
def example_set() -> Path:
    """The synthetic voices that come with the project: short clips, about 1.5 s each."""
    return EXAMPLE


@pytest.fixture(scope="session")
def speech(example_set: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four clips of some 3.5 s, two of a woman and two of a man: two sentences of an example voice each.

    They lie in a folder of the speaker's name.
    """
    root = tmp_path_factory.mktemp("speech")
    clips = []
    for voice in ("anna", "emil"):
        (root / voice).mkdir()
        for pair in ((1, 2), (3, 4)):
            sentences = [soundfile.read(example_set / f"{voice}_sad_{n}.flac", dtype="int16")[0] for n in pair]
            clips.append(root / voice / f"{voice}_{pair[0]}_{pair[1]}.flac")
            soundfile.write(clips[-1], np.concatenate(sentences), 16_000)
    return clips


@pytest.fixture(scope="session")
def tone() -> Tone:
    """tone(hz, seconds, rate_hz, amplitude): a sine, float32 (samples,)."""

    def make(hz: float = 440.0, seconds: float = 1.0, rate_hz: int = 16_000, amplitude: float = 0.5) -> np.ndarray:
        times_s = np.arange(round(seconds * rate_hz)) / rate_hz
        return (amplitude * np.sin(2 * np.pi * hz * times_s)).astype(np.float32)

    return make


@pytest.fixture(scope="session", autouse=True)
def _session_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    # matplotlib searches the system's fonts once a session, not once a process.
    os.environ["MPLCONFIGDIR"] = str(tmp_path_factory.mktemp("matplotlib"))
    if "XDG_RUNTIME_DIR" not in os.environ:  # Qt warns of it; no test may use the person's own
        folder = tmp_path_factory.mktemp("run")
        folder.chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder)


@pytest.fixture(autouse=True)
def triptych_home(_nothing_left_running: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: nothing of the person's settings or projects is read or written."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("TRIPTYCH_HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    if "PySide6.QtCore" in sys.modules:
        from PySide6.QtCore import QSettings

        for kind in (QSettings.Format.IniFormat, QSettings.Format.NativeFormat):
            QSettings.setPath(kind, QSettings.Scope.UserScope, str(home / "settings"))
    return home


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    random.seed(0)
    np.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """A test that leaves a thread or a process running fails. First in, last out: after every other fixture."""
    threads_before = set(threading.enumerate())
    children_before = _children()
    with _watched_qthreads() as qthreads:
        yield
    _wait_until(lambda: not _left_threads(threads_before) and not _children() - children_before)
    left = [f"thread {thread.name}" for thread in _left_threads(threads_before)]
    left += [f"process {pid}: {_command(pid)}" for pid in sorted(_children() - children_before)]
    left += [f"QThread {name}" for name in qthreads()]
    if left:
        pytest.fail("left running: " + "; ".join(left), pytrace=False)


def _left_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t not in before and not t.daemon and t.is_alive()]


@contextmanager
def _watched_qthreads() -> Iterator[Callable[[], list[str]]]:
    """Remember every QThread started from Python; the function given names those that still run."""
    if "PySide6.QtCore" not in sys.modules:
        yield list
        return
    from PySide6.QtCore import QThread
    from shiboken6 import isValid

    started: list[QThread] = []
    start = QThread.start

    def remember(thread: QThread, *arguments: object) -> None:
        started.append(thread)
        start(thread, *arguments)

    def running() -> list[str]:
        _wait_until(lambda: not any(isValid(t) and t.isRunning() for t in started))
        return [t.objectName() or repr(t) for t in started if isValid(t) and t.isRunning()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QThread, "start", remember)
        yield running


def _children() -> set[int]:
    """Process ids of our children, less multiprocessing's own helper, which ends with us."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        return {child.pid for child in multiprocessing.active_children() if child.pid is not None}
    multiprocessing.active_children()  # joins those that have ended
    children: set[int] = set()
    for task in tasks.iterdir():
        try:
            children.update(map(int, (task / "children").read_text().split()))
        except OSError:  # a thread that ended meanwhile
            continue
    # An ended child that no one has waited for yet has no command line.
    return {pid for pid in children if (command := _command(pid)) and "resource_tracker" not in command}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _wait_until(settled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FAREWELL_S
    while not settled() and time.monotonic() < deadline:
        time.sleep(0.01)
