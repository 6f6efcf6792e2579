"""A short session of random, valid actions in the real window over the real engine: nothing goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(400)
def test_half_a_minute_of_anything_leaves_no_error_behind(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.random_session", "--seconds", "30", "--seed", "7", "--json", report],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=390,
        check=False,
    )
    assert report.is_file(), done.stderr[-3000:]
    told = json.loads(report.read_text("utf-8"))
    assert told["troubles"] == []
    assert told["actions"] >= 10
    assert told["memory_mb"][1] - told["memory_mb"][0] <= 50
    assert told["worst_stall_ms"] <= 200, told["longest_stalls"]
    assert done.returncode == 0
