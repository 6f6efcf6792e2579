"""Probe set: the clips on which a run's checkpoints are probed, a fixed sample of its corpus kept in its folder.

What is held out is tested on, what is trained on teaches the probes. It is written once, when the run begins, so
that whoever probes a checkpoint later needs neither the corpus nor its cache, and all checkpoints are measured on
the same clips. The beginning of a clip is enough: 4 seconds, the paper's piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.api.atomic_files import write_whole
from engine.api.errors import CheckpointError
from engine.corpus.balanced_sample import evenly_by_speaker
from engine.corpus.cache.feature_cache import MelCache
from engine.model import tensor_file
from engine.training.data.crops import Division

FILE = "probe_clips.safetensors"
_KIND, _VERSION = "triptych-probe-clips", 1
_MOST_HELD_OUT, _MOST_TRAINED_ON = 60, 120
_PIECE_S = 4.0


@dataclass(frozen=True)
class ProbeClip:
    """One clip's beginning. mel: float16 (frames, bands) natural-log mel; f0: float32 (frames,) Hz, NaN unvoiced.

    labels: as ClipRef.labels. held_out: whether the run does not train on it.
    """

    name: str
    labels: Mapping[str, str]
    gain_db: float
    held_out: bool
    mel: npt.NDArray[np.float16]
    f0: npt.NDArray[np.float32]


def write(run_dir: Path, cache: MelCache, division: Division, frames_per_second: float, seed: int) -> None:
    """Choose the clips and write them, unless that was done before.

    Raises:
        OSError: they cannot be written.
    """
    file = run_dir / FILE
    if file.exists():
        return
    trained = set(division.entries)
    sides = {
        True: [i for i in range(len(cache.entries)) if i not in trained],
        False: sorted(trained),
    }
    most = round(_PIECE_S * frames_per_second)
    facts: list[dict[str, Any]] = []
    tensors: dict[str, torch.Tensor] = {}
    for held_out, among in sides.items():
        for entry in (cache.entries[i] for i in _chosen(cache, among, held_out, seed)):
            number, frames = len(facts), slice(entry.start, entry.start + min(most, entry.frames))
            tensors[f"{number}.mel"] = torch.from_numpy(np.array(cache.mel[frames]))
            tensors[f"{number}.f0"] = torch.from_numpy(np.array(cache.f0[frames]))
            fact = {"name": entry.utterance.name, "labels": entry.utterance.words()}
            facts.append(fact | {"gain_db": entry.gain_db, "held_out": held_out})
    content, _ = tensor_file.pack(_KIND, _VERSION, {"clips": facts}, tensors)
    write_whole(file, content)


def read(run_dir: Path) -> tuple[ProbeClip, ...]:
    """The clips of a run.

    Raises:
        CheckpointError: they are missing or damaged.
    """
    file = run_dir / FILE
    description, tensors = tensor_file.read(file, _KIND, _VERSION)
    try:
        return tuple(
            ProbeClip(
                name=str(fact["name"]),
                labels={str(label): str(value) for label, value in fact["labels"].items()},
                gain_db=float(fact["gain_db"]),
                held_out=bool(fact["held_out"]),
                mel=tensors[f"{number}.mel"].numpy(),
                f0=tensors[f"{number}.f0"].numpy(),
            )
            for number, fact in enumerate(description["clips"])
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"The file {file} is damaged.", "Start a new run to have its probes.") from error


def _chosen(cache: MelCache, among: Sequence[int], held_out: bool, seed: int) -> list[int]:
    """Some of these recordings, as many of each speaker as there are."""
    speakers = np.array([cache.entries[i].utterance.labels.speaker or "" for i in among], np.str_)
    rows = evenly_by_speaker(speakers, _MOST_HELD_OUT if held_out else _MOST_TRAINED_ON, seed)
    return [among[row] for row in rows.tolist()]
