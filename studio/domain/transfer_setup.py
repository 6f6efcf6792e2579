"""Setup of a transfer: a source, its references, how strongly they act, and edits of single seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from PySide6.QtCore import QCoreApplication

from engine.api import OWN_VOCODER, RULES, LatentRef, ModelInfo, SecondEdit, Transfer
from engine.api.stored_values import one_of
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload


@dataclass(frozen=True)
class VoiceChip:
    """A reference of h: clips, a speaker or a label (the mean of its clips), with a weight among the voices."""

    payload: Payload
    title: str
    weight: float = 1.0


@dataclass(frozen=True)
class EmotionChip:
    """A reference of m: single seconds, clips whole, or all clips of a label, with a weight among the emotions."""

    payload: Payload
    title: str
    weight: float = 1.0


@dataclass(frozen=True)
class LaneEdit:
    """Seconds of one recording that take the m of others, as engine.api.SecondEdit says; made in the clip view."""

    target: Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(min_length=1)]
    payload: Payload
    title: str  # of the reference
    weight: float = 1.0
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0
    rule: Annotated[str, one_of(RULES)] = "stretch"


@dataclass
class TransferSetup:
    """source: id of the clip to change.

    strength (of h), strength_m: 0 = its own latents, 1 = the given ones, up to 1.5.
    rule: how the emotions' seconds are laid on the source's; rendering: how the sound is made.
    vocoder: one of engine.api.VOCODERS, or OWN_VOCODER: as the preferences say.
    edits: by clip id; they count whenever that clip is the source.
    """

    source: str | None = None
    voices: list[VoiceChip] = field(default_factory=list)
    emotions: list[EmotionChip] = field(default_factory=list)
    strength: float = 1.0
    strength_m: float = 1.0
    rule: str = "auto"
    rendering: str = "model"
    vocoder: str = OWN_VOCODER
    edits: dict[str, tuple[LaneEdit, ...]] = field(default_factory=dict)

    def edits_of_source(self) -> tuple[LaneEdit, ...]:
        return self.edits.get(self.source or "", ())

    def chips(self) -> list[VoiceChip | EmotionChip]:
        """Everything given, voices first."""
        return [*self.voices, *self.emotions]

    def given(self) -> list[tuple[str, Payload]]:
        """Title and payload of everything given to the source, edits of its seconds last."""
        return [(item.title, item.payload) for item in (*self.chips(), *self.edits_of_source())]

    @property
    def gives(self) -> bool:
        """Whether anything is given at all."""
        return bool(self.voices or self.emotions or self.edits_of_source())


def title_of(payload: Payload, clips: Mapping[str, Clip]) -> str:
    """A few words for a chip."""
    if payload.name:
        return payload.name
    if payload.kind == "speaker":
        return payload.speaker
    if payload.kind == "label":
        return QCoreApplication.translate("TransferSetup", "every {0}").format(payload.label[1])
    names = [clips[clip_id].name if clip_id in clips else "?" for clip_id in payload.clip_ids]
    if payload.kind == "seconds" and len(payload.seconds) == 1:
        return f"{names[0]} · {payload.seconds[0][1]} s"
    if payload.kind == "seconds" and len(names) == 1:
        seconds = [second for _, second in payload.seconds]
        if seconds == list(range(seconds[0], seconds[0] + len(seconds))):
            return f"{names[0]} · {seconds[0]}–{seconds[-1] + 1} s"
    return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}" if names else ""


def clips_of(payload: Payload, clips: Mapping[str, Clip]) -> list[Clip]:
    """The recordings a payload means now: a speaker's or a label's may have changed since it was dragged."""
    if payload.kind == "speaker":
        return [clip for clip in clips.values() if clip.labels.get("speaker", "") == payload.speaker]
    if payload.kind == "label":
        name, value = payload.label
        return [clip for clip in clips.values() if value and clip.labels.get(name, "") == value]
    return [clips[clip_id] for clip_id in payload.clip_ids if clip_id in clips]


def latents_of(
    chip: VoiceChip | EmotionChip, clips: Mapping[str, Clip], model: ModelInfo | None
) -> tuple[LatentRef, ...]:
    """The latents a chip stands for, those that the model has made; its weight is shared out among them."""
    return _latents(chip.payload, chip.weight, clips, model, seconds=isinstance(chip, EmotionChip))


def edit_of(edit: LaneEdit, clips: Mapping[str, Clip], model: ModelInfo | None) -> SecondEdit | None:
    """An edit as the engine takes it; None while nothing of what it gives is analysed with this model."""
    references = _latents(edit.payload, 1.0, clips, model, seconds=True)
    if not references:
        return None
    return SecondEdit(edit.target, references, edit.weight, edit.fade_in_s, edit.fade_out_s, edit.rule)


def request_of(
    setup: TransferSetup, source: Clip, clips: Mapping[str, Clip], model: ModelInfo, takes_dir: Path, name: str
) -> Transfer | None:
    """What the engine is to render of this source; None while nothing that is given is analysed with this model."""
    assert source.folder is not None
    voice = tuple(ref for chip in setup.voices for ref in latents_of(chip, clips, model))
    emotion = tuple(ref for chip in setup.emotions for ref in latents_of(chip, clips, model))
    edits = [edit_of(edit, clips, model) for edit in setup.edits.get(source.id, ())]
    ready = tuple(edit for edit in edits if edit is not None)
    if not voice and not emotion and not ready:
        return None
    return Transfer(
        source=source.folder,
        model=model.path,
        out_dir=str(takes_dir / name),
        name=name,
        voice=voice,
        emotion=emotion,
        strength=setup.strength,
        strength_m=setup.strength_m,
        rule=setup.rule,
        edits=ready,
        rendering=setup.rendering,
        vocoder=setup.vocoder,
    )


def span_words(seconds: Sequence[int]) -> str:
    """(2, 3, 4, 7) -> "2–5 s, 7–8 s"."""
    spans: list[list[int]] = []
    for second in seconds:
        if spans and second == spans[-1][1]:
            spans[-1][1] = second + 1
        else:
            spans.append([second, second + 1])
    return ", ".join(f"{start}–{stop} s" for start, stop in spans)


def _latents(
    payload: Payload, weight: float, clips: Mapping[str, Clip], model: ModelInfo | None, *, seconds: bool
) -> tuple[LatentRef, ...]:
    known = {clip.id: clip.folder for clip in clips_of(payload, clips) if clip.folder and clip.encoded_by(model)}
    if seconds and payload.kind == "seconds":
        wanted: list[tuple[str, int | None]] = list(payload.seconds)
        shares = payload.weights or (1.0,) * len(wanted)
    elif payload.kind == "clips":
        wanted = [(clip_id, None) for clip_id in payload.clips]
        shares = payload.weights or (1.0,) * len(wanted)
    else:  # a speaker or a label, or the recordings that seconds are of
        wanted = [(clip_id, None) for clip_id in known]
        shares = (1.0,) * len(wanted)
    there = [(known[i], second, share) for (i, second), share in zip(wanted, shares, strict=True) if i in known]
    whole = sum(share for _, _, share in there)
    if whole <= 0.0:
        return ()
    return tuple(LatentRef(folder, second, weight * share / whole) for folder, second, share in there)
