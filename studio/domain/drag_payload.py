"""What travels in a drag inside the studio, and files that come from outside. Pure functions."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
from PySide6.QtCore import QMimeData, QUrl

MIME = "application/x-triptych-latent+json"
VERSION = 3
KINDS = ("clips", "speaker", "label", "seconds")


@dataclass(frozen=True)
class Payload:
    """Something whose latents can be given.

    kind:
        clips    recordings, by id
        speaker  everything of one speaker, named; clips are its recordings
        label    everything that carries one label: ("emotion", "angry")
        seconds  single seconds of m: (clip id, second)
    weights: of each clip or second in their mean, in the same order; () = all alike. A place on a map is a mean.
    name: what to call it, where the recordings' own names would say too little.
    """

    kind: str
    clips: tuple[str, ...] = ()
    speaker: str = ""
    seconds: tuple[tuple[str, int], ...] = ()
    weights: tuple[float, ...] = ()
    name: str = ""
    label: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no payload of kind {self.kind!r}")
        if self.weights and len(self.weights) != len(self.seconds or self.clips):
            raise ValueError(f"{len(self.weights)} weights for {len(self.seconds or self.clips)} recordings")
        if not all(0.0 <= weight < math.inf for weight in self.weights):
            raise ValueError("a weight is no number from zero up")

    @property
    def clip_ids(self) -> tuple[str, ...]:
        """The recordings concerned, each once."""
        return self.clips or tuple(dict.fromkeys(clip for clip, _ in self.seconds))


class _Origin(msgspec.Struct):
    """What mime data says beside the payload."""

    version: int
    session: str


def to_mime(payload: Payload, session_uuid: str, files: Sequence[str | Path] = ()) -> QMimeData:
    """Mime data of a payload; with `files` it can be dropped on other programs too."""
    mime = QMimeData()
    values = {"version": VERSION, "session": session_uuid, **asdict(payload)}
    mime.setData(MIME, json.dumps(values).encode())
    if files:
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in files])
    return mime


def payload_of(mime: QMimeData, session_uuid: str) -> Payload | None:
    """The payload in mime data, or None: none there, not ours, damaged, newer, or of another session.

    Ids mean something in the session that gave them only.
    """
    if not mime.hasFormat(MIME):
        return None
    content = bytes(mime.data(MIME).data())
    try:
        origin = msgspec.json.decode(content, type=_Origin)
        payload = msgspec.json.decode(content, type=Payload)
    except ValueError:  # no JSON, no text, or not of these types
        return None
    return payload if origin == _Origin(VERSION, session_uuid) else None


def files_of(mime: QMimeData) -> list[Path]:
    """Local files and folders that another program gave; empty for a drag of our own."""
    if mime.hasFormat(MIME) or not mime.hasUrls():
        return []
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile() and url.toLocalFile()]
