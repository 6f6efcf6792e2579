"""Which latents are nearest to one: in the latent space itself, not on a map of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.analysis.latents import stack
from engine.api import ControlSignal, FindNearest, LatentRef, Neighbours, Progress, Report, StoredClip
from engine.api.errors import EngineError, SpecError
from engine.maps.neighbours import METRICS, Space
from engine.runtime.control import check_control


@dataclass(frozen=True)
class _Held:
    """The latents last looked through: the next question is nearly always about the same."""

    asked_for: tuple[object, ...]
    ids: tuple[str, ...]
    folders: tuple[str, ...]
    index: npt.NDArray[np.int32]
    space: Space


_held: _Held | None = None


def find(request: FindNearest, report: Report, control: ControlSignal) -> Neighbours:
    """The nearest latents, nearest first.

    Raises:
        SpecError: no such metric or latent. EngineError: nothing to compare with, or a latent is gone. Cancelled.
    """
    global _held
    if request.metric not in METRICS:
        raise SpecError(f"There is no metric {request.metric!r}.", f"Choose one of {', '.join(METRICS)}.", "metric")
    if not request.query:
        raise SpecError("Nothing is asked for.", "Name at least one latent.", "query")
    query, made_by = _mean(request.query, request.latent)
    asked_for = (request.latent, request.metric, request.most_points, made_by, request.clips)
    if _held is None or _held.asked_for != asked_for:
        report(Progress(None, f"Reading {request.latent} of {len(request.clips)} clips"))
        latents = stack([folder for _, folder in request.clips], request.latent, lambda: check_control(control))
        at, index, values = latents.thinned(request.most_points)
        _held = _Held(
            asked_for,
            tuple(request.clips[i][0] for i in at),
            tuple(request.clips[i][1] for i in at),
            index,
            Space(values, request.metric),
        )
    itself = _place_of(request, _held)
    count = min(request.count, len(_held.space) - (itself is not None))
    near, distances = _held.space.nearest(
        count,
        query[None],
        own=None if itself is None else np.array([itself]),
        between=lambda _share: _look(control),
    )
    return Neighbours(
        request.latent,
        tuple(_held.ids[i] for i in near[0]),
        tuple(int(_held.index[i]) for i in near[0]),
        tuple(float(far) for far in distances[0]),
    )


def _look(control: ControlSignal) -> None:
    check_control(control)


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


def _place_of(request: FindNearest, held: _Held) -> int | None:
    """Where a single latent is among those looked through."""
    if len(request.query) != 1:
        return None
    ref = request.query[0]
    wanted = 0 if request.latent == "h" else ref.second or 0
    same = [i for i in np.flatnonzero(held.index == wanted).tolist() if held.folders[i] == ref.folder]
    return same[0] if same else None
