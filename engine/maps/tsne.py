"""t-SNE by openTSNE, cut into short steps so that a run can be watched, paused, stopped and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import openTSNE
import scipy.sparse
from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
from scipy.sparse.csgraph import reverse_cuthill_mckee

from engine.maps.neighbours import Floats, Indices, NeighbourIndex

NEIGHBOURS_PER_PERPLEXITY = 3  # as van der Maaten (2014)
BLOCK_ROWS = 2_000  # rows of affinities between two checks
# Early exaggeration draws clusters together first (Kobak & Berens 2019). In a handful of points that pull is
# stronger than all repulsion and would draw them into one.
EARLY_SHARE = 0.2
EARLY_EXAGGERATION = 12.0
EARLY_MOMENTUM, MOMENTUM = 0.5, 0.9  # 0.9 gets as far in two thirds of the iterations that 0.8 takes
FEWEST_FOR_EARLY = 50
# openTSNE's interpolation is faster than its Barnes-Hut tree while the map is small, as it is early on; later its
# grid grows with the map, to twice the tree's time.
FEWEST_FOR_INTERPOLATION = 5_000
ANGLE = 0.5  # of the tree's cells, as in scikit-learn; wider ones are faster and keep fewer neighbours
POINT_ITERATIONS_PER_CHECK = 20_000  # points x iterations between two calls of `watch`, some 100 ms
MOST_ITERATIONS_PER_CHECK = 10
# New points are drawn to their neighbours on the finished map (openTSNE's own defaults for `transform`).
PLACE_NEIGHBOURS = 25
PLACE_PERPLEXITY = 5.0
PLACE_ITERATIONS = 250

Watch = Callable[[int, float, Floats], bool]


@dataclass
class TsneMap:
    """t-SNE map that can go on.

    embedding: (points, 2), changed in place. order: (points,) which point each of its rows is: points that draw
    each other lie beside each other, so that the tree is walked in the processor's caches, 1.4 times as fast.
    """

    embedding: openTSNE.TSNEEmbedding
    order: Indices

    @property
    def xy(self) -> Floats:
        """The layout in the points' own order."""
        return self.own_order(self.embedding)

    def own_order(self, layout: npt.NDArray[np.float64]) -> Floats:
        """Rows of the embedding as a layout in the points' own order."""
        xy = np.empty(layout.shape, np.float32)
        xy[self.order] = layout
        return xy


def begin(
    neighbours: NeighbourIndex,
    start: Floats,
    perplexity: float,
    seed: int,
    check: Callable[[float], None],
    threads: int,
) -> TsneMap:
    """A map before its first iteration.

    Args:
        start: (points, 2) layout to begin from, at any scale.
        perplexity: below a third of the number of points.
        check: called between steps with the share of the neighbour search done; what it raises ends the work.
    """
    spread = float(start[:, 0].std())
    noise = np.random.default_rng(seed).standard_normal(start.shape)
    # A hundredth of the spread is noise: the seed has its say, and points that are alike come apart.
    begun = (start / spread if spread > 0 else 0.0) + 0.01 * noise
    affinities = _affinities(neighbours, perplexity, check, threads)
    order = reverse_cuthill_mckee(affinities, symmetric_mode=True)
    ordered = PrecomputedAffinities(affinities[order][:, order])
    return TsneMap(openTSNE.TSNEEmbedding(np.asarray(begun[order] * 1e-4, np.float64), ordered), order)


def _affinities(
    neighbours: NeighbourIndex, perplexity: float, check: Callable[[float], None], threads: int
) -> scipy.sparse.csr_matrix:
    """How strongly every two points draw each other, up to a factor."""
    count = len(neighbours)
    drawn_to = max(1, min(count - 1, int(NEIGHBOURS_PER_PERPLEXITY * perplexity)))
    near, distances = neighbours.nearest(drawn_to, check=check)
    blocks = []
    for start in range(0, count, BLOCK_ROWS):
        check(1.0)
        rows = slice(start, start + BLOCK_ROWS)
        blocks.append(_conditional(near[rows], distances[rows], perplexity, count, threads))
    check(1.0)
    one_way = scipy.sparse.vstack(blocks, format="csr")
    check(1.0)
    back = one_way.T.tocsr()
    check(1.0)
    both = one_way + back
    check(1.0)
    return both


def _conditional(
    near: Indices, distances: Floats, perplexity: float, count: int, threads: int
) -> scipy.sparse.csr_matrix:
    """How strongly each row is drawn to its neighbours among `count` points, each row adding up to 1."""
    return joint_probabilities_nn(
        near,
        distances,
        [perplexity],
        symmetrize=False,
        normalization="point-wise",
        n_reference_samples=count,
        n_jobs=threads,
    )


def optimise(fitted: TsneMap, iterations: int, *, early: bool, watch: Watch, threads: int) -> bool:
    """Run iterations on a map in place, the first fifth of them with exaggerated attraction if `early`.

    Args:
        watch: called every few iterations with how many are done, the divergence and the layout; true ends the run.

    Returns:
        Whether all were run.
    """
    first = round(iterations * EARLY_SHARE) if early and len(fitted.order) >= FEWEST_FOR_EARLY else 0
    try:
        if first:
            _run(fitted, first, EARLY_EXAGGERATION, EARLY_MOMENTUM, watch, threads)
        _run(fitted, iterations - first, 1.0, MOMENTUM, lambda done, *now: watch(first + done, *now), threads)
    except openTSNE.tsne.OptimizationInterrupt:
        return False
    return True


def _run(
    fitted: TsneMap,
    iterations: int,
    exaggeration: float,
    momentum: float,
    watch: Watch,
    threads: int,
) -> None:

    def callback(iteration: int, divergence: float, layout: npt.NDArray[np.float64]) -> bool:
        return watch(iteration - 1, float(divergence), fitted.own_order(layout))  # its step is not taken yet

    embedding = fitted.embedding
    every = min(MOST_ITERATIONS_PER_CHECK, iterations, max(1, POINT_ITERATIONS_PER_CHECK // len(embedding)))
    small_map = exaggeration > 1.0 and len(embedding) >= FEWEST_FOR_INTERPOLATION
    affinities = embedding.affinities.P
    plain = affinities.data.copy()
    try:
        embedding.optimize(
            iterations,
            inplace=True,
            propagate_exception=True,
            exaggeration=exaggeration,
            momentum=momentum,
            learning_rate="auto",
            negative_gradient_method="fft" if small_map else "bh",
            theta=ANGLE,
            # openTSNE calls back before the iteration's step is taken.
            callbacks=[
                lambda iteration, divergence, xy: watch(iteration - 1, float(divergence), fitted.own_order(xy))
            ],
            callbacks_every_iters=every,
            n_jobs=threads,
        )
    finally:
        affinities.data[:] = plain  # openTSNE exaggerates in place; what a callback raises leaves it so


def place(
    xy: Floats, neighbours: NeighbourIndex, queries: Floats, check: Callable[[float], None], threads: int
) -> Floats:
    """Positions (queries, 2) of new points among those of a finished map, none of which moves.

    Args:
        xy: (points, 2) the map. neighbours: its points' latents. queries: (queries, dimensions) the new latents.
        check: called between steps; what it raises ends the work.
    """
    count = len(neighbours)
    perplexity = min(PLACE_PERPLEXITY, (count - 1) / NEIGHBOURS_PER_PERPLEXITY)
    drawn_to = max(1, min(count, int(NEIGHBOURS_PER_PERPLEXITY * perplexity)))
    near, distances = neighbours.nearest(min(count, max(PLACE_NEIGHBOURS, drawn_to)), queries, check=check)
    nothing_moves = PrecomputedAffinities(scipy.sparse.csr_matrix((count, count)), normalize=False)
    new = openTSNE.PartialTSNEEmbedding(
        np.median(xy[near[:, :PLACE_NEIGHBOURS]], axis=1),
        openTSNE.TSNEEmbedding(xy, nothing_moves),
        _conditional(near[:, :drawn_to], distances[:, :drawn_to], perplexity, count, threads),
        negative_gradient_method="bh",  # interpolation would move the finished map to the origin
    )

    def watch(_iteration: int, _divergence: float, _embedding: npt.NDArray[np.float64]) -> bool:
        check(1.0)
        return False

    placed = new.optimize(
        PLACE_ITERATIONS,
        learning_rate=0.1,
        exaggeration=1.5,
        momentum=0.8,
        max_grad_norm=0.25,
        n_jobs=threads,
        callbacks=[watch],
        callbacks_every_iters=5,
    )
    return np.asarray(placed, np.float32)
