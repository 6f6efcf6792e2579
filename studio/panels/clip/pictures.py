"""Which picture and which lines the clip view shows of the versions of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.api import AudioSpec, StoredClip
from studio.panels.clip.versions import Version
from studio.plots.frequency import FrequencyScale, LinearScale, MelScale
from studio.plots.mel_image import DifferenceImage, LevelImage, MelImage
from studio.plots.recording_view import RecordingView

COMPARED = ("transformed", "reconstruction")  # a difference shows the first minus the second
OVERVIEWS = (4, 16)  # frames behind a column, as the engine stores them

Versions = Mapping[str, Version]


def show(view: RecordingView, versions: Versions, played: str, spec: AudioSpec) -> None:
    """Show what the view asks for, as far as it is stored.

    Args:
        played: the version that plays now; its picture is shown, or that of the difference.

    Raises:
        OSError, ValueError: what is stored is damaged.
    """
    scale: FrequencyScale = LinearScale(spec) if view.linear else MelScale(spec)
    names = shown(view, played)
    images = [_image(versions[name].stored, linear=view.linear) for name in names]
    kind = "difference" if view.difference else "linear" if view.linear else "mel"
    picture: LevelImage | None = None
    if len(images) == 2 and images[0] is not None and images[1] is not None:
        picture = DifferenceImage(images[0], images[1])
    elif len(images) == 1:
        picture = images[0]
    view.show_picture(picture, scale, spec, kind)
    now = names[0]
    before = "original" if now != "original" else None
    stored = versions[now].stored
    view.show_tracks(
        stored.array("f0"),
        versions[before].stored.array("f0") if before else None,
        stored.array("intensity") if view.intensity and stored.has("intensity") else None,
    )


def shown(view: RecordingView, played: str) -> tuple[str, ...]:
    """The versions whose pictures are seen: the one played, or the two of the difference."""
    return COMPARED if view.difference else (played,)


def lacking(view: RecordingView, versions: Versions, names: Iterable[str]) -> list[str]:
    """The folders of these versions in which something the view asks for is not computed yet."""
    wanted = (["spectrum", *(f"spectrum{each}" for each in OVERVIEWS)] if view.linear else []) + (
        ["intensity"] if view.intensity else []
    )
    stored = [versions[name].stored for name in names if name in versions]
    return [clip.folder for clip in stored if not all(clip.has(name) for name in wanted)]


def _image(stored: StoredClip, *, linear: bool) -> MelImage | None:
    if not linear:
        return MelImage(stored.array("mel"))
    if not stored.has("spectrum"):
        return None
    return MelImage(stored.array("spectrum"), {each: stored.array(f"spectrum{each}") for each in OVERVIEWS})
