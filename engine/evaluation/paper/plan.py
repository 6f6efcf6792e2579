"""What is trained on, what is tested on, and what is trained: decided once, written down, kept to by resumes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from engine.api import ClipRef, RunSpec, presets
from engine.api.atomic_files import write_whole
from engine.api.errors import CorpusError, EngineError, SpecError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.corpus.manifest import Manifest, Utterance

VERSION = 1
_TRAIN_SPLITS, _TEST_SPLITS = ("train", "training"), ("test", "testing")
SIZES = ("small", "paper")
SEVERAL = 5  # clips, from which on a speaker serves verification and figure 2
FEWEST_UNHEARD = 6  # voices: fewer say nothing of voices at large
_HELD_SEVERAL = 0.4  # share of the speakers with several clips that are held out
_HELD_FEW = 0.1  # of those with fewer
# Minutes of training at size small, on two cores; together with the probes it must stay below twenty.
_SMALL_MINUTES = {
    "timescale": 2.4,
    "two-auxiliary": 1.1,
    "one-auxiliary": 0.9,
    "vae": 0.8,
    "cpc": 0.9,
    "supervised": 0.6,
}
# The paper trains on read speech, then on the emotion corpus, and measures h, m and z of this model alone.
SECOND_STAGE = ("timescale", "two-auxiliary")
_SECOND_MINUTES = {"timescale": 0.5, "two-auxiliary": 0.4}  # of each side at size small
FEWEST_ACTORS = 4
TITLES = {
    "timescale": "Triptych (h, m, z; timescale views)",
    "two-auxiliary": "Two-auxiliary VAE, the paper's recipe",
    "one-auxiliary": "Aux-VAE (Springenberg et al.)",
    "vae": "VAE without auxiliaries",
    "cpc": "CPC (van den Oord et al.)",
    "supervised": "Supervised, same encoder",
}


@dataclass(frozen=True)
class Parts:
    """The corpora divided. voices: named speakers, no emotions; emotions: clips with an emotion or its coordinates.

    emotions alone are divided like voices, and probed where held out.
    training: of `voices`, those whose speakers are not held out. All training is on these alone.
    """

    training: tuple[Utterance, ...]
    held_out: tuple[Utterance, ...]
    emotions: tuple[Utterance, ...]
    held_out_speakers: tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """One division of the emotion corpus: the second stage is trained on `training` alone, without labels."""

    name: str
    training: tuple[Utterance, ...]
    tested: tuple[Utterance, ...]


def own_parts(splits: Sequence[str | None]) -> tuple[list[bool], list[bool]]:
    """Which clips a corpus itself names as training, and which as test, by its label `split`."""
    words = [(split or "").casefold() for split in splits]
    return [word in _TRAIN_SPLITS for word in words], [word in _TEST_SPLITS for word in words]


def sides(emotions: Sequence[Utterance], seed: int) -> tuple[Side, ...]:
    """The corpus's own train and test where its clips say so; else two halves of its speakers, each tested once.

    Halves are drawn by lot, as many women as men. None where there are too few speakers for halves.
    """
    train, test = (tuple(compress(emotions, part)) for part in own_parts([u.labels.split for u in emotions]))
    if train and test:
        return (Side("train", train, test),)
    clips: dict[str, list[Utterance]] = defaultdict(list)
    for u in emotions:
        if u.labels.speaker:
            clips[u.labels.speaker].append(u)
    if len(clips) < FEWEST_ACTORS:
        return ()
    order = sorted(clips, key=lambda name: (clips[name][0].labels.gender or "", _lot(seed, name)))
    halves = [tuple(u for name in order[start::2] for u in clips[name]) for start in (0, 1)]
    return (Side("first half", halves[0], halves[1]), Side("second half", halves[1], halves[0]))


def divide(manifest: Manifest, wanted: Sequence[str], seed: int, heard: frozenset[str] = frozenset()) -> Parts:
    """Hold speakers out: those wanted, else a share of them by lot, as many women as men.

    Args:
        heard: the voices that a given model was trained on. Where it knows some of these and not all, those that it
            does not know are held out, so that it is measured on voices it never met.

    Raises:
        CorpusError: there is nothing to train on, or a wanted speaker is not there.
    """
    emotions = tuple(u for u in manifest.utterances if u.labels.emotion or u.labels.arousal is not None)
    known = {id(u) for u in emotions}
    voices = [u for u in manifest.utterances if id(u) not in known and u.labels.speaker]
    alone = not voices  # acted speech is all there is: its own voices are divided, and probed where held out
    if alone:
        voices = [u for u in emotions if u.labels.speaker]
    clips: dict[str, list[Utterance]] = defaultdict(list)
    for u in voices:
        clips[u.labels.speaker or ""].append(u)
    if missing := sorted(set(wanted) - clips.keys()):
        raise CorpusError(
            f"The corpus has no speaker {missing[0]}.", "Correct the names of the speakers to hold out."
        )
    held = set(wanted) or _unheard(clips, heard) or _by_lot(clips, seed)
    training = tuple(u for u in voices if u.labels.speaker not in held)
    if len({u.labels.speaker for u in training}) < 2 or not held:
        raise CorpusError(
            f"There are {len(clips)} named speakers: at least two must be left to train on, and one held out.",
            "Name a corpus such as LibriSpeech, or hold fewer speakers out.",
        )
    held_out = tuple(u for u in voices if u.labels.speaker in held)
    return Parts(training, held_out, held_out if alone else emotions, tuple(sorted(held)))


def _unheard(clips: Mapping[str, Sequence[Utterance]], heard: frozenset[str]) -> set[str]:
    unknown = clips.keys() - heard
    return set(unknown) if len(unknown) >= FEWEST_UNHEARD and len(clips.keys() & heard) >= 2 else set()


def _by_lot(clips: Mapping[str, Sequence[Utterance]], seed: int) -> set[str]:
    held: set[str] = set()
    groups: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for speaker, mine in clips.items():
        groups[(len(mine) >= SEVERAL, mine[0].labels.gender or "")].append(speaker)
    none_has_several = not any(several for several, _ in groups)
    for (several, _), speakers in groups.items():
        share = _HELD_SEVERAL if several or none_has_several else _HELD_FEW
        speakers.sort(key=lambda name: _lot(seed, name))
        held.update(speakers[: round(share * len(speakers))])
    return held


def _lot(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()


def systems(size: str, speakers: int, device: str, seed: int) -> dict[str, tuple[ModelSpec, TrainSpec]]:
    """What is trained, by name.

    small: the sizes of `quick`, a time budget each. paper: the paper's sizes and 40 epochs.
    """
    if size not in SIZES:
        raise SpecError(f"There is no size called {size!r}.", f"Choose one of {', '.join(SIZES)}.", "size")
    quick, paper = presets()["quick"], presets()["paper"]
    chosen = {}
    for name, minutes in _SMALL_MINUTES.items():
        system = "two-auxiliary" if name == "timescale" else name
        views = "timescale" if name == "timescale" else "plain"
        changes: dict[str, Any] = {"system": system, "views": views}
        if system == "supervised":
            changes["speakers"] = speakers
        if size == "small":
            model = dataclasses.replace(quick.model, **changes)
            # Telling clips apart is a part of our recipe, not of the paper's.
            contrast = quick.train.contrast if views == "timescale" else 0.0
            train = dataclasses.replace(quick.train, minutes=minutes, contrast=contrast, device=device, seed=seed)
        else:
            model = dataclasses.replace(paper.model, **changes)
            contrast = quick.train.contrast if views == "timescale" else 0.0
            train = dataclasses.replace(paper.train, contrast=contrast, device=device, seed=seed)
        chosen[name] = (model, dataclasses.replace(train, checkpoints=0))  # its figures need the last alone
    return chosen


def second_stage(size: str, name: str, train: TrainSpec) -> TrainSpec:
    """How a system is trained further on each side of the emotion corpus: as before, in less time at size small."""
    return dataclasses.replace(train, minutes=_SECOND_MINUTES[name]) if size == "small" else train


def run_of(
    name: str,
    model: ModelSpec,
    train: TrainSpec,
    utterances: Sequence[Utterance],
    audio: AudioSpec,
    from_model: str | None = None,
) -> RunSpec:
    """The training run of one system."""
    clips = tuple(ClipRef(u.name, u.path, u.labels.words()) for u in utterances)
    return RunSpec(train=train, model=model, audio=audio, clips=clips, name=name, from_model=from_model)


def keep_to(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write down what a report is made with; a resume with other settings is refused.

    Raises:
        EngineError: the folder holds a report of other settings, or one of another kind.
    """
    file = folder / "plan.json"
    values = {"format": "triptych-reproduction", "version": VERSION, **settings}
    if file.exists():
        try:
            before = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            before = None
        if before != json.loads(json.dumps(values)):
            raise EngineError(
                f"{folder} holds a report of other settings or recordings, whose numbers must not mix with these.",
                "Choose another folder, or delete that one.",
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(values, indent=1).encode())


def file_name(name: str) -> str:
    """A system's or judge's name as one of a file."""
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in name)
