"""What pushes the points of a t-SNE map apart, summed on two grids by Fourier transforms.

Every point i is pushed along the sum over all j of (y_i - y_j) / (1 + |y_i - y_j|^2)^2, which is minus half the
slope of the potential, the sum of 1 / (1 + |y - y_j|^2). So one charge and one kernel will do, where the method of
Linderman et al. (Nature Methods 2019) transforms four. The charges are spread on a grid by quintic B-splines, the
potential comes back by one product of transforms, and its slope is read off the same splines. Where the splines
meet the nodes twice, their smoothing is divided out.

The map settles where push and pull nearly cancel, so small errors of the push spoil it: the grid must be fine. As
in the particle-mesh method of Hockney and Eastwood (1988), the kernel is parted in two: a short one that needs a
fine grid but hardly any room beyond the points, and a long one that needs twice the room but only a coarse grid.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft

ORDER = 6  # nodes each way that a point touches
FINE_STEP = 1 / 3
COARSE_STEP = 1.5
REACH = 6.0  # where the short kernel gives way to the long one; it is gone at twice that
FEWEST_NODES = 32
MOST_DOUBLE_NODES = 256  # a small map, early on, needs the precision and has the time

Doubles = npt.NDArray[np.float64]


def repulsion(xy: Doubles, pool: Executor | None = None) -> tuple[Doubles, float]:
    """The push on every point, and the sum of 1 / (1 + d^2) over all ordered pairs of different points.

    Args:
        xy: (points, 2). pool: where the coarse grid is reckoned while the fine one is reckoned here.
    """
    low = xy.min(axis=0)
    span = float((xy.max(axis=0) - low).max())
    if span <= FEWEST_NODES * FINE_STEP:  # one grid serves for all, finer still
        potential, slope = _on_grid(xy - low, span, max(span, 1e-4) / FEWEST_NODES, "whole")
    else:
        coarse = pool.submit(_on_grid, xy - low, span, COARSE_STEP, "long") if pool is not None else None
        potential, slope = _on_grid(xy - low, span, FINE_STEP, "short")
        far, far_slope = coarse.result() if coarse is not None else _on_grid(xy - low, span, COARSE_STEP, "long")
        potential += far
        slope += far_slope
    return -0.5 * slope, potential - len(xy)


def _on_grid(xy: Doubles, span: float, step: float, part: str) -> tuple[float, Doubles]:
    """Sum of the potential at all points, and its slope at each: (points, 2)."""
    # Room for the splines beyond the outermost points, and for the kernel not to reach round the grid's edge.
    nodes = math.ceil(span / step) + ORDER + 1
    room = nodes + math.ceil(2.0 * REACH / step) if part == "short" else 2 * nodes
    size = scipy.fft.next_fast_len(_leap(room), real=True)
    place = xy / step + (ORDER / 2 - 1)
    below = np.floor(place)
    weight, rise = _splines(place - below)
    first = below.astype(np.intp) - (ORDER // 2 - 1)

    at = (first[:, 0, None] + np.arange(ORDER))[:, :, None] * size + (first[:, 1, None] + np.arange(ORDER))[:, None]
    at = at.reshape(-1)
    spread = (weight[:, 0, :, None] * weight[:, 1, None]).reshape(-1)
    charge = np.bincount(at, spread, size * size).reshape(size, size)
    if size > MOST_DOUBLE_NODES:
        charge = charge.astype(np.float32)
    waves = scipy.fft.rfft2(charge, overwrite_x=True)
    waves *= _kernel(size, step, part, waves.dtype.name)
    potential = scipy.fft.irfft2(waves, (size, size), overwrite_x=True)
    near = potential.reshape(-1)[at].reshape(-1, ORDER, ORDER)
    value_and_slope = np.stack([weight[:, 1], rise[:, 1]], axis=-1).astype(near.dtype)
    by_y = np.matmul(near, value_and_slope).astype(np.float64)  # (points, ORDER, value and slope along y)
    slope = np.empty_like(xy)
    slope[:, 0] = np.einsum("na,na->n", by_y[..., 0], rise[:, 0])
    slope[:, 1] = np.einsum("na,na->n", by_y[..., 1], weight[:, 0])
    return float(np.einsum("na,na->", by_y[..., 0], weight[:, 0])), slope / step


def _leap(nodes: int) -> int:
    """The next of a row of sizes, each an eighth larger than the one before."""
    size = FEWEST_NODES
    while size < nodes:
        size += max(1, size // 8)
    return size


def _splines(share: Doubles) -> tuple[Doubles, Doubles]:
    """Quintic B-spline weights of the six nodes round a place, and their slopes: (..., ORDER) both.

    Args:
        share: how far beyond the node below, 0 to 1.
    """
    powers = np.empty((*share.shape, ORDER))
    powers[..., 0] = 1.0
    for power in range(1, ORDER):
        np.multiply(powers[..., power - 1], share, out=powers[..., power])
    return powers @ _PIECES, powers[..., :-1] @ _SLOPES


def _pieces() -> Doubles:
    """The polynomial pieces of the quintic B-spline, (power, node): weight of a node = sum of share^power times it.

    By the recursion of de Boor, order by order.
    """
    pieces = np.zeros((ORDER, ORDER))
    pieces[0, 0] = 1.0
    for order in range(2, ORDER + 1):
        before = pieces.copy()
        for node in range(order):
            grown = np.zeros(ORDER)
            for neighbour, constant, sign in ((node - 1, order - 1 - node, 1.0), (node, node + 1, -1.0)):
                if 0 <= neighbour < order - 1:
                    grown += constant * before[:, neighbour]
                    grown[1:] += sign * before[:-1, neighbour]
            pieces[:, node] = grown / (order - 1)
    return pieces


_PIECES = _pieces()
_SLOPES = _PIECES[1:] * np.arange(1, ORDER)[:, None]


@lru_cache(maxsize=6)
def _kernel(size: int, step: float, part: str, kind: str) -> npt.NDArray[np.complexfloating]:
    """Transform of 1 / (1 + d^2), or a part of it, on the nodes, the smoothing of two splines divided out."""
    distance = np.minimum(np.arange(size), size - np.arange(size)) * step
    square = distance[:, None] ** 2 + distance[None] ** 2
    kernel = 1.0 / (1.0 + square)
    if part != "whole":
        short = np.exp(-((square / REACH**2) ** 2))
        kernel *= short if part == "short" else 1.0 - short
    waves = scipy.fft.rfft2(kernel)
    angle = 2.0 * np.pi * np.arange(size) / size
    smooth = ((66.0 + 52.0 * np.cos(angle) + 2.0 * np.cos(2.0 * angle)) / 120.0) ** 2
    waves /= smooth[:, None] * smooth[None, : waves.shape[1]]
    return np.asarray(waves, kind)
