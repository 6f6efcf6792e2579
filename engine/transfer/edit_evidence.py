"""Measurements of what a transfer changed against the control, over all of it or over the edited seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.api import EditedEvidence
from engine.audio import f0_tracker
from engine.transfer.take_evidence import mel_cepstra, semitones

FAINT_NEPERS = 4.6  # 40 dB below the loudest frame: what differs there is not heard
FEWEST_VOICED = 8  # frames, for a median pitch

Floats = npt.NDArray[np.floating]


def difference_db(mel: Floats, control: Floats) -> float | None:
    """Mel-cepstral difference of two log-mels (frames, bands) of one timing, the mean over what is heard, in dB.

    It is the root mean square difference of the smoothed spectra, level and timbre alike. None in silence.
    """
    loudness = np.maximum(mel.mean(axis=1), control.mean(axis=1))
    heard = loudness > loudness.max(initial=-np.inf) - FAINT_NEPERS
    if not heard.any():
        return None
    apart = mel_cepstra(mel[heard]) - mel_cepstra(control[heard])
    level = (mel[heard].mean(axis=1) - control[heard].mean(axis=1)) * math.sqrt(mel.shape[1])
    squares = np.square(apart).sum(axis=1) + np.square(level)
    return float(np.sqrt(squares).mean() * 20.0 / math.log(10.0) / math.sqrt(mel.shape[1]))


def of_edited(
    seconds: Sequence[int],
    window_frames: int,
    source_f0: Floats,
    control: tuple[Floats, Floats],
    result: tuple[Floats, Floats],
) -> EditedEvidence | None:
    """What happened in the edited seconds; None if none are.

    Args:
        source_f0: (frames,) Hz, NaN where unvoiced. control, result: log-mel (frames, bands) and F0 of each sound.
    """
    if not seconds:
        return None
    inside = np.isin(np.arange(len(source_f0)) // window_frames, np.asarray(seconds))

    def shift(f0: Floats) -> float | None:
        both = inside & np.isfinite(source_f0) & np.isfinite(f0)
        if int(both.sum()) < FEWEST_VOICED:
            return None
        return semitones(f0_tracker.median_hz(source_f0[both]), f0_tracker.median_hz(f0[both]))

    return EditedEvidence(
        tuple(seconds), shift(control[1]), shift(result[1]), difference_db(result[0][inside], control[0][inside])
    )
