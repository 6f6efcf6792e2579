"""RAVDESS file names (Livingstone and Russo, PLOS ONE 2018): seven two-digit fields.

modality-channel-emotion-intensity-statement-repetition-actor; odd actors are male, even ones female. Arousal and
valence are the emotion's coordinates (see affect): the corpus itself rates neither.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.corpus.layouts.affect import coordinates
from engine.corpus.manifest import Labels

_NAME = re.compile(r"0[1-3]-0[12]-(0[1-8])-0[12]-(0[12])-0[12]-(\d\d)")
_EMOTIONS = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08"),
        ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
        strict=True,
    )
)
_STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}


class Ravdess:
    """Labels of files named so."""

    def labels(self, path: Path) -> Labels | None:
        """What the name says, or None if it is not one of this corpus."""
        match = _NAME.fullmatch(path.stem)
        if match is None:
            return None
        emotion, statement, actor = match.groups()
        arousal, valence = coordinates(_EMOTIONS[emotion])
        return Labels(
            speaker=f"actor {actor}",
            gender="male" if int(actor) % 2 else "female",
            emotion=_EMOTIONS[emotion],
            text=_STATEMENTS[statement],
            session=f"actor {actor}",
            arousal=arousal,
            valence=valence,
        )
