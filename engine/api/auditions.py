"""Hearing a training run: the checkpoints it keeps on its way, and what they are worth and sound like.

All of it lies in the run's folder, which is the truth; what is read here is small and written whole.

    checkpoints/list.json                       every checkpoint there was, with its numbers (KeptCheckpoint)
    checkpoints/00000800.triptych.safetensors   the models that are still held
    auditions/results.json                      what was measured and rendered of them (Heard)
    auditions/00000800/<item>/                  a sound with its pictures, as in StoredClip
    auditions/00000800/<item>.wav               the same sound, for others

The training process alone writes `checkpoints`, who performs an Audition writes `auditions`.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api.transfers import Transfer

CHECKPOINTS = "checkpoints"
LIST = "list.json"
SOUNDS = "auditions"
RESULTS = "results.json"
_LIST_FORMAT, _RESULTS_FORMAT, _VERSION = "triptych-checkpoints", "triptych-auditions", 1
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class KeptCheckpoint:
    """The model as it was at one validation.

    step, epoch, seconds: how far the run was; seconds are those spent training. terms: the means over the held-out
    pieces, by name (see engine.objective). number: of the validation, from 1; 0 for one made because the run was
    stopped. hash: of the model. path: of the model's file; "" once it made room for others.
    """

    step: int
    epoch: float
    seconds: float
    terms: dict[str, float]
    number: int = 1
    hash: str = ""
    path: str = ""

    @property
    def held(self) -> bool:
        """Whether its model can still be had."""
        return self.path != ""


@dataclass(frozen=True)
class AuditionItem:
    """One sound to be heard at every checkpoint. id: names its files.

    transfer: what is rendered. Its folders are analyses of the recordings by whatever model: their h, m and z are
    made anew by each checkpoint. model, out_dir, name and device are filled in. Where it gives nothing, the item is
    the source as the model rebuilds it.
    """

    id: str
    title: str
    transfer: Transfer


@dataclass(frozen=True)
class Audition:
    """Render items with checkpoints of a run, and measure what these tell of held-out voices.

    What is there already is kept; a checkpoint that has made room meanwhile is passed over. STOP keeps what is
    done. Reports Partial(AuditionSound | CheckpointProbes).
    """

    run_dir: str
    steps: tuple[int, ...]
    items: tuple[AuditionItem, ...] = ()
    device: str = "auto"


@dataclass(frozen=True)
class AuditionSound:
    """An item as a checkpoint renders it, or why it cannot.

    folder: as in StoredClip, with audio, peaks, mel and f0; "" if there is none. sound: the WAV. lufs,
    original_lufs: loudness of the sound and of the recording; None of silence. trouble: what happened, what to do.
    """

    step: int
    item: str
    folder: str = ""
    sound: str = ""
    lufs: float | None = None
    original_lufs: float | None = None
    trouble: tuple[str, str] | None = None


@dataclass(frozen=True)
class ProbeReading:
    """What a probe tells: an accuracy or a CCC (`measure`), of `clips` that the run does not train on.

    chance: what guessing gives.
    """

    score: float
    chance: float
    clips: int
    measure: str


@dataclass(frozen=True)
class CheckpointProbes:
    """By task (speaker, gender, emotion, arousal, valence) what a checkpoint tells, or why it cannot be said."""

    step: int
    readings: dict[str, ProbeReading]
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditionDone:
    """made: sounds and probes that were new."""

    run_dir: str
    made: int
    seconds: float


@dataclass(frozen=True)
class Heard:
    """Everything known of the sounds and probes of a run's checkpoints. sounds: by step and item."""

    probes: Mapping[int, CheckpointProbes] = field(default_factory=dict)
    sounds: Mapping[tuple[int, str], AuditionSound] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------- in the run's folder
def step_name(step: int) -> str:
    """What the files of a step are called: their order is that of the steps."""
    return f"{step:08d}"


def best_of(checkpoints: Sequence[KeptCheckpoint]) -> KeptCheckpoint | None:
    """The one with the largest objective on the held-out pieces, the earliest of equals, as the run chooses it."""
    return max(checkpoints, key=lambda kept: (kept.terms["total"], -kept.step), default=None)


def checkpoints_of(run_dir: str | os.PathLike[str]) -> tuple[KeptCheckpoint, ...]:
    """Every checkpoint of a run in the order of their steps; none if the run kept none, or its list is damaged.

    A damaged list costs the view of the checkpoints and nothing else: the run goes on from its saved state.
    """
    folder = Path(run_dir) / CHECKPOINTS
    try:
        values = _values(folder / LIST, _LIST_FORMAT)
        return tuple(_kept(entry, folder) for entry in values["checkpoints"])
    except _DAMAGED:
        return ()


def checkpoints_text(checkpoints: Sequence[KeptCheckpoint]) -> str:
    """What list.json holds: names of files, no places, so that the run's folder can be moved."""
    entries = [dataclasses.asdict(kept) | {"path": os.path.basename(kept.path)} for kept in checkpoints]
    return json.dumps({"format": _LIST_FORMAT, "version": _VERSION, "checkpoints": entries}, indent=1)


def heard_of(run_dir: str | os.PathLike[str], checkpoints: Sequence[KeptCheckpoint]) -> Heard:
    """What was made of these checkpoints. What is of another model that had the same step does not count.

    Damaged results are none: they can be made again.
    """
    folder = Path(run_dir) / SOUNDS
    hashes = {kept.step: kept.hash for kept in checkpoints}
    try:
        values = _values(folder / RESULTS, _RESULTS_FORMAT)
        probes = {
            int(step): _probes(int(step), entry)
            for step, entry in values["probes"].items()
            if entry["hash"] == hashes.get(int(step))
        }
        read = [
            _sound(int(step), str(item), entry, folder)
            for step, entries in values["sounds"].items()
            for item, entry in entries.items()
            if entry["hash"] == hashes.get(int(step))
        ]
    except _DAMAGED:
        return Heard()
    # A sound goes with its model; whether it is still there, its folder tells.
    there = (
        one for one in read if one.trouble is not None or os.path.isfile(os.path.join(one.folder, "meta.json"))
    )
    return Heard(probes, {(one.step, one.item): one for one in there})


def heard_text(heard: Heard, checkpoints: Sequence[KeptCheckpoint]) -> str:
    """What results.json holds, again without places."""
    hashes = {kept.step: kept.hash for kept in checkpoints}
    sounds: dict[int, dict[str, Any]] = {}
    for (step, item), sound in heard.sounds.items():
        if step in hashes:
            entry = {"hash": hashes[step], "lufs": sound.lufs, "original_lufs": sound.original_lufs}
            sounds.setdefault(step, {})[item] = entry | {"trouble": sound.trouble}
    probes = {
        step: {"hash": hashes[step], "readings": {t: dataclasses.asdict(r) for t, r in one.readings.items()}}
        | {"missing": one.missing}
        for step, one in heard.probes.items()
        if step in hashes
    }
    values = {"format": _RESULTS_FORMAT, "version": _VERSION, "probes": probes, "sounds": sounds}
    return json.dumps(values, indent=1, ensure_ascii=False)


def _values(file: Path, form: str) -> Mapping[str, Any]:
    values: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    if values["format"] != form or values["version"] > _VERSION:
        raise ValueError(f"{file} is of another kind, or newer")
    return values


def _kept(entry: Mapping[str, Any], folder: Path) -> KeptCheckpoint:
    name = os.path.basename(str(entry["path"]))
    return KeptCheckpoint(
        step=int(entry["step"]),
        epoch=float(entry["epoch"]),
        seconds=float(entry["seconds"]),
        terms={str(term): float(value) for term, value in entry["terms"].items()},
        number=int(entry["number"]),
        hash=str(entry["hash"]),
        path=str(folder / name) if name else "",
    )


def _probes(step: int, entry: Mapping[str, Any]) -> CheckpointProbes:
    readings = {
        str(task): ProbeReading(float(r["score"]), float(r["chance"]), int(r["clips"]), str(r["measure"]))
        for task, r in entry["readings"].items()
    }
    return CheckpointProbes(step, readings, {str(task): str(why) for task, why in entry["missing"].items()})


def _sound(step: int, item: str, entry: Mapping[str, Any], folder: Path) -> AuditionSound:
    if os.path.basename(item) != item or item in ("", ".", ".."):
        raise ValueError("an item names a folder elsewhere")
    trouble = entry["trouble"]
    if trouble is not None:
        return AuditionSound(step, item, trouble=(str(trouble[0]), str(trouble[1])))
    lufs, original = (None if entry[name] is None else float(entry[name]) for name in ("lufs", "original_lufs"))
    place = folder / step_name(step) / item
    return AuditionSound(step, item, str(place), f"{place}.wav", lufs, original)
