"""Points of a map: where they lie, how they look, and which are selected, lit or hidden."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor

from studio.plots.scatter import plane
from studio.plots.scatter.point_cloud import Mark

Mask = npt.NDArray[np.bool_]
REPLACE, ADD, TOGGLE, REMOVE = "replace", "add", "toggle", "remove"  # what is hit does so to the selection


class Points:
    """Points known by their numbers; all masks are bool (points,).

    xy: float32 (points, 2). lit: the points in colour, None = all. hidden: the points left out, None = none.
    """

    def __init__(self) -> None:
        self.xy: npt.NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self.selection: Mask = np.zeros(0, bool)
        self.lit: Mask | None = None
        self.hidden: Mask | None = None
        self._look: npt.NDArray[np.intp] = np.zeros(0, np.intp)
        self._looks: list[Mark] = []

    def __len__(self) -> int:
        return len(self.xy)

    def set_xy(self, xy: npt.NDArray[np.float32], *, same: bool = False) -> None:
        """Other points, or with `same` the same ones in other positions: they keep looks and selection."""
        self.xy = np.asarray(xy, np.float32)
        if not same:
            self.selection = np.zeros(len(self), bool)
            self._look = np.zeros(len(self), np.intp)
            self.lit = self.hidden = None

    def set_looks(self, look: npt.NDArray[np.intp], looks: Sequence[Mark]) -> None:
        """Point i looks like looks[look[i]]."""
        self._look, self._looks = np.asarray(look, np.intp), list(looks)

    def select(self, hit: Mask, how: str) -> bool:
        """Change the selection by REPLACE, ADD, TOGGLE or REMOVE; returns whether that changed anything."""
        before = self.selection
        match how:
            case "add":
                self.selection = before | hit
            case "toggle":
                self.selection = before ^ hit
            case "remove":
                self.selection = before & ~hit
            case _:
                self.selection = hit
        return bool((self.selection != before).any())

    def only(self, number: int) -> Mask:
        """The mask of one point; -1 is none."""
        return np.asarray(np.arange(len(self)) == number, bool)

    def nearest(self, x: float, y: float) -> tuple[int, float]:
        """The visible point nearest to a position and its distance; -1 and infinity for none."""
        return plane.nearest(self.xy, (x, y), self._visible())

    def next_towards(self, start: int, direction: str) -> int | None:
        """The visible point that an arrow key goes to from another one."""
        return plane.next_towards(self.xy, start, direction, self._visible())

    def enclosed(self, outline: npt.NDArray[np.float64]) -> Mask:
        """The visible points within a closed polygon (corners, 2)."""
        hit = plane.inside(self.xy, outline)
        return hit if self.hidden is None else hit & ~self.hidden

    def drawn(
        self, usual: QColor, unlit: QColor
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], list[Mark]]:
        """What to draw, the uppermost last: positions (shown, 2), the mark of each as an index, and the marks.

        Points that are not lit, or not selected while others are, have the colour `unlit`.
        """
        looks = self._looks or [Mark(usual)]
        lit = np.ones(len(self), bool) if self.lit is None else self.lit.copy()
        if self.selection.any():
            lit &= self.selection
        # Grey points keep their shape, so that a class can be told apart even then.
        grey = [Mark(unlit, symbol) for symbol in dict.fromkeys(mark.symbol for mark in looks)]
        grey_of = np.array([[mark.symbol for mark in grey].index(mark.symbol) for mark in looks], np.intp)
        colour = np.minimum(self._look, len(looks) - 1)
        which = np.where(lit, colour, len(looks) + grey_of[colour])
        order = np.argsort(lit, kind="stable")  # grey points lie below
        if self.hidden is not None:
            order = order[~self.hidden[order]]
        return self.xy[order], which[order], [*looks, *grey]

    def _visible(self) -> Mask | None:
        return None if self.hidden is None else ~self.hidden


def mark_px(count: int) -> float:
    """How wide a mark is where there are so many points, in device-independent pixels."""
    return 9.0 if count <= 500 else 7.0 if count <= 5000 else 5.0 if count <= 30_000 else 4.0
