"""What is measured for a report, unit by unit: none needs another, so as many at once as there are processors.

A unit is a system, a judge, the floors, or a system by the sides of the second stage. Its numbers go into a file of
its own as soon as they are whole, so whatever ends the work, what was measured stands.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.api import Control, ControlSignal
from engine.api.errors import EngineError
from engine.api.specs import AudioSpec
from engine.audio import sound_files
from engine.corpus.cache.feature_cache import MelCache, build
from engine.corpus.manifest import Manifest, Utterance
from engine.evaluation.paper import external_models, figures, plan
from engine.evaluation.paper import measure as measuring
from engine.evaluation.paper.measure import Encode, Measured, Recordings
from engine.evaluation.probes.examples import Recording
from engine.model import checkpoint
from engine.runtime import devices
from engine.runtime.control import check_control
from engine.runtime.process_pool import ProcessPool, ReportWords, WorkerSpec, cores
from engine.runtime.threads import one_blas_thread, one_thread

OURS = "timescale"
FLOORS = "floors"
# Of one processor at size small: which begin first, so that the end is even, and how progress moves.
_SECONDS = {
    "eGeMAPS (openSMILE)": 112.0,
    "timescale": 95.0,
    "two-auxiliary": 74.0,
    "cpc": 74.0,
    "Resemblyzer": 63.0,
    "one-auxiliary": 48.0,
    FLOORS: 47.0,
    "supervised": 26.0,
    "vae": 25.0,
}
_STAGE_SECONDS = 37.0
_OTHER_SECONDS = 60.0


@dataclass(frozen=True)
class Unit:
    """One thing to measure.

    name: of a system or a judge, or FLOORS.
    models: the file of a system's model; of a stage one for each side; none of a judge and of the floors.
    digest: what its numbers are kept by: the hashes of the models, else the corpus's key.
    stage: "first" or "second": emotion alone, by the sides of the second stage; "": everything.
    """

    name: str
    models: tuple[Path, ...]
    digest: str
    stage: str = ""

    @property
    def title(self) -> str:
        """For people."""
        title = plan.TITLES.get(self.name, self.name)
        return f"{title}, {self.stage} stage" if self.stage else title

    @property
    def cell(self) -> str:
        """The name by which the tables ask why it is missing."""
        return second_stage(self.name) if self.stage else self.name

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        return expected_seconds(self.name, self.stage)


def second_stage(name: str) -> str:
    """The name of a system's second stage."""
    return f"{name}, second stage"


def expected_seconds(name: str, stage: str = "") -> float:
    """About how long a unit takes at size small on one processor."""
    return _STAGE_SECONDS if stage else _SECONDS.get(name, _OTHER_SECONDS)


@dataclass(frozen=True)
class Ground:
    """What all units of a report stand on; everything in it can cross a pipe.

    corpus: the recordings that can be used, which lie ready in the cache in `cache` under `key`.
    device: as in Reproduce. seeds: of every probe. folder: where numbers are kept.
    """

    corpus: Manifest
    key: str
    spec: AudioSpec
    cache: Path
    parts: plan.Parts
    sides: tuple[plan.Side, ...]
    device: str
    seeds: int
    folder: Path

    def file(self, unit: Unit) -> Path:
        """Where a unit's numbers are kept."""
        stage = f"-{unit.stage}-stage" if unit.stage else ""
        return self.folder / f"{plan.file_name(unit.name)}{stage}.json"

    @property
    def points(self) -> Path:
        """What figure 2 is drawn from, kept when OURS is measured."""
        return self.folder / "figure2.npz"

    def known(self, unit: Unit) -> Measured | None:
        """What was measured before; None if it is to be measured."""
        if unit.name == OURS and not unit.stage and not self.points.exists():
            return None
        return measuring.load(self.file(unit), unit.digest)


@dataclass(frozen=True)
class Outcome:
    """What became of a unit. failed: what is missing, what happened, and what to do about it."""

    unit: Unit
    found: Measured | None
    failed: tuple[tuple[str, str, str], ...] = ()


class Measurer:
    """Measures units in this process.

    Args:
        cache: the ground's, opened. tell: called with the unit in work and words about it.
    """

    def __init__(
        self, ground: Ground, cache: MelCache, control: ControlSignal, tell: Callable[[Unit, str], object]
    ) -> None:
        self._ground, self._cache, self._steer, self._tell = ground, cache, control, tell
        self._device = devices.resolve(ground.device)
        parts = ground.parts
        self._recordings = Recordings(
            self._those(parts.training), self._those(parts.held_out), self._those(parts.emotions)
        )

    def measure(self, unit: Unit) -> Outcome:
        """Measure it and keep its numbers. On one thread, so that sums have the same last digits everywhere.

        Raises:
            Cancelled: the user ended it.
        """
        try:
            with one_thread(), one_blas_thread():
                self._tell(unit, f"Encoding: {unit.title}")
                found, failed = self._by_sides(unit) if unit.stage else self._whole(unit)
                measuring.save(found, self._ground.file(unit))
        except EngineError as error:
            return Outcome(unit, None, ((unit.cell, error.what, error.hint),))
        return Outcome(unit, found, failed)

    def _whole(self, unit: Unit) -> tuple[Measured, tuple[tuple[str, str, str], ...]]:
        found, held = measuring.measure(
            self._encode(unit), self._recordings, unit.digest, self._steer, self._ground.seeds, self._probing(unit)
        )
        if unit.name != OURS:
            return found, ()
        try:
            figures.keep_points(figures.chosen(held), self._ground.points)
        except EngineError as error:
            return found, (("Figure 2", error.what, error.hint),)
        return found, ()

    def _by_sides(self, unit: Unit) -> tuple[Measured, tuple[tuple[str, str, str], ...]]:
        models = {path: checkpoint.load_system(path, self._device) for path in set(unit.models)}
        encoders = [measuring.encoder(models[path], self._device, self._steer) for path in unit.models]
        sides = [(self._those(side.training), self._those(side.tested)) for side in self._ground.sides]
        found = measuring.measure_sides(
            encoders, sides, unit.digest, self._steer, self._ground.seeds, self._probing(unit)
        )
        return found, ()

    def _probing(self, unit: Unit) -> Callable[[str], object]:
        return lambda task: self._tell(unit, f"Probing {task}: {unit.title}")

    def _encode(self, unit: Unit) -> Encode:
        if unit.models:
            model = checkpoint.load_system(unit.models[0], self._device)
            return measuring.encoder(model, self._device, self._steer)
        if unit.name == FLOORS:
            return measuring.encoder(None, self._device, self._steer)
        predicted = external_models.judge(unit.name)

        def heard(recording: Recording) -> npt.NDArray[np.float32]:
            """The recording as loud as it is: loudness tells emotion, and m is told it too."""
            read = sound_files.read(recording.name, self._ground.spec)
            return predicted(read.samples / sound_files.amplitude(read.gain_db))

        return measuring.judged(heard, self._steer)

    def _those(self, utterances: tuple[Utterance, ...]) -> tuple[Recording, ...]:
        wanted = {u.path for u in utterances}
        return tuple(
            Recording(
                e.utterance.path,
                self._cache.mel[e.start : e.start + e.frames],
                self._cache.f0[e.start : e.start + e.frames],
                e.utterance.words(),
                e.gain_db,
            )
            for e in self._cache.entries
            if e.utterance.path in wanted
        )


def measure(
    units: Sequence[Unit],
    ground: Ground,
    cache: MelCache,
    control: ControlSignal,
    tell: Callable[[Unit, str], object],
    take: Callable[[Outcome], object],
) -> None:
    """Measure units, those that take longest first, in as many processes as there are processors for them.

    One that fails, or ends its process, has an outcome that says so; the others go on.

    Args:
        tell: called with words about a unit in work. take: called with every outcome, as they come.

    Raises:
        Cancelled: the user cancelled or stopped it; what is measured whole is kept.
        EngineError: no process can be started, or the cache cannot be read in it.
    """
    in_order = sorted(units, key=lambda unit: -unit.seconds)
    control = _ended_by(control)
    processes = _processes(len(in_order))
    if processes < 2:
        measurer = Measurer(ground, cache, control, tell)
        for unit in in_order:
            take(measurer.measure(unit))
        return
    with ProcessPool(processes, WorkerSpec(_measuring, _lost, _unable), ground) as pool:
        asked = pool.passing_on(control)
        for outcome in pool.run(iter(in_order), tell):
            if outcome is not None:
                take(outcome)
            check_control(asked)


def _processes(units: int) -> int:
    """How many processes measure so many units; fewer than two: this one does it."""
    return min(cores(), units)


def _ended_by(control: ControlSignal) -> ControlSignal:
    """Half a measurement is worth nothing: to stop is to cancel."""

    def requested() -> Control:
        return Control.CANCEL if (state := control()) is Control.STOP else state

    return requested


@contextlib.contextmanager
def _measuring(control: ControlSignal, report: ReportWords, ground: Ground) -> Iterator[Callable[[Unit], Outcome]]:
    """What a process of the pool does: the corpus is opened once."""
    cache = build(ground.corpus, ground.spec, ground.cache, _ignored, control, 1)
    if cache.key != ground.key:
        raise EngineError(
            "The recordings changed while they were measured.", "Leave them as they are; run it again."
        )

    def report_of(unit: Unit, words: str) -> None:
        del unit  # the pool knows what each process does
        report(words)

    yield Measurer(ground, cache, control, report_of).measure


def _ignored(event: object) -> None:
    """The recordings are ready: there is no progress to tell."""


def _lost(unit: Unit, how: str) -> Outcome:
    what = f"Measuring it {how}."
    hint = "If memory is short, close other programs; then run it again: what is measured is kept."
    return Outcome(unit, None, ((unit.cell, what, hint),))


def _unable(code: int | None) -> EngineError:
    return EngineError(
        f"A process that measures ended before it began (code {code}).",
        "Try again; if it happens again, report it with the log.",
    )
