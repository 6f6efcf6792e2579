"""Exact nearest neighbours, found a block of rows at a time: each block is done in milliseconds, so whoever waits
can change their mind between two of them.

On 10 000 points of 50 dimensions this is several times faster than building an approximate index, and it misses
no neighbour.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

METRICS = ("euclidean", "cosine", "manhattan")
# Distances held at a time, which bounds both the memory and the wait for an answer to a cancel.
BLOCK_ENTRIES = 4_000_000
BLOCK_PRODUCTS = 1_000_000_000  # of a matrix product; many dimensions take long
BLOCK_DIFFERENCES = 60_000_000  # |a - b| of the manhattan metric, which no matrix product can do

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


class Space:
    """Points among which neighbours are looked for.

    Args:
        values: (points, dimensions).
        metric: "euclidean", "cosine" (1 - cosine) or "manhattan".
    """

    def __init__(self, values: npt.NDArray[np.floating], metric: str = "euclidean") -> None:
        if metric not in METRICS:
            raise ValueError(f"no metric {metric!r}")
        self.metric = metric
        self._centre = (
            values.mean(axis=0, dtype=np.float64).astype(np.float32)
            if len(values) and metric == "euclidean"
            else None
        )
        self._values = self._ready(values)
        self._squares = np.einsum("ij,ij->i", self._values, self._values)

    def __len__(self) -> int:
        return len(self._values)

    def nearest(
        self,
        count: int,
        queries: npt.NDArray[np.floating] | None = None,
        *,
        own: Indices | None = None,
        between: Callable[[float], None] | None = None,
    ) -> tuple[Indices, Floats]:
        """The `count` nearest points to every query, nearest first.

        Args:
            count: at most as many as there are points (less one where `own` is given).
            queries: (queries, dimensions); None asks for the neighbours of the points themselves.
            own: (queries,) the point that each query is itself, which does not count as its neighbour.
            between: called between blocks with the share done; what it raises ends the search.

        Returns:
            indices (queries, count) and distances (queries, count) in the space's metric.
        """
        if queries is None:
            asked, own = self._values, np.arange(len(self))
        else:
            asked = self._ready(queries)
        indices = np.empty((len(asked), count), np.intp)
        distances = np.empty((len(asked), count), np.float32)
        rows = self._rows_a_block(asked.shape[1])
        for start in range(0, len(asked), rows):
            if between is not None:
                between(start / len(asked))
            block = asked[start : start + rows]
            itself = None if own is None else own[start : start + rows]
            near, far = self._block(block, itself, count)
            indices[start : start + rows], distances[start : start + rows] = near, far
        return indices, distances

    def ranks(
        self, queries: Indices, of: Indices, *, between: Callable[[float], None] | None = None
    ) -> npt.NDArray[np.int64]:
        """Which neighbour of a query each of some points is: 1 = the nearest.

        Args:
            queries: (queries,) points of this space. of: (queries, any) points of this space, for each query.
        """
        found = np.empty(of.shape, np.int64)
        rows = self._rows_a_block(self._values.shape[1])
        for start in range(0, len(queries), rows):
            if between is not None:
                between(start / len(queries))
            at = queries[start : start + rows]
            rough = self._rough(self._values[at])
            rough[np.arange(len(at)), at] = -np.inf  # every point comes first to itself
            chosen = np.take_along_axis(rough, of[start : start + rows], axis=1)
            for column in range(of.shape[1]):
                nearer = rough < chosen[:, column : column + 1]
                found[start : start + rows, column] = np.count_nonzero(nearer, axis=1)
        return found

    def _rows_a_block(self, dimensions: int) -> int:
        most = BLOCK_DIFFERENCES if self.metric == "manhattan" else BLOCK_PRODUCTS
        return max(1, min(BLOCK_ENTRIES, most // max(1, dimensions)) // max(1, len(self)))

    def _block(self, block: Floats, own: Indices | None, count: int) -> tuple[Indices, Floats]:
        rough = self._rough(block)
        if own is not None:
            rough[np.arange(len(block)), own] = np.inf
        if count < len(self):
            near = np.argpartition(rough, count - 1, axis=1)[:, :count] if count else np.empty((len(block), 0), int)
        else:
            near = np.broadcast_to(np.arange(len(self)), (len(block), len(self)))
        exact = self._exact(block, near, rough)
        order = np.argsort(exact, axis=1, kind="stable")
        return np.take_along_axis(near, order, axis=1), np.take_along_axis(exact, order, axis=1)

    def _rough(self, block: Floats) -> Floats:
        """What orders the points by distance from each row of the block: (rows, points)."""
        if self.metric == "manhattan":
            return np.asarray(cdist(block, self._values, "cityblock"), np.float32)
        product: Floats = block @ self._values.T
        product *= -2.0
        product += self._squares  # less the query's own square, which is the same for all
        return product

    def _exact(self, block: Floats, near: Indices, rough: Floats) -> Floats:
        if self.metric == "manhattan":
            return np.take_along_axis(rough, near, axis=1)
        # By differences: the squares above lose the small distances to rounding.
        offset = self._values[near] - block[:, None]
        square = np.einsum("ijk,ijk->ij", offset, offset)
        return np.asarray(square / 2.0 if self.metric == "cosine" else np.sqrt(square), np.float32)

    def _ready(self, values: npt.NDArray[np.floating]) -> Floats:
        if self.metric == "cosine":
            length = np.linalg.norm(values, axis=1, keepdims=True)
            return np.asarray(values / np.where(length > 0, length, 1.0), np.float32)
        moved = values if self._centre is None else values - self._centre
        return np.ascontiguousarray(moved, np.float32)
