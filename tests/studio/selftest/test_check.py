"""Command of the unattended check: what it refuses, and that it loads no window before it needs one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.selftest import check


def test_a_missing_folder_of_recordings_is_refused_in_two_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main([str(tmp_path), "--with", str(tmp_path / "nothing")]) == 2
    what, hint = capsys.readouterr().err.splitlines()
    assert "is no folder" in what
    assert "--with" in hint


def test_a_folder_that_cannot_be_written_is_refused_in_two_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert check.main([str(tmp_path / "file")]) == 2
    what, hint = capsys.readouterr().err.splitlines()
    assert "cannot be written" in what
    assert hint == "Give another folder."


def test_a_worker_that_imports_the_command_gets_no_qt() -> None:
    words = "import sys, studio.selftest.check; print('PySide6' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, env=dict(os.environ))
    assert answer.stdout.strip() == "False"
