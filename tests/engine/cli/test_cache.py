"""`triptych cache`: what it holds, its limit, and clearing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.__main__ import main
from engine.api import AudioSpec, Control
from engine.corpus.cache.feature_cache import build
from engine.corpus.cache.location import cache_dir
from engine.corpus.scanning import scan


@pytest.fixture
def cache(capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*arguments: str) -> tuple[int, dict[str, Any]]:
        status = main(["cache", *arguments, "--json"])
        return status, json.loads(capsys.readouterr().out.splitlines()[-1])

    return ask


def test_the_cache_is_shown_limited_and_cleared(cache: Any, speech: list[Path], triptych_home: Path) -> None:
    assert cache_dir() == triptych_home / "cache"
    manifest = scan([str(path) for path in speech[:2]], [], lambda: Control.RUN)
    build(manifest, AudioSpec(), cache_dir(), lambda event: None, lambda: Control.RUN)
    status, held = cache()
    assert (status, held["recordings"], held["folder"]) == (0, 2, str(triptych_home / "cache"))
    assert held["used_bytes"] > 100_000
    assert held["limit_bytes"] == 50 * 10**9
    assert cache("--limit", "2.5")[1]["limit_bytes"] == 2_500_000_000
    status, cleared = cache("--clear")
    assert (status, cleared["recordings"], cleared["limit_bytes"]) == (0, 0, 2_500_000_000)
    assert cleared["used_bytes"] < 100_000


@pytest.mark.parametrize("limit", ["0", "-3", "nan", "1e99"])
def test_a_limit_out_of_range_is_refused(cache: Any, limit: str) -> None:
    status, said = cache("--limit", limit)
    assert status == 2
    assert "limit" in said["error"]["what"]
