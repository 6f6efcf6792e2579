"""The points of a map as numbers: which clip each is of, and how clips, seconds and frames of several maps meet."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from engine.api import MapPoints

FRAMES_A_SECOND = 64
Key = tuple[str, int]  # clip, and its second (m) or frame (z); 0 for h
Mask = npt.NDArray[np.bool_]


class PointTable:
    """Points of one map.

    Attributes:
        clips: every clip once, in the order of its first point. row: (points,) which of them each point is of.
        index: (points,) its second (m) or frame (z).
    """

    def __init__(self, points: MapPoints) -> None:
        row_of: dict[str, int] = {}
        self.latent = points.latent
        self.ids = points.ids
        self.index = points.index
        self.row = np.fromiter((row_of.setdefault(i, len(row_of)) for i in points.ids), np.intp, len(points.ids))
        self.clips = list(row_of)
        self._row_of = row_of

    def __len__(self) -> int:
        return len(self.ids)

    def holds(self, points: MapPoints) -> bool:
        """Whether these are the same points, wherever they lie."""
        return points.latent == self.latent and points.ids == self.ids and np.array_equal(points.index, self.index)

    def key(self, number: int) -> Key:
        return self.ids[number], int(self.index[number])

    def number_of(self, key: Key) -> int:
        """The point of a clip, second or frame; -1 if it is not on the map."""
        row = self._row_of.get(key[0], -1)
        found = np.flatnonzero((self.row == row) & (self.index == key[1]))
        return int(found[0]) if len(found) else -1

    def of_clips(self, clips: Iterable[str]) -> Mask:
        """All points of some clips."""
        chosen = np.zeros(len(self.clips), bool)
        chosen[[self._row_of[clip] for clip in clips if clip in self._row_of]] = True
        return chosen[self.row] if len(self.row) else np.zeros(0, bool)

    def clips_of(self, mask: Mask) -> list[str]:
        """The clips of some points, each once."""
        return [self.clips[row] for row in np.unique(self.row[mask])]

    def keys_of(self, mask: Mask) -> list[Key]:
        return [self.key(number) for number in np.flatnonzero(mask).tolist()]

    def seconds(self) -> npt.NDArray[np.int64] | None:
        """The second each point lies in; None where a point is a whole clip."""
        if self.latent == "h":
            return None
        index = self.index.astype(np.int64)
        return index if self.latent == "m" else index // FRAMES_A_SECOND

    def again(self, other: PointTable, chosen: Mask) -> Mask:
        """The chosen points of an earlier map of the same latent, here."""
        to_ours = np.array([self._row_of.get(clip, -1) for clip in other.clips], np.int64)
        most = 1 + max(int(other.index.max(initial=0)), int(self.index.max(initial=0)))
        rows = to_ours[other.row[chosen]] if len(to_ours) else np.zeros(0, np.int64)
        wanted = rows * most + other.index[chosen]
        return np.isin(self.row.astype(np.int64) * most + self.index, wanted[rows >= 0])

    def begins_with(self, other: PointTable) -> bool:
        """Whether these are the points of an earlier map, and others after them."""
        count = len(other)
        return (
            self.latent == other.latent
            and self.ids[:count] == other.ids
            and np.array_equal(self.index[:count], other.index)
        )

    def meeting(self, other: PointTable, chosen: Mask) -> Mask:
        """The points here that share time with the chosen points of another map."""
        theirs, ours = other.seconds(), self.seconds()
        if theirs is None or ours is None:
            return self.of_clips(other.clips_of(chosen))
        most = 1 + max(int(theirs.max(initial=0)), int(ours.max(initial=0)))
        to_ours = np.array([self._row_of.get(clip, -1) for clip in other.clips], np.int64)
        wanted = to_ours[other.row[chosen]] * most + theirs[chosen]
        return np.isin(self.row.astype(np.int64) * most + ours, wanted[to_ours[other.row[chosen]] >= 0])
