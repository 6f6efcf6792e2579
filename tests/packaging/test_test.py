"""The second command runs every check even after a failure, and ends with pytest's own line."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from environment import SetUpError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def second_command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # Loaded by path: `import test` would be Python's own package of that name.
    spec = importlib.util.spec_from_file_location("packaging_test", ROOT / "packaging" / "test.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Ready:
        root = ROOT
        python = Path(sys.executable)
        scripts = Path(sys.executable).parent

    monkeypatch.setattr(module.start, "set_up", lambda extras, packages: Ready())
    monkeypatch.chdir(ROOT)
    return module


@pytest.fixture
def ran(second_command: ModuleType, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Exit status to pretend, by a word of the command line; every command run is added."""
    statuses: dict[str, int] = {}

    def run(command: list[object], env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
        line = " ".join(map(str, command))
        assert env["QT_QPA_PLATFORM"] == "offscreen"
        statuses.setdefault(line, 0)
        return subprocess.CompletedProcess(command, next((v for k, v in statuses.items() if k in line and v), 0))

    monkeypatch.setattr(second_command.subprocess, "run", run)
    return statuses


def test_all_pass(second_command: ModuleType, ran: dict[str, int]) -> None:
    assert second_command.main(["-k", "mel"]) == 0
    lines = list(ran)
    for word in ("ruff check", "ruff format", "lint-imports", "mypy"):
        assert any(word in line for line in lines)
    assert lines[-1].endswith("-m pytest -k mel")


def test_a_failed_check_is_listed_before_the_tests_and_fails_the_whole(
    second_command: ModuleType, ran: dict[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    ran["ruff check"] = 1
    assert second_command.main([]) == 1
    assert "FAILED before the tests: ruff check" in capfd.readouterr().out
    assert any("-m pytest" in line for line in ran)


def test_the_status_of_pytest_counts(second_command: ModuleType, ran: dict[str, int]) -> None:
    ran["-m pytest"] = 5
    assert second_command.main([]) == 5


def test_a_failed_set_up_is_told_in_words(
    second_command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(extras: object, packages: object) -> None:
        raise SetUpError("No disk.", "Buy one.")

    monkeypatch.setattr(second_command.start, "set_up", fail)
    assert second_command.main([]) == 1
    assert capsys.readouterr().err == "No disk.\nBuy one.\n"


def test_nobody_but_root_is_offered_packages(second_command: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_command.shutil, "which", lambda tool: None)
    monkeypatch.setattr(second_command.system_libraries, "has_apt", lambda: True)
    monkeypatch.setattr(second_command.system_libraries, "is_root", lambda: False)
    assert second_command.packages_for_tools() == []
    monkeypatch.setattr(second_command.system_libraries, "is_root", lambda: True)
    assert "pulseaudio" in second_command.packages_for_tools()
