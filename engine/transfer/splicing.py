"""A sound made piece by piece: which frames changed, how a long one is cut, and how a piece is put into it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

SAME_NEPERS = 0.005  # a twentieth of a decibel: frames that differ less are the same
JOIN_FRAMES = 64  # changes nearer than a second are rendered in one piece
MOST_SHARE = 0.6  # beyond it the whole is rendered anew

Floats = npt.NDArray[np.float32]


def changed_spans(before: torch.Tensor, after: torch.Tensor) -> list[tuple[int, int]]:
    """Runs of frames (start, stop) in which two log-mels (frames, bands) differ, near ones joined."""
    differ = ((after - before).abs().amax(dim=1) > SAME_NEPERS).cpu().numpy()
    edges = np.flatnonzero(np.diff(np.concatenate(([0], differ.astype(np.int8), [0]))))
    spans: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if spans and start - spans[-1][1] < JOIN_FRAMES:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((start, stop))
    return spans


def is_worth_it(spans: list[tuple[int, int]], frames: int) -> bool:
    """Whether rendering the spans costs clearly less than rendering everything."""
    return sum(stop - start for start, stop in spans) <= MOST_SHARE * frames


def widened(span: tuple[int, int], by: int, frames: int) -> tuple[int, int]:
    """The span with room on either side for cross-fading, within the recording."""
    return max(0, span[0] - by), min(frames, span[1] + by)


def overlapping(frames: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """The frames in spans of `size`, each beginning `overlap` before the last one's end; none is a mere rest."""
    spans: list[tuple[int, int]] = []
    start = 0
    while not spans or spans[-1][1] < frames:
        stop = frames if start + size + overlap >= frames else start + size
        spans.append((start, stop))
        start = stop - overlap
    return spans


def lay(sound: Floats, piece: Floats, start: int, fade: int, *, open_end: bool = False) -> None:
    """Put a piece into the sound from sample `start` on, in place, cross-faded over `fade` samples at either end.

    At the beginning and the end of the sound there is nothing to fade from.

    Args:
        open_end: nor at the end of the piece: the sound is made from left to right, and has not come further.
    """
    stop = start + len(piece)
    weight = np.ones(len(piece), np.float32)
    rise = np.linspace(0.0, 1.0, min(fade, len(piece) // 2), dtype=np.float32)
    if start > 0:
        weight[: len(rise)] = rise
    if stop < len(sound) and not open_end:
        weight[len(piece) - len(rise) :] = rise[::-1]
    sound[start:stop] = weight * piece + (1.0 - weight) * sound[start:stop]
