"""One recording of the library."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field

from engine.api import ClipRef, ModelInfo

WAITING, ANALYSING, READY, FAILED, MISSING = STATES = ("waiting", "analysing", "ready", "failed", "missing")


def new_ids(count: int) -> list[str]:
    """As many ids as uuid4 gives one by one, which lets Python's lock go, and has to wait for it, for every one."""
    drawn = os.urandom(16 * count)
    return [uuid.UUID(bytes=drawn[i : i + 16], version=4).hex for i in range(0, len(drawn), 16)]


@dataclass
class Clip:
    """A recording: its file, what is known of it, and how far its analysis is. The session alone changes it."""

    id: str
    path: str
    name: str = ""  # as shown; the file's name unless given
    labels: dict[str, str] = field(default_factory=dict)  # speaker, gender, emotion and any other
    state: str = WAITING
    duration_s: float | None = None
    f0_median_hz: float | None = None
    error: tuple[str, str] | None = None  # what happened, what to do
    folder: str | None = None  # of its analysis
    model_hash: str | None = None  # of the model its h, m and z come from

    def __post_init__(self) -> None:
        self.name = self.name or os.path.basename(self.path)

    def encoded_by(self, model: ModelInfo | None) -> bool:
        """Whether it has h, m and z of this very model."""
        return (
            model is not None and self.state == READY and self.folder is not None and self.model_hash == model.hash
        )

    def copied(self) -> Clip:
        """A copy for a thread; not by way of __init__, because the window waits while a whole library is copied."""
        twin = object.__new__(Clip)
        twin.__dict__.update(self.__dict__)
        return twin

    def ref(self) -> ClipRef:
        return ClipRef(self.id, self.path, dict(self.labels))
