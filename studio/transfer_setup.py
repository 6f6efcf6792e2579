"""What the transfer desk holds: a source, voices and emotions to give it, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.api import LatentRef, ModelInfo
from studio.clips import Clip
from studio.drag import Payload


@dataclass(frozen=True)
class VoiceChip:
    """A giver of h: clips (their mean) or a speaker (the mean of all its clips), with a weight among the voices."""

    payload: Payload
    title: str
    weight: float = 1.0


@dataclass(frozen=True)
class EmotionChip:
    """A giver of m: single seconds, or clips whole, with a weight among the emotions."""

    payload: Payload
    title: str
    weight: float = 1.0


@dataclass
class TransferSetup:
    """source: id of the clip to change; strength: 0 = its own latents, 1 = the given ones, up to 1.5."""

    source: str | None = None
    voices: list[VoiceChip] = field(default_factory=list)
    emotions: list[EmotionChip] = field(default_factory=list)
    strength: float = 1.0


def title_of(payload: Payload, clips: Mapping[str, Clip]) -> str:
    """A few words for a chip."""
    if payload.name:
        return payload.name
    if payload.kind == "speaker":
        return payload.speaker
    names = [clips[clip_id].name if clip_id in clips else "?" for clip_id in payload.clip_ids]
    if payload.kind == "seconds" and len(payload.seconds) == 1:
        return f"{names[0]} · {payload.seconds[0][1]} s"
    return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}" if names else ""


def clips_of(payload: Payload, clips: Mapping[str, Clip]) -> list[Clip]:
    """The recordings a payload means now: a speaker's may have changed since it was dragged."""
    if payload.kind == "speaker":
        return [clip for clip in clips.values() if clip.labels.get("speaker", "") == payload.speaker]
    return [clips[clip_id] for clip_id in payload.clip_ids if clip_id in clips]


def latents_of(
    chip: VoiceChip | EmotionChip, clips: Mapping[str, Clip], model: ModelInfo | None
) -> tuple[LatentRef, ...]:
    """The latents a chip stands for, those that the model has made; its weight is shared out among them."""
    payload = chip.payload
    known = {clip.id: clip.folder for clip in clips_of(payload, clips) if clip.folder and clip.encoded_by(model)}
    if isinstance(chip, EmotionChip) and payload.kind == "seconds":
        wanted: list[tuple[str, int | None]] = list(payload.seconds)
        shares = payload.weights or (1.0,) * len(wanted)
    elif payload.kind == "clips":
        wanted = [(clip_id, None) for clip_id in payload.clips]
        shares = payload.weights or (1.0,) * len(wanted)
    else:  # a speaker, or the recordings that seconds are of
        wanted = [(clip_id, None) for clip_id in known]
        shares = (1.0,) * len(wanted)
    there = [(known[i], second, share) for (i, second), share in zip(wanted, shares, strict=True) if i in known]
    whole = sum(share for _, _, share in there)
    if whole <= 0.0:
        return ()
    return tuple(LatentRef(folder, second, chip.weight * share / whole) for folder, second, share in there)
