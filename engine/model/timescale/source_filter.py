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

from engine.api.specs import ENVELOPE_COEFFICIENTS, AudioSpec

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
        band_of_hz = _bands_of(hz, centres)
        self._band_of_hz = band_of_hz.float().to(device)
        self._band_step = band_of_hz.diff(append=band_of_hz[-1:]).float().to(device)

    def split(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Envelope and fine structure; their sum is the input."""
        envelope = mel @ self._smooth
        return envelope, mel - envelope

    def stretch(self, x: Tensor, factor: Tensor, *, beyond: float | None = None) -> Tensor:
        """Move what lies at f to f * factor.

        A factor that holds for a whole clip is one small matrix applied to all its frames, many times cheaper than
        finding every band of every frame anew; both give the same numbers but for rounding.

        Args:
            x: (..., frames, bands).
            factor: (..., frames), above 1 is up; or (..., 1), the same for all frames.
            beyond: what comes in from outside the bands; None repeats the outermost band.
        """
        place = self._lookup(self._centres / factor[..., None])
        if factor.shape[-1] == 1 and x.shape[-2] > 1:
            y = x @ self._matrix(place[..., 0, :])
        else:
            y = _interpolated(x, place)
        return y if beyond is None else torch.where(_inside(place), y, beyond)

    def _matrix(self, place: Tensor) -> Tensor:
        """Interpolation at `place` (..., bands) as matrices (..., bands from, bands to)."""
        whole = place.floor()
        part = place - whole
        bands = place.shape[-1]
        matrix = place.new_zeros((*place.shape[:-1], bands, bands))
        for offset, weight in zip((-1, 0, 1, 2), _catmull_rom(part), strict=True):
            band = (whole.long() + offset).clamp(0, bands - 1)
            matrix.scatter_add_(-2, band[..., None, :], weight[..., None, :])
        return matrix

    def revoice(self, mel: Tensor, pitch: Tensor, formants: Tensor) -> Tensor:
        """The same speech, its harmonics moved by `pitch` and its envelope by `formants`.

        Both are (..., frames), or (..., 1) where they hold for the whole clip.
        """
        if pitch.shape[-1] == formants.shape[-1] == 1:
            # Everything is linear and the same for all frames: one matrix says it all.
            place = self._lookup(self._centres / pitch[..., None])
            fine = self._matrix(place[..., 0, :]) * _inside(place)
            envelope = self._matrix(self._lookup(self._centres / formants[..., None])[..., 0, :])
            return mel @ (fine + self.basis.T @ (self.basis @ (envelope - fine)))
        envelope, rest = self.split(mel)
        return self.stretch(envelope, formants) + self.stretch(rest, pitch, beyond=0.0)

    def _lookup(self, hz: Tensor) -> Tensor:
        step = (hz / _TABLE_HZ).clamp(0, len(self._band_of_hz) - 2)
        first = step.long()
        return torch.addcmul(self._band_of_hz.take(first), step - first, self._band_step.take(first))


@functools.lru_cache(maxsize=8)
def source_filter(audio: AudioSpec, device: torch.device) -> SourceFilter:
    """The operations for a front end and a device, made once."""
    return SourceFilter(audio, device)


def formants_for(pitch: Tensor) -> Tensor:
    """The factor by which formants move, on average, when a speaker is exchanged for one `pitch` times as high."""
    return pitch**FORMANT_EXPONENT


def _inside(place: Tensor) -> Tensor:
    """Whether a place lies on one of the bands, (..., bands)."""
    return (place >= -0.5) & (place <= place.shape[-1] - 0.5)


def _catmull_rom(part: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights of the bands before, at, after and second after a place `part` beyond a band.

    The curve passes through the bands, so a factor of 1 changes nothing.
    """
    square = part * part
    cube = square * part
    return (
        square - (part + cube) / 2.0,
        1.0 - 2.5 * square + 1.5 * cube,
        part / 2.0 + 2.0 * square - 1.5 * cube,
        (cube - square) / 2.0,
    )


_MARGIN = 3  # bands of padding: beyond them all four neighbours are the outermost band, wherever the place is


def _interpolated(x: Tensor, place: Tensor) -> Tensor:
    """x (..., frames, bands) at `place` (..., frames or 1, bands), the outermost bands repeated."""
    whole = place.floor()
    bands = x.shape[-1]
    before, at, after, second = _catmull_rom(place - whole)
    index = (whole.clamp(-_MARGIN, bands - 2 + _MARGIN).long() + _MARGIN).expand(x.shape)
    edge = (*x.shape[:-1], _MARGIN + 1)
    padded = torch.cat((x[..., :1].expand(edge), x, x[..., -1:].expand(edge)), dim=-1)
    y = padded.gather(-1, index) * before
    for offset, weight in ((1, at), (2, after), (3, second)):
        y = torch.addcmul(y, padded[..., offset:].gather(-1, index), weight)
    return y


def _bands_of(hz: Tensor, centres: Tensor) -> Tensor:
    """Fractional band of each frequency, continued straight beyond the outermost bands."""
    above = torch.searchsorted(centres, hz).clamp(1, len(centres) - 1)
    low, high = centres[above - 1], centres[above]
    return above - 1 + (hz - low) / (high - low)
