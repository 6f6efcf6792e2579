"""Where the files lie that come with the program, in a checkout and in a frozen bundle."""

from __future__ import annotations

import sys
from pathlib import Path

STARTER_MODEL = "starter.triptych.safetensors"
REFINER = "refiner.triptych.safetensors"


def folder() -> Path:
    """The resources folder: inside the bundle of a frozen program, else beside the packages."""
    bundle: str | None = getattr(sys, "_MEIPASS", None)
    return (Path(bundle) if bundle else Path(__file__).resolve().parents[2]) / "resources"


def default_model() -> Path | None:
    """The model that comes with the program; None if it comes without."""
    model = folder() / STARTER_MODEL
    return model if model.is_file() else None
