"""A take as a file for other programs: a copy of its sound under a name that says what it is."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from engine.api import LatentRef, Take
from studio.domain.clip import Clip
from studio.domain.references import reference_summary

OUT = "out"  # below the take's folder: goes where it goes, and goes with it
FORBIDDEN = '<>:"/\\|?*'  # in names of files, on one system or another
MOST_LETTERS = 120


def speaking_name(take: Take, clips: Mapping[str, Clip]) -> str:
    """A name for a take's file: its own, or while that is a number, its references and strengths.

    Args:
        clips: recordings by their analysis folders.
    """
    words = take.name
    if take.name == Path(take.transformed).stem:  # nobody named it
        tr = QCoreApplication.translate
        voice, emotion = _names(take.voice, clips), _names(take.emotion, clips)
        strength_m = take.strength if take.strength_m is None else take.strength_m
        parts = [take.name]
        if voice:
            parts.append(tr("TakeFiles", "voice of {0} {1} %").format(voice, round(100 * take.strength)))
        if emotion:
            parts.append(tr("TakeFiles", "emotion of {0} {1} %").format(emotion, round(100 * strength_m)))
        if take.edits:
            parts.append(tr("TakeFiles", "seconds edited"))
        words = ", ".join(parts)
    plain = "".join("-" if letter in FORBIDDEN or not letter.isprintable() else letter for letter in words)
    return plain[:MOST_LETTERS].strip(" .") or Path(take.transformed).stem


def copy_out(take: Take, name: str) -> Path:
    """A copy of the transformed sound: other programs may do with it what they like.

    One that was changed since is left to whoever changed it, and the next has a number.

    Raises:
        OSError: the sound is gone, or the disk refuses.
    """
    sound = Path(take.transformed)
    folder = sound.parent / OUT
    folder.mkdir(exist_ok=True)
    target, number = folder / f"{name}{sound.suffix}", 1
    while target.exists():
        if _stamp(target) == _stamp(sound):
            return target
        number += 1
        target = folder / f"{name} ({number}){sound.suffix}"
    temporary = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        shutil.copy2(sound, temporary)
        os.replace(temporary, target)  # never half a file
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _names(latents: Sequence[LatentRef], clips: Mapping[str, Clip]) -> str:
    """The speaker, if all are one's; else the first recording, and how many more."""
    references = reference_summary(latents, clips)
    if references is None or references.speaker:
        return "" if references is None else references.speaker
    name, more = Path(references.first).stem, references.recordings - 1
    return QCoreApplication.translate("TakeFiles", "{0} and {1} more").format(name, more) if more else name
