"""Latents as tables, maps and spectrograms as figures."""

from __future__ import annotations

from dataclasses import dataclass

from engine.api.clips import ClipRef
from engine.api.maps import MapPoints


@dataclass(frozen=True)
class Export:
    """Write latents of analysed clips as CSV, NPZ or Parquet (by suffix), with a .json sidecar.

    latent: h (a row a clip), m (a row a second), z (a row a frame) or all (three files: -h, -m, -z).
    """

    clips: tuple[tuple[ClipRef, str], ...]  # (clip, analysis folder)
    out: str
    latent: str = "h"
    model: str | None = None


@dataclass(frozen=True)
class ExportDone:
    files: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class Figure:
    """Draw a map (points coloured by a label) or a clip's mel spectrogram with matplotlib: PNG, SVG or PDF."""

    out: str
    points: MapPoints | None = None
    colours: tuple[str, ...] = ()  # one label a point
    colour_name: str = ""
    folders: tuple[str, ...] = ()  # analysis folders: one mel panel each
    titles: tuple[str, ...] = ()
    width_cm: float = 16.0
    height_cm: float | None = None  # None = as fits what is drawn
    font: str = ""  # a family of this machine's; "" = the one that comes with matplotlib
    font_pt: float = 8.0


@dataclass(frozen=True)
class FigureDone:
    file: str
