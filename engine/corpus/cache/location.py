"""Location of the cache: the folder that TRIPTYCH_CACHE names, else the system's for caches."""

from __future__ import annotations

import os
from pathlib import Path

import appdirs


def cache_dir() -> Path:
    if folder := os.environ.get("TRIPTYCH_CACHE"):
        return Path(folder)
    if home := os.environ.get("TRIPTYCH_HOME"):  # the studio's: all of the user's files in one folder
        return Path(home) / "cache"
    return Path(appdirs.user_cache_dir("Triptych", False))
