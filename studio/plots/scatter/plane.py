"""Geometry of points in the plane, as pure functions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QRect, QSize

CARD_GAP_PX = 14
DIRECTIONS = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, 1.0), "down": (0.0, -1.0)}
# A step to the side costs as much as this many ahead: straight on is preferred, and every point can be walked to.
SIDEWAYS = 2.0

Floats = npt.NDArray[np.float32]


def inside(xy: Floats, outline: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points lie within a closed polygon, by crossings of a ray (even-odd rule).

    Args:
        xy: (points, 2). outline: (corners, 2).
    """
    hit = np.zeros(len(xy), bool)
    if len(outline) < 3 or not len(xy):
        return hit
    near = np.flatnonzero(((xy >= outline.min(axis=0)) & (xy <= outline.max(axis=0))).all(axis=1))
    x, y = xy[near, 0].astype(float), xy[near, 1].astype(float)
    within = np.zeros(len(near), bool)
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if ay != by:
            within ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    hit[near] = within
    return hit


def nearest(xy: Floats, at: tuple[float, float], among: npt.NDArray[np.bool_] | None = None) -> tuple[int, float]:
    """The point nearest to a position, and how far it is; -1 and infinity for none.

    Brute force over float32 costs 1 ms for 100 000 points: no tree to keep up to date.
    """
    if not len(xy) or (among is not None and not among.any()):
        return -1, float("inf")
    offset = xy - np.array(at, np.float32)
    square = np.einsum("ij,ij->i", offset, offset)
    if among is not None:
        square = np.where(among, square, np.inf)
    index = int(np.argmin(square))
    return index, float(np.sqrt(square[index]))


def next_towards(xy: Floats, start: int, direction: str, among: npt.NDArray[np.bool_] | None = None) -> int | None:
    """The point that an arrow key goes to: near, and within 60 degrees of "left", "right", "up" or "down".

    Args:
        xy: (points, 2), y upwards. start: where one is. among: the points that count.
    """
    ahead_x, ahead_y = DIRECTIONS[direction]
    offset = xy - xy[start]
    ahead = offset[:, 0] * ahead_x + offset[:, 1] * ahead_y
    aside = np.abs(offset[:, 0] * ahead_y - offset[:, 1] * ahead_x)
    fit = (ahead > 0) & (aside <= np.sqrt(3.0) * ahead)
    if among is not None:
        fit &= among
    if not fit.any():
        return None
    cost = np.where(fit, ahead + SIDEWAYS * aside, np.inf)
    return int(np.argmin(cost))


def barycentre(
    xy: Floats, at: tuple[float, float], count: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The `count` points nearest to a position, nearest first, and the weights of their mean, which add up to 1.

    The weights are those of Shepard (1968), one over the squared distance: on a point it is that point, between
    points it goes over smoothly.
    """
    offset = xy.astype(np.float64) - np.array(at)
    square = np.einsum("ij,ij->i", offset, offset)
    count = min(count, len(xy))
    near = np.argpartition(square, count - 1)[:count] if count < len(xy) else np.arange(len(xy))
    near = near[np.argsort(square[near], kind="stable")]
    far = square[near]
    smallest = 1e-12 * max(1.0, float(far[-1])) if len(far) else 1.0
    weight = 1.0 / np.maximum(far, smallest)
    return near, weight / weight.sum()


def along(path: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """`count` points spread evenly over the length of a path: (corners, 2) -> (count, 2), its ends among them."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    reached = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0.0, reached[-1], count)
    return np.stack([np.interp(at, reached, path[:, axis]) for axis in (0, 1)], axis=1)


def beside(at: QPoint, size: QSize, room: QRect) -> QPoint:
    """Where a card stands beside a point without leaving the room: right below, else on the other side."""
    x, y = at.x() + CARD_GAP_PX, at.y() + CARD_GAP_PX
    if x + size.width() > room.right():
        x = at.x() - CARD_GAP_PX - size.width()
    if y + size.height() > room.bottom():
        y = at.y() - CARD_GAP_PX - size.height()
    return QPoint(max(room.left(), x), max(room.top(), y))


def tour(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points in an order of short hops: from one end of their longest axis, on to the nearest that is left."""
    middle = xy - xy.mean(axis=0)
    axis = np.linalg.eigh(middle.T @ middle)[1][:, -1]
    left = list(range(len(xy)))
    at = left.pop(int(np.argmin(middle @ axis)))
    order = [at]
    while left:
        far = ((xy[left] - xy[at]) ** 2).sum(axis=1)
        at = left.pop(int(np.argmin(far)))
        order.append(at)
    return xy[order]
