"""Arousal and valence of acted emotions, for corpora that name emotions only.

Mean ratings of pleasure and arousal, each -1 to 1, that J. A. Russell and A. Mehrabian ("Evidence for a
three-factor theory of emotions", Journal of Research in Personality 11, 1977, table 4) give for the words angry,
bored, disgusted, fearful, happy, sad and surprised. Calm is put at its angle of 316.2 degrees on the unit circle of
J. A. Russell ("A circumplex model of affect", Journal of Personality and Social Psychology 39, 1980, figure 2).
Neutral is the middle of both scales.

These are coordinates of words and not ratings of recordings: every angry clip of an acted corpus has the same two
numbers, whatever its intensity.
"""

from __future__ import annotations

SOURCE = "Russell and Mehrabian 1977 (calm: Russell 1980)"

# Emotion: pleasure, arousal.
_COORDINATES = {
    "angry": (-0.51, 0.59),
    "bored": (-0.65, -0.62),
    "calm": (0.72, -0.69),
    "disgust": (-0.60, 0.35),
    "fearful": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "neutral": (0.0, 0.0),
    "sad": (-0.63, -0.27),
    "surprised": (0.40, 0.67),
}


def coordinates(emotion: str) -> tuple[float, float]:
    """Arousal, 0 to 1, and valence, -1 to 1, of one of the emotions the acted corpora name."""
    pleasure, arousal = _COORDINATES[emotion]
    return round((arousal + 1.0) / 2.0, 4), pleasure
