"""A judge of content that is not ours: how many words a speech recogniser no longer understands.

PocketSphinx (pip install pocketsphinx; benchmark only) brings its English model with it. It is a weak recogniser,
so only differences between sounds of the same sentences mean anything.
"""

from __future__ import annotations

import numpy as np


class Recogniser:
    """Hears 16 kHz English speech, a whole clip at a time."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=16_000, loglevel="FATAL")

    def words(self, samples: np.ndarray) -> list[str]:
        loudest = float(np.abs(samples).max(initial=1e-9))
        whole = np.asarray(samples / loudest * 0.7 * 32767, np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(whole.tobytes(), full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return [] if heard is None else heard.hypstr.split()

    def errors(self, samples: np.ndarray, text: str) -> float:
        """Words wrong, missing or too many, as a share of the words of the text."""
        spoken = text.lower().split()
        return edits(spoken, self.words(samples)) / len(spoken)


def edits(wanted: list[str], heard: list[str]) -> int:
    """The least number of words to change, drop or put in (Levenshtein)."""
    row = np.arange(len(heard) + 1)
    for i, word in enumerate(wanted, 1):
        above, row = row, row.copy()
        row[0] = i
        for j, other in enumerate(heard, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != other))
    return int(row[-1])
