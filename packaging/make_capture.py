"""Film a real drag-to-hear for the README: resources/readme/drag.gif.

    .venv/bin/python packaging/make_capture.py RECORDING RECORDING... [--out FILE.gif]

The real window on a display of its own (Xvfb), a real mouse (xdotool), a silent sound card (PulseAudio) and the
real engine: the first recording is chosen, the speaker's cell of the last is dragged onto its picture, and what
comes back is filmed (ffmpeg). The film in the README is of LibriSpeech's 7367 (a man) and 3526 (a woman); the
starter model knows neither.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SCREEN = (1280, 800)
FRAMES_A_SECOND = 8
WIDTH = 960
SPEAKER_COLUMN = 2
START_S = 2.0  # of the sound server
REST_S, STEP_S, LOOK_S = 1.0, 0.06, 3.0  # before the drag, between its steps, at the result
STEPS = 28
COLOURS = 96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "readme" / "drag.gif")
    parser.add_argument("--in-window", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.in_window:
        show([path.resolve() for path in wanted.recordings])
        return
    with tempfile.TemporaryDirectory() as folder:
        film(wanted.recordings, wanted.out, Path(folder))
    print(f"{wanted.out}: {wanted.out.stat().st_size / 1e6:.1f} MB")


def film(recordings: list[Path], out: Path, folder: Path) -> None:
    read, write = os.pipe()
    width, height = SCREEN
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as told:
        display = f":{told.readline().strip()}"
    environment = os.environ | {
        "DISPLAY": display, "QT_QPA_PLATFORM": "xcb",
        "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), "PULSE_SERVER": f"unix:{folder}/pulse/native",
    }  # fmt: skip
    sound = subprocess.Popen(
        [
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "-L",
            "module-native-protocol-unix auth-anonymous=1", "-L", "module-null-sink sink_name=silent",
        ],
        env=environment,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(START_S)
    program = subprocess.Popen(
        [sys.executable, __file__, "--in-window", *map(str, recordings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        play(program, environment, display, folder / "film.mkv")
    finally:
        program.communicate("", timeout=60)
        for process in (sound, server):
            process.terminate()
            process.wait()
    palette = f"split[a][b];[a]palettegen=max_colors={COLOURS}:stats_mode=diff[p];[b][p]paletteuse=dither=none"
    subprocess.run(
        [
            "ffmpeg", "-y", "-loglevel", "error", "-i", str(folder / "film.mkv"), "-vf",
            f"fps={FRAMES_A_SECOND},scale={WIDTH}:-1:flags=lanczos,{palette}:diff_mode=rectangle", str(out),
        ],
        check=True,
    )  # fmt: skip


def play(program: subprocess.Popen[str], environment: dict[str, str], display: str, target: Path) -> None:
    """Drag while the camera runs."""

    def mouse(*words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], check=True, env=environment, timeout=20)

    assert program.stdout is not None
    places = json.loads(program.stdout.readline())
    (x, y), (to_x, to_y) = places["speaker"], places["picture"]
    mouse("mousemove", "--sync", x + 60, y + 60)
    width, height = SCREEN
    camera = subprocess.Popen(
        [
            "ffmpeg", "-y", "-loglevel", "error", "-f", "x11grab", "-framerate", str(FRAMES_A_SECOND),
            "-video_size", f"{width}x{height}", "-i", display, "-c:v", "ffv1", str(target),
        ],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(REST_S)
    mouse("mousemove", "--sync", x, y, "mousedown", 1)
    for step in range(1, STEPS + 1):
        share = (step / STEPS) ** 2 * (3 - 2 * step / STEPS)
        mouse("mousemove", "--sync", round(x + share * (to_x - x)), round(y + share * (to_y - y)))
        time.sleep(STEP_S)
    mouse("mousemove_relative", "--sync", 2, 2)
    time.sleep(0.3)
    mouse("mouseup", 1)
    assert json.loads(program.stdout.readline()) == {"take": True}
    time.sleep(LOOK_S)
    camera.communicate(b"q", timeout=60)


def show(recordings: list[Path]) -> None:
    """The window itself: says where things are once all is analysed, and when a take has come. Ends with stdin."""
    from PySide6.QtCore import QPoint, QTimer
    from PySide6.QtWidgets import QApplication, QWidget

    from studio import theme
    from studio.app import Studio

    app = QApplication([])
    theme.apply(app)
    studio = Studio()
    session, window = studio.session, studio.window
    window.setGeometry(0, 0, *SCREEN)
    window.show()
    session.restore()
    session.add_files(recordings)

    def say(**values: object) -> None:
        print(json.dumps(values), flush=True)

    def voice_half(widget: QWidget) -> tuple[int, int]:
        """Over the left half, which offers the voice; the right one offers the emotion."""
        at = widget.mapToGlobal(QPoint(widget.width() // 4, widget.height() // 2))
        return at.x(), at.y()

    def look() -> None:
        if len(session.encoded()) < len(recordings):
            return
        analysed.stop()
        view = window.library.view
        view.setCurrentIndex(view.model().index(0, 0))
        QTimer.singleShot(2500, app, settled)  # the picture is drawn and the columns have their widths

    def settled() -> None:
        view = window.library.view
        cell = view.visualRect(view.model().index(len(recordings) - 1, SPEAKER_COLUMN)).center()
        at = view.viewport().mapToGlobal(cell)
        say(speaker=(at.x(), at.y()), picture=voice_half(window.clip_view))

    def took() -> None:
        if session.takes:
            session.takes_changed.disconnect(took)
            say(take=True)

    analysed = QTimer(interval=200)
    analysed.timeout.connect(look)
    analysed.start()
    session.takes_changed.connect(took)
    threading.Thread(target=lambda: (sys.stdin.read(), QTimer.singleShot(0, app, app.quit)), daemon=True).start()
    app.exec()
    studio.close()


if __name__ == "__main__":
    main()
