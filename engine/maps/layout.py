"""Maps of latents: PCA, then t-SNE (openTSNE), with layouts on the way and room for later clips.

The map last fitted for every latent stays in this process's memory, so that it can go on, and take new clips in
without a point of it moving. No step on 10 000 points lasts longer than 0.2 s before it looks for a cancel.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from engine.analysis.latents import stack
from engine.api import ControlSignal, FitMap, MapPoints, Note, Partial, PlaceOnMap, Progress, Report
from engine.api.errors import EngineError, SpecError
from engine.maps import quality, tsne
from engine.maps.neighbours import METRICS, NeighbourIndex
from engine.maps.pca import fit_pca
from engine.runtime.control import Eta, check_cancel, check_control
from engine.runtime.threads import available_threads, one_blas_thread

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
    """A finished map, able to take new points in, and to go on where it has a tsne_map.

    share: of all rows, those that became points. neighbours: the latents, projected by the PCA.
    tsne_map: None for maps that are plain PCA or were fitted in another process.
    """

    request: FitMap
    ids: tuple[str, ...]
    index: npt.NDArray[np.int32]
    share: float
    model_hash: str
    pca: PCA
    neighbours: NeighbourIndex
    tsne_map: tsne.TsneMap | None
    xy: Floats
    settings: dict[str, Any]

    def points(self, final: bool) -> MapPoints:
        return MapPoints(self.request.latent, self.ids, self.index, self.xy, dict(self.settings), final)


class _StoppedError(Exception):
    """The user stopped the map before its first iteration."""


@cache
def fitted_maps() -> dict[str, Fitted]:
    """The map last fitted in this process, by latent."""
    return {}


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


@one_blas_thread()
def fit_points(request: FitMap, points: Points, report: Report, control: ControlSignal) -> MapPoints:
    """As `fit`, of latents at hand; request.clips is not looked at."""
    _check(request)
    before = fitted_maps().get(request.latent)
    if request.go_on and before is not None and _continues(before, request, points):
        fitted = before
    else:
        if points.of > len(points.ids):
            report(Note(f"The map shows {len(points.ids)} of {points.of} points, evenly chosen."))
        fitted = _begin(request, points, report, control)
    if fitted.tsne_map is not None:
        _optimise(fitted, fitted.tsne_map, request.iterations, report, control)
    _score(fitted, points, report, control)
    fitted_maps()[request.latent] = fitted
    return fitted.points(final=True)


@one_blas_thread()
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
    xy = _placed(fitted, values, control)
    ids = tuple(request.clips[i][0] for i in at)
    return MapPoints(request.latent, ids, index, xy, dict(fitted.settings), final=True)


@one_blas_thread()
def place_values(latent: str, values: Floats, control: ControlSignal) -> Floats:
    """As `place`, of latents at hand: (points, dimensions) -> (points, 2)."""
    return _placed(fitted_maps()[latent], values, control)


def _map_of(request: PlaceOnMap, report: Report, control: ControlSignal) -> Fitted:
    """The map to place on: the one fitted here, else the one that the request brings along."""
    fitted, onto = fitted_maps().get(request.latent), request.onto
    if onto is None:
        if fitted is None:
            raise EngineError(f"There is no map of {request.latent} to place clips on.", "Draw the map first.")
        return fitted
    # What was placed since lies behind what was fitted, and new points go by what was fitted.
    count = 0 if fitted is None else len(fitted.ids)
    if fitted is None or onto.ids[:count] != fitted.ids or not np.array_equal(onto.xy[:count], fitted.xy):
        fitted = fitted_maps()[request.latent] = _restored(request, onto, report, control)
    return fitted


def _restored(request: PlaceOnMap, onto: MapPoints, report: Report, control: ControlSignal) -> Fitted:
    """A map that was fitted elsewhere, made ready to take points in: its latents are read again."""
    report(Progress(None, f"Reading {onto.latent} of the {len(request.of)} clips on the map"))
    latents = stack([folder for _, folder in request.of], onto.latent, lambda: check_control(control))
    rows = {request.of[at][0]: latents.arrays[i] for i, at in enumerate(latents.positions)}
    try:
        values = np.stack(
            [rows[i][at] for i, at in zip(onto.ids, onto.index.tolist(), strict=True)], dtype=np.float32
        )
    except (KeyError, IndexError) as error:
        raise EngineError(
            "Some clips on the map are not analysed any more, so nothing can be placed beside them.",
            "Lay the map out again.",
        ) from error
    kept = min(int(onto.settings.get("pca") or 50), *values.shape)
    metric = str(onto.settings.get("metric") or "euclidean")
    check_cancel(control)
    pca = fit_pca(values, kept)
    return Fitted(
        FitMap((), onto.latent),
        onto.ids,
        onto.index,
        len(onto.ids) / max(1, sum(latents.rows)),
        latents.model_hash,
        pca,
        NeighbourIndex(pca.transform(values), metric if metric in METRICS else "euclidean"),
        None,
        np.asarray(onto.xy, np.float32),
        dict(onto.settings),
    )


def _placed(fitted: Fitted, values: Floats, control: ControlSignal) -> Floats:
    reduced = fitted.pca.transform(values)
    if fitted.settings.get("method", "t-SNE") != "t-SNE":
        return _two_columns(reduced)
    # Only a cancel ends the placing: it is short, and wanted whatever else was stopped.
    return tsne.place(
        fitted.xy, fitted.neighbours, reduced, lambda _share: check_cancel(control), available_threads()
    )


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
        before.ids == points.ids
        and np.array_equal(before.index, points.index)
        and before.model_hash == points.model_hash
        and settings(before.request) == settings(now)
        and (before.tsne_map is not None or len(points.ids) < FEWEST_FOR_TSNE)
    )


def _begin(request: FitMap, points: Points, report: Report, control: ControlSignal) -> Fitted:
    """The map before its first iteration; complete already where t-SNE has nothing to do.

    Its first layout, the two main components, is shown at once. Stopped before t-SNE could begin, it stays at that.
    """
    values = points.values
    count, dimensions = values.shape
    report(Progress(None, f"Comparing {count} points"))
    check_cancel(control)
    pca = fit_pca(values, min(request.pca, count, dimensions))
    check_cancel(control)
    reduced = pca.transform(values)
    settings: dict[str, Any] = {
        "method": "PCA",
        "perplexity": None,
        "pca": int(pca.n_components_),
        "metric": request.metric,
        "seed": request.seed,
        "iterations": 0,
        "model_hash": points.model_hash,
    }
    fitted = Fitted(
        request,
        points.ids,
        points.index,
        count / points.of,
        points.model_hash,
        pca,
        NeighbourIndex(reduced, request.metric),
        None,
        _two_columns(reduced),
        settings,
    )
    if count < FEWEST_FOR_TSNE:
        report(Note(f"With {count} points the map shows their principal components.", "Add clips for a t-SNE map."))
        return fitted
    report(Partial(fitted.points(final=False)))
    perplexity = min(request.perplexity, (count - 1) / 3)

    def check(share: float) -> None:
        report(Progress(None, f"Looking for neighbours, {share:.0%} of {count} points"))
        if check_control(control):
            raise _StoppedError

    try:
        fitted.tsne_map = tsne.begin(
            fitted.neighbours, fitted.xy, perplexity, request.seed, check, available_threads()
        )
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


def _optimise(
    fitted: Fitted, tsne_map: tsne.TsneMap, iterations: int, report: Report, control: ControlSignal
) -> None:
    """Run iterations of t-SNE from where the map is, reporting progress and layouts, until it is stopped."""
    before = fitted.settings["iterations"]
    eta = Eta(iterations)
    seen, shown_at = 0, time.monotonic()

    def watch(done: int, divergence: float, layout: Floats) -> bool:
        nonlocal seen, shown_at
        eta.advance(done - seen)
        seen = done
        fitted.settings["iterations"] = before + done
        fitted.settings["kl_divergence"] = round(divergence, 4)
        report(
            Progress(
                eta.fraction, f"t-SNE, iteration {done} of {iterations}, divergence {divergence:.3f}", eta.eta_s
            )
        )
        if time.monotonic() - shown_at >= LAYOUT_INTERVAL_S:
            shown_at = time.monotonic()
            fitted.xy = layout
            report(Partial(fitted.points(final=False)))
        return check_control(control)

    if tsne.optimise(tsne_map, iterations, early=before == 0, watch=watch, threads=available_threads()):
        fitted.settings["iterations"] = before + iterations
        fitted.settings["kl_divergence"] = round(float(tsne_map.embedding.kl_divergence), 4)
    fitted.xy = tsne_map.xy


def _score(fitted: Fitted, points: Points, report: Report, control: ControlSignal) -> None:
    """Note on the map how far it can be trusted; after a stop too, as it is short."""
    report(Progress(None, "Comparing the map with the latents"))
    found = quality.score(points.values, fitted.xy, fitted.request.metric, lambda _share: check_cancel(control))
    if found is not None:
        fitted.settings |= {
            "neighbours_kept": round(found.kept, 4),
            "trustworthiness": round(found.trustworthiness, 4),
            "score_neighbours": found.neighbours,
            "score_points": found.asked,
        }


def _two_columns(reduced: npt.NDArray[Any]) -> Floats:
    xy = np.zeros((len(reduced), 2), np.float32)
    xy[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    return xy
