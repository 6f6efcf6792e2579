"""From folders and single recordings to one manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.api import AUDIO_SUFFIXES, ClipRef, Steer
from engine.corpus.emodb import EmoDb
from engine.corpus.folders import speaker_of_each
from engine.corpus.librispeech import LibriSpeech
from engine.corpus.manifest import Labels, Manifest, Skipped, Utterance
from engine.corpus.ravdess import Ravdess
from engine.errors import Cancelled, CorpusError
from engine.steering import obey


def scan(folders: Sequence[str], clips: Sequence[ClipRef], steer: Steer) -> Manifest:
    """Every recording below the folders, and the single ones, each once; layouts are recognised file by file.

    Nothing is decoded here: a file that turns out to be no sound is told when it is read.

    Raises:
        CorpusError: a folder is missing or unreadable, or there is no recording at all.
        Cancelled: the user cancelled or stopped it.
    """
    layouts = (LibriSpeech(), Ravdess(), EmoDb())
    utterances: dict[str, Utterance] = {}
    skipped: list[Skipped] = []
    others = 0

    def labels_of(path: Path) -> Labels | None:
        return next((found for layout in layouts if (found := layout.labels(path)) is not None), None)

    def add(path: Path, name: str, labels: Labels) -> None:
        if why := _unusable(path):
            skipped.append(Skipped(str(path), why))
        elif utterances.setdefault(os.path.realpath(path), Utterance(str(path), name, labels)).path != str(path):
            skipped.append(Skipped(str(path), "It is in the corpus already."))

    for folder in folders:
        root = Path(folder).absolute()
        found = []
        for path in _files(root, skipped, steer):
            if path.suffix.lower() in AUDIO_SUFFIXES:
                found.append(path)
            else:
                others += 1
        known = {path: labels for path in found if (labels := labels_of(path)) is not None}
        known |= speaker_of_each(path for path in found if path not in known)
        for path in found:
            add(path, path.relative_to(root).as_posix(), known[path])
    for clip in clips:
        path = Path(clip.path).absolute()
        # The user's own labels go before the layout's.
        add(path, path.name, Labels.of(clip.labels).over(labels_of(path) or Labels()))

    if not utterances:
        told = f" ({others} other files are there)" if others else ""
        if skipped:
            told += f"; {Path(skipped[0].path).name} and {len(skipped) - 1} more cannot be used: {skipped[0].why}"
        raise CorpusError(f"The corpus holds no recording{told}.", "Choose a folder that holds sound files.")
    return Manifest(tuple(sorted(utterances.values(), key=lambda u: (u.name, u.path))), tuple(skipped))


def _files(root: Path, skipped: list[Skipped], steer: Steer) -> Iterator[Path]:
    """Every file below root, in order, hidden ones left out."""
    if not root.is_dir():
        raise CorpusError(f"The folder {root} is not there.", "Check whether it was moved, or choose another one.")

    def unreadable(error: OSError) -> None:
        if error.filename == str(root):
            raise CorpusError(
                f"The folder {root} cannot be read: {error.strerror}.", "Change its permissions or choose another."
            ) from error
        skipped.append(Skipped(str(error.filename), f"The folder cannot be read: {error.strerror}."))

    for folder, below, names in os.walk(root, onerror=unreadable):
        if obey(steer):
            raise Cancelled
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder, name)


def _unusable(path: Path) -> str:
    """Why a file cannot be used, as far as one sees without opening it; empty if it can."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"It cannot be found: {error.strerror or error}."
    if size == 0:
        return "The file is empty."
    if not os.access(path, os.R_OK):
        return "It may not be read."
    return ""
