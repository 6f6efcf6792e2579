#!/usr/bin/env python3
"""Set up as packaging/start.py does, then run everything that CI runs: linters, types, layers, tests.

    python3 packaging/test.py [ARGUMENTS OF PYTEST ...]

The tests run as on a machine without any recordings; then those marked `recorded`, where there are some in
TRIPTYCH_RECORDINGS (else ../shared/data). The arguments go to both runs of pytest.

Every check runs even if one before it failed; the failures are listed before pytest starts, so that the last line
is pytest's own, of a run that found a test. Exit status: 0 only if all passed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import start
import system_libraries
from environment import Environment, SetUpError

# Programs that some tests drive, and the Debian packages that hold them. Without one, its tests skip and say why.
TOOLS = {
    "Xvfb": "xvfb",
    "xauth": "xauth",
    "xdotool": "xdotool",
    "pulseaudio": "pulseaudio",
    "parec": "pulseaudio-utils",
    "ffmpeg": "ffmpeg",
}
RECORDINGS = "TRIPTYCH_RECORDINGS"  # the folder of recorded speech (tests/conftest.py)
NOTHING_SELECTED = 5  # pytest's exit status


def main(arguments: list[str]) -> int:
    try:
        environment = start.set_up(frozenset({"dev"}), packages_for_tools())
    except SetUpError as error:
        print(f"{error.what}\n{error.hint}", file=sys.stderr)
        return 1
    os.chdir(environment.root)
    variables = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "OMP_WAIT_POLICY": "PASSIVE",  # two spinning OpenMP teams on few cores ruin each other
        "OMP_NUM_THREADS": "2",
    }
    failed = [name for name, command in checks(environment).items() if not _passes(name, command, variables)]
    if failed:
        print(f"\nFAILED before the tests: {', '.join(failed)}\n", flush=True)
    tests = run_tests([environment.python, "-m", "pytest"], arguments, variables, environment.root)
    return tests or (1 if failed else 0)


def run_tests(pytest: list[str | Path], arguments: list[str], variables: dict[str, str], root: Path) -> int:
    """The exit status of all tests: those that pass anywhere, then those that need recorded speech."""
    anywhere = subprocess.run(
        [*pytest, "-m", "not recorded", *arguments],
        env={**variables, RECORDINGS: os.devnull},  # no folder, so that no test sees any
    ).returncode
    folder = Path(variables.get(RECORDINGS, root.parent / "shared" / "data"))
    if not folder.is_dir():
        return anywhere
    # held back until it is known that something was selected: the last line is of a run that found a test
    held = subprocess.run(
        [*pytest, "-m", "recorded", *arguments],
        env={**variables, RECORDINGS: str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if held.returncode == NOTHING_SELECTED:
        return anywhere
    print(f"== tests on recorded speech, {folder}", flush=True)
    sys.stdout.buffer.write(held.stdout)
    sys.stdout.flush()
    return held.returncode if anywhere == NOTHING_SELECTED else anywhere or held.returncode


def checks(environment: Environment) -> dict[str, list[str | Path]]:
    """Every check but the tests, in the order of their cost."""
    python = environment.python
    return {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "import contracts": [environment.scripts / "lint-imports"],
        "mypy": [python, "-m", "mypy"],
    }


def packages_for_tools() -> list[str]:
    """Packages to install for the tests: none unless this is root on Debian or Ubuntu."""
    if not (system_libraries.has_apt() and system_libraries.is_root()):
        return []
    return [package for tool, package in TOOLS.items() if shutil.which(tool) is None]


def _passes(name: str, command: list[str | Path], variables: dict[str, str]) -> bool:
    print(f"== {name}", flush=True)
    try:
        return subprocess.run(command, env=variables).returncode == 0
    except OSError as error:
        print(f"{command[0]} cannot be run: {error}", flush=True)
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
