"""What each zone takes of what is dragged there, and what can be rendered; the reason when not. Plain functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from engine.api import ModelInfo
from studio.domain.clip import FAILED, MISSING, Clip
from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import TransferSetup, clips_of

SOURCE, VOICE, EMOTION = "source", "voice", "emotion"


def usual(payload: Payload) -> str:
    """What a drop right on a recording gives it: a voice, or (seconds, an emotion's label) an m."""
    of_m = payload.kind == "seconds" or (payload.kind == "label" and payload.label[0] == "emotion")
    return EMOTION if of_m else VOICE


def refusal(
    zone: str, payload: Payload, clips: Mapping[str, Clip], model: ModelInfo | None, *, many: bool = False
) -> str | None:
    """Why a zone cannot take the payload, in a sentence; None when it can.

    Args:
        zone: SOURCE (one clip), VOICE (h of clips, a speaker or a label) or EMOTION (m of them, or of seconds).
        clips: the library.
        model: the current model; without one nothing has an h or an m.
        many: there is something to give, so many sources make a batch.
    """
    tr = QCoreApplication.translate
    found = clips_of(payload, clips)
    changing = payload.kind in ("speaker", "label")  # what belongs to it may change at any time
    if not found or (not changing and len(found) < len(payload.clip_ids)):
        if payload.kind == "speaker":
            return tr("DropRules", "No clip of speaker {0} is in the library.").format(payload.speaker)
        if payload.kind == "label":
            return tr("DropRules", "No clip in the library has the {0} {1}.").format(*payload.label)
        return tr("DropRules", "That clip is no longer in the library.")
    if zone == SOURCE and len(found) > 1 and not many:
        if changing:
            return tr("DropRules", "A {0} is many clips; the source is one. Drop one clip here.").format(
                tr("DropRules", "speaker") if payload.kind == "speaker" else tr("DropRules", "label")
            )
        return tr(
            "DropRules",
            "The source is one clip, and these are {0}. Drop one, or put a voice or an emotion on the desk first: "
            "then all of them are rendered.",
        ).format(len(found))
    if zone == SOURCE:  # it may wait for its analysis and for a model: the recipe is kept
        return why_not(found[0], model) if found[0].state in (FAILED, MISSING) and len(found) == 1 else None
    if model is None:
        return str(no_model())
    waiting = [clip for clip in found if not clip.encoded_by(model)]
    if waiting and not (changing and len(waiting) < len(found)):  # a speaker is what is ready
        return why_not(waiting[0], model)
    for clip_id, second in payload.seconds:
        duration_s = clips[clip_id].duration_s
        if second < 0 or (duration_s is not None and second >= duration_s):
            return tr("DropRules", "{0} has no second {1}.").format(clips[clip_id].name, second)
    return None


def refusal_on_clip(
    what: str, payload: Payload, clip_id: str, clips: Mapping[str, Clip], model: ModelInfo | None
) -> str | None:
    """Why a recording cannot be given the payload's voice (VOICE) or emotion (EMOTION); None when it can."""
    tr = QCoreApplication.translate
    clip = clips.get(clip_id)
    if clip is None:
        return tr("DropRules", "That clip is no longer in the library.")
    if is_its_own(what, payload, clip_id, clips):
        return (
            tr("DropRules", "That is this clip: its own voice changes nothing.")
            if what == VOICE
            else tr("DropRules", "That is this clip: its own emotion changes nothing.")
        )
    if clip.state in (FAILED, MISSING):
        return why_not(clip, model)
    return refusal(what, payload, clips, model)


def is_its_own(what: str, payload: Payload, clip_id: str, clips: Mapping[str, Clip]) -> bool:
    """Whether a recording would be given what it has: it is all that the payload means, by whatever name.

    Single seconds of its own are another matter: as an emotion they are laid on all of it.
    """
    of_seconds = payload.kind == "seconds" and what == EMOTION
    return not of_seconds and {clip.id for clip in clips_of(payload, clips)} == {clip_id}


@dataclass(frozen=True)
class Obstacle:
    """Why something cannot be rendered: what is so, and what to do. waits: an analysis under way will lift it."""

    what: str
    hint: str
    waits: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".strip()


def why_not_rendered(setup: TransferSetup, clips: Mapping[str, Clip], model: ModelInfo | None) -> Obstacle | None:
    """Why a transfer cannot be rendered as it is set up; None when it can."""
    tr = QCoreApplication.translate
    if model is None:
        return no_model()
    if setup.source is None:
        return Obstacle(tr("DropRules", "The transfer has no source."), tr("DropRules", "Choose a source."))
    source = clips.get(setup.source)
    if source is None:
        return Obstacle(
            tr("DropRules", "The source is no longer in the library."), tr("DropRules", "Choose another one.")
        )
    if not setup.gives:
        return nothing_given()
    if not source.encoded_by(model):
        return _not_encoded(source)
    for title, payload in setup.given():
        if not any(clip.encoded_by(model) for clip in clips_of(payload, clips)):
            return Obstacle(
                tr("DropRules", "{0} is not analysed with this model yet.").format(title),
                tr("DropRules", "It is waited for."),
                waits=True,
            )
    return None


def nothing_given() -> Obstacle:
    """The obstacle that no voice, no emotion and no edit is there, or none has a weight."""
    tr = QCoreApplication.translate
    return Obstacle(
        tr("DropRules", "Nothing is given to the source."), tr("DropRules", "Choose a voice or an emotion.")
    )


def no_model() -> Obstacle:
    """The obstacle that there is no model."""
    tr = QCoreApplication.translate
    return Obstacle(
        tr("DropRules", "There is no model yet."),
        tr("DropRules", "Train one with “quick”, or open one from the Model menu."),
    )


def why_not(clip: Clip, model: ModelInfo | None) -> str:
    """Why a clip has no latents to use yet, in a sentence or two."""
    if model is None and clip.state != MISSING and clip.error is None:
        return str(no_model())
    return str(_not_encoded(clip))


def _not_encoded(clip: Clip) -> Obstacle:
    tr = QCoreApplication.translate
    if clip.state == MISSING:
        return Obstacle(tr("DropRules", "The file of {0} is no longer where it was.").format(clip.name), "")
    if clip.error is not None:
        return Obstacle(
            tr("DropRules", "{0} could not be analysed: {1}").format(clip.name, clip.error[0]), clip.error[1]
        )
    return Obstacle(
        tr("DropRules", "{0} is still being analysed.").format(clip.name),
        tr("DropRules", "Try again in a moment."),
        waits=True,
    )
