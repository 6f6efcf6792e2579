"""Where the studio keeps its files, and where those lie that come with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import appdirs

_APP = "Triptych"


def home() -> Path | None:
    """One folder for everything, if TRIPTYCH_HOME names it (tests, a portable installation)."""
    named = os.environ.get("TRIPTYCH_HOME")
    return Path(named) if named else None


def data_dir() -> Path:
    """Library, runs, analyses and takes: what the user would miss."""
    return home() or Path(appdirs.user_data_dir(_APP, appauthor=False))


def settings_file() -> Path:
    own = home()
    return (own or Path(appdirs.user_config_dir(_APP, appauthor=False))) / "settings.ini"


def log_dir() -> Path:
    own = home()
    return own / "logs" if own else Path(appdirs.user_log_dir(_APP, appauthor=False))


def resources_dir() -> Path:
    """What comes with the program: inside the bundle of a frozen one, else beside the packages."""
    bundle: str | None = getattr(sys, "_MEIPASS", None)
    return (Path(bundle) if bundle else Path(__file__).resolve().parent.parent) / "resources"


def example_dir() -> Path:
    """The example voices."""
    return resources_dir() / "example"


def starter_model() -> Path:
    """The model that comes with the program; it may be absent."""
    return resources_dir() / "starter.triptych.safetensors"
