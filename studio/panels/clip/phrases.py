"""Where a recording pauses: a phrase is what lies between two pauses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PAUSE_S = 0.25
QUIET_SHARE = 0.35  # of the way from the quiet to the loud level: below it nobody speaks
REACH_S = 30.0  # a phrase is looked for so far to either side


def phrase_at(mel: npt.NDArray[np.floating], frames_per_second: float, second: int) -> tuple[int, int]:
    """First and last second (inclusive) of the phrase that a second belongs to; of a pause, the second itself.

    Args:
        mel: (frames, bands) log-mel; may be memory-mapped, only the surroundings are read.
    """
    rate = frames_per_second
    first_frame = max(0, int((second - REACH_S) * rate))
    last_frame = min(len(mel), int((second + REACH_S) * rate))
    level = np.asarray(mel[first_frame:last_frame], np.float32).mean(axis=1)
    if not len(level):
        return second, second
    smooth = np.convolve(np.pad(level, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    quiet, loud = np.quantile(smooth, (0.05, 0.95))
    speaks = smooth > quiet + QUIET_SHARE * (loud - quiet)
    spans = _joined(speaks, round(PAUSE_S * rate))
    begin, end = second * rate - first_frame, (second + 1) * rate - first_frame
    overlaps = {span: min(span[1], end) - max(span[0], begin) for span in spans}
    if not overlaps or max(overlaps.values()) <= 0:
        return second, second
    start, stop = max(overlaps, key=overlaps.__getitem__)
    seconds = int(np.ceil(len(mel) / rate))
    low = int((start + first_frame) / rate + 0.5)
    high = int((stop + first_frame) / rate + 0.5) - 1
    # Seconds whose greater part is spoken in; the one that was pointed at in any case.
    low, high = min(low, second), max(high, second)
    return max(0, low), min(seconds - 1, high)


def _joined(speaks: npt.NDArray[np.bool_], shortest_pause: int) -> list[tuple[int, int]]:
    """Runs of speech as (start, stop), those nearer than a pause joined."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], speaks.astype(np.int8), [0]))))
    spans: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if spans and start - spans[-1][1] < shortest_pause:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((start, stop))
    return spans
