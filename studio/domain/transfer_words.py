"""What the desk says of chips and rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QCoreApplication

from engine.api import OWN_VOCODER, RENDERINGS, RULES, VOCODERS
from studio.domain.clip import Clip
from studio.domain.transfer_setup import EmotionChip, VoiceChip, clips_of
from studio.services.plurals import counted


def rule_words(rule: str) -> tuple[str, str]:
    """A rule's name, and what it does, in a sentence."""
    tr = QCoreApplication.translate
    return {
        "auto": (
            tr("Desk", "Automatic"),
            tr("Desk", "Second by second where one clip is as long as the source, else the mean of what is given."),
        ),
        "mean": (tr("Desk", "Mean"), tr("Desk", "The mean of the given seconds, at every second.")),
        "tile": (tr("Desk", "Tile"), tr("Desk", "The given seconds in turn, over and over.")),
        "stretch": (
            tr("Desk", "Stretch"),
            tr("Desk", "The given seconds drawn out or pressed together to the length that is wanted."),
        ),
        "nearest": (
            tr("Desk", "Nearest content"),
            tr("Desk", "For every second the given one whose content (mean z) is nearest."),
        ),
    }[rule]


def rendering_words(rendering: str) -> tuple[str, str]:
    """A rendering's name, and what it does, in a sentence."""
    tr = QCoreApplication.translate
    return {
        "model": (
            tr("Desk", "Model"),
            tr(
                "Desk",
                "What the networks make of the clip, through a vocoder: all that the model says, and its blur.",
            ),
        ),
        "natural": (
            tr("Desk", "Natural"),
            tr("Desk", "The recording itself, its pitch and spectrum moved as the model says: keeps its detail."),
        ),
    }.get(rendering, (rendering, RENDERINGS.get(rendering, "")))


def all_sounds() -> list[tuple[str, str, str, str]]:
    """(rendering, vocoder, name, sentence) of each way to make the sound; vocoders where there are several."""
    sounds = []
    for rendering in RENDERINGS:
        name, why = rendering_words(rendering)
        sounds.append((rendering, OWN_VOCODER, name, why))
        if rendering == "model" and len(VOCODERS) > 1:
            sounds += [(rendering, each, f"{name} · {each}", f"{why} {about}") for each, about in VOCODERS.items()]
    return sounds


def all_rules() -> list[tuple[str, str, str]]:
    """(rule, name, sentence) of each."""
    return [(rule, *rule_words(rule)) for rule in RULES]


def chip_detail(chip: VoiceChip | EmotionChip, clips: Mapping[str, Clip]) -> str:
    """What is behind a chip's title."""
    tr = QCoreApplication.translate
    found = clips_of(chip.payload, clips)
    if chip.payload.kind == "seconds" and isinstance(chip, EmotionChip):
        count = len(chip.payload.seconds)  # the title of a single one names it
        return tr("Desk", "{0} seconds").format(count) if count > 1 else ""
    if chip.payload.kind in ("speaker", "label") or len(found) > 1:
        return counted(len(found), tr("Desk", "1 clip"), tr("Desk", "{0} clips"))
    return found[0].labels.get("speaker", "") if found else tr("Desk", "no longer there")


def shares(chips: Sequence[VoiceChip | EmotionChip]) -> list[int]:
    """Percent of each chip in the mixture."""
    total = sum(chip.weight for chip in chips)
    return [round(100 * chip.weight / total) for chip in chips]
