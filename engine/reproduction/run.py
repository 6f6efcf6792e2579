"""The whole of it, step by step; whatever is done already is taken as it is, so a killed run goes on.

REPORT/index.html, *.csv, *.tex, *.png, *.pdf     the report, written anew at the end of every run
REPORT/work/plan.json                             what it is made with
REPORT/work/runs/SYSTEM                           training runs, each with its own saved states
REPORT/work/measured/SYSTEM.json                  probe results, by the model's content hash
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engine import audio, checkpoint, devices, training
from engine.api import Note, Progress, Report, Reproduce, ReproduceDone, RunSpec, Steer
from engine.cache.place import cache_dir
from engine.corpus.manifest import Utterance
from engine.corpus.melcache import MelCache, build
from engine.corpus.scanning import scan
from engine.errors import Cancelled, EngineError
from engine.placing import placed_whole
from engine.probes import matrix
from engine.probes.examples import Recording
from engine.reproduction import judges, measuring, pictures, plan
from engine.reproduction.measuring import Encode, Measured, Recordings
from engine.reproduction.page import page
from engine.reproduction.tables import Sheets
from engine.sheets import Sheet, to_csv, to_latex
from engine.specs import AudioSpec, ModelSpec, TrainSpec
from engine.steering import obey

OURS = "timescale"
FLOORS = "floors"
_SEEDS = {"small": 2, "paper": 5}
_PROBE_MINUTES = 0.5  # of one system at size small: for the progress alone


def reproduce(request: Reproduce, report: Report, steer: Steer) -> ReproduceDone:
    """Train or take the models, probe them all, write the report.

    A system that cannot be trained or probed leaves cells that say why; the others go on.

    Raises:
        SpecError: no such size. CorpusError: the corpora cannot be read or divided.
        EngineError: the folder holds a report of other settings.
        Cancelled: the user ended it; started again, it goes on.
    """
    began = time.monotonic()
    work = _Work(request, report, steer)
    work.train()
    work.train_further()
    work.measure()
    files, missing = work.write(time.monotonic() - began)
    return ReproduceDone(str(work.out / "index.html"), files, missing, time.monotonic() - began)


class _Work:
    def __init__(self, request: Reproduce, report: Report, steer: Steer) -> None:
        self.request, self.steer = request, steer
        self.out = Path(request.out)
        self.folder = self.out / "work"
        self._report = report
        self._share, self._span, self._furthest = 0.0, 0.02, 0.0
        self.spec = AudioSpec()
        self.tell("Looking for recordings")
        manifest = scan(request.corpus, [], steer)
        self.cache: MelCache = build(manifest, self.spec, cache_dir(), self.within, steer)
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
                "size": request.size, "seed": request.seed, "model": given, "corpus": self.cache.key,
                "held_out": self.parts.held_out_speakers,
            },
        )  # fmt: skip
        self.sides = plan.sides(self.parts.emotions, request.seed)
        self.models: dict[str, Path] = {}
        self.further: dict[str, list[Path]] = {}  # models of the second stage, one a side
        self.measured: dict[str, Measured] = {}
        self.before: dict[str, Measured] = {}  # by the sides of the second stage, of the first stage's model
        self.after: dict[str, Measured] = {}  # and of the second's
        self.why: dict[str, str] = {}
        minutes = sum((train.minutes or 10.0) for name, (_, train) in self.systems.items() if not self._taken(name))
        second = sum((self._second_stage(name).minutes or 10.0) + _PROBE_MINUTES for name in plan.SECOND_STAGE)
        minutes += len(self.sides) * second
        self._minutes = max(1.0, minutes + _PROBE_MINUTES * (len(self.systems) + 1 + len(judges.PACKAGES)))

    # ------------------------------------------------------------------------------------------ models
    def _taken(self, name: str) -> bool:
        return name == OURS and self.request.model is not None

    def train(self) -> None:
        for name, (model, train) in self.systems.items():
            if self._taken(name):
                self.models[name] = Path(self.request.model or "")
                continue
            self._step((train.minutes or 10.0) / self._minutes)
            try:
                self.models[name] = self._trained(name, model, train)
            except EngineError as error:
                self._failed(name, error)

    def _trained(self, name: str, model: ModelSpec, train: TrainSpec) -> Path:
        self.tell(f"Training: {plan.TITLES[name]}")
        return self._run(name, plan.run_of(name, model, train, self.parts.training, self.spec))

    def _second_stage(self, name: str) -> TrainSpec:
        return plan.second_stage(self.request.size, name, self.systems[name][1])

    def train_further(self) -> None:
        """The paper's second stage: on the emotion corpus, without labels, a model a side."""
        for name in plan.SECOND_STAGE:
            self._step(len(self.sides) * (self._second_stage(name).minutes or 10.0) / self._minutes)
            if name not in self.models:
                continue  # the first stage has said why
            if not self.sides:
                self.why[_second(name)] = (
                    f"No emotion corpus was named, or it has fewer than {plan.FEWEST_ACTORS} speakers."
                )
                continue
            given = self.given if self._taken(name) else None
            model = self.systems[name][0] if given is None else given.model.spec
            try:
                self.further[name] = [self._trained_further(name, model, side) for side in self.sides]
            except EngineError as error:
                self._failed(_second(name), error)

    def _trained_further(self, name: str, model: ModelSpec, side: plan.Side) -> Path:
        self.tell(f"Training further: {plan.TITLES[name]}, {side.name}")
        first = str(self.models[name])
        spec = plan.run_of(name, model, self._second_stage(name), side.training, self.spec, first)
        return self._run(f"{name}, {side.name}", spec)

    def _run(self, name: str, spec: RunSpec) -> Path:
        folder = self.folder / "runs" / plan.file_name(name)
        if not (folder / "spec.json").exists():
            spec.write(folder)
        RunSpec.read(folder)
        done = training.train(folder, self.within, self.steer)
        if done.stopped:
            raise Cancelled
        return Path(done.model)

    # ------------------------------------------------------------------------------------------ numbers
    def measure(self) -> None:
        recordings = Recordings(
            self._recordings(self.parts.training),
            self._recordings(self.parts.held_out),
            self._recordings(self.parts.emotions),
        )
        device = devices.resolve(self.request.device)
        for name, path in self.models.items():
            self._measured(name, path, recordings, device)
        self._one(FLOORS, self.cache.key, recordings, lambda: measuring.encoder(None, device, self.steer))
        for name in judges.PACKAGES:
            self._one(name, self.cache.key, recordings, partial(self._judge, name))
        for name, paths in self.further.items():
            self._measured_further(name, paths, device)

    def _measured(self, name: str, path: Path, recordings: Recordings, device: torch.device) -> None:
        try:
            model = checkpoint.load_system(path, device)
        except EngineError as error:
            self._failed(name, error)
            return
        if model.audio != self.spec:
            self.why[name] = "The model has another audio front end than the corpus was read with."
            return
        self._one(name, model.hash, recordings, lambda: measuring.encoder(model, device, self.steer))

    def _one(self, name: str, digest: str, recordings: Recordings, encode: Callable[[], Encode]) -> None:
        self._step(_PROBE_MINUTES / self._minutes)
        file = self.folder / "measured" / f"{plan.file_name(name)}.json"
        points = self.folder / "measured" / "figure2.npz"
        known = measuring.load(file, digest)
        if known is not None and (name != OURS or points.exists()):
            self.measured[name] = known
            return
        try:
            self.tell(f"Encoding: {plan.TITLES.get(name, name)}")
            found, held = measuring.measure(
                encode(), recordings, digest, self.steer, _SEEDS[self.request.size],
                partial(self._tell_probing, plan.TITLES.get(name, name)),
            )  # fmt: skip
        except EngineError as error:
            self._failed(name, error)
            return
        if name == OURS:
            try:
                pictures.keep_points(pictures.chosen(held), points)
            except EngineError as error:
                self.why["Figure 2"] = f"{error.what} {error.hint}"
        measuring.save(found, file)
        self.measured[name] = found

    def _measured_further(self, name: str, paths: list[Path], device: torch.device) -> None:
        """Emotion before and after the second stage, by the same division."""
        self._step(len(self.sides) * _PROBE_MINUTES / self._minutes)
        try:
            first = checkpoint.load_system(self.models[name], device)
            second = [checkpoint.load_system(path, device) for path in paths]
        except EngineError as error:
            self._failed(_second(name), error)
            return
        sides = [(self._recordings(side.training), self._recordings(side.tested)) for side in self.sides]
        for kept, models, words in ((self.before, [first] * len(sides), "first"), (self.after, second, "second")):
            digest = " ".join(model.hash for model in models)
            file = self.folder / "measured" / f"{plan.file_name(name)}-{words}-stage.json"
            found = measuring.load(file, digest)
            if found is None:
                title = f"{plan.TITLES[name]}, {words} stage"
                self.tell(f"Encoding: {title}")
                found = measuring.measure_sides(
                    [measuring.encoder(model, device, self.steer) for model in models],
                    sides,
                    digest,
                    self.steer,
                    _SEEDS[self.request.size],
                    partial(self._tell_probing, title),
                )
                measuring.save(found, file)
            kept[name] = found

    def _tell_probing(self, title: str, task: str) -> None:
        self.tell(f"Probing {task}: {title}")

    def _judge(self, name: str) -> Encode:
        told = judges.judge(name)

        def heard(recording: Recording) -> npt.NDArray[np.float32]:
            """The recording as loud as it is: loudness tells emotion, and m is told it too."""
            read = audio.read(recording.name, self.spec)
            return told(read.samples / audio.amplitude(read.gain_db))

        return measuring.judged(heard, self.steer)

    def _recordings(self, utterances: tuple[Utterance, ...]) -> tuple[Recording, ...]:
        wanted = {u.path for u in utterances}
        return tuple(
            Recording(
                e.utterance.path,
                self.cache.mel[e.start : e.start + e.frames],
                self.cache.f0[e.start : e.start + e.frames],
                e.utterance.words(),
                e.gain_db,
            )
            for e in self.cache.entries
            if e.utterance.path in wanted
        )

    # ------------------------------------------------------------------------------------------ the report
    def write(self, seconds: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All files of the report, and what could not be run."""
        self.tell("Writing the report")
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
            obey(self.steer)
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
        drawn("Training curves", "The objective in training", lambda: pictures.curves(runs, self.out / "curves"))
        drawn("Probe matrix", "What h, m and z tell, beside two floors", self._matrix)
        return shown

    def _figure2(self) -> tuple[Path, ...]:
        file = self.folder / "measured" / "figure2.npz"
        if not file.exists():
            raise EngineError(self.why.get(OURS, "The model was not measured."), "Run it again.")
        points = pictures.kept_points(file)
        return pictures.figure2(points, self.request.seed, self.within, self.steer, self.out / "figure2")

    def _figure3(self) -> tuple[Path, ...]:
        if OURS not in self.models:
            raise EngineError("There is no model to render with.", "Run it again.")
        clips = {}
        for gender in ("male", "female"):
            of = [u for u in self.parts.held_out if u.labels.gender == gender]
            if not of:
                raise EngineError(f"No held-out speaker is {gender}.", "Hold other speakers out (--hold-out).")
            clips[gender] = of[0].path
        return pictures.figure3(
            clips["male"], clips["female"], str(self.models[OURS]), self.folder / "figure3", self.request.device,
            self.within, self.steer, self.out / "figure3",
        )  # fmt: skip

    def _matrix(self) -> tuple[Path, ...]:
        if OURS not in self.measured:
            raise EngineError("The model was not measured.", "Run it again.")
        ours, floors = self.measured[OURS].results, self.measured.get(FLOORS)
        results = [
            matrix.beside(result, floors.results.get(task) if floors else None) for task, result in ours.items()
        ]
        files = []
        for suffix in pictures.FORMATS:
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

    # ------------------------------------------------------------------------------------------ progress
    def _failed(self, name: str, error: EngineError) -> None:
        self.why[name] = f"{error.what} {error.hint}"
        self._report(Note(f"{plan.TITLES.get(name, name)}: {error.what}", error.hint))

    def _step(self, span: float) -> None:
        obey(self.steer)
        self._share, self._span = min(1.0, self._share + self._span), span

    def tell(self, message: str) -> None:
        if obey(self.steer):
            raise Cancelled
        self._told(self._share, message)

    def _told(self, share: float, message: str) -> None:
        # A step has parts of its own (reading, then training): the whole never goes back.
        self._furthest = min(1.0, max(self._furthest, share))
        self._report(Progress(self._furthest, message))

    def within(self, event: object) -> None:
        """Events of a step: its progress as part of the whole, its notes; points of curves stay in its log."""
        if isinstance(event, Progress):
            self._told(self._share + self._span * (event.fraction or 0.0), event.message)
        elif isinstance(event, Note):
            self._report(event)


def _second(name: str) -> str:
    return f"{name}, second stage"


_FIGURES = ("Figure 2", "Figure 3", "Training curves", "Probe matrix")


def _voices(model: checkpoint.Checkpoint | None) -> frozenset[str]:
    """The speakers that a model says it was trained on; none where it does not say."""
    told = [] if model is None else model.provenance.get("voices", [])
    return frozenset(map(str, told)) if isinstance(told, list) else frozenset()
