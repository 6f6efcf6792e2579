"""The second command runs every check even after a failure, the tests twice, and ends with pytest's own line."""

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
    """Exit status to pretend, by a word of the command line; every command run is added. No recordings."""
    statuses: dict[str, int] = {}

    def run(command: list[object], env: dict[str, str], **pipes: int) -> subprocess.CompletedProcess[bytes]:
        line = " ".join(map(str, command))
        assert env["QT_QPA_PLATFORM"] == "offscreen"
        if "-m pytest" in line:
            assert Path(env["TRIPTYCH_RECORDINGS"]).is_dir() == ("-m recorded" in line)
        statuses.setdefault(line, 0)
        status = next((v for k, v in statuses.items() if k in line and v), 0)
        return subprocess.CompletedProcess(command, status, f"the end of {line}\n".encode() if pipes else None)

    monkeypatch.setattr(second_command.subprocess, "run", run)
    monkeypatch.setenv("TRIPTYCH_RECORDINGS", str(ROOT / "nowhere"))
    return statuses


@pytest.fixture
def with_recordings(ran: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """As `ran`, where there are recordings."""
    monkeypatch.setenv("TRIPTYCH_RECORDINGS", str(tmp_path))
    return ran


def test_all_pass(second_command: ModuleType, ran: dict[str, int]) -> None:
    assert second_command.main(["-k", "mel"]) == 0
    lines = list(ran)
    for word in ("ruff check", "ruff format", "lint-imports", "mypy"):
        assert any(word in line for line in lines)
    assert lines[-1].endswith("-m pytest -m not recorded -k mel")


def test_where_there_are_recordings_their_tests_run_last(
    second_command: ModuleType, with_recordings: dict[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert second_command.main(["-k", "mel"]) == 0
    *_, anywhere, recorded = with_recordings
    assert anywhere.endswith("-m pytest -m not recorded -k mel")
    assert recorded.endswith("-m pytest -m recorded -k mel")
    assert capfd.readouterr().out.splitlines()[-1].endswith("-m recorded -k mel")


def test_a_run_that_selects_nothing_is_no_failure_and_not_the_last_word(
    second_command: ModuleType, with_recordings: dict[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    with_recordings["-m recorded"] = 5
    assert second_command.main([]) == 0
    assert "the end of" not in capfd.readouterr().out
    with_recordings |= {"-m recorded": 0, "-m not recorded": 5}
    assert second_command.main([]) == 0
    assert "the end of" in capfd.readouterr().out


@pytest.mark.parametrize("run", ["-m recorded", "-m not recorded"])
def test_a_failure_of_either_run_fails_the_whole(
    second_command: ModuleType, with_recordings: dict[str, int], run: str
) -> None:
    with_recordings[run] = 1
    assert second_command.main([]) == 1


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


def test_nothing_selected_by_both_runs_is_told_as_pytest_does(
    second_command: ModuleType, with_recordings: dict[str, int]
) -> None:
    with_recordings["-m pytest"] = 5
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
