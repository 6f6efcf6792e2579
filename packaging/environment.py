"""The project's own Python environment, `.venv`: made, filled with the pinned packages, trusted only when whole.

A stamp inside it says what it was made from. It is removed before anything is touched and written last, so an
interrupted set-up is never taken for a finished one: the next start goes on where pip left off.
Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STAMP = "triptych-set-up.json"
LINUX_GB = 6.0  # measured: .venv with torch's CUDA libraries on x86-64 Linux
OTHER_GB = 1.8
HEARTBEAT_S = 10.0


class SetUpError(Exception):
    """The set-up cannot go on. what: what happened; hint: what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what} {hint}")
        self.what = what
        self.hint = hint


class Environment:
    """The `.venv` of one project folder.

    Args:
        root: the project folder, which holds pyproject.toml and packaging/constraints.txt.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.scripts = self.folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / ("python.exe" if os.name == "nt" else "python")
        self.constraints = root / "packaging" / "constraints.txt"

    def is_ready(self, extras: frozenset[str] = frozenset()) -> bool:
        """Whether a finished set-up, made from the present files, holds what is asked."""
        stamp = self._read_stamp()
        return stamp is not None and extras <= frozenset(stamp["extras"]) and self.python.exists()

    def prepare(self, say: Callable[[str], None], extras: frozenset[str] = frozenset()) -> None:
        """Make the environment ready; nothing is done when it is.

        Raises:
            SetUpError: venv is missing from this Python, the disk is full, or pip failed.
        """
        if self.is_ready(extras):
            return
        stamp = self.folder / STAMP
        extras |= _extras_in(stamp)  # a renewed set-up keeps the tools that were there
        begun = time.monotonic()
        if not self._works():
            say(f"Making the environment {self.folder} (Python {platform.python_version()}) ...")
            self._make()
        stamp.unlink(missing_ok=True)
        self._drop_half_installed()
        self._warn_of_size(say)
        self._install(say, extras)
        temporary = stamp.with_suffix(".tmp")
        temporary.write_text(json.dumps({"key": self._key(), "extras": sorted(extras)}), "utf-8")
        os.replace(temporary, stamp)
        say(f"Set-up finished in {time.monotonic() - begun:.0f} s.")

    def _key(self) -> str:
        """Changes with everything that the installed packages depend on."""
        digest = hashlib.sha256()
        for part in (
            (self.root / "pyproject.toml").read_bytes(),
            self.constraints.read_bytes(),
            f"{sys.version_info.major}.{sys.version_info.minor} {sys.platform} {platform.machine()}".encode(),
            str(self.root).encode(),  # the editable install points here: a moved project is set up anew
        ):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()

    def _read_stamp(self) -> dict[str, list[str]] | None:
        try:
            stamp = json.loads((self.folder / STAMP).read_text("utf-8"))
            return stamp if stamp["key"] == self._key() and isinstance(stamp["extras"], list) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _works(self) -> bool:
        """Whether there is an environment of this Python's version with a working pip to go on from."""
        probe = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
        try:
            answer = subprocess.run([self.python, "-I", "-c", probe], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return answer.returncode == 0 and answer.stdout.split() == [
            f"{sys.version_info.major}.{sys.version_info.minor}"
        ]

    def _make(self) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(self.folder)], capture_output=True, text=True
        )
        if made.returncode != 0:
            tail = (made.stdout + made.stderr).strip().splitlines()[-1:]
            raise SetUpError(
                f"Python could not make {self.folder}: {' '.join(tail) or 'no reason given'}.",
                "Make sure that the folder can be written and that the disk is not full, then start again.",
            )

    def _drop_half_installed(self) -> None:
        """Forget packages whose installation was interrupted: pip takes them for whole, but writes RECORD last."""
        for described in self.folder.glob("[lL]ib/**/site-packages/*.dist-info"):
            if not (described / "RECORD").exists():
                shutil.rmtree(described)

    def _warn_of_size(self, say: Callable[[str], None]) -> None:
        wanted_gb = LINUX_GB if sys.platform.startswith("linux") else OTHER_GB
        have_gb = _size_gb(self.folder)
        say(
            f"Installing the packages into {self.folder}: about {wanted_gb:.1f} GB, of which "
            f"{have_gb:.1f} GB are there.\n"
            + (
                "4.6 GB of that is PyTorch with NVIDIA's CUDA libraries, which come with it and are used only "
                "where there is such a GPU.\n"
                if sys.platform.startswith("linux")
                else ""
            )
            + "This happens once and takes a minute to a quarter of an hour, by the speed of the connection."
        )
        free_gb = shutil.disk_usage(self.root).free / 1e9
        if free_gb < wanted_gb - have_gb:
            say(f"Only {free_gb:.1f} GB are free on this disk: the set-up will probably stop half-way.")

    def _install(self, say: Callable[[str], None], extras: frozenset[str]) -> None:
        target = str(self.root) + (f"[{','.join(sorted(extras))}]" if extras else "")
        command = [
            str(self.python),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "-c",
            str(self.constraints),
            "-e",
            target,
        ]
        pip = subprocess.Popen(command, cwd=self.root, stdin=subprocess.DEVNULL)
        try:
            code = self._wait(pip, say)
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
        if code != 0:
            raise SetUpError(
                f"pip stopped with status {code}; its reason is above.",
                "Check the connection and the free disk space, then start again: it goes on where it stopped.",
            )

    def _wait(self, pip: subprocess.Popen[bytes], say: Callable[[str], None]) -> int:
        """Wait for pip; while it unpacks, which it does in silence, say how far it is."""
        begun, size_gb = time.monotonic(), _size_gb(self.folder)
        while True:
            try:
                return pip.wait(HEARTBEAT_S)
            except subprocess.TimeoutExpired:
                size_before, size_gb = size_gb, _size_gb(self.folder)
            if size_gb > size_before + 0.02:
                say(f"  unpacking: {size_gb:.1f} GB installed after {time.monotonic() - begun:.0f} s")


def _extras_in(stamp: Path) -> frozenset[str]:
    try:
        return frozenset(str(extra) for extra in json.loads(stamp.read_text("utf-8"))["extras"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def _size_gb(folder: Path) -> float:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:  # pip moves its files while we count
                continue
    return total / 1e9
