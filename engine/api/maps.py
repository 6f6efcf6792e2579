"""Latents laid out in the plane, and which of them are near each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.api.transfers import LatentRef


@dataclass(frozen=True)
class FitMap:
    """Lay latents of analysed clips out in the plane: PCA, then t-SNE. Reports Partial(MapPoints) layouts.

    h: one point a clip; m: one a second; z: one a frame, thinned evenly to at most `most_points`.
    go_on: start from the layout last fitted in this worker (stopped, say) if it is of the same clips and settings.
    """

    clips: tuple[tuple[str, str], ...]  # (clip id, analysis folder)
    latent: str = "h"
    perplexity: float = 30.0
    pca: int = 50
    metric: str = "euclidean"
    seed: int = 0
    iterations: int = 500
    most_points: int = 50_000
    go_on: bool = False


@dataclass(frozen=True)
class PlaceOnMap:
    """Place more clips on a map, without moving its points. The result holds the new points only.

    onto: the map; None means the one last fitted in this worker.
    of: (clip id, analysis folder) of the clips on it, so that a worker that did not fit it can place on it too.
    """

    clips: tuple[tuple[str, str], ...]
    latent: str = "h"
    onto: MapPoints | None = None
    of: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class MapPoints:
    """A layout. ids[i] and index[i] name point i: index is the second (m) or frame (z), 0 for h."""

    latent: str
    ids: tuple[str, ...]
    index: npt.NDArray[np.int32]  # (points,)
    xy: npt.NDArray[np.float32]  # (points, 2)
    settings: dict[str, Any]  # perplexity, pca, metric, seed, iterations done, model hash
    final: bool = True


@dataclass(frozen=True)
class FindNearest:
    """Which latents are nearest to one, or to the weighted mean of several.

    query: in a LatentRef of z, `second` is a frame. It is not among its own neighbours if it is a single latent.
    metric: "euclidean", "cosine" or "manhattan", between the latents themselves.
    z: of all frames at most `most_points` are looked at, evenly chosen.
    """

    clips: tuple[tuple[str, str], ...]  # (clip id, analysis folder)
    query: tuple[LatentRef, ...]
    latent: str = "h"
    count: int = 30
    metric: str = "euclidean"
    most_points: int = 50_000


@dataclass(frozen=True)
class Neighbours:
    """The nearest first: ids[i] and index[i] name a latent as in MapPoints, distances[i] is how far it is."""

    latent: str
    ids: tuple[str, ...]
    index: tuple[int, ...]
    distances: tuple[float, ...]
