"""References of a take in short: the recordings its voice or emotion is from, and their speaker if it is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.api import LatentRef
from studio.domain.clip import Clip

LETTERS_OF_UNKNOWN = 8  # of the folder of a recording that is gone


@dataclass(frozen=True)
class ReferenceSummary:
    """References of a take, at least one.

    speaker: of all of them; "" where there are several, or it is not known. first: name of the first recording.
    second: the one second that was taken; None for a whole clip, and for several. recordings: how many different.
    """

    speaker: str
    first: str
    second: int | None
    recordings: int


def reference_summary(latents: Sequence[LatentRef], clips: Mapping[str, Clip]) -> ReferenceSummary | None:
    """The references of a take in short; None if there are none.

    Args:
        clips: recordings by their analysis folders.
    """
    if not latents:
        return None
    references = [clips.get(latent.folder) for latent in latents]
    speakers = {clip.labels.get("speaker", "") if clip is not None else "" for clip in references}
    return ReferenceSummary(
        speakers.pop() if len(speakers) == 1 else "",
        clip_name(latents[0].folder, clips),
        latents[0].second if len(latents) == 1 else None,
        len({latent.folder for latent in latents}),
    )


def clip_name(folder: str, clips: Mapping[str, Clip]) -> str:
    """The recording of an analysis, by its name; of one that is gone, the beginning of its id."""
    clip = clips.get(folder)
    return clip.name if clip is not None else Path(folder).name[:LETTERS_OF_UNKNOWN]
