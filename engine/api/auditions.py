"""Auditions of a training run: the checkpoints it keeps on its way, and what they are worth and sound like.

All of it lies in the run's folder, which is the truth; what is read here is small and written whole.

    checkpoints/list.json                       every checkpoint there was, with its numbers (KeptCheckpoint)
    checkpoints/00000800.triptych.safetensors   the models that are still held
    auditions/results.json                      what was measured and rendered of them (Heard)
    auditions/00000800/<item>/                  a sound with its pictures, as in StoredClip
    auditions/00000800/<item>.wav               the same sound, for others

The training process alone writes `checkpoints`, who performs an Audition writes `auditions`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import msgspec

from engine.api.stored_values import DamagedError, converted, values_of
from engine.api.transfers import Transfer

CHECKPOINTS = "checkpoints"
LIST = "list.json"
SOUNDS = "auditions"
RESULTS = "results.json"
_LIST_FORMAT, _RESULTS_FORMAT, _VERSION = "triptych-checkpoints", "triptych-auditions", 1


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
    the source as the model reconstructs it.
    """

    id: str
    title: str
    transfer: Transfer


@dataclass(frozen=True)
class Audition:
    """Render items with checkpoints of a run, and probe these on held-out voices.

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
    """The score of a probe: an accuracy or a CCC (`measure`), of `clips` that the run does not train on.

    chance: what guessing gives.
    """

    score: float
    chance: float
    clips: int
    measure: str


@dataclass(frozen=True)
class CheckpointProbes:
    """The scores of a checkpoint by task (speaker, gender, emotion, arousal, valence), or why there is none."""

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
        values = values_of((folder / LIST).read_bytes(), (_LIST_FORMAT,), _VERSION)
        kept = converted(values.get("checkpoints"), tuple[KeptCheckpoint, ...])
    except (OSError, DamagedError):
        return ()
    return tuple(replace(one, path=str(folder / os.path.basename(one.path)) if one.path else "") for one in kept)


def checkpoints_text(checkpoints: Sequence[KeptCheckpoint]) -> str:
    """What list.json holds: names of files, no places, so that the run's folder can be moved."""
    entries = [asdict(kept) | {"path": os.path.basename(kept.path)} for kept in checkpoints]
    return json.dumps({"format": _LIST_FORMAT, "version": _VERSION, "checkpoints": entries}, indent=1)


class _StoredProbes(msgspec.Struct):
    """What results.json holds of a checkpoint's probes. hash: of the checkpoint's model."""

    hash: str
    readings: dict[str, ProbeReading]
    missing: dict[str, str]


class _StoredSound(msgspec.Struct):
    """What results.json holds of a sound; its files lie where their names say."""

    hash: str
    lufs: float | None
    original_lufs: float | None
    trouble: tuple[str, str] | None


class _StoredResults(msgspec.Struct):
    """What results.json holds: probes by step, sounds by step and item."""

    probes: dict[int, _StoredProbes]
    sounds: dict[int, dict[str, _StoredSound]]


def heard_of(run_dir: str | os.PathLike[str], checkpoints: Sequence[KeptCheckpoint]) -> Heard:
    """What was made of these checkpoints. What is of another model that had the same step does not count.

    Damaged results are none: they can be made again.
    """
    folder = Path(run_dir) / SOUNDS
    hashes = {kept.step: kept.hash for kept in checkpoints}
    try:
        values = values_of((folder / RESULTS).read_bytes(), (_RESULTS_FORMAT,), _VERSION)
        stored = converted(values, _StoredResults, keys_are_text=True)
        read = {
            (step, item): _sound(step, item, one, folder)
            for step, sounds in stored.sounds.items()
            for item, one in sounds.items()
            if one.hash == hashes.get(step)
        }
    except (OSError, DamagedError):
        return Heard()
    probes = {
        step: CheckpointProbes(step, one.readings, one.missing)
        for step, one in stored.probes.items()
        if one.hash == hashes.get(step)
    }
    # A sound goes with its model; whether it is still there, its folder tells.
    there = {
        key: one
        for key, one in read.items()
        if one.trouble is not None or os.path.isfile(os.path.join(one.folder, "meta.json"))
    }
    return Heard(probes, there)


def _sound(step: int, item: str, stored: _StoredSound, folder: Path) -> AuditionSound:
    if os.path.basename(item) != item or item in ("", ".", ".."):
        raise DamagedError("an item names a folder elsewhere")
    if stored.trouble is not None:
        return AuditionSound(step, item, trouble=stored.trouble)
    place = folder / step_name(step) / item
    return AuditionSound(step, item, str(place), f"{place}.wav", stored.lufs, stored.original_lufs)


def heard_text(heard: Heard, checkpoints: Sequence[KeptCheckpoint]) -> str:
    """What results.json holds, again without places."""
    hashes = {kept.step: kept.hash for kept in checkpoints}
    probes = {
        step: _StoredProbes(hashes[step], one.readings, one.missing)
        for step, one in heard.probes.items()
        if step in hashes
    }
    sounds: dict[int, dict[str, _StoredSound]] = {}
    for (step, item), one in heard.sounds.items():
        if step in hashes:
            stored = _StoredSound(hashes[step], one.lufs, one.original_lufs, one.trouble)
            sounds.setdefault(step, {})[item] = stored
    values = msgspec.to_builtins(_StoredResults(probes, sounds), str_keys=True, enc_hook=float)  # numpy's floats
    return json.dumps({"format": _RESULTS_FORMAT, "version": _VERSION, **values}, indent=1, ensure_ascii=False)
