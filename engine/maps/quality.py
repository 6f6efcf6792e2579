"""How far a map can be trusted: whether neighbours on it are neighbours in the latent space, and the reverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import pairwise_distances

from engine.analysis.latents import evenly
from engine.maps.neighbours import Indices, NeighbourIndex

NEIGHBOURS = 10
# Points whose neighbourhoods among all points are compared; a thousand settle both numbers to about 0.005.
MOST_ASKED = 1_000
MOST_ASKED_MANHATTAN = 100
FEWEST = 5


@dataclass(frozen=True)
class MapScore:
    """Neighbourhoods kept by a map.

    kept: share of the `neighbours` nearest latents that are also among the nearest on the map.
    by_chance: what `kept` would be if the points lay anywhere.
    trustworthiness: 1 less the penalty for map neighbours that are strangers, by their rank (Venna & Kaski, 2001);
        the same number as sklearn.manifold.trustworthiness where all points are asked. That function wants all
        distances at once, and of a sample alone it says something else: of 10 000 points 0.9996, of 1 000 of
        them 0.80, as the neighbours of a sample are ten times as far away.
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
    check: Callable[[float], None] | None = None,
) -> MapScore | None:
    """Compare neighbourhoods of the latents with those on the map; None for too few points to speak of.

    Args:
        values: (points, dimensions), the latents themselves. xy: (points, 2).
        check: called between blocks; what it raises ends the work.
    """
    count = len(values)
    if count < FEWEST:
        return None
    neighbours = min(NEIGHBOURS, (count - 1) // 2)
    asked = evenly(count, MOST_ASKED_MANHATTAN if metric == "manhattan" else MOST_ASKED)
    latents, places = NeighbourIndex(values, metric), NeighbourIndex(xy)
    true, _ = latents.nearest(neighbours, values[asked], own=asked, check=check)
    shown, _ = places.nearest(neighbours, xy[asked], own=asked, check=check)
    both = (true[:, :, None] == shown[:, None, :]).any(axis=2)
    strangers = np.maximum(0, _ranks(latents, asked, shown, check) - neighbours).sum()
    worst = len(asked) * neighbours * (2 * count - 3 * neighbours - 1) / 2
    return MapScore(
        kept=float(both.mean()),
        by_chance=neighbours / (count - 1),
        trustworthiness=1.0 - float(strangers) / worst,
        neighbours=neighbours,
        asked=len(asked),
    )


def _ranks(
    latents: NeighbourIndex, asked: Indices, of: Indices, check: Callable[[float], None] | None
) -> npt.NDArray[np.int64]:
    """Which neighbour of each asked point some others are, 1 being the nearest: (asked, others)."""
    ranks = np.empty(of.shape, np.int64)
    for start in range(0, len(asked), latents.block_rows):
        if check is not None:
            check(start / len(asked))
        rows = slice(start, start + latents.block_rows)
        at = asked[rows]
        distances = pairwise_distances(latents.values[at], latents.values, metric=latents.metric)
        distances[np.arange(len(at)), at] = -np.inf  # every point comes first to itself
        for column, other in enumerate(of[rows].T):
            chosen = distances[np.arange(len(at)), other]
            ranks[rows, column] = np.count_nonzero(distances < chosen[:, None], axis=1)
    return ranks
