"""The map: its layout beside scikit-learn's TSNE on the same cores, cancelling, placing, panning and hovering.

    python -m tests.bench.map_speed [--points 10000] [--large 50000] [--skip-baseline] [--json FILE]

The latents are made up as latents are: 250 voices in 24 dimensions of meaning, turned into 512 with noise on all
of them. Ours is laid out before and after scikit-learn's, so that whatever else the machine does falls on both. How
many of the ten nearest latents are among the ten nearest on the map is counted by scikit-learn, for 1 000 points,
in all 512 dimensions. The view is drawn offscreen, as the raster paint engine of a window would.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tests.bench.measuring import Row, Timing, arguments, middle, milliseconds, peak_mib, tell, timed  # isort: skip

import numpy as np
import numpy.typing as npt

from engine.api import Control, Event, FitMap, MapPoints, Partial, Progress
from engine.api.errors import Cancelled
from engine.maps import layout as mapping

GROUPS, MEANING, DIMENSIONS = 250, 24, 512
ASKED, NEIGHBOURS = 1_000, 10
PLACED = 100
LARGE_ITERATIONS = 100
VIEW_POINTS = 100_000
FRAMES = 40

Floats = npt.NDArray[np.float32]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=50_000, help="points of the large map, 0 for none")
    parser.add_argument("--skip-baseline", action="store_true", help="without scikit-learn's TSNE")
    wanted = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(wanted.threads)
    values = latents(wanted.points + PLACED)
    here, new = values[: wanted.points], values[wanted.points :]
    layout(values[:2_000], 5)  # nothing below pays for imports
    rows = layouts(here, wanted.threads, baseline=not wanted.skip_baseline)
    rows += [cancelling(here), placing(new)]
    if wanted.large:
        rows.append(large(latents(wanted.large)))
    rows += view()
    tell("Map", rows, wanted.json)


def latents(count: int) -> Floats:
    random = np.random.default_rng(0)
    meaning = random.normal(size=(MEANING, DIMENSIONS)) / np.sqrt(MEANING)
    voices = 2.0 * random.normal(size=(GROUPS, MEANING))
    clips = voices[random.integers(0, GROUPS, count)] + 0.7 * random.normal(size=(count, MEANING))
    return np.asarray(clips @ meaning + 0.15 * random.normal(size=(count, DIMENSIONS)), np.float32)


def points_of(values: Floats) -> mapping.Points:
    count = len(values)
    names = tuple(f"clip{i}" for i in range(count))
    return mapping.Points(names, np.zeros(count, np.int32), values, count, "bench")


def layout(
    values: Floats,
    iterations: int | None = None,
    report: Callable[[Event], None] = lambda event: None,
    control: Callable[[], Control] = lambda: Control.RUN,
) -> MapPoints:
    request = FitMap(()) if iterations is None else FitMap((), iterations=iterations)
    return mapping.fit_points(request, points_of(values), report, control)


def layouts(values: Floats, threads: int, *, baseline: bool) -> list[Row]:
    timings: list[Timing] = []
    shown: list[float] = []
    moved: list[float] = []
    ours: MapPoints | None = None

    def once() -> None:
        nonlocal ours
        began = time.perf_counter()
        seen: list[tuple[float, int]] = []

        def report(event: Event) -> None:
            if isinstance(event, Partial) and isinstance(event.value, MapPoints):
                seen.append((time.perf_counter() - began, event.value.settings["iterations"]))

        ours = layout(values, report=report)
        shown.append(seen[0][0])
        moved.append(next(at for at, iterations in seen if iterations))

    theirs: Timing | None = None
    kept_theirs = 0.0
    timings.append(timed(once))
    if baseline:
        from sklearn.manifold import TSNE

        found: list[Floats] = []
        theirs = timed(lambda: found.append(TSNE(random_state=0, n_jobs=threads).fit_transform(values)))
        kept_theirs = kept(values, found[0])
        timings.append(timed(once))
    assert ours is not None
    mine = middle(timings)
    kept_ours = kept(values, ours.xy)
    count = f"{len(values):,}".replace(",", " ")
    rows = [
        Row(
            f"Map: {count} x {values.shape[1]}, first layout",
            shown[0],
            "s",
            2.0,
            "lower",
            note=f"the first of t-SNE after {moved[0]:.1f} s",
        ),
    ]
    if theirs is None:
        return [*rows, Row(f"Map: {count} x {values.shape[1]}, whole layout", mine.wall_s, "s")]
    return [
        Row(
            f"Map: {count} x {values.shape[1]}, whole layout",
            theirs.wall_s / mine.wall_s,
            "x",
            2.0,
            "higher",
            "scikit-learn's TSNE",
            f"{mine.wall_s:.1f} s",
            f"{theirs.wall_s:.1f} s",
            note=f"{theirs.cpu_s / mine.cpu_s:.1f} times by processor seconds",
        ),
        Row(
            "Map: nearest neighbours kept",
            kept_ours / kept_theirs,
            "x",
            1.0,
            "higher",
            "scikit-learn's TSNE",
            f"{kept_ours:.1%}",
            f"{kept_theirs:.1%}",
        ),
        *rows,
    ]


def kept(values: Floats, xy: Floats) -> float:
    """Share of the nearest latents that are also among the nearest on the map."""
    from sklearn.neighbors import NearestNeighbors

    at = np.linspace(0, len(values) - 1, ASKED).astype(int)

    def near(space: Floats) -> npt.NDArray[np.intp]:
        found = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, algorithm="brute").fit(space)
        return np.asarray(found.kneighbors(space[at], return_distance=False)[:, 1:])

    return float((near(values)[:, :, None] == near(xy)[:, None, :]).any(axis=2).mean())


def cancelling(values: Floats) -> Row:
    """The longest stretch of a whole layout, from reading to scoring, in which nobody looks whether it is wanted.

    A cancel is obeyed where it is looked for, so no moment of asking can wait longer than this.
    """
    walls, cpus = Stretches.of_layout(values, None)
    return Row(
        "Map: longest wait for a cancel, at any moment of a layout",
        1000.0 * max(walls),
        "ms",
        200.0,
        "lower",
        note=f"{milliseconds(max(cpus))} of the processor, {len(walls)} stretches; {_checked_cancel(values)}",
    )


class Stretches:
    """Wall and processor seconds between one check of the control and the next."""

    def __init__(self) -> None:
        self.walls: list[float] = []
        self.cpus: list[float] = []
        self._at = time.perf_counter(), time.process_time()

    def look(self) -> Control:
        now = time.perf_counter(), time.process_time()
        self.walls.append(now[0] - self._at[0])
        self.cpus.append(now[1] - self._at[1])
        self._at = now
        return Control.RUN

    @classmethod
    def of_layout(cls, values: Floats, iterations: int | None) -> tuple[list[float], list[float]]:
        stretches = cls()
        layout(values, iterations, control=stretches.look)
        stretches.look()
        return stretches.walls, stretches.cpus


def _checked_cancel(values: Floats) -> str:
    """That a cancel really ends the work, asked for in the search, the iterations and the scoring in turn."""
    stages = ("Looking for neighbours, 4", "t-SNE, iteration 1", "Comparing the map")
    longest = max(_wait_for_cancel(values, stage) for stage in stages)
    return f"asked during search, descent and scoring: at most {milliseconds(longest)}"


def _wait_for_cancel(values: Floats, stage: str) -> float:
    """From the beginning of a stage, where it is asked for, until the work has ended."""
    asked_at: list[float] = []

    def report(event: Event) -> None:
        if isinstance(event, Progress) and event.message.startswith(stage):
            asked_at.append(time.perf_counter())

    try:
        layout(values, 60, report, lambda: Control.CANCEL if asked_at else Control.RUN)
    except Cancelled:
        return time.perf_counter() - asked_at[0]
    raise RuntimeError(f"a cancel during {stage!r} was not obeyed")


def placing(new: Floats) -> Row:
    """On the map that was fitted last."""
    took = timed(lambda: mapping.place_values("h", new, lambda: Control.RUN))
    return Row(
        f"Map: placing {len(new)} new clips on it",
        took.wall_s,
        "s",
        2.0,
        "lower",
        note=f"{took.cpu_s:.2f} s of the processor",
    )


def large(values: Floats) -> Row:
    began = time.perf_counter()
    first: list[float] = []

    def report(event: Event) -> None:
        if isinstance(event, Partial) and not first:
            first.append(time.perf_counter() - began)

    took = timed(lambda: layout(values, LARGE_ITERATIONS, report))
    return Row(
        f"Map: {len(values):,} points, neighbours and {LARGE_ITERATIONS} iterations".replace(",", " "),
        took.wall_s,
        "s",
        note=f"{took.cpu_s:.1f} s of the processor, first layout after {first[0]:.1f} s, "
        f"at most {peak_mib():.0f} MiB",
    )


def view() -> list[Row]:
    """Panning and hovering on 100 000 points, in 1 600 x 1 000 pixels."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QColor
    from PySide6.QtWidgets import QApplication

    from studio.plots.scatter.point_cloud import Mark
    from studio.plots.scatter.scatter import ScatterView

    application = QApplication.instance() or QApplication([])
    random = np.random.default_rng(0)
    places = 3.0 * random.normal(size=(50, 2))[random.integers(0, 50, VIEW_POINTS)]
    xy = np.asarray(places + random.normal(size=(VIEW_POINTS, 2)), np.float32)
    shown = ScatterView()
    shown.resize(1600, 1000)
    shown.show()
    shown.set_points(xy)
    shown.set_looks(
        random.integers(0, 20, VIEW_POINTS), [Mark(QColor.fromHsv(18 * i, 200, 200)) for i in range(20)]
    )
    application.processEvents()

    def pan() -> None:
        shown.box.translateBy(x=0.02, y=0.01)
        shown.viewport().repaint()

    def hover() -> None:
        shown._moved(shown.box.mapViewToScene(QPointF(*map(float, xy[random.integers(VIEW_POINTS)]))))

    pan()
    panned = middle([timed(pan) for _ in range(FRAMES)])
    hovered = middle([timed(hover) for _ in range(FRAMES)])
    shown.close()
    name = f"{VIEW_POINTS:,} points".replace(",", " ")
    return [
        Row(
            f"Map: panning {name}, a frame",
            1000.0 * panned.wall_s,
            "ms",
            30.0,
            "lower",
            note=f"{milliseconds(panned.cpu_s)} of the processor",
        ),
        Row(f"Map: hovering over {name}", 1000.0 * hovered.wall_s, "ms", 5.0, "lower"),
    ]


if __name__ == "__main__":
    main()
