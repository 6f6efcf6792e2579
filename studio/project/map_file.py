"""A laid-out map on the disk: what takes minutes to compute is there again when the project is opened."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from engine.api import MapPoints


def write(path: Path, points: MapPoints) -> None:
    """NPZ with the points and, as JSON, the settings; written under a temporary name first.

    Raises:
        OSError: the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    about = {"latent": points.latent, "settings": points.settings, "final": points.final}
    with temporary.open("wb") as file:
        np.savez(
            file, ids=np.array(points.ids), index=points.index, xy=points.xy, about=np.array(json.dumps(about))
        )
    os.replace(temporary, path)


def read(path: Path) -> MapPoints | None:
    """The map, or None where there is none that can be understood. Nothing in it is ever unpickled."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            ids = tuple(str(clip) for clip in file["ids"].tolist())
            index, xy = file["index"].astype(np.int32), file["xy"].astype(np.float32)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    if not (index.shape == (len(ids),) and xy.shape == (len(ids), 2) and isinstance(about.get("settings"), dict)):
        return None
    return MapPoints(str(about["latent"]), ids, index, xy, about["settings"], bool(about["final"]))
