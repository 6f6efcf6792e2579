"""Recipe of a rendered sound, as JSON in the comment of its file.

The comment has a line for people and, after it, `recipe=` and the JSON on one line. Readers of WAV files take in no
more than 2 kB of a comment, so there a longer recipe is compressed (`recipe.z=`, zlib in base64); one that is too
long even so is left out, and a note reports it. FLAC has room for any.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from pathlib import Path

import numpy as np
import soundfile

from engine.api import ControlSignal, Note, ReadRecipes, RecipesRead, Report, SaveSound, SoundSaved
from engine.api.errors import EngineError
from engine.audio import sound_files
from engine.runtime.control import check_control

WAV_COMMENT_BYTES = 2_040  # libsndfile reads a text of 2045 bytes and drops a longer one
WORDS_BYTES = 200  # kept free for the line for people
MOST_BYTES = 4_000_000  # of a recipe once unpacked: nothing that a studio writes comes near
PLAIN, PACKED = "recipe=", "recipe.z="


def tags(words: str, recipe: str, suffix: str) -> dict[str, str]:
    """Tags for `files.write`: the words, and the recipe (JSON) where it fits."""
    words = " ".join(words.split())[:WORDS_BYTES]
    line = packed(recipe, None if suffix.lower() == ".flac" else WAV_COMMENT_BYTES - len(words.encode()) - 1)
    return {"software": "Triptych", "comment": words if line is None else f"{words}\n{line}"}


def packed(recipe: str, most_bytes: int | None) -> str | None:
    """The line that holds a recipe, None if there is none or it does not fit."""
    if not recipe:
        return None
    text = json.dumps(json.loads(recipe), separators=(",", ":"))  # one line, ASCII
    line = PLAIN + text
    if most_bytes is None or len(line) <= most_bytes:
        return line
    line = PACKED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return line if len(line) <= most_bytes else None


def unpacked(comment: str) -> str | None:
    """The recipe in a comment; None if there is none that can be read."""
    for line in comment.splitlines():
        if line.startswith(PLAIN):
            return line.removeprefix(PLAIN)
        if line.startswith(PACKED):
            try:
                inflate = zlib.decompressobj()
                content = base64.b64decode(line.removeprefix(PACKED), validate=True)
                text = inflate.decompress(content, MOST_BYTES).decode()
            except (ValueError, zlib.error):  # no base64, no zlib, no text
                return None
            return text if inflate.eof else None
    return None


def save(request: SaveSound, report: Report, control: ControlSignal) -> SoundSaved:
    """Write a sound again as WAV or FLAC, with its recipe.

    Raises:
        EngineError: the sound cannot be read. ExportError: the suffix is another, or the disk refuses.
    """
    suffix = Path(request.out).suffix
    try:
        samples, rate_hz = soundfile.read(request.sound, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise EngineError(
            f"The sound {Path(request.sound).name} cannot be read: {error}.", "Render the take again."
        ) from error
    given = tags(request.words, request.recipe, suffix)
    sound_files.write(request.out, np.ascontiguousarray(samples[:, 0]), rate_hz, {"title": request.title, **given})
    kept = unpacked(given["comment"]) is not None
    if request.recipe and not kept:
        report(
            Note(
                "The recipe names more recordings than the tags of a WAV file hold.",
                "Save it as FLAC to keep the recipe with the sound.",
            )
        )
    return SoundSaved(request.out, kept)


def read(request: ReadRecipes, report: Report, control: ControlSignal) -> RecipesRead:
    """The recipes of those files that have one; whatever else is among them is passed over."""
    found = []
    for path in request.paths:
        check_control(control)
        try:
            with soundfile.SoundFile(os.fspath(path)) as file:
                comment = file.comment
        except (OSError, soundfile.SoundFileError, UnicodeDecodeError):
            continue  # not a sound, or none that has tags: the import reports what is wrong with it
        if (recipe := unpacked(comment or "")) is not None:
            found.append((str(path), recipe))
    return RecipesRead(tuple(found))
