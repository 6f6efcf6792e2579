"""What each zone of the transfer desk takes, and the reason when it does not. Plain functions."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from engine.api import ModelInfo
from studio.clips import FAILED, MISSING, Clip
from studio.drag import Payload
from studio.transfer_setup import clips_of

SOURCE, VOICE, EMOTION = "source", "voice", "emotion"


def refusal(zone: str, payload: Payload, clips: Mapping[str, Clip], model: ModelInfo | None) -> str | None:
    """Why a zone cannot take the payload, in a sentence; None when it can.

    Args:
        zone: SOURCE (one clip), VOICE (h of clips or of a speaker) or EMOTION (m of clips, seconds or a speaker).
        clips: the library.
        model: the current model; without one nothing has an h or an m.
    """
    tr = QCoreApplication.translate
    found = clips_of(payload, clips)
    if not found or (payload.kind != "speaker" and len(found) < len(payload.clip_ids)):
        if payload.kind == "speaker":
            return tr("DropRules", "No clip of speaker {0} is in the library.").format(payload.speaker)
        return tr("DropRules", "That clip is no longer in the library.")
    if zone == SOURCE and len(found) > 1:
        if payload.kind == "speaker":
            return tr("DropRules", "A speaker is many clips; the source is one. Drop one clip here.")
        return tr("DropRules", "The source is one clip, and these are {0}. Drop one of them.").format(len(found))
    if zone == SOURCE:  # it may wait for its analysis and for a model: the recipe is kept
        return why_not(found[0], model) if found[0].state in (FAILED, MISSING) else None
    if model is None:
        return tr("DropRules", "There is no model yet. Train one first, or open one from the Model menu.")
    waiting = [clip for clip in found if not clip.encoded_by(model)]
    if waiting and not (payload.kind == "speaker" and len(waiting) < len(found)):  # a speaker is what is ready
        return why_not(waiting[0], model)
    for clip_id, second in payload.seconds:
        duration_s = clips[clip_id].duration_s
        if second < 0 or (duration_s is not None and second >= duration_s):
            return tr("DropRules", "{0} has no second {1}.").format(clips[clip_id].name, second)
    return None


def why_not(clip: Clip, model: ModelInfo | None) -> str:
    """Why a clip has no latents to use yet."""
    tr = QCoreApplication.translate
    if clip.state == MISSING:
        return tr("DropRules", "The file of {0} is no longer where it was.").format(clip.name)
    if clip.error is not None:
        return tr("DropRules", "{0} could not be analysed: {1}").format(clip.name, clip.error[0])
    if model is None:
        return tr("DropRules", "There is no model yet. Train one first, or open one from the Model menu.")
    return tr("DropRules", "{0} is still being analysed. Try again in a moment.").format(clip.name)
