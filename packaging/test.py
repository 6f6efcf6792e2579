#!/usr/bin/env python3
"""Set up as packaging/start.py does, then run everything that CI runs: linters, types, layers, tests.

    python3 packaging/test.py [ARGUMENTS OF PYTEST ...]

Every check runs even if one before it failed; the failures are listed before pytest starts, so that the last line
is pytest's own. Exit status: 0 only if all passed.
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
    tests = subprocess.run([environment.python, "-m", "pytest", *arguments], env=variables)
    return tests.returncode or (1 if failed else 0)


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
