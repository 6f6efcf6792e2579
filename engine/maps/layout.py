"""Latents laid out in the plane: PCA, then t-SNE (openTSNE), with layouts on the way and room for later clips.

The map last fitted for every latent stays in this process's memory, so that it can go on, and take new clips in
without a point of it moving. No step lasts longer than a blink before it looks for the user's wish.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import openTSNE
import scipy.sparse
from openTSNE.affinity import PrecomputedAffinities

from engine.analysis.latents import stack
from engine.api import ControlSignal, FitMap, MapPoints, Note, Partial, PlaceOnMap, Progress, Report
from engine.api.errors import EngineError, SpecError
from engine.maps import quality, tsne
from engine.maps.neighbours import METRICS, Space
from engine.maps.pca import Projection, principal
from engine.runtime.blas import on_one_thread
from engine.runtime.control import Eta, check_control

LAYOUT_INTERVAL_S = 0.5
# Fewer points have no neighbourhoods to speak of; their PCA shows all there is.
FEWEST_FOR_TSNE = 5

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Points:
    """Latents to lay out: values (points, dimensions), and the clip and the place in it that each comes from.

    of: how many there were before they were thinned.
    """

    ids: tuple[str, ...]
    index: npt.NDArray[np.int32]
    values: Floats
    of: int
    model_hash: str


@dataclass
class Fitted:
    """A finished map, able to go on and to take new points in. tsne is None for maps that are plain PCA."""

    request: FitMap
    ids: tuple[str, ...]
    index: npt.NDArray[np.int32]
    share: float  # of all rows that became points
    model_hash: str
    projection: Projection
    space: Space  # of the projected latents
    tsne: openTSNE.TSNEEmbedding | None
    xy: Floats
    settings: dict[str, Any]
    may_go_on: bool = True  # not a map that was only taken up, to place on

    def points(self, final: bool) -> MapPoints:
        return MapPoints(self.request.latent, self.ids, self.index, self.xy, dict(self.settings), final)


class _StoppedError(Exception):
    """The user wants what there is, and does not want to wait for more."""


_last: dict[str, Fitted] = {}  # by latent


def fit(request: FitMap, report: Report, control: ControlSignal) -> MapPoints:
    """Fit a map. STOP keeps the layout reached; a later request with go_on continues from it.

    Raises:
        SpecError: a setting is out of range. EngineError: no latents, or of several models. Cancelled.
    """
    report(Progress(None, f"Reading {request.latent} of {len(request.clips)} clips"))
    latents = stack([folder for _, folder in request.clips], request.latent, lambda: check_control(control))
    if latents.missing:
        report(Note(f"{len(latents.missing)} clips are not on the map.", "Analyse them with the model first."))
    at, index, values = latents.thinned(request.most_points)
    ids = tuple(request.clips[i][0] for i in at)
    points = Points(ids, index, values, sum(latents.rows), latents.model_hash)
    return fit_points(request, points, report, control)


@on_one_thread()
def fit_points(request: FitMap, points: Points, report: Report, control: ControlSignal) -> MapPoints:
    """As `fit`, of latents at hand; request.clips is not looked at."""
    _check(request)
    before = _last.get(request.latent)
    if request.go_on and before is not None and _continues(before, request, points):
        fitted = before
    else:
        if points.of > len(points.ids):
            report(Note(f"The map shows {len(points.ids)} of {points.of} points, evenly chosen."))
        fitted = _begin(request, points, report, control)
    if fitted.tsne is not None:
        _optimise(fitted, request.iterations, report, control)
    _judge(fitted, points, report, control)
    _last[request.latent] = fitted
    return fitted.points(final=True)


@on_one_thread()
def place(request: PlaceOnMap, report: Report, control: ControlSignal) -> MapPoints:
    """Positions for more clips on the map last fitted, none of whose points moves. Only the new ones are returned.

    Raises:
        EngineError: there is no map, its clips are gone, or the new ones come from another model. Cancelled.
    """
    fitted = _map_of(request, report, control)
    latents = stack([folder for _, folder in request.clips], request.latent, lambda: check_control(control))
    if latents.model_hash != fitted.model_hash:
        raise EngineError(
            "The clips were encoded by another model than the map shows.", "Draw the map again with one model."
        )
    if latents.missing:
        report(Note(f"{len(latents.missing)} clips are not placed.", "Analyse them with the model first."))
    at, index, values = latents.thinned(max(1, round(fitted.share * sum(latents.rows))))
    xy = _placed(fitted, fitted.projection(values), control)
    ids = tuple(request.clips[i][0] for i in at)
    return MapPoints(request.latent, ids, index, xy, dict(fitted.settings), final=True)


@on_one_thread()
def place_values(latent: str, values: Floats, control: ControlSignal) -> Floats:
    """As `place`, of latents at hand: (points, dimensions) -> (points, 2)."""
    fitted = _last[latent]
    return _placed(fitted, fitted.projection(values), control)


def _map_of(request: PlaceOnMap, report: Report, control: ControlSignal) -> Fitted:
    """The map to place on: the one fitted here, else the one that the request brings along."""
    fitted, onto = _last.get(request.latent), request.onto
    if onto is None:
        if fitted is None:
            raise EngineError(f"There is no map of {request.latent} to place clips on.", "Draw the map first.")
        return fitted
    # What was placed since lies behind what was fitted, and new points go by what was fitted.
    count = 0 if fitted is None else len(fitted.ids)
    if fitted is None or onto.ids[:count] != fitted.ids or not np.array_equal(onto.xy[:count], fitted.xy):
        fitted = _last[request.latent] = _taken_up(request, onto, report, control)
    return fitted


def _taken_up(request: PlaceOnMap, onto: MapPoints, report: Report, control: ControlSignal) -> Fitted:
    """A map that was fitted elsewhere, made ready to take points in: its latents are read again."""
    report(Progress(None, f"Reading {onto.latent} of the {len(request.of)} clips on the map"))
    latents = stack([folder for _, folder in request.of], onto.latent, lambda: check_control(control))
    rows = {request.of[at][0]: latents.arrays[i] for i, at in enumerate(latents.positions)}
    try:
        values = np.stack([rows[i][at] for i, at in zip(onto.ids, onto.index.tolist(), strict=True)])
    except (KeyError, IndexError) as error:
        raise EngineError(
            "Some clips on the map are not analysed any more, so nothing can be placed beside them.",
            "Lay the map out again.",
        ) from error
    made_with = onto.settings
    values = np.asarray(values, np.float32)
    kept = min(int(made_with.get("pca") or 50), *values.shape)
    projection = principal(values, kept, lambda: _heed(control))
    metric = str(made_with.get("metric") or "euclidean")
    space = Space(projection(values), metric if metric in METRICS else "euclidean")
    embedding = None
    if made_with.get("method", "t-SNE") == "t-SNE":
        embedding = openTSNE.TSNEEmbedding(
            np.asarray(onto.xy, np.float64),
            PrecomputedAffinities(scipy.sparse.csr_matrix((len(values), len(values))), normalize=False),
        )
    return Fitted(
        FitMap((), onto.latent), onto.ids, onto.index, len(onto.ids) / max(1, sum(latents.rows)),
        latents.model_hash, projection, space, embedding, np.asarray(onto.xy, np.float32),
        dict(made_with), may_go_on=False,
    )  # fmt: skip


def _placed(fitted: Fitted, reduced: Floats, control: ControlSignal) -> Floats:
    if fitted.tsne is None:
        return _two_columns(reduced)
    return tsne.place(fitted.tsne, fitted.space, reduced, lambda _share: _heed(control), _jobs())


def _check(request: FitMap) -> None:
    if request.metric not in METRICS:
        raise SpecError(f"There is no metric {request.metric!r}.", f"Choose one of {', '.join(METRICS)}.", "metric")
    for name, value, low in (
        ("perplexity", request.perplexity, 1.0),
        ("pca", request.pca, 2),
        ("iterations", request.iterations, 1),
        ("most_points", request.most_points, 1),
        ("seed", request.seed, 0),
    ):
        if not value >= low:
            raise SpecError(f"{name} is {value}.", f"It can be at least {low}.", name)


def _continues(before: Fitted, now: FitMap, points: Points) -> bool:
    def settings(request: FitMap) -> tuple[object, ...]:
        return request.perplexity, request.pca, request.metric, request.seed

    return (
        before.may_go_on
        and before.ids == points.ids
        and np.array_equal(before.index, points.index)
        and before.model_hash == points.model_hash
        and settings(before.request) == settings(now)
        and (before.tsne is not None or len(points.ids) < FEWEST_FOR_TSNE)
    )


def _begin(request: FitMap, points: Points, report: Report, control: ControlSignal) -> Fitted:
    """The map before its first iteration; complete already where t-SNE has nothing to do.

    Its first layout, the two main components, is shown at once. Stopped before t-SNE could begin, it stays at that.
    """
    values = points.values
    count, dimensions = values.shape
    report(Progress(None, f"Comparing {count} points"))
    projection = principal(values, min(request.pca, count, dimensions), lambda: _heed(control))
    reduced = projection(values)
    settings: dict[str, Any] = {
        "method": "PCA",
        "perplexity": None,
        "pca": projection.kept,
        "metric": request.metric,
        "seed": request.seed,
        "iterations": 0,
        "model_hash": points.model_hash,
    }
    fitted = Fitted(
        request, points.ids, points.index, count / points.of, points.model_hash, projection,
        Space(reduced, request.metric), None, _two_columns(reduced), settings,
    )  # fmt: skip
    if count < FEWEST_FOR_TSNE:
        report(Note(f"With {count} points the map shows their principal components.", "Add clips for a t-SNE map."))
        return fitted
    report(Partial(fitted.points(final=False)))
    perplexity = min(request.perplexity, (count - 1) / 3)

    def look(share: float) -> None:
        report(Progress(None, f"Looking for neighbours, {share:.0%} of {count} points"))
        if check_control(control):
            raise _StoppedError

    try:
        fitted.tsne = tsne.begin(fitted.space, fitted.xy, perplexity, request.seed, look, _jobs())
    except _StoppedError:
        report(Note("The map was stopped before t-SNE began: it shows the two main components."))
        return fitted
    settings |= {"method": "t-SNE", "perplexity": perplexity}
    if perplexity < request.perplexity:
        report(
            Note(
                f"Perplexity was lowered from {request.perplexity:g} to {perplexity:.3g}.",
                f"{count} points allow no more; add clips for a larger one.",
            )
        )
    return fitted


def _optimise(fitted: Fitted, iterations: int, report: Report, control: ControlSignal) -> None:
    """Go down from where the map is, telling of progress and layouts, until it is stopped."""
    before = fitted.settings["iterations"]
    eta = Eta(iterations)
    shown_at = time.monotonic()

    def look(done: int, layout: npt.NDArray[np.float64]) -> bool:
        nonlocal shown_at
        if done:
            eta.advance(1)
        fitted.settings["iterations"] = before + min(done, iterations)
        said = "" if math.isnan(descent.divergence) else f", divergence {descent.divergence:.3f}"
        report(Progress(eta.fraction, f"t-SNE, iteration {done} of {iterations}{said}", eta.eta_s))
        if time.monotonic() - shown_at >= LAYOUT_INTERVAL_S:
            shown_at = time.monotonic()
            fitted.xy = np.array(layout, np.float32)
            report(Partial(fitted.points(final=False)))
        return check_control(control)

    descent = tsne.Descent(fitted.tsne, look, _jobs())
    descent.run(iterations, early=before == 0)
    fitted.xy = np.asarray(fitted.tsne, np.float32)
    if not math.isnan(descent.divergence):
        fitted.settings["kl_divergence"] = round(descent.divergence, 4)


def _judge(fitted: Fitted, points: Points, report: Report, control: ControlSignal) -> None:
    """Note on the map how far it can be trusted."""
    report(Progress(None, "Comparing the map with the latents"))
    found = quality.score(points.values, fitted.xy, fitted.request.metric, lambda _share: _heed(control))
    if found is not None:
        fitted.settings |= {
            "neighbours_kept": round(found.kept, 4),
            "trustworthiness": round(found.trustworthiness, 4),
            "score_neighbours": found.neighbours,
            "score_points": found.asked,
        }


def _heed(control: ControlSignal) -> None:
    """Only a cancel ends these steps: what comes of them is short, and wanted whatever else was stopped."""
    check_control(control)


def _two_columns(reduced: npt.NDArray[Any]) -> Floats:
    xy = np.zeros((len(reduced), 2), np.float32)
    xy[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    return xy


def _jobs() -> int:
    """Threads for openTSNE: what OpenMP was told, else every processor we may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
