"""Latents laid out in the plane: PCA, then t-SNE (openTSNE), with layouts on the way and room for later clips.

The map last fitted for every latent stays in this process's memory, so that it can go on, and take new clips in
without a point of it moving.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import openTSNE
from openTSNE.affinity import PerplexityBasedNN
from sklearn.decomposition import PCA

from engine.api import FitMap, MapPoints, Note, Partial, PlaceOnMap, Progress, Report, Steer
from engine.errors import EngineError, SpecError
from engine.latents import stack
from engine.steering import Pace, obey

METRICS = ("euclidean", "cosine", "manhattan")
LAYOUT_INTERVAL_S = 0.5
# Fewer points have no neighbourhoods to speak of; their PCA shows all there is.
FEWEST_FOR_TSNE = 5
# A third of the iterations draws clusters together, as openTSNE does by default (Kobak & Berens 2019). In a handful
# of points that pull is stronger than all repulsion and would draw them into one.
EARLY_SHARE = 1 / 3
EARLY_EXAGGERATION = 12.0
FEWEST_FOR_EARLY = 50
CALLBACK_ITERATIONS = 5
# A new point is drawn to its neighbours on the finished map (openTSNE's own defaults for `transform`).
PLACE_NEIGHBOURS = 25
PLACE_PERPLEXITY = 5.0
PLACE_ITERATIONS = 250

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
    pca: PCA
    tsne: openTSNE.TSNEEmbedding | None
    xy: Floats
    settings: dict[str, Any]

    def points(self, final: bool) -> MapPoints:
        return MapPoints(self.request.latent, self.ids, self.index, self.xy, dict(self.settings), final)


_last: dict[str, Fitted] = {}  # by latent


def fit(request: FitMap, report: Report, steer: Steer) -> MapPoints:
    """Fit a map. STOP keeps the layout reached; a later request with go_on continues from it.

    Raises:
        SpecError: a setting is out of range. EngineError: no latents, or of several models. Cancelled.
    """
    latents = stack([folder for _, folder in request.clips], request.latent)
    if latents.missing:
        report(Note(f"{len(latents.missing)} clips are not on the map.", "Analyse them with the model first."))
    at, index, values = latents.thinned(request.most_points)
    ids = tuple(request.clips[i][0] for i in at)
    points = Points(ids, index, values, sum(latents.rows), latents.model_hash)
    return fit_points(request, points, report, steer)


def fit_points(request: FitMap, points: Points, report: Report, steer: Steer) -> MapPoints:
    """As `fit`, of latents at hand; request.clips is not looked at."""
    _check(request)
    before = _last.get(request.latent)
    if request.go_on and before is not None and _continues(before, request, points):
        fitted = before
    else:
        if points.of > len(points.ids):
            report(Note(f"The map shows {len(points.ids)} of {points.of} points, evenly chosen."))
        fitted = _begin(request, points, report)
    if fitted.tsne is not None:
        _optimise(fitted, request.iterations, report, steer)
    _last[request.latent] = fitted
    return fitted.points(final=True)


def place(request: PlaceOnMap, report: Report, steer: Steer) -> MapPoints:
    """Positions for more clips on the map last fitted, none of whose points moves. Only the new ones are returned.

    Raises:
        EngineError: no map was fitted in this process, or the clips come from another model. Cancelled.
    """
    fitted = _last.get(request.latent)
    if fitted is None:
        raise EngineError(f"There is no map of {request.latent} to place clips on.", "Draw the map first.")
    latents = stack([folder for _, folder in request.clips], request.latent)
    if latents.model_hash != fitted.model_hash:
        raise EngineError(
            "The clips were encoded by another model than the map shows.", "Draw the map again with one model."
        )
    if latents.missing:
        report(Note(f"{len(latents.missing)} clips are not placed.", "Analyse them with the model first."))
    at, index, values = latents.thinned(max(1, round(fitted.share * sum(latents.rows))))
    obey(steer)
    reduced = fitted.pca.transform(values)
    if fitted.tsne is None:
        xy = _two_columns(reduced)
    else:
        # Not `transform`, which shifts the fitted points first.
        count = len(fitted.ids)
        new = fitted.tsne.prepare_partial(
            reduced,
            initialization="median",
            k=min(PLACE_NEIGHBOURS, count),
            perplexity=min(PLACE_PERPLEXITY, (count - 1) / 3),
        )
        new = new.optimize(
            PLACE_ITERATIONS, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25, n_jobs=_jobs()
        )
        xy = np.asarray(new, np.float32)
    ids = tuple(request.clips[i][0] for i in at)
    return MapPoints(request.latent, ids, index, xy, dict(fitted.settings), final=True)


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
    )


def _begin(request: FitMap, points: Points, report: Report) -> Fitted:
    """The map before its first iteration; complete already where t-SNE has nothing to do."""
    values = points.values
    count, dimensions = values.shape
    report(Progress(None, f"Comparing {count} points"))
    pca = PCA(min(request.pca, count, dimensions), svd_solver=_solver(values), random_state=request.seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # shares of no variance at all: all points the same
        reduced = pca.fit_transform(values)
    settings: dict[str, Any] = {
        "method": "t-SNE" if count >= FEWEST_FOR_TSNE else "PCA",
        "perplexity": request.perplexity,
        "pca": int(pca.n_components_),
        "metric": request.metric,
        "seed": request.seed,
        "iterations": 0,
        "model_hash": points.model_hash,
    }
    tsne = None
    xy = _two_columns(reduced)
    if count < FEWEST_FOR_TSNE:
        settings["perplexity"] = None
        report(Note(f"With {count} points the map shows their principal components.", "Add clips for a t-SNE map."))
    else:
        perplexity = min(request.perplexity, (count - 1) / 3)
        if perplexity < request.perplexity:
            settings["perplexity"] = perplexity
            report(
                Note(
                    f"Perplexity was lowered from {request.perplexity:g} to {perplexity:.3g}.",
                    f"{count} points allow no more; add clips for a larger one.",
                )
            )
        affinities = PerplexityBasedNN(
            reduced, perplexity, metric=request.metric, n_jobs=_jobs(), random_state=request.seed
        )
        spread = float(xy[:, 0].std())
        start = xy / spread * 1e-4 if spread > 0 else 1e-4 * _noise(count, request.seed)
        tsne = openTSNE.TSNEEmbedding(
            np.asarray(start, np.float64),
            affinities,
            random_state=request.seed,
            n_jobs=_jobs(),
            negative_gradient_method="auto",
            learning_rate="auto",
        )
    share = count / points.of
    return Fitted(request, points.ids, points.index, share, points.model_hash, pca, tsne, xy, settings)


def _optimise(fitted: Fitted, iterations: int, report: Report, steer: Steer) -> None:
    assert fitted.tsne is not None
    begun = fitted.settings["iterations"] > 0
    early = 0 if begun or len(fitted.ids) < FEWEST_FOR_EARLY else round(iterations * EARLY_SHARE)
    watcher = _Watcher(fitted, iterations, report, steer)
    for count, exaggeration, momentum in ((early, EARLY_EXAGGERATION, 0.5), (iterations - early, 1.0, 0.8)):
        if count and not watcher.stopped:
            fitted.tsne = fitted.tsne.optimize(
                count,
                inplace=True,
                exaggeration=exaggeration,
                momentum=momentum,
                callbacks=[watcher],
                callbacks_every_iters=min(CALLBACK_ITERATIONS, count),
                n_jobs=_jobs(),
            )
            watcher.phase_done(count)
    fitted.xy = np.asarray(fitted.tsne, np.float32)
    fitted.settings["kl_divergence"] = round(float(fitted.tsne.kl_divergence), 4)


class _Watcher:
    """openTSNE's callback: reports progress and layouts, and obeys."""

    def __init__(self, fitted: Fitted, iterations: int, report: Report, steer: Steer) -> None:
        self._fitted = fitted
        self._before = fitted.settings["iterations"]
        self._iterations = iterations
        self._report = report
        self._steer = steer
        self._pace = Pace(iterations)
        self._done = 0  # in finished phases
        self._told = 0
        self._layout_at = time.monotonic()
        self.stopped = False

    def __call__(self, iteration: int, error: float, embedding: npt.NDArray[np.float64]) -> bool:
        done = self._done + iteration
        self._pace.advance(done - self._told)
        self._told = done
        self._fitted.settings["iterations"] = self._before + done
        self._report(
            Progress(
                self._pace.fraction,
                f"t-SNE, iteration {done} of {self._iterations}, divergence {error:.3f}",
                self._pace.eta_s,
            )
        )
        if time.monotonic() - self._layout_at >= LAYOUT_INTERVAL_S:
            self._layout_at = time.monotonic()
            self._fitted.xy = np.array(embedding, np.float32)
            self._report(Partial(self._fitted.points(final=False)))
        self.stopped = obey(self._steer)
        return self.stopped

    def phase_done(self, count: int) -> None:
        if not self.stopped:
            self._done += count
            self._fitted.settings["iterations"] = self._before + self._done


def _solver(values: Floats) -> str:
    return "covariance_eigh" if values.shape[0] > values.shape[1] else "full"


def _two_columns(reduced: npt.NDArray[Any]) -> Floats:
    xy = np.zeros((len(reduced), 2), np.float32)
    xy[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    return xy


def _noise(count: int, seed: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((count, 2))


def _jobs() -> int:
    """Threads for openTSNE: what OpenMP was told, else every processor we may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
