"""Nearest latents to one, or to the mean of several: in the latent space itself, not on a map of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from engine.analysis.latents import stack
from engine.api import ControlSignal, FindNearest, LatentRef, Neighbours, Progress, Report, StoredClip
from engine.api.errors import EngineError, SpecError
from engine.maps.neighbours import METRICS, NeighbourIndex
from engine.runtime.control import check_cancel


@dataclass(frozen=True)
class SearchedLatents:
    """Latents that were searched. asked_for names them; the rest has one entry for each latent."""

    asked_for: tuple[object, ...]
    ids: tuple[str, ...]
    folders: tuple[str, ...]
    index: npt.NDArray[np.int32]
    neighbours: NeighbourIndex


@cache
def last_searched() -> list[SearchedLatents]:
    """What this process searched last, in a list of one: the next question is nearly always about the same."""
    return []


def find(request: FindNearest, report: Report, control: ControlSignal) -> Neighbours:
    """The nearest latents, nearest first.

    Raises:
        SpecError: no such metric or latent. EngineError: nothing to compare with, or a latent is gone. Cancelled.
    """
    if request.metric not in METRICS:
        raise SpecError(f"There is no metric {request.metric!r}.", f"Choose one of {', '.join(METRICS)}.", "metric")
    if not request.query:
        raise SpecError("Nothing is asked for.", "Name at least one latent.", "query")
    query, made_by = _mean(request.query, request.latent)
    asked_for = (request.latent, request.metric, request.most_points, made_by, request.clips)
    if not last_searched() or last_searched()[0].asked_for != asked_for:
        report(Progress(None, f"Reading {request.latent} of {len(request.clips)} clips"))
        last_searched()[:] = [_read(request, asked_for, control)]
    searched = last_searched()[0]
    itself = _position(request, searched)
    near, distances = searched.neighbours.nearest(
        min(request.count, len(searched.neighbours) - (itself is not None)),
        query[None],
        own=None if itself is None else np.array([itself]),
        check=lambda _share: check_cancel(control),
    )
    return Neighbours(
        request.latent,
        tuple(searched.ids[i] for i in near[0]),
        tuple(int(searched.index[i]) for i in near[0]),
        tuple(float(far) for far in distances[0]),
    )


def _read(request: FindNearest, asked_for: tuple[object, ...], control: ControlSignal) -> SearchedLatents:
    latents = stack([folder for _, folder in request.clips], request.latent, lambda: check_cancel(control))
    at, index, values = latents.thinned(request.most_points)
    return SearchedLatents(
        asked_for,
        tuple(request.clips[i][0] for i in at),
        tuple(request.clips[i][1] for i in at),
        index,
        NeighbourIndex(values, request.metric),
    )


def _mean(refs: tuple[LatentRef, ...], latent: str) -> tuple[npt.NDArray[np.float32], str]:
    """The weighted mean of some latents, and the model they come from."""
    total: npt.NDArray[np.float64] | None = None
    whole = sum(ref.weight for ref in refs)
    if whole <= 0:
        raise SpecError("The weights add up to nothing.", "Raise at least one weight.", "weight")
    made_by = ""
    for ref in refs:
        clip = StoredClip(ref.folder)
        try:
            made_by = clip.meta().model_hash or ""
            array = clip.array(latent)
            value = np.asarray(array if latent == "h" else array[ref.second or 0], np.float64)
        except (OSError, ValueError, TypeError, IndexError) as error:
            raise EngineError(
                "A clip that was asked about is not analysed any more.", "Analyse it again."
            ) from error
        total = value * ref.weight if total is None else total + value * ref.weight
    assert total is not None
    return np.asarray(total / whole, np.float32), made_by


def _position(request: FindNearest, searched: SearchedLatents) -> int | None:
    """Where a single latent is among those searched."""
    if len(request.query) != 1:
        return None
    ref = request.query[0]
    wanted = 0 if request.latent == "h" else ref.second or 0
    same = [i for i in np.flatnonzero(searched.index == wanted).tolist() if searched.folders[i] == ref.folder]
    return same[0] if same else None
