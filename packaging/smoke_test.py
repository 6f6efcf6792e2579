#!/usr/bin/env python3
"""Start the program offscreen and expect its log to say that it is ready; then ask it to end.

    .venv/bin/python packaging/smoke_test.py                               the studio of this folder
    .venv/bin/python packaging/smoke_test.py dist/triptych/triptych        the packaged program

Exit status: 0 if it got ready in time and ended when asked; 1 otherwise, with what it said.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

READY = "triptych: ready"
PATIENCE_S = 60.0
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    command = [*arguments, "studio"] if arguments else [sys.executable, "-m", "studio"]
    with tempfile.TemporaryDirectory() as home:
        return start_and_end(command, Path(home), PATIENCE_S)


def start_and_end(command: Sequence[str], home: Path, patience_s: float) -> int:
    """Start the program with an empty home, wait until it is ready and end it. Returns an exit status."""
    output = home / "output.txt"
    begun = time.monotonic()
    with open(output, "wb") as file:
        program = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "TRIPTYCH_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    while (
        not (ready := READY in said_in_log(home))
        and program.poll() is None
        and time.monotonic() < begun + patience_s
    ):
        time.sleep(0.05)
    seconds = time.monotonic() - begun
    lives = program.poll() is None
    ended = ended_when_asked(program)
    if ready and lives and ended:
        print(f"Ready after {seconds:.1f} s; it ended when asked.")
        return 0
    trouble = "did not get ready" if not ready else "ended by itself" if not lives else "did not end when asked"
    print(f"It {trouble} ({seconds:.0f} s). It said:\n{said(output)}{said_in_log(home)}")
    return 1


def said(file: Path) -> str:
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def said_in_log(home: Path) -> str:
    return "".join(said(log) for log in home.rglob("studio.log"))


def ended_when_asked(program: subprocess.Popen[bytes]) -> bool:
    program.terminate()
    try:
        program.wait(10)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
