"""The only reader and writer of model files.

A model is ONE file, NAME.triptych.safetensors: the weights as safetensors, and in the file's metadata a JSON text
with the format's version, every spec, the provenance and a hash over all of it. Nothing is ever unpickled, so
opening a stranger's model runs none of the stranger's code.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.api import ModelInfo
from engine.errors import CheckpointError, SpecError
from engine.model import AuxVAE
from engine.specs import AudioSpec, ModelSpec, TrainSpec

SUFFIX = ".triptych.safetensors"
FORMAT = "triptych-model"
VERSION = 1
# From a version to the function that turns its description into the next version's.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_KEY = "triptych"
_MOST_HEADER_BYTES = 16 * 2**20
_WEIGHTS = "model."
_EXTRA = "extra."


@dataclass(frozen=True)
class Checkpoint:
    """A model with everything needed to use it. hash names its content: same hash, same results."""

    model: AuxVAE
    audio: AudioSpec
    train: TrainSpec
    provenance: dict[str, Any]
    hash: str
    extra: dict[str, Tensor] = field(default_factory=dict)


def save(
    path: str | os.PathLike[str],
    model: AuxVAE,
    audio: AudioSpec,
    train: TrainSpec,
    provenance: Mapping[str, Any],
    extra: Mapping[str, Tensor] | None = None,
) -> str:
    """Write a model file: under a temporary name, then put in its place, so that it is never half there.

    Args:
        provenance: plain JSON values: where the model comes from. No paths or host names belong in it.
        extra: more tensors to keep with the model, by name.

    Returns:
        The content hash.

    Raises:
        CheckpointError: the file cannot be written (full disk, permissions).
    """
    tensors = {_WEIGHTS + name: _plain(value) for name, value in model.state_dict().items()}
    tensors |= {_EXTRA + name: _plain(value) for name, value in (extra or {}).items()}
    description: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "audio": audio.to_dict(),
        "model": model.spec.to_dict(),
        "train": train.to_dict(),
        "provenance": dict(provenance),
    }
    description["hash"] = _content_hash(description, tensors)
    content = safetensors.torch.save(tensors, {_KEY: json.dumps(description, ensure_ascii=False)})
    target = Path(path)
    try:
        write_atomically(target, content)
    except OSError as error:
        raise CheckpointError(
            f"The model file {target} cannot be written: {error.strerror or error}.",
            "Free some space or choose another folder; the file written before is unharmed.",
        ) from error
    return str(description["hash"])


def load(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Checkpoint:
    """Read and verify a model file; the model is in evaluation mode on `device`.

    Raises:
        CheckpointError: missing, unreadable, truncated, not a Triptych model, from a newer version, or changed
            since it was written.
    """
    file = Path(path)
    description, tensors = _read(file)
    audio, spec, train = _specs(file, description)
    weights = {n.removeprefix(_WEIGHTS): t for n, t in tensors.items() if n.startswith(_WEIGHTS)}
    model = _build(file, spec, weights)
    return Checkpoint(
        model=model.to(device).eval(),
        audio=audio,
        train=train,
        provenance=description["provenance"],
        hash=str(description["hash"]),
        extra={n.removeprefix(_EXTRA): t.to(device) for n, t in tensors.items() if n.startswith(_EXTRA)},
    )


def inspect(path: str | os.PathLike[str]) -> ModelInfo:
    """Say what a model file is, verified but without building the model.

    Raises:
        CheckpointError: as `load`.
    """
    file = Path(path)
    description, tensors = _read(file)
    audio, spec, train = _specs(file, description)
    learned = [t.numel() for n, t in tensors.items() if n.startswith(_WEIGHTS) and n.endswith((".weight", ".bias"))]
    return ModelInfo(
        path=str(file),
        hash=str(description["hash"]),
        weights=sum(learned),
        audio=audio.to_dict(),
        model=spec.to_dict(),
        train=train.to_dict(),
        provenance=description["provenance"],
    )


def write_atomically(target: Path, content: bytes) -> None:
    """Write bytes so that a kill or a full disk leaves either the old file or the new one, whole.

    Raises:
        OSError: it cannot be written; the temporary file is taken away.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------ reading
def _read(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description and all tensors, checked: whole, ours, of a known version, and unchanged."""
    try:
        with file.open("rb") as stream:
            header = _header(file, stream.read(8), stream.read, file.stat().st_size)
            description = _description(file, header)
            stream.seek(0)
            content = stream.read()
    except OSError as error:
        raise CheckpointError(
            f"The model file {file} cannot be read: {error.strerror or error}.",
            "Check that it exists and may be read, or choose another one.",
        ) from error
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"The model file {file} is damaged or incomplete ({error}).", "Copy or download it again."
        ) from error
    if description["hash"] != _content_hash(description, tensors):
        raise CheckpointError(
            f"The model file {file} was changed after it was written: its content does not match its hash.",
            "Copy or download it again, from a source you trust.",
        )
    return _migrated(file, description), tensors


def _header(file: Path, start: bytes, read: Callable[[int], bytes], size: int) -> dict[str, Any]:
    """The safetensors header as JSON, read with care: its length is a stranger's word."""
    foreign = CheckpointError(f"{file} is not a Triptych model.", f"Choose a file whose name ends in {SUFFIX}.")
    if size == 0:
        raise CheckpointError(f"The model file {file} is empty.", "Copy or download it again.")
    if len(start) < 8:
        raise foreign
    (length,) = struct.unpack("<Q", start)
    if length > _MOST_HEADER_BYTES:
        raise foreign
    text = read(length)
    if len(text) < length and text[:1] == b"{":
        raise CheckpointError(f"The model file {file} is incomplete.", "Copy or download it again.")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise foreign from error
    if not isinstance(header, dict):
        raise foreign
    return header


def _description(file: Path, header: dict[str, Any]) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    try:
        description = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise CheckpointError(
            f"{file} holds tensors of another program, not a Triptych model.",
            f"Choose a file whose name ends in {SUFFIX}.",
        )
    version = description.get("version")
    if not isinstance(version, int) or version < 1:
        raise CheckpointError(f"The model file {file} names no valid version.", "Copy or download it again.")
    if version > VERSION:
        raise CheckpointError(
            f"The model file {file} was written by a newer Triptych (file version {version}).",
            "Update Triptych to open it.",
        )
    if not isinstance(description.get("provenance"), dict) or not isinstance(description.get("hash"), str):
        raise CheckpointError(f"The description in {file} is incomplete.", "Copy or download it again.")
    return description


def _migrated(file: Path, description: dict[str, Any]) -> dict[str, Any]:
    for version in range(description["version"], VERSION):
        description = MIGRATIONS[version](description)
    return description


def _specs(file: Path, description: dict[str, Any]) -> tuple[AudioSpec, ModelSpec, TrainSpec]:
    try:
        audio = AudioSpec.from_dict(description.get("audio"))
        spec = ModelSpec.from_dict(description.get("model"))
        train = TrainSpec.from_dict(description.get("train"))
    except SpecError as error:
        raise CheckpointError(f"The model file {file} cannot be used: {error.what}", error.hint) from error
    if audio.bands != spec.bands:
        raise CheckpointError(
            f"In {file} the audio front end has {audio.bands} bands but the model {spec.bands}.",
            "Use another model file.",
        )
    return audio, spec, train


def _build(file: Path, spec: ModelSpec, weights: dict[str, Tensor]) -> AuxVAE:
    """A model that takes over `weights`, after a look at their shapes that costs no memory."""
    try:
        with torch.device("meta"):
            model = AuxVAE(spec)
    except SpecError as error:
        raise CheckpointError(f"The model file {file} cannot be used: {error.what}", error.hint) from error
    except RuntimeError as error:  # torch's word for sizes beyond any memory
        raise CheckpointError(
            f"The model file {file} describes an impossible model.", "Use another model file."
        ) from error
    expected = {name: (value.shape, value.dtype) for name, value in model.state_dict().items()}
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
    model.load_state_dict(weights, assign=True)
    return model.requires_grad_(True)


def _plain(value: Tensor) -> Tensor:
    return value.detach().to("cpu").contiguous()


def _content_hash(description: dict[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """sha256 over the description (less its hash) and every tensor's name, kind, shape and numbers."""
    digest = hashlib.sha256()
    rest = {name: value for name, value in description.items() if name != "hash"}
    digest.update(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"\0{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
