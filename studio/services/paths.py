"""Folders of the studio, by appdirs; TRIPTYCH_HOME moves all of them (tests, portable use)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import appdirs

NAME = "Triptych"


def data_dir() -> Path:
    """Project state, runs and takes: what the user would miss."""
    return _home("data") or Path(appdirs.user_data_dir(NAME, False))


def log_dir() -> Path:
    return _home("log") or Path(appdirs.user_log_dir(NAME, False))


def settings_file() -> Path:
    return (_home("settings") or Path(appdirs.user_config_dir(NAME, False))) / "settings.ini"


def resources_dir() -> Path:
    """What comes with the program: beside the packages, or inside a frozen bundle."""
    bundle: str | None = getattr(sys, "_MEIPASS", None)
    return (Path(bundle) if bundle else Path(__file__).resolve().parents[2]) / "resources"


def starter_model() -> Path | None:
    """The model that comes with the program, if one does."""
    model = resources_dir() / "starter.triptych.safetensors"
    return model if model.is_file() else None


def example_dir() -> Path:
    """The synthetic voices that come with the program."""
    return resources_dir() / "example"


def _home(part: str) -> Path | None:
    home = os.environ.get("TRIPTYCH_HOME")
    return Path(home) / part if home else None
