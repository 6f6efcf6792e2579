"""The only reader and writer of model files.

A model is ONE file, NAME.triptych.safetensors: the weights as safetensors, and in the file's metadata a JSON text
with the format's version, every spec, the provenance and a hash over all of it (see tensorfile).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.api import FIRST_VOCODER, OWN_VOCODER, VOCODERS, ModelInfo
from engine.api.atomic_files import write_whole
from engine.api.errors import CheckpointError, SpecError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model import baselines, tensor_file, weight_names
from engine.model.aux_vae import AuxVAE
from engine.model.baselines import Network

SUFFIX = ".triptych.safetensors"
FORMAT = "triptych-model"
VERSION = 2


def _from_1(description: dict[str, Any]) -> dict[str, Any]:
    """Version 2 has more attributes in the timescale recipe, in other layers: nothing can stand in for them."""
    model = description.get("model")
    if isinstance(model, dict) and model.get("views") == "timescale":
        raise CheckpointError(
            "This model was trained by an earlier timescale recipe, which this version cannot play.",
            "Train it again with the preset it was made by, or use the starter model.",
        )
    return description


# From a version to the function that turns its description into the next version's.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}

_WEIGHTS = "model."
_EXTRA = "extra."


@dataclass(frozen=True)
class SystemCheckpoint:
    """A network of any system with everything needed to use it. hash names its content: same hash, same results.

    vocoder: the one its mels are heard through unless another is asked for.
    """

    model: Network
    audio: AudioSpec
    train: TrainSpec
    provenance: dict[str, Any]
    hash: str
    extra: dict[str, Tensor] = field(default_factory=dict)
    vocoder: str = FIRST_VOCODER


@dataclass(frozen=True)
class Checkpoint(SystemCheckpoint):
    """A model with h, m and z: what everything but training and probes asks for."""

    model: AuxVAE

    def vocoder_for(self, wanted: str) -> str:
        """The name of the vocoder that a request means: the model's own unless it names one."""
        return self.vocoder if wanted == OWN_VOCODER else wanted


def save(
    path: str | os.PathLike[str],
    model: Network,
    audio: AudioSpec,
    train: TrainSpec,
    provenance: Mapping[str, Any],
    extra: Mapping[str, Tensor] | None = None,
    vocoder: str = FIRST_VOCODER,
) -> str:
    """Write a model file: under a temporary name, then put in its place, so that it is never half there.

    Args:
        provenance: plain JSON values: where the model comes from. No paths or host names belong in it.
        extra: more tensors to keep with the model, by name.
        vocoder: one of VOCODERS.

    Returns:
        The content hash.

    Raises:
        CheckpointError: the file cannot be written (full disk, permissions).
    """
    tensors = {_WEIGHTS + name: value for name, value in weight_names.to_file(model.state_dict()).items()}
    tensors |= {_EXTRA + name: value for name, value in (extra or {}).items()}
    description = {
        "audio": audio.to_dict(),
        "model": model.spec.to_dict(),
        "train": train.to_dict(),
        "provenance": dict(provenance),
        "vocoder": vocoder,
    }
    content, digest = tensor_file.pack(FORMAT, VERSION, description, tensors)
    target = Path(path)
    try:
        write_whole(target, content)
    except OSError as error:
        raise CheckpointError(
            f"The model file {target} cannot be written: {error.strerror or error}.",
            "Free some space or choose another folder; the file written before is unharmed.",
        ) from error
    return digest


def load(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Checkpoint:
    """Read and verify a model file; the model is in evaluation mode on `device`.

    Raises:
        CheckpointError: missing, unreadable, truncated, not a Triptych model, from a newer version, or changed
            since it was written, or a system of comparison.
    """
    held = load_system(path, device)
    if not isinstance(held.model, AuxVAE):
        raise CheckpointError(
            f"{path} is a system of comparison ({held.model.spec.system}), which has no h, m and z.",
            "Probe it (`triptych probe`), or choose another model.",
        )
    return Checkpoint(held.model, held.audio, held.train, held.provenance, held.hash, held.extra, held.vocoder)


def load_system(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> SystemCheckpoint:
    """Like `load`, for a model of any system: what training goes on from, and what is probed.

    Raises:
        CheckpointError: as `load`.
    """
    file = Path(path)
    description, tensors = tensor_file.read(file, FORMAT, VERSION, MIGRATIONS)
    audio, spec, train = _specs(file, description)
    weights = {n.removeprefix(_WEIGHTS): t for n, t in tensors.items() if n.startswith(_WEIGHTS)}
    return SystemCheckpoint(
        model=_build(file, spec, weights).to(device).eval(),
        audio=audio,
        train=train,
        provenance=dict(description["provenance"]),
        hash=str(description["hash"]),
        extra={n.removeprefix(_EXTRA): t.to(device) for n, t in tensors.items() if n.startswith(_EXTRA)},
        vocoder=_vocoder(file, description),
    )


def inspect(path: str | os.PathLike[str]) -> ModelInfo:
    """Say what a model file is, verified but without building the model.

    Raises:
        CheckpointError: as `load`.
    """
    file = Path(path)
    description, tensors = tensor_file.read(file, FORMAT, VERSION, MIGRATIONS)
    audio, spec, train = _specs(file, description)
    learned = [t.numel() for n, t in tensors.items() if n.startswith(_WEIGHTS) and n.endswith((".weight", ".bias"))]
    return ModelInfo(
        path=str(file),
        hash=str(description["hash"]),
        weights=sum(learned),
        audio=audio.to_dict(),
        model=spec.to_dict(),
        train=train.to_dict(),
        provenance=dict(description["provenance"]),
        vocoder=_vocoder(file, description),
    )


def _specs(file: Path, description: dict[str, Any]) -> tuple[AudioSpec, ModelSpec, TrainSpec]:
    try:
        audio = AudioSpec.from_dict(description.get("audio"))
        spec = ModelSpec.from_dict(description.get("model"))
        train = TrainSpec.from_dict(description.get("train"))
    except SpecError as error:
        raise CheckpointError(f"The model file {file} cannot be used: {error.what}", error.hint) from error
    if not isinstance(description.get("provenance"), dict):
        raise CheckpointError(f"The model file {file} names no provenance.", "Copy or download it again.")
    if audio.bands != spec.bands:
        raise CheckpointError(
            f"In {file} the audio front end has {audio.bands} bands but the model {spec.bands}.",
            "Use another model file.",
        )
    return audio, spec, train


def _vocoder(file: Path, description: dict[str, Any]) -> str:
    """The name of the model's vocoder: files from before there was a choice have none."""
    name = description.get("vocoder", FIRST_VOCODER)
    if not isinstance(name, str) or name not in VOCODERS:
        raise CheckpointError(
            f"The model in {file} is heard through the vocoder {name!r}, which this version does not have.",
            "Update Triptych, or use another model file.",
        )
    return name


def _build(file: Path, spec: ModelSpec, weights: dict[str, Tensor]) -> Network:
    """A model that takes over `weights`, after a look at their shapes that costs no memory."""
    try:
        with torch.device("meta"):
            model = baselines.build(spec)
    except SpecError as error:
        raise CheckpointError(f"The model file {file} cannot be used: {error.what}", error.hint) from error
    except RuntimeError as error:  # torch's word for sizes beyond any memory
        raise CheckpointError(
            f"The model file {file} describes an impossible model.", "Use another model file."
        ) from error
    expected = {
        name: (value.shape, value.dtype) for name, value in weight_names.to_file(model.state_dict()).items()
    }
    found = {name: (value.shape, value.dtype) for name, value in weights.items()}
    if expected != found:
        wrong = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
        raise CheckpointError(
            f"The weights in {file} do not fit the model it describes ({wrong[0]} and {len(wrong) - 1} more).",
            "Use another model file.",
        )
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise CheckpointError(
            f"The weights in {file} are not all finite numbers.", "Use an earlier checkpoint of its run."
        )
    model.load_state_dict(weight_names.from_file(weights), assign=True)
    return model.requires_grad_(True)
