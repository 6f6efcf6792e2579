"""The points of a map as a table for other programs."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from engine.api import MapPoints
from studio.domain.clip import Clip

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_coordinates(path: Path, points: MapPoints, clips: Mapping[str, Clip]) -> None:
    """CSV, a row a point: clip, index (second of m, frame of z), x, y and the clip's labels.

    Raises:
        OSError: it cannot be written; a file of that name stays as it was.
    """
    names = sorted({name for clip_id in points.ids if clip_id in clips for name in clips[clip_id].labels})
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["clip", "path", "index", "x", "y", *names])
        for clip_id, index, (x, y) in zip(points.ids, points.index.tolist(), points.xy.tolist(), strict=True):
            clip = clips.get(clip_id)
            texts = [clip.name, clip.path] if clip is not None else [clip_id, ""]
            labels = [clip.labels.get(name, "") if clip is not None else "" for name in names]
            clip_cell, path_cell = (_safe(text) for text in texts)
            table.writerow([clip_cell, path_cell, index, f"{x:.6g}", f"{y:.6g}", *(_safe(text) for text in labels)])
    os.replace(temporary, path)


def _safe(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
