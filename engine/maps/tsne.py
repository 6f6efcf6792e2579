"""t-SNE on openTSNE's optimiser with our own neighbours and repulsion, in steps of a few milliseconds each."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import openTSNE
import scipy.sparse
from openTSNE import _tsne
from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn

from engine.maps.neighbours import Space
from engine.maps.repulsion import repulsion

NEIGHBOURS_A_PERPLEXITY = 3  # as van der Maaten (2014)
BLOCK_ROWS = 2_000  # of affinities, a block at a time
# Early exaggeration draws clusters together first (Kobak & Berens 2019). In a handful of points that pull is
# stronger than all repulsion and would draw them into one.
EARLY_SHARE = 0.2
EARLY_EXAGGERATION = 12.0
EARLY_MOMENTUM, MOMENTUM = 0.5, 0.9  # 0.9 gets as far in two thirds of the iterations that 0.8 takes
FEWEST_FOR_EARLY = 50
FEWEST_FOR_GRID = 1_500  # below it a tree of the points is as fast as a grid
ITERATIONS_A_DIVERGENCE = 25  # it costs as much as an iteration
# A new point is drawn to its neighbours on the finished map (openTSNE's own defaults for `transform`).
PLACE_NEIGHBOURS = 25
PLACE_PERPLEXITY = 5.0
PLACE_ITERATIONS = 250
EPSILON = float(np.finfo(np.float64).eps)

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def begin(
    space: Space, start: Floats, perplexity: float, seed: int, look: Callable[[float], None], jobs: int
) -> openTSNE.TSNEEmbedding:
    """A map before its first iteration.

    Args:
        start: (points, 2) layout to begin from, at any scale.
        perplexity: below a third of the number of points.
        look: called between steps with the share of the neighbour search done; what it raises ends the work.
        jobs: threads.
    """
    spread = float(start[:, 0].std())
    noise = np.random.default_rng(seed).standard_normal(start.shape)
    # A hundredth of the spread is noise: the seed has its say, and points that are alike come apart.
    begun = (start / spread if spread > 0 else 0.0) + 0.01 * noise
    return openTSNE.TSNEEmbedding(
        np.asarray(begun * 1e-4, np.float64),
        _affinities(space, perplexity, look, jobs),
        random_state=seed,
        n_jobs=jobs,
    )


def _affinities(space: Space, perplexity: float, look: Callable[[float], None], jobs: int) -> PrecomputedAffinities:
    """How strongly every point draws its neighbours: symmetric, the sum of all being 1."""
    count = len(space)
    near, distances = space.nearest(max(1, min(count - 1, int(NEIGHBOURS_A_PERPLEXITY * perplexity))), between=look)
    blocks = []
    for start in range(0, count, BLOCK_ROWS):
        look(1.0)
        rows = slice(start, start + BLOCK_ROWS)
        blocks.append(_one_way(near[rows], distances[rows], perplexity, count, jobs))
    one_way = scipy.sparse.vstack(blocks, format="csr")
    look(1.0)
    back = one_way.T.tocsr()
    look(1.0)
    both = one_way + back
    look(1.0)
    both.data /= both.data.sum()
    look(1.0)
    return PrecomputedAffinities(both, normalize=False)


def _one_way(near: npt.NDArray[np.intp], distances: Floats, perplexity: float, count: int, jobs: int) -> Any:
    """How strongly each row is drawn to its neighbours among `count` points, each row adding up to 1."""
    return joint_probabilities_nn(
        near, distances, [perplexity], symmetrize=False, normalization="point-wise", n_reference_samples=count,
        n_jobs=jobs,
    )  # fmt: skip


class Descent:
    """Iterations of one map.

    Args:
        tsne: changed in place.
        look: called before every iteration with how many there were and the layout; True ends the descent.
    """

    def __init__(self, tsne: openTSNE.TSNEEmbedding, look: Callable[[int, Doubles], bool], jobs: int) -> None:
        self.tsne = tsne
        self.divergence = math.nan
        self.done = 0
        self.stopped = False
        self._look = look
        self._jobs = jobs
        self._pool: Executor | None = None

    def run(self, iterations: int, *, early: bool) -> None:
        """Go down so many steps, the first fifth of them with exaggerated attraction if `early`."""
        first = round(iterations * EARLY_SHARE) if early and len(self.tsne) >= FEWEST_FOR_EARLY else 0
        with ThreadPoolExecutor(2, "t-SNE") if self._jobs > 1 else nullcontext() as self._pool:
            self._phase(first, EARLY_EXAGGERATION, EARLY_MOMENTUM)
            self._phase(iterations - first, 1.0, MOMENTUM)

    def _phase(self, iterations: int, exaggeration: float, momentum: float) -> None:
        if not iterations or self.stopped:
            return
        scaled = self.tsne.affinities.P
        pull = scaled.data.copy()
        try:
            self.tsne.optimize(
                iterations,
                inplace=True,
                propagate_exception=True,
                exaggeration=exaggeration,
                momentum=momentum,
                learning_rate="auto",
                negative_gradient_method=self._objective,
                callbacks=[self._note],
                callbacks_every_iters=min(ITERATIONS_A_DIVERGENCE, iterations),
                n_jobs=self._jobs,
            )
            self.divergence = float(self.tsne.kl_divergence)
        except openTSNE.tsne.OptimizationInterrupt:
            self.stopped = True
        finally:
            scaled.data[:] = pull  # the optimiser exaggerates in place, and breaking it off leaves it so

    def _note(self, _iteration: int, divergence: float, _embedding: Doubles) -> bool:
        self.divergence = float(divergence)
        return False

    def _objective(
        self,
        embedding: Doubles,
        P: Any,
        should_eval_error: bool = False,
        **_settings: object,
    ) -> tuple[float, Doubles]:
        """Divergence and gradient, as openTSNE asks for them. Its last call comes after the last step."""
        xy = np.asarray(embedding, np.float64)
        if self._look(self.done, xy):
            raise openTSNE.tsne.OptimizationInterrupt(self.divergence, embedding)
        self.done += 1
        divergence, gradient = gradient_of(xy, P, self._pool, with_divergence=should_eval_error)
        return divergence, gradient


def gradient_of(
    xy: Doubles, pull: Any, pool: Executor | None = None, *, with_divergence: bool = False
) -> tuple[float, Doubles]:
    """Kullback-Leibler divergence of a map (0 unless asked for) and a quarter of its gradient, (points, 2).

    Args:
        pull: affinities, a sparse matrix that adds up to 1.
        pool: where a part is reckoned meanwhile: openTSNE's own threads are not in every build of it.
    """
    attraction = pool.submit(_attraction, xy, pull, with_divergence) if pool is not None else None
    if len(xy) >= FEWEST_FOR_GRID:
        push, total = repulsion(xy, pool)
        gradient = -push / total
    else:
        gradient = np.zeros_like(xy)
        tree = openTSNE.quad_tree.QuadTree(xy)
        total = _tsne.estimate_negative_gradient_bh(tree, xy, gradient, theta=0.5, dof=1.0, num_threads=1)
    drawn, divergence, towards = (
        attraction.result() if attraction is not None else _attraction(xy, pull, with_divergence)
    )
    gradient += towards
    return (divergence + drawn * math.log(total + EPSILON) if with_divergence else 0.0), gradient


def _attraction(xy: Doubles, pull: Any, with_divergence: bool) -> tuple[float, float, Doubles]:
    """Sum of the affinities, the divergence less the part of the repulsion, and the pull on every point."""
    towards = np.zeros_like(xy)
    drawn, divergence = _tsne.estimate_positive_gradient_nn(
        pull.indices, pull.indptr, pull.data, xy, xy, towards, 1.0, num_threads=1, should_eval_error=with_divergence
    )
    return float(drawn), float(divergence), towards


def place(
    fitted: openTSNE.TSNEEmbedding, space: Space, queries: Floats, look: Callable[[float], None], jobs: int
) -> Floats:
    """Positions (queries, 2) of new points among those of a finished map, none of which moves."""
    count = len(space)
    perplexity = min(PLACE_PERPLEXITY, (count - 1) / NEIGHBOURS_A_PERPLEXITY)
    drawn_to = max(1, min(count, int(NEIGHBOURS_A_PERPLEXITY * perplexity)))
    near, distances = space.nearest(min(count, max(PLACE_NEIGHBOURS, drawn_to)), queries, between=look)
    new = openTSNE.PartialTSNEEmbedding(
        np.median(np.asarray(fitted)[near[:, :PLACE_NEIGHBOURS]], axis=1),
        fitted,
        _one_way(near[:, :drawn_to], distances[:, :drawn_to], perplexity, count, jobs),
        negative_gradient_method="bh",  # the other one would move the finished map to the origin
    )

    def watch(_iteration: int, _divergence: float, _embedding: Doubles) -> bool:
        look(1.0)
        return False

    new = new.optimize(
        PLACE_ITERATIONS, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25, n_jobs=jobs,
        callbacks=[watch], callbacks_every_iters=5,
    )  # fmt: skip
    return np.asarray(new, np.float32)
