"""Film a real drag-to-hear for the README: resources/readme/drag.gif.

    .venv/bin/python tests/flows/film_drag.py RECORDING RECORDING... [--out FILE.gif]

On a desktop of its own the first recording is chosen, the speaker's cell of the last is dragged onto its picture,
and what comes back is filmed (ffmpeg). The film in the README is of LibriSpeech's 7367 (a man) and 3526 (a woman);
the starter model knows neither.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import desktop  # noqa: E402

from engine.runtime.resources import default_model  # noqa: E402

SCREEN = (1280, 800)
FRAMES_A_SECOND = 8
WIDTH = 960
SETTLE_S = 2.5  # until the picture is drawn and the columns have their widths
REST_S, STEP_S, LOOK_S = 1.0, 0.06, 3.0  # before the drag, between its steps, at the result
STEPS = 28
COLOURS = 96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "readme" / "drag.gif")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film(wanted.recordings, Path(folder) / "film.mkv", Path(folder))
        save(Path(folder) / "film.mkv", wanted.out)
    print(f"{wanted.out}: {wanted.out.stat().st_size / 1e6:.1f} MB")


def film(recordings: list[Path], target: Path, home: Path) -> None:
    """Drag while the camera runs."""
    width, height = SCREEN
    model = default_model()
    assert model is not None
    clips = [path.resolve() for path in recordings]
    with desktop.display(width, height) as name, desktop.silent_sound(home) as sound:
        places_of_home = {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
        with desktop.visible_studio(name, model, clips, sound | places_of_home) as studio:
            studio.mouse("mousemove", "--sync", *studio.places()["row"], "click", 1)
            time.sleep(SETTLE_S)
            places = studio.places()
            camera = subprocess.Popen(
                [
                    "ffmpeg",
                    "-y",
                    "-loglevel",
                    "error",
                    "-f",
                    "x11grab",
                    "-framerate",
                    str(FRAMES_A_SECOND),
                    "-video_size",
                    f"{width}x{height}",
                    "-i",
                    name,
                    "-c:v",
                    "ffv1",
                    str(target),
                ],
                stdin=subprocess.PIPE,
            )
            time.sleep(REST_S)
            eased = [(step / STEPS) ** 2 * (3 - 2 * step / STEPS) for step in range(1, STEPS + 1)]
            studio.drag(places["speaker"], places["picture"], eased, STEP_S)
            studio.wait_for(takes=1)
            time.sleep(LOOK_S)
            camera.communicate(b"q", timeout=60)


def save(film: Path, out: Path) -> None:
    """The film as a GIF of few colours."""
    palette = f"split[a][b];[a]palettegen=max_colors={COLOURS}:stats_mode=diff[p];[b][p]paletteuse=dither=none"
    subprocess.run(
        [
            "ffmpeg",
            "-y",
            "-loglevel",
            "error",
            "-i",
            str(film),
            "-vf",
            f"fps={FRAMES_A_SECOND},scale={WIDTH}:-1:flags=lanczos,{palette}:diff_mode=rectangle",
            str(out),
        ],
        check=True,
    )


if __name__ == "__main__":
    main()
