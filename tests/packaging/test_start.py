"""The first command: what it says and does where something is missing, and that it gets out of the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import start
import system_libraries
from environment import SetUpError
from system_libraries import Library

SOUND = Library("libpulse.so.0", ("libpulse0",), "sound")
DRAWING = Library("libEGL.so.1", ("libegl1",), "drawing")


class Ready:
    python = Path("/the/python")


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A finished set-up; the list holds what was started in the place of this process."""
    started: list[list[str]] = []

    def become(python: Path, arguments: list[str]) -> int:
        started.append([str(python), *arguments])
        return 0

    monkeypatch.setattr(start, "set_up", lambda: Ready())
    monkeypatch.setattr(start, "_become", become)
    monkeypatch.setattr(start, "has_display", lambda: True)
    return started


def on_debian(monkeypatch: pytest.MonkeyPatch, *, root: bool, lacking: list[Library]) -> list[list[str]]:
    """Pretend to miss libraries on Debian; apt provides them if this is root. Returns what apt was asked for."""
    asked: list[list[str]] = []

    def install(packages: list[str]) -> bool:
        asked.append(packages)
        lacking.clear()
        return True

    monkeypatch.setattr(system_libraries, "missing", lambda libraries=(): list(lacking))
    monkeypatch.setattr(system_libraries, "has_apt", lambda: True)
    monkeypatch.setattr(system_libraries, "is_root", lambda: root)
    monkeypatch.setattr(system_libraries, "apt_update", lambda: True)
    monkeypatch.setattr(system_libraries, "apt_install", install)
    return asked


def test_it_becomes_the_studio(ready: list[list[str]]) -> None:
    assert start.main([]) == 0
    assert start.main(["my.project"]) == 0
    assert ready == [["/the/python", "-m", "studio"], ["/the/python", "-m", "studio", "my.project"]]


def test_the_check_runs_offscreen_unless_told_otherwise(
    ready: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM")
    assert start.main(["--check", "out", "--with", "talks"]) == 0
    assert ready == [["/the/python", "-m", "studio.selftest.check", "out", "--with", "talks"]]
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_without_a_display_it_says_how_to_go_on(
    ready: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "has_display", lambda: False)
    assert start.main([]) == 3
    words = capsys.readouterr().err
    for way in ("DISPLAY", "ssh -X", "xvfb-run", "--check DIR"):
        assert way in words
    assert ready == []


@pytest.mark.parametrize(
    ("environ", "platform", "there"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_display_is_known_by_its_variables(environ: dict[str, str], platform: str, there: bool) -> None:
    assert start.has_display(environ, platform) is there


def test_an_old_python_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(start.sys, "version_info", (3, 8, 1))
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    assert start.main([]) == 1
    assert "Python 3.11 or newer; this is Python 3.8" in capsys.readouterr().err


def test_an_old_python_can_read_the_script() -> None:
    """Only syntax that Python 3.6 knows, or it could not say what is wrong."""
    import ast

    ast.parse(Path(start.__file__).read_text("utf-8"), feature_version=(3, 6))


def test_as_root_on_debian_missing_libraries_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = on_debian(monkeypatch, root=True, lacking=[SOUND, DRAWING])
    start._provide_from_the_system(["ffmpeg"], with_venv=True)
    assert asked == [["libegl1", "libpulse0"], ["ffmpeg"]]


def test_without_root_the_exact_line_is_printed_and_sound_is_not_insisted_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = on_debian(monkeypatch, root=False, lacking=[SOUND])
    start._provide_from_the_system([], with_venv=True)
    assert "sudo apt-get install -y libpulse0" in capsys.readouterr().out
    assert asked == []


def test_what_nothing_can_be_drawn_without_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    on_debian(monkeypatch, root=False, lacking=[DRAWING])
    with pytest.raises(SetUpError, match="sudo apt-get install -y libegl1"):
        start._provide_from_the_system([], with_venv=True)


def test_a_python_without_venv_gets_the_exact_line(monkeypatch: pytest.MonkeyPatch) -> None:
    on_debian(monkeypatch, root=False, lacking=[SOUND])
    monkeypatch.setattr(start, "_has_venv", lambda: False)
    major, minor = sys.version_info[:2]
    with pytest.raises(SetUpError, match=f"sudo apt-get install -y python{major}.{minor}-venv libpulse0"):
        start._provide_from_the_system([], with_venv=True)
    start._provide_from_the_system([], with_venv=False)  # a finished environment needs it no more


def test_a_failed_set_up_is_told_in_two_parts(
    ready: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise SetUpError("The moon is full.", "Wait.")

    monkeypatch.setattr(start, "set_up", fail)
    assert start.main([]) == 1
    assert capsys.readouterr().err == "The moon is full.\nWait.\n"


def test_with_needs_check() -> None:
    script = [sys.executable, start.__file__, "--with", "somewhere"]
    answer = subprocess.run(script, capture_output=True, text=True)
    assert answer.returncode == 2
    assert "--with needs --check" in answer.stderr
