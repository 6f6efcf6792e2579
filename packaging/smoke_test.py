#!/usr/bin/env python3
"""Start the program offscreen and expect its one line `Triptych is ready`; then ask it to end.

    .venv/bin/python packaging/smoke_test.py                               the studio of this folder
    .venv/bin/python packaging/smoke_test.py dist/triptych/triptych        the packaged program

Exit status: 0 if the line came in time and the program ended when asked; 1 otherwise, with what it said.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

READY = "Triptych is ready"
PATIENCE_S = 60.0
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    command = [*arguments, "studio"] if arguments else [sys.executable, "-m", "studio"]
    with tempfile.TemporaryDirectory() as home:
        return start_and_end(command, Path(home), PATIENCE_S)


def start_and_end(command: Sequence[str], home: Path, patience_s: float) -> int:
    """Start the program with an empty home, wait for its ready line and end it. Returns an exit status."""
    begun = time.monotonic()
    program = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "TRIPTYCH_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    reader, lines = lines_of(program)
    ready = wait_for_line(lines, READY, patience_s, said)
    seconds = time.monotonic() - begun
    program.terminate()
    try:
        program.wait(10)
        ended = True
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
        ended = False
    reader.join(10)
    if ready and ended:
        print(f"{READY} after {seconds:.1f} s; it ended when asked.")
        return 0
    print(f"It did not {'end when asked' if ready else f'say `{READY}` within {seconds:.0f} s'}. It said:")
    print("".join(said) or "nothing")
    return 1


def lines_of(program: subprocess.Popen[str]) -> tuple[threading.Thread, queue.Queue[str]]:
    """The program's output, line by line as it comes; an empty one when it has ended."""
    lines: queue.Queue[str] = queue.Queue()
    output = program.stdout
    assert output is not None

    def read() -> None:
        with output:
            for line in output:
                lines.put(line)
        lines.put("")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return reader, lines


def wait_for_line(lines: queue.Queue[str], wanted: str, patience_s: float, said: list[str]) -> bool:
    """Move lines into `said` until the wanted words, the end of the output, or the end of patience."""
    deadline = time.monotonic() + patience_s
    while (left_s := deadline - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left_s)
        except queue.Empty:
            break
        said.append(line)
        if wanted in line:
            return True
        if not line:
            break
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
