"""EMO-DB file names (Burkhardt et al., "A database of German emotional speech", INTERSPEECH 2005): SSTTTEv.

SS speaker, TTT sentence, E emotion by its German initial, v version. Arousal and valence are the emotion's
coordinates (see affect): the corpus itself rates neither.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.corpus.layouts.affect import coordinates
from engine.corpus.manifest import Labels

_GENDERS = {
    "03": "male",
    "08": "female",
    "09": "female",
    "10": "male",
    "11": "male",
    "12": "male",
    "13": "female",
    "14": "female",
    "15": "male",
    "16": "female",
}
_EMOTIONS = {
    "W": "angry",
    "L": "bored",
    "E": "disgust",
    "A": "fearful",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
_SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
_NAME = re.compile(rf"({'|'.join(_GENDERS)})({'|'.join(_SENTENCES)})([{''.join(_EMOTIONS)}])[a-z]")


class EmoDb:
    """Labels of files named so."""

    def labels(self, path: Path) -> Labels | None:
        """What the name says, or None if it is not one of this corpus."""
        match = _NAME.fullmatch(path.stem)
        if match is None:
            return None
        speaker, sentence, initial = match.groups()
        emotion = _EMOTIONS[initial]
        arousal, valence = coordinates(emotion)
        return Labels(
            speaker=f"emodb {speaker}",
            gender=_GENDERS[speaker],
            emotion=emotion,
            text=_SENTENCES[sentence],
            session=f"emodb {speaker}",
            arousal=arousal,
            valence=valence,
        )
