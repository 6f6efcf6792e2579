"""Speech taken apart in the log-mel domain: a smooth envelope (the vocal tract) and fine structure (the voice's
harmonics), each of which can be stretched along the frequency axis by itself.

The split is cepstral liftering along the bands: the first coefficients of a cosine transform are the envelope, the
rest is fine structure. Below about 2.5 kHz the bands resolve the harmonics, and there the fine structure moves with
the pitch; above, nothing is resolved and next to nothing moves.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from engine.specs import AudioSpec

ENVELOPE_COEFFICIENTS = 20  # of 140: the slowest harmonics (60 Hz apart) begin above them
# Across speakers, formants follow pitch with about its cube root: women's lie 15 to 20 % above men's, their pitch
# 70 to 80 % (Fant 1966; Peterson and Barney 1952).
FORMANT_EXPONENT = 1.0 / 3.0
_TABLE_HZ = 0.5  # step of the table that turns Hz into bands


class SourceFilter:
    """The operations on log-mel (..., frames, bands) of one audio front end, on one device."""

    def __init__(self, audio: AudioSpec, device: torch.device) -> None:
        bands = audio.bands
        order = torch.arange(ENVELOPE_COEFFICIENTS, dtype=torch.float64)[:, None]
        place = torch.arange(bands, dtype=torch.float64) + 0.5
        basis = torch.cos(math.pi * order * place / bands) * math.sqrt(2.0 / bands)
        basis[0] /= math.sqrt(2.0)
        self.basis = basis.float().to(device)  # orthonormal: (coefficients, bands)
        self._smooth = self.basis.T @ self.basis
        centres = torch.from_numpy(audio.band_centres_hz())
        self._centres = centres.float().to(device)
        # Twice the highest frequency, so that a stretch by a half still finds its place.
        hz = torch.arange(0.0, 2.0 * audio.high_hz + 1.0, _TABLE_HZ, dtype=torch.float64)
        self._band_of_hz = _bands_of(hz, centres).float().to(device)

    def split(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Envelope and fine structure; their sum is the input."""
        envelope = mel @ self._smooth
        return envelope, mel - envelope

    def stretch(self, x: Tensor, factor: Tensor, *, beyond: float | None = None) -> Tensor:
        """Move what lies at f to f * factor.

        Args:
            x: (..., frames, bands).
            factor: (..., frames), above 1 is up.
            beyond: what comes in from outside the bands; None repeats the outermost band.
        """
        place = self._lookup(self._centres / factor[..., None])
        whole = place.floor()
        part = place - whole
        first = whole.long()
        last = x.shape[-1] - 1

        def at(offset: int) -> Tensor:
            return x.gather(-1, (first + offset).clamp(0, last))

        # Catmull-Rom: passes through the bands, so a factor of 1 changes nothing.
        a, b, c, d = at(-1), at(0), at(1), at(2)
        y = b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)))
        return y if beyond is None else torch.where((place < -0.5) | (place > last + 0.5), beyond, y)

    def revoice(self, mel: Tensor, pitch: Tensor, formants: Tensor) -> Tensor:
        """The same speech, its harmonics moved by `pitch` and its envelope by `formants`, both (..., frames)."""
        envelope, fine = self.split(mel)
        return self.stretch(envelope, formants) + self.stretch(fine, pitch, beyond=0.0)

    def _lookup(self, hz: Tensor) -> Tensor:
        step = (hz / _TABLE_HZ).clamp(0, len(self._band_of_hz) - 2)
        first = step.floor().long()
        low, high = self._band_of_hz[first], self._band_of_hz[first + 1]
        return low + (step - first) * (high - low)


@functools.lru_cache(maxsize=8)
def source_filter(audio: AudioSpec, device: torch.device) -> SourceFilter:
    """The operations for a front end and a device, made once."""
    return SourceFilter(audio, device)


def formants_for(pitch: Tensor) -> Tensor:
    """The factor by which formants move, on average, when a speaker is exchanged for one `pitch` times as high."""
    return pitch**FORMANT_EXPONENT


def _bands_of(hz: Tensor, centres: Tensor) -> Tensor:
    """Fractional band of each frequency, continued straight beyond the outermost bands."""
    above = torch.searchsorted(centres, hz).clamp(1, len(centres) - 1)
    low, high = centres[above - 1], centres[above]
    return above - 1 + (hz - low) / (high - low)
