"""How far a map can be trusted: whether those who are neighbours on it are neighbours in truth, and the reverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.analysis.latents import evenly
from engine.maps.neighbours import Space

NEIGHBOURS = 10
MOST_ASKED = 1_000  # points whose neighbourhoods are looked at; a thousand settle both numbers to about 0.005
MOST_ASKED_MANHATTAN = 100
FEWEST = 5


@dataclass(frozen=True)
class MapScore:
    """kept: share of the `neighbours` nearest latents that are also among the nearest on the map.

    by_chance: what `kept` would be if the points lay anywhere.
    trustworthiness: 1 less the penalty for map neighbours that are strangers, by their rank (Venna & Kaski, 2001);
        the same number as sklearn.manifold.trustworthiness where all points are asked.
    """

    kept: float
    by_chance: float
    trustworthiness: float
    neighbours: int
    asked: int


def score(
    values: npt.NDArray[np.float32],
    xy: npt.NDArray[np.float32],
    metric: str = "euclidean",
    between: Callable[[float], None] | None = None,
) -> MapScore | None:
    """Compare neighbourhoods of the latents with those on the map; None for too few points to speak of.

    Args:
        values: (points, dimensions), the latents themselves. xy: (points, 2).
    """
    count = len(values)
    if count < FEWEST:
        return None
    neighbours = min(NEIGHBOURS, (count - 1) // 2)
    at = evenly(count, MOST_ASKED_MANHATTAN if metric == "manhattan" else MOST_ASKED)
    latents, places = Space(values, metric), Space(xy)
    true, _ = latents.nearest(neighbours, values[at], own=at, between=between)
    shown, _ = places.nearest(neighbours, xy[at], own=at, between=between)
    both = (true[:, :, None] == shown[:, None, :]).any(axis=2)
    strangers = np.maximum(0, latents.ranks(at, shown, between=between) - neighbours).sum()
    worst = len(at) * neighbours * (2 * count - 3 * neighbours - 1) / 2
    return MapScore(
        kept=float(both.mean()),
        by_chance=neighbours / (count - 1),
        trustworthiness=1.0 - float(strangers) / worst,
        neighbours=neighbours,
        asked=len(at),
    )
