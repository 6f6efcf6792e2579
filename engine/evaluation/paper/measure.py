"""One system's numbers: its vectors of the held-out voices and of the acted clips, and every probe of them."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engine.api import ControlSignal, ProbeResult
from engine.api.atomic_files import cannot_write, write_whole
from engine.api.errors import EngineError
from engine.api.stored_values import DamagedError, converted, values_of
from engine.evaluation.paper.plan import own_parts
from engine.evaluation.probes.examples import FLOORS, Recording, Table, example_of, joined, table
from engine.evaluation.probes.probing import MEASURES, Material, Sides, probe
from engine.model.checkpoint import SystemCheckpoint
from engine.runtime.control import check_control

FORMAT = "triptych-measured"
VERSION = 3  # of the files kept; 1 kept failures of speaker ID that are none, 2 did not tell m how loud a clip is
EMOTIONS = ("emotion", "arousal", "valence")
TASKS = ("speaker", "verify", "gender", *EMOTIONS)


@dataclass(frozen=True)
class Recordings:
    """The recordings that are probed, in their three parts (see plan.Parts)."""

    training: tuple[Recording, ...]
    held_out: tuple[Recording, ...]
    emotions: tuple[Recording, ...]


@dataclass(frozen=True)
class Measured:
    """results: by task. hash: of the model. names: of the vectors."""

    results: dict[str, ProbeResult]
    hash: str
    names: tuple[str, ...]


Encode = Callable[[Sequence[Recording], bool], Table]  # recordings, in pieces or whole


def measure(
    encode: Encode,
    material: Recordings,
    digest: str,
    control: ControlSignal,
    seeds: int,
    tell: Callable[[str], object],
) -> tuple[Measured, Table]:
    """Every task; one that cannot be done says why. Also the held-out voices' vectors.

    Speaker ID: folds of the held-out voices' clips, so that no system was trained on them, with names or without.
    Verification: all pairs of the held-out voices. Gender: trained on the training voices, tested on the held-out.
    Emotion and its coordinates: folds by speaker, or, where the corpus has its own parts, its train and test.
    """
    held, train = encode(material.held_out, False), encode(material.training, False)
    names = tuple(name for name in held.values if name not in FLOORS) or FLOORS
    pieces = encode(material.held_out, True)
    acted = encode(material.emotions, False) if material.emotions else None
    results: dict[str, ProbeResult] = {}
    for task in TASKS:
        tell(task)
        if task == "speaker":
            made: Material | None = Material(held, pieces=pieces)
        elif task not in EMOTIONS:
            made = Material(train, held)
        else:
            made = None if acted is None else by_split(acted)
        results[task] = _probed(made, task, names, control, seeds)
    return Measured(results, digest, names), held


def measure_sides(
    encoders: Sequence[Encode],
    sides: Sequence[tuple[Sequence[Recording], Sequence[Recording]]],
    digest: str,
    control: ControlSignal,
    seeds: int,
    tell: Callable[[str], object],
) -> Measured:
    """Emotion and its coordinates by the division of the second stage (plan.sides).

    Args:
        encoders: of each side. sides: the recordings that probes are trained on and those that are tested.
    """
    encoded, group, trains = [], [], []
    for number, (encode, (training, tested)) in enumerate(zip(encoders, sides, strict=True)):
        encoded.append(encode((*training, *tested), False))
        group += [number] * (len(training) + len(tested))
        trains += [True] * len(training) + [False] * len(tested)
    whole = functools.reduce(joined, encoded)
    names = tuple(whole.values)
    material = Material(whole, sides=Sides(np.array(group, np.int64), np.array(trains, np.bool_)))
    results = {}
    for task in EMOTIONS:
        tell(task)
        results[task] = _probed(material, task, names, control, seeds)
    return Measured(results, digest, names)


def _probed(
    material: Material | None, task: str, names: tuple[str, ...], control: ControlSignal, seeds: int
) -> ProbeResult:
    try:
        if material is None:
            raise EngineError(f"No corpus with labels for {task} was named.", "Name one such as RAVDESS.")
        found = probe(material, task, names, control, seeds=seeds)
    except EngineError as error:
        return ProbeResult(task, MEASURES[task], "", {}, (), f"{error.what} {error.hint}")
    return ProbeResult(task, found.measure, found.protocol, found.scores, found.notes)


def by_split(acted: Table) -> Material:
    """The corpus's own division where its clips say train and test, else the whole."""
    train, test = map(np.array, own_parts([e.labels.get("split") for e in acted.examples]))
    return Material(acted.only(train), acted.only(test)) if train.any() and test.any() else Material(acted)


def encoder(model: SystemCheckpoint | None, device: torch.device, control: ControlSignal) -> Encode:
    """Vectors of a trained system; of the floors without one."""

    def encode(recordings: Sequence[Recording], pieces: bool) -> Table:
        found = table(recordings, model, device, control, pieces=pieces)
        if model is None:
            return found
        return Table(found.examples, {n: v for n, v in found.values.items() if n not in FLOORS})

    return encode


def judged(predicted: Callable[[Recording], npt.NDArray[np.float32]], control: ControlSignal) -> Encode:
    """Vectors of a judge: it hears whole clips alone."""
    known: dict[str, npt.NDArray[np.float32]] = {}

    def encode(recordings: Sequence[Recording], pieces: bool) -> Table:
        rows = []
        for recording in recordings:
            check_control(control)
            if recording.name not in known:
                known[recording.name] = predicted(recording)
            rows.append(known[recording.name])
        return Table(tuple(example_of(r) for r in recordings), {"vector": np.stack(rows)})

    return encode


def save(measured: Measured, file: Path) -> None:
    """Keep numbers in a file.

    Raises:
        ExportError: the disk is full, or the place may not be written to.
    """
    values = {
        "format": FORMAT,
        "version": VERSION,
        "hash": measured.hash,
        "names": measured.names,
        "results": {task: dataclasses.asdict(result) for task, result in measured.results.items()},
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(values, indent=1).encode())
    except OSError as error:
        raise cannot_write(file, error) from error


def load(file: Path, digest: str) -> Measured | None:
    """What was measured of this model before; None if there is nothing whole."""
    try:
        values = values_of(file.read_bytes(), (FORMAT,), VERSION)
        measured = converted(values, Measured)
    except (OSError, DamagedError):
        return None
    return measured if (values["version"], measured.hash) == (VERSION, digest) else None
