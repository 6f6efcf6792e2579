"""The window: start, a large import, sorting and filtering, a long spectrogram, memory. Drawn offscreen.

    python -m tests.bench.window_speed [--clips 20000] [--json FILE]

Start is measured in processes of their own, from the call of the program to the first idle moment of the shown
window. The import runs the real scan in the real engine process, over that many files, while a timer of 16 ms ticks
in the window: how late its ticks come is how long the window was deaf. Their analysis is not waited for.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.measuring import Row, arguments, milliseconds, percentile, tell  # isort: skip

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np

if TYPE_CHECKING:
    from studio.session.session import Session

TICK_S = 0.016
FOLDER = 100  # recordings
START = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from studio.services import theme
from studio.app import Studio
app = QApplication(["triptych"])
theme.apply(app)
studio = Studio()
studio.open([])
# The second turn of the loop without anything to do: everything shown has been laid out and painted.
QTimer.singleShot(0, lambda: QTimer.singleShot(0, lambda: QTimer.singleShot(0, app.quit)))
app.exec()
print("ready", time.process_time(), ",".join(m for m in ("torch", "matplotlib", "sklearn", "scipy", "pandas")
      if m in sys.modules))
sys.stdout.flush()
studio.close()
"""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--starts", type=int, default=5)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRIPTYCH_HOME"] = str(Path(folder) / "home")
        rows = [*start(wanted.starts), *library(Path(folder), wanted.clips), *spectrogram()]
    tell("The window", rows, wanted.json, imports=import_profile())


def start(times: int) -> list[Row]:
    walls, cpus, heavy = [], [], ""
    for _ in range(times + 1):
        began = time.perf_counter()
        with subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            words = child.stdout.readline().split()
            walls.append(time.perf_counter() - began)
        if len(words) < 2 or words[0] != "ready":
            raise RuntimeError("the window did not start")
        cpus.append(float(words[1]))
        heavy = words[2] if len(words) > 2 else ""
    wall, cpu = statistics.median(walls[1:]), statistics.median(cpus[1:])  # the first fills the disk's cache
    return [
        Row(
            "Start to a usable window", wall, "s", goal=1.5, better="lower",
            ours=f"{cpu:.2f} s of processor time",
        ),
        Row(
            "Heavy packages imported at start", float(len(heavy.split(",")) if heavy else 0), "", goal=0.0,
            better="lower", ours=heavy or "none of torch, matplotlib, scikit-learn, scipy, pandas",
        ),
    ]  # fmt: skip


def import_profile(most: int = 12) -> list[str]:
    """The slowest imports of the window's process, as Python tells them."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import studio.app"], capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:") and "|" in line]
    own = sorted(lines[1:], key=lambda line: -int(line.split("|")[0].split(":")[1]))
    return [
        f"{int(line.split('|')[0].split(':')[1]) / 1000:.0f} ms {line.split('|')[2].strip()}" for line in own[:most]
    ]


class Ticks:
    """A timer of 16 ms in the window's thread, and how late each of its ticks came."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.late_s: list[float] = []
        self.busy_s: list[float] = []  # processor time of the thread between two ticks
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._at, self._used = time.perf_counter(), time.thread_time()
        self._timer.start(round(1000 * TICK_S))

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self.late_s.append(now - self._at)
        self.busy_s.append(used - self._used)
        self._at, self._used = now, used


def library(folder: Path, count: int) -> list[Row]:
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication

    from studio.app import Studio
    from studio.panels.library.table_model import DURATION, NAME, SPEAKER
    from studio.services import theme

    files = many_files(folder / "corpus", count)
    app = QApplication.instance() or QApplication(["triptych"])
    theme.apply(app)
    studio = Studio()
    studio.open([])
    settle(app)
    empty_mib = resident_mib()
    session, panel = studio.session, studio.window.library
    ticks = Ticks()
    cold_s, _ = imported(app, session, str(Path(files) / "0000"), FOLDER)
    settle(app, 1.0)
    ticks.start()
    first_s, whole_s = imported(app, session, files, count)
    settle(app, 1.0)
    ticks.stop()
    rows = [
        Row(
            f"Import of {count} recordings: the first new row", 1000.0 * first_s, "ms", goal=150.0, better="lower",
            ours=f"all after {whole_s:.1f} s; the first of the first import, which starts the engine's process, "
            f"after {cold_s:.1f} s",
        ),
        Row(
            f"Import of {count} recordings: the window's 16 ms timer, 99th percentile",
            1000.0 * percentile(ticks.late_s, 0.99), "ms", goal=50.0, better="lower",
            ours=f"longest {milliseconds(max(ticks.late_s))}",
            note=f"{1000.0 * percentile(ticks.busy_s, 0.99):.0f} ms of the thread's own processor time",
        ),
        Row(
            "Memory of the window's process with them", resident_mib(), "MiB", goal=400.0, better="lower",
            ours=f"{empty_mib:.0f} MiB with an empty library",
        ),
    ]  # fmt: skip
    if "torch" in sys.modules:  # some 500 MiB, and slower collections of garbage: not the window's
        raise RuntimeError("torch was imported into the window's process")
    rng = np.random.default_rng(0)
    for number, clip in enumerate(session.library.clips.values()):
        clip.labels["speaker"], clip.duration_s = f"s{number % 251}", float(rng.uniform(1.0, 15.0))
    orders = (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder)

    def sort(turn: int) -> None:
        panel.table.sort((NAME, SPEAKER, DURATION)[turn % 3], orders[turn // 3 % 2])

    def narrow(turn: int) -> None:
        panel.table.set_filter(("", "clip01", "s17", "s200 clip")[turn % 4])

    for name, action in (("Sorting", sort), ("Filtering", narrow)):
        taken = [handled(app, lambda turn=turn, action=action: action(turn)) for turn in range(12)]
        rows.append(
            Row(
                f"{name} {count} rows and painting them, worst of 12", 1000.0 * max(t[0] for t in taken), "ms",
                goal=100.0, better="lower", ours=f"median {milliseconds(statistics.median(t[0] for t in taken))}",
                note=f"{1000.0 * max(t[1] for t in taken):.0f} ms of processor time",
            )
        )  # fmt: skip
    studio.close()
    studio.window.close()
    return rows


def imported(app: Any, session: Session, place: str, count: int) -> tuple[float, float]:
    """Seconds until an import shows its first row, and until there are so many rows in all."""
    began, before, first_s = time.perf_counter(), len(session.library.clips), None
    session.imports.add_files([place])
    while (there := len(session.library.clips)) < count:
        app.processEvents()
        if first_s is None and len(session.library.clips) > before:
            first_s = time.perf_counter() - began
        if time.perf_counter() - began > 300:
            raise RuntimeError(f"only {there} of {count} rows came")
        time.sleep(0.0005)
    whole_s = time.perf_counter() - began
    return whole_s if first_s is None else first_s, whole_s


def many_files(folder: Path, count: int) -> str:
    """So many names of one short recording, FOLDER to a folder, as corpora lie."""
    import soundfile

    one = folder.with_name("one.flac")
    soundfile.write(one, 0.1 * np.sin(np.arange(16_000) * 0.2), 16_000)
    for number in range(count):
        place = folder / f"{number // FOLDER:04}"
        if number % FOLDER == 0:
            place.mkdir(parents=True)
        os.link(one, place / f"clip{number:06}.flac")
    return str(folder)


def settle(app: object, seconds: float = 0.3) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        app.processEvents()  # type: ignore[attr-defined]
        time.sleep(0.001)


def handled(app: object, action: Callable[[], object]) -> tuple[float, float]:
    """Seconds and seconds of the thread's processor time until an action is done and painted."""
    wall, cpu = time.perf_counter(), time.thread_time()
    action()
    app.processEvents()  # type: ignore[attr-defined]
    return time.perf_counter() - wall, time.thread_time() - cpu


def resident_mib() -> float:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024.0
    raise RuntimeError("/proc/self/status names no VmRSS; this benchmark needs Linux")


def spectrogram() -> list[Row]:
    """A ten-minute mel spectrogram with its pitch line, panned and zoomed at 1600 x 400 points."""
    from PySide6.QtWidgets import QApplication

    from engine.api import AudioSpec
    from studio.plots.spectrogram import SpectrogramView
    from studio.plots.timeline import Timeline

    app = QApplication.instance()
    spec, minutes = AudioSpec(), 10
    frames = round(60 * minutes * spec.frames_per_second)
    rng = np.random.default_rng(0)
    mel = (rng.standard_normal((frames, spec.bands), np.float32) * 2.0 - 6.0).astype(np.float16)
    timeline = Timeline()
    view = SpectrogramView(timeline)
    view.resize(1600, 400)
    view.set_mel(mel, spec)
    view.set_f0((120.0 + 20.0 * rng.standard_normal(frames)).astype(np.float32))
    timeline.set_duration(60.0 * minutes)
    view.show()
    settle(app)

    def pan(turn: int) -> None:
        timeline.scroll(0.02 if turn % 40 < 20 else -0.02)

    def zoom(turn: int) -> None:
        timeline.zoom(0.9 if turn % 60 < 30 else 1 / 0.9, at=300.0)

    rows = []
    for name, action, span in (("Panning", pan, (120.0, 240.0)), ("Zooming", zoom, (0.0, 600.0))):
        timeline.show(*span)
        settle(app, 0.1)
        taken = [handled(app, lambda turn=turn, action=action: action(turn)) for turn in range(120)]
        rows.append(
            Row(
                f"{name} a spectrogram of {minutes} minutes, a frame (median)",
                1000.0 * statistics.median(t[0] for t in taken), "ms", goal=16.0, better="lower",
                ours=f"99th percentile {milliseconds(percentile([t[0] for t in taken], 0.99))}",
                note=f"{1000.0 * statistics.median(t[1] for t in taken):.1f} ms of processor time",
            )
        )  # fmt: skip
    view.close()
    return rows


if __name__ == "__main__":
    main()
