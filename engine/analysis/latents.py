"""Latents of many analysed clips, as a map or an export takes them; never of two models at once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.api import StoredClip
from engine.api.errors import EngineError, SpecError

LATENTS = ("h", "m", "z")
LOOK_EVERY = 100  # clips


@dataclass(frozen=True)
class Stack:
    """One latent of several clips. Rows stay on disk until they are asked for.

    rows[i]: how many points clip i has; missing: positions of the clips that hold no such latent.
    """

    latent: str
    positions: tuple[int, ...]  # of the clips that hold the latent, in the order given
    arrays: tuple[npt.NDArray[Any], ...]  # memory-mapped, each (rows, dimensions)
    missing: tuple[int, ...]
    model_hash: str

    @property
    def rows(self) -> list[int]:
        return [len(array) for array in self.arrays]

    @property
    def dimensions(self) -> int:
        return int(self.arrays[0].shape[1])

    def thinned(self, most: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """At most `most` rows, evenly spaced over all: their clips' positions, their index in the clip, values."""
        ends = np.cumsum(self.rows)
        chosen = evenly(int(ends[-1]), most)
        clip = np.searchsorted(ends, chosen, side="right")
        index = chosen - (ends - self.rows)[clip]
        starts = np.searchsorted(clip, np.arange(len(self.arrays) + 1))
        values = np.concatenate(
            [array[index[starts[i] : starts[i + 1]]] for i, array in enumerate(self.arrays)],
            dtype=np.float32,
            casting="same_kind",
        )
        return np.asarray(self.positions, np.int32)[clip], index.astype(np.int32), values


def evenly(rows: int, most: int) -> npt.NDArray[np.int64]:
    """At most `most` of the row numbers 0 ... rows - 1, evenly spaced, the first among them."""
    count = min(rows, most)
    return np.arange(count, dtype=np.int64) * rows // max(1, count)


def stack(folders: Sequence[str], latent: str, between: Callable[[], object] | None = None) -> Stack:
    """One latent of the clips analysed in `folders`.

    Args:
        between: called every few clips; what it raises ends the reading.

    Raises:
        SpecError: no such latent. EngineError: no clip holds it, or they come from different models.
    """
    if latent not in LATENTS:
        raise SpecError(f"There is no latent called {latent!r}.", "Choose h, m or z.", "latent")
    positions, arrays, missing = [], [], []
    hashes: set[str] = set()
    for position, folder in enumerate(folders):
        if between is not None and position % LOOK_EVERY == 0:
            between()
        try:
            made_by = _model_of(folder)
            # One row is read at once: a mapping of it costs more than it saves, and systems allow only so many.
            array = _row(folder) if latent == "h" else StoredClip(folder).array(latent)
        except (OSError, ValueError, TypeError):
            missing.append(position)
            continue
        positions.append(position)
        arrays.append(array[None] if latent == "h" else array)
        hashes.add(made_by)
    if not arrays:
        raise EngineError(
            f"None of the {len(folders)} clips has been encoded, so there is no {latent}."
            if folders
            else "No clip is chosen.",
            "Choose a model and analyse the clips with it." if folders else "Choose at least one clip.",
        )
    if len(hashes) > 1:
        raise EngineError(
            f"These clips were encoded by {len(hashes)} different models, whose latents cannot be compared.",
            "Analyse them again with one model.",
        )
    return Stack(latent, tuple(positions), tuple(arrays), tuple(missing), hashes.pop())


def _model_of(folder: str) -> str:
    """The model hash alone of a clip's meta.json: to check the whole of ten thousand takes as long as their map."""
    with open(os.path.join(folder, "meta.json"), encoding="utf-8") as file:
        meta = json.load(file)
    if not isinstance(meta, dict):
        raise ValueError("not the meta of a clip")
    return str(meta.get("model_hash") or "")


def _row(folder: str) -> npt.NDArray[Any]:
    row: npt.NDArray[Any] = np.load(os.path.join(folder, "h.npy"), allow_pickle=False)
    if row.ndim != 1:
        raise ValueError("not one latent")
    return row
