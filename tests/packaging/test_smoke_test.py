"""The smoke test tells a program that starts from one that does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import smoke_test

LOGS = """
import os, pathlib, signal
log = pathlib.Path(os.environ["TRIPTYCH_HOME"], "logs", "studio.log")
log.parent.mkdir()
"""


def program(tmp_path: Path, text: str) -> list[str]:
    script = tmp_path / "program.py"
    script.write_text(text)
    return [sys.executable, str(script)]


def test_a_program_that_gets_ready_and_ends_when_asked_passes(tmp_path: Path) -> None:
    text = LOGS + "log.write_text('INFO triptych: ready')\nsignal.pause()\n"
    assert smoke_test.start_and_end(program(tmp_path, text), tmp_path, patience_s=20.0) == 0


def test_a_program_that_dies_fails_and_its_words_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "raise SystemExit('no Qt platform plugin')\n"
    assert smoke_test.start_and_end(program(tmp_path, text), tmp_path, patience_s=20.0) == 1
    assert "no Qt platform plugin" in capsys.readouterr().out


def test_a_program_that_never_gets_ready_fails_in_time(tmp_path: Path) -> None:
    text = LOGS + "log.write_text('INFO triptych: loading')\nsignal.pause()\n"
    assert smoke_test.start_and_end(program(tmp_path, text), tmp_path, patience_s=0.5) == 1
