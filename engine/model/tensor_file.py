"""Tensors and a JSON description in one safetensors file that proves its content.

Under the model files and under the state of a training run. Nothing is ever unpickled, so opening a stranger's file
runs none of the stranger's code; a header is looked at with care before anything large is read.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.api.errors import CheckpointError

Migrations = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]

_KEY = "triptych"
_MOST_HEADER_BYTES = 16 * 2**20
_AGAIN = "Copy or download it again."


def pack(
    kind: str, version: int, description: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[bytes, str]:
    """The file's bytes and its content hash.

    Args:
        kind: what the file is, "triptych-model" for one.
        version: of the description's form.
        description: plain JSON values.
    """
    plain = {name: value.detach().to("cpu").contiguous() for name, value in tensors.items()}
    whole = {**description, "format": kind, "version": version}
    digest = content_hash(whole, plain)
    text = json.dumps({**whole, "hash": digest}, ensure_ascii=False)
    return safetensors.torch.save(plain, {_KEY: text}), digest


def read(
    file: Path, kind: str, version: int, migrations: Migrations | None = None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description, brought to `version`, and the tensors of a file that `pack` made.

    Args:
        version: the newest that can be read.
        migrations: from a version to the function that turns its description into the next version's.

    Raises:
        CheckpointError: missing, unreadable, truncated, of another kind, newer, or changed since it was written.
    """
    try:
        with file.open("rb") as stream:
            header = _header(file, stream.read(8), stream.read, file.stat().st_size)
            description = _description(file, header, kind, version)
            stream.seek(0)
            content = stream.read()
    except OSError as error:
        raise CheckpointError(
            f"The file {file} cannot be read: {error.strerror or error}.",
            "Check that it exists and may be read, or choose another one.",
        ) from error
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"The file {file} is damaged or incomplete ({error}).", _AGAIN) from error
    if description["hash"] != content_hash(description, tensors):
        raise CheckpointError(
            f"The file {file} was changed after it was written: its content does not match its hash.",
            "Copy or download it again, from a source you trust.",
        )
    for step in range(description["version"], version):
        description = (migrations or {})[step](description)
    return description, tensors


def content_hash(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """sha256 over the description (less its hash) and every tensor's name, kind, shape and numbers."""
    digest = hashlib.sha256()
    rest = {name: value for name, value in description.items() if name != "hash"}
    digest.update(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"\0{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _header(file: Path, start: bytes, take: Callable[[int], bytes], size: int) -> dict[str, Any]:
    """The safetensors header as JSON; its length is a stranger's word."""
    foreign = CheckpointError(f"{file} is not a Triptych file.", "Choose a file that Triptych wrote.")
    if size == 0:
        raise CheckpointError(f"The file {file} is empty.", _AGAIN)
    if len(start) < 8:
        raise foreign
    (length,) = struct.unpack("<Q", start)
    if length > _MOST_HEADER_BYTES:
        raise foreign
    text = take(length)
    if len(text) < length and text[:1] == b"{":
        raise CheckpointError(f"The file {file} is incomplete.", _AGAIN)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise foreign from error
    if not isinstance(header, dict):
        raise foreign
    return header


def _description(file: Path, header: dict[str, Any], kind: str, newest: int) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    try:
        description = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict) or description.get("format") != kind:
        raise CheckpointError(
            f"{file} holds tensors of another kind or program, not a {kind}.", "Choose a file that Triptych wrote."
        )
    version = description.get("version")
    if not isinstance(version, int) or version < 1 or not isinstance(description.get("hash"), str):
        raise CheckpointError(f"The description in {file} is incomplete.", _AGAIN)
    if version > newest:
        raise CheckpointError(
            f"The file {file} was written by a newer Triptych (file version {version}).",
            "Update Triptych to open it.",
        )
    return description
