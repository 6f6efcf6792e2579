"""What is dragged inside the studio: voices and emotions as ids, never data. Pure functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QByteArray, QMimeData, QUrl

MIME = "application/x-triptych-latent+json"
KINDS = ("clips", "speaker", "seconds")


@dataclass(frozen=True)
class Payload:
    """A voice or an emotion under way.

    kind: clips (their mean), speaker (the mean of all the speaker's clips) or seconds (single seconds of m).
    """

    kind: str
    clips: tuple[str, ...] = ()
    speaker: str = ""
    seconds: tuple[tuple[str, int], ...] = ()


def to_mime(payload: Payload, uuid: str, files: list[str] | None = None) -> QMimeData:
    """Mime data for a drag; `files` lets other programs take the recordings."""
    mime = QMimeData()
    values = {
        "project": uuid,
        "kind": payload.kind,
        "clips": list(payload.clips),
        "speaker": payload.speaker,
        "seconds": [list(second) for second in payload.seconds],
    }
    mime.setData(MIME, QByteArray(json.dumps(values).encode()))
    if files:
        mime.setUrls([QUrl.fromLocalFile(file) for file in files])
    return mime


def payload_of(mime: QMimeData, uuid: str) -> Payload | None:
    """The payload in the mime data; None if there is none, it is damaged, or another project's."""
    if not mime.hasFormat(MIME):
        return None
    try:
        values = json.loads(bytes(mime.data(MIME).data()))
        if values["project"] != uuid or values["kind"] not in KINDS:
            return None
        return Payload(
            values["kind"],
            tuple(str(clip) for clip in values["clips"]),
            str(values["speaker"]),
            tuple((str(clip), int(second)) for clip, second in values["seconds"]),
        )
    except (ValueError, KeyError, TypeError):
        return None  # another program's data under our name: not ours to take


def files_of(mime: QMimeData) -> list[Path]:
    """Local files and folders of a drop from a file manager; a drag of our own brings none."""
    if mime.hasFormat(MIME):
        return []
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
