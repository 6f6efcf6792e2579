"""Where the cache lies. TRIPTYCH_CACHE names the folder; else it is the system's place for such things."""

from __future__ import annotations

import os
from pathlib import Path

import appdirs


def cache_dir() -> Path:
    if folder := os.environ.get("TRIPTYCH_CACHE"):
        return Path(folder)
    if home := os.environ.get("TRIPTYCH_HOME"):  # the studio's: everything of the user's in one folder
        return Path(home) / "cache"
    return Path(appdirs.user_cache_dir("Triptych", False))
