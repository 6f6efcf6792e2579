"""The whole of it, step by step; whatever is done already is taken as it is, so a killed run goes on.

REPORT/index.html, *.csv, *.tex, *.png, *.pdf     the report, written anew at the end of every run
REPORT/work/plan.json                             what it is made with
REPORT/work/runs/SYSTEM                           training runs, each with its own saved states
REPORT/work/measured/SYSTEM.json                  probe results, by the model's content hash
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from engine.api import ControlSignal, Note, Progress, Report, Reproduce, ReproduceDone, RunSpec
from engine.api.atomic_files import placed_whole
from engine.api.errors import Cancelled, EngineError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.corpus.cache.feature_cache import MelCache, build
from engine.corpus.cache.location import cache_dir
from engine.corpus.scanning import scan
from engine.evaluation.paper import external_models, figures, plan, units
from engine.evaluation.paper.measure import Measured
from engine.evaluation.paper.page import page
from engine.evaluation.paper.step_progress import StepProgress
from engine.evaluation.paper.tables import Sheets
from engine.evaluation.paper.units import FLOORS, OURS, Outcome, Unit
from engine.evaluation.probes import matrix
from engine.export.text_tables import Sheet, to_csv, to_latex
from engine.model import checkpoint
from engine.runtime import devices
from engine.runtime.control import check_control
from engine.runtime.process_pool import cores
from engine.training import loop

_SEEDS = {"small": 2, "paper": 5}


def reproduce(request: Reproduce, report: Report, control: ControlSignal) -> ReproduceDone:
    """Train or take the models, probe them all, write the report.

    A system that cannot be trained or probed leaves cells that say why; the others go on.

    Raises:
        SpecError: no such size. CorpusError: the corpora cannot be read or divided.
        EngineError: the folder holds a report of other settings.
        Cancelled: the user ended it; started again, it goes on.
    """
    began = time.monotonic()
    work = Reproduction(request, report, control)
    work.train()
    work.train_further()
    work.measure()
    files, missing = work.write(time.monotonic() - began)
    return ReproduceDone(str(work.out / "index.html"), files, missing, time.monotonic() - began)


class Reproduction:
    """One report in the making: its systems are trained, measured and written down, step by step."""

    def __init__(self, request: Reproduce, report: Report, control: ControlSignal) -> None:
        self.request, self.control = request, control
        self.out = Path(request.out)
        self.folder = self.out / "work"
        self._report = report
        self.progress = StepProgress(report, control)
        self.spec = AudioSpec()
        self.progress.say("Looking for recordings")
        manifest = scan(request.corpus, [], control)
        self.cache: MelCache = build(manifest, self.spec, cache_dir(), self.progress.within, control)
        model = None if request.model is None else checkpoint.load(request.model)
        self.given = model
        self.heard = _voices(model)
        self.parts = plan.divide(self.cache.manifest, request.hold_out, request.seed, self.heard)
        speakers = len({u.labels.speaker for u in self.parts.training})
        self.systems = plan.systems(request.size, speakers, request.device, request.seed)
        given = None if model is None else model.hash
        plan.keep_to(
            self.folder,
            {
                "size": request.size,
                "seed": request.seed,
                "model": given,
                "corpus": self.cache.key,
                "held_out": self.parts.held_out_speakers,
            },
        )
        self.sides = plan.sides(self.parts.emotions, request.seed)
        self.models: dict[str, Path] = {}
        self.further: dict[str, list[Path]] = {}  # models of the second stage, one a side
        self.measured: dict[str, Measured] = {}
        self.before: dict[str, Measured] = {}  # by the sides of the second stage, of the first stage's model
        self.after: dict[str, Measured] = {}  # and of the second's
        self.why: dict[str, str] = {}
        minutes = sum((train.minutes or 10.0) for name, (_, train) in self.systems.items() if not self._taken(name))
        minutes += len(self.sides) * sum(self._second_stage(name).minutes or 10.0 for name in plan.SECOND_STAGE)
        self._probe_minutes = self._expected_s() / 60.0 / cores()
        self._minutes = max(1.0, minutes + self._probe_minutes)

    def _taken(self, name: str) -> bool:
        return name == OURS and self.request.model is not None

    def train(self) -> None:
        for name, (model, train) in self.systems.items():
            if self._taken(name):
                self.models[name] = Path(self.request.model or "")
                continue
            self.progress.begin((train.minutes or 10.0) / self._minutes)
            try:
                self.models[name] = self._trained(name, model, train)
            except EngineError as error:
                self._failed(name, error)

    def _trained(self, name: str, model: ModelSpec, train: TrainSpec) -> Path:
        self.progress.say(f"Training: {plan.TITLES[name]}")
        return self._run(name, plan.run_of(name, model, train, self.parts.training, self.spec))

    def _second_stage(self, name: str) -> TrainSpec:
        return plan.second_stage(self.request.size, name, self.systems[name][1])

    def train_further(self) -> None:
        """The paper's second stage: on the emotion corpus, without labels, a model a side."""
        for name in plan.SECOND_STAGE:
            self.progress.begin(len(self.sides) * (self._second_stage(name).minutes or 10.0) / self._minutes)
            if name not in self.models:
                continue  # the first stage has said why
            if not self.sides:
                self.why[units.second_stage(name)] = (
                    f"No emotion corpus was named, or it has fewer than {plan.FEWEST_ACTORS} speakers."
                )
                continue
            given = self.given if self._taken(name) else None
            model = self.systems[name][0] if given is None else given.model.spec
            try:
                self.further[name] = [self._trained_further(name, model, side) for side in self.sides]
            except EngineError as error:
                self._failed(units.second_stage(name), error)

    def _trained_further(self, name: str, model: ModelSpec, side: plan.Side) -> Path:
        self.progress.say(f"Training further: {plan.TITLES[name]}, {side.name}")
        first = str(self.models[name])
        spec = plan.run_of(name, model, self._second_stage(name), side.training, self.spec, first)
        return self._run(f"{name}, {side.name}", spec)

    def _run(self, name: str, spec: RunSpec) -> Path:
        folder = self.folder / "runs" / plan.file_name(name)
        if not (folder / "spec.json").exists():
            spec.write(folder)
        RunSpec.read(folder)
        done = loop.train(folder, self.progress.within, self.control)
        if done.stopped:
            raise Cancelled
        return Path(done.model)

    def _expected_s(self) -> float:
        """About how long all measuring takes one processor: for the progress alone."""
        them = [(name, "") for name in (*self.systems, FLOORS, *external_models.PACKAGES)]
        if self.sides:
            them += [(name, stage) for name in plan.SECOND_STAGE for stage in ("first", "second")]
        return sum(units.expected_seconds(name, stage) for name, stage in them)

    def measure(self) -> None:
        """Numbers of everything; what was measured before is taken as it is."""
        self.progress.begin(self._probe_minutes / self._minutes)
        ground = units.Ground(
            self.cache.manifest,
            self.cache.key,
            self.spec,
            cache_dir(),
            self.parts,
            self.sides,
            self.request.device,
            _SEEDS[self.request.size],
            self.folder / "measured",
        )
        todo = []
        for unit in self._units():
            known = ground.known(unit)
            if known is None:
                todo.append(unit)
            else:
                self._kept(unit)[unit.name] = known
        if todo:
            self.progress.say("Measuring")
            progress = _Measuring(todo, self.progress.within)
            units.measure(todo, ground, self.cache, self.control, progress.tell, partial(self._take, progress))

    def _units(self) -> Iterator[Unit]:
        for name, path in self.models.items():
            yield from self._unit(name, (path,))
        for name in (FLOORS, *external_models.PACKAGES):
            yield Unit(name, (), self.cache.key)
        for name, paths in self.further.items():
            yield from self._unit(name, (self.models[name],) * len(self.sides), "first")
            yield from self._unit(name, tuple(paths), "second")

    def _unit(self, name: str, models: tuple[Path, ...], stage: str = "") -> Iterator[Unit]:
        """The unit of these models, if they can be measured."""
        try:
            found = [checkpoint.inspect(path) for path in models]
            if any(model.audio != self.spec.to_dict() for model in found):
                raise EngineError(
                    "The model has another audio front end than the corpus was read with.",
                    "Name a model with the usual front end.",
                )
        except EngineError as error:
            self._failed(units.second_stage(name) if stage else name, error)
            return
        yield Unit(name, models, " ".join(model.hash for model in found), stage)

    def _kept(self, unit: Unit) -> dict[str, Measured]:
        return {"": self.measured, "first": self.before, "second": self.after}[unit.stage]

    def _take(self, progress: _Measuring, outcome: Outcome) -> None:
        for name, what, hint in outcome.failed:
            self._failed(name, EngineError(what, hint))
        if outcome.found is not None:
            self._kept(outcome.unit)[outcome.unit.name] = outcome.found
        progress.done(outcome.unit)

    def write(self, seconds: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All files of the report, and what could not be run."""
        self.progress.say("Writing the report")
        said = (self._said(),)
        why = {name: words for name, words in self.why.items() if name not in _FIGURES}
        sheets = Sheets(self.measured, why, said, self.before, self.after)
        made: list[Sheet] = list(sheets.all())
        if OURS in self.measured:
            results = tuple(self.measured[OURS].results.values())
            made.append(matrix.sheet(results, plan.TITLES[OURS]))
        files: list[Path] = []
        for sheet in made:
            for suffix, text in ((".csv", to_csv(sheet)), (".tex", to_latex(sheet))):
                with placed_whole(self.out / f"{sheet.name}{suffix}") as temporary:
                    temporary.write_text(text, "utf-8", newline="")
                files.append(self.out / f"{sheet.name}{suffix}")
        shown = self._pictures(files)
        missing = [*sheets.missing, *(f"{n}: {self.why[n]}" for n in _FIGURES if n in self.why)]
        text = page(self._facts(seconds), made, shown, missing)
        with placed_whole(self.out / "index.html") as temporary:
            temporary.write_text(text, "utf-8")
        return (str(self.out / "index.html"), *map(str, files)), tuple(missing)

    def _pictures(self, files: list[Path]) -> list[tuple[str, Path]]:
        """Draw every figure that can be drawn."""
        shown: list[tuple[str, Path]] = []

        def drawn(name: str, caption: str, draw: Callable[[], tuple[Path, ...]]) -> None:
            check_control(self.control)
            try:
                made = draw()
            except EngineError as error:
                self.why.setdefault(name, f"{error.what} {error.hint}")
                return
            files.extend(made)
            shown.append((caption, next(file for file in made if file.suffix == ".png")))

        if "Figure 2" not in self.why:
            drawn(
                "Figure 2", "Figure 2. t-SNE of h and of m: held-out clips, by gender and by speaker", self._figure2
            )
        drawn(
            "Figure 3",
            "Figure 3. A man’s clip before and after it is given a woman’s h, with the median pitch of each",
            self._figure3,
        )
        runs = {name: self.folder / "runs" / name for name in self.systems}
        drawn("Training curves", "The objective in training", lambda: figures.curves(runs, self.out / "curves"))
        drawn("Probe matrix", "What h, m and z tell, beside two baselines", self._matrix)
        return shown

    def _figure2(self) -> tuple[Path, ...]:
        file = self.folder / "measured" / "figure2.npz"
        if not file.exists():
            raise EngineError(self.why.get(OURS, "The model was not measured."), "Run it again.")
        points = figures.kept_points(file)
        return figures.figure2(points, self.request.seed, self.progress.within, self.control, self.out / "figure2")

    def _figure3(self) -> tuple[Path, ...]:
        if OURS not in self.models:
            raise EngineError("There is no model to render with.", "Run it again.")
        clips = {}
        for gender in ("male", "female"):
            of = [u for u in self.parts.held_out if u.labels.gender == gender]
            if not of:
                raise EngineError(f"No held-out speaker is {gender}.", "Hold other speakers out (--hold-out).")
            clips[gender] = of[0].path
        return figures.figure3(
            clips["male"],
            clips["female"],
            str(self.models[OURS]),
            self.folder / "figure3",
            self.request.device,
            self.progress.within,
            self.control,
            self.out / "figure3",
        )

    def _matrix(self) -> tuple[Path, ...]:
        if OURS not in self.measured:
            raise EngineError("The model was not measured.", "Run it again.")
        ours, floors = self.measured[OURS].results, self.measured.get(FLOORS)
        results = [
            matrix.beside(result, floors.results.get(task) if floors else None) for task, result in ours.items()
        ]
        files = []
        for suffix in figures.FORMATS:
            file = self.out / f"probe-matrix{suffix}"
            with placed_whole(file) as temporary:
                matrix.draw(results, temporary, plan.TITLES[OURS])
            files.append(file)
        return tuple(files)

    def _said(self) -> str:
        held = {u.labels.speaker: 0 for u in self.parts.held_out}
        speakers = {u.labels.speaker for u in self.parts.training}
        known = len(held.keys() & self.heard)
        return (
            f"Systems were trained on {len(self.parts.training)} clips of {len(speakers)} voices and measured on "
            f"{len(self.parts.held_out)} clips of {len(held)} others; scores with 95 % bootstrap intervals."
            + (
                f" The given model was trained on {known} of these others: it meets no new voice there."
                * bool(known)
            )
        )

    def _facts(self, seconds: float) -> dict[str, str]:
        speech_min = sum(e.frames for e in self.cache.entries) / self.spec.frames_per_second / 60.0
        voices = {u.labels.speaker for u in self.parts.training}
        taken = ", one of them given" if self.request.model is not None else ""
        return {
            "Size": f"{self.request.size}: {len(self.systems)} systems{taken}, seed {self.request.seed}",
            "Recordings": f"{len(self.cache.entries)} clips, {speech_min:.0f} minutes",
            "Trained on": f"{len(self.parts.training)} clips, {len(voices)} voices",
            "Voices held out": ", ".join(self.parts.held_out_speakers),
            "Acted clips": f"{len(self.parts.emotions)}, never trained on",
            "Machine": devices.described(devices.resolve(self.request.device)),
            "Last run": f"{seconds / 60.0:.1f} minutes",
        }

    def _failed(self, name: str, error: EngineError) -> None:
        self.why[name] = f"{error.what} {error.hint}"
        self._report(Note(f"{plan.TITLES.get(name, name)}: {error.what}", error.hint))


class _Measuring:
    """The progress of measuring: how much is done, and what is in work."""

    def __init__(self, todo: Sequence[Unit], report: Callable[[Progress], object]) -> None:
        self._report = report
        self._whole_s, self._done_s = sum(unit.seconds for unit in todo), 0.0
        self._in_work: dict[Unit, str] = {}

    def tell(self, unit: Unit, words: str) -> None:
        self._in_work[unit] = words
        self._report(Progress(self._done_s / self._whole_s, "; ".join(self._in_work.values())))

    def done(self, unit: Unit) -> None:
        self._done_s += unit.seconds
        self._in_work.pop(unit, None)
        self._report(Progress(self._done_s / self._whole_s, "; ".join(self._in_work.values()) or "Measuring"))


_FIGURES = ("Figure 2", "Figure 3", "Training curves", "Probe matrix")


def _voices(model: checkpoint.Checkpoint | None) -> frozenset[str]:
    """The speakers that a model says it was trained on; none where it does not say."""
    predicted = [] if model is None else model.provenance.get("voices", [])
    return frozenset(map(str, predicted)) if isinstance(predicted, list) else frozenset()
