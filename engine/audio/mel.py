"""Waveform -> log-mel spectrogram, batched or streamed, and back to a linear magnitude spectrogram.

STFT with a periodic Hann window, centred frames, reflected ends; amplitude (power 1); triangular bands of equal
area on Slaney's mel scale; natural logarithm with a stated floor. Frame i is centred on sample i * hop.

The transform behind a log-mel runs in float64, as librosa's does: a frame's weakest band may lie 120 dB below its
loudest, where float32 would be wrong by 3e-4 nepers. It would do for some frames, but which ones cannot be told
safely: by a bound that always holds, float32 is within 1e-5 nepers in hardly a frame of speech (0.2 % of
LibriSpeech's), because low bands hear one or two bins. What is multiplied and added afterwards is float32.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from engine.api.errors import SpecError
from engine.api.specs import AudioSpec
from engine.audio.files import amplitude

CHUNK_FRAMES = 1024  # frames taken at a time: bounds the memory of an hour-long clip
# Frames transformed at a time: few enough to stay in the cache, and enough to share what torch prepares anew for
# every call (the sines of a transform take as long as 25 of them).
TRANSFORM_FRAMES = 48
# Several narrow products instead of one, for a band hears few of the bins. The low bands hear the fewest, and a
# product is fastest that gives multiples of 16.
BAND_GROUPS = (48, 64, 80, 96, 112, 128)

REFINEMENTS = 5  # of the inverse; more are not heard
SMALLEST = 1e-7  # magnitude: a multiplied zero would stay zero


class MelFrontEnd:
    """The audio front end of one spec on one device. Holds no state between calls.

    Raises:
        SpecError: the hop is so long that sound could not be rebuilt from the frames.
    """

    def __init__(self, spec: AudioSpec, device: str | torch.device = "cpu") -> None:
        if spec.hop_samples >= spec.n_fft // 2:
            raise SpecError(
                f"hop_samples is {spec.hop_samples} with windows of {spec.n_fft} samples.",
                f"It can be at most {spec.n_fft // 2 - 1}, so that frames overlap enough.",
                "hop_samples",
            )
        self.spec = spec
        self.device = torch.device(device)
        self._bands = band_filters(spec)
        self._window = torch.hann_window(spec.n_fft, device=self.device)
        exact = torch.float32 if self.device.type == "mps" else torch.float64  # Apple's cards have no float64
        self._exact_window = torch.hann_window(spec.n_fft, dtype=torch.float64).to(self.device, exact)
        self._filters = torch.from_numpy(self._bands.astype(np.float32)).to(self.device)
        splits = np.split(np.arange(spec.bands), BAND_GROUPS)
        self._groups = [self._group(bands) for bands in splits if len(bands)]

    @functools.cached_property
    def _inverse(self) -> torch.Tensor:
        """Made when it is first needed: who only measures never waits for it."""
        return torch.from_numpy(_inverse_filters(self.spec)).to(self.device)

    def log_mel(self, wave: torch.Tensor) -> torch.Tensor:
        """Natural log of the mel amplitudes, float32 (..., frames, bands), of (..., samples) at the spec's rate.

        frames = spec.frames(samples).
        """
        frames = self.spec.frames(wave.shape[-1])
        padded = self._pad(wave.to(self.device, torch.float32))
        hop, n_fft = self.spec.hop_samples, self.spec.n_fft
        parts = []
        for first in range(0, frames, CHUNK_FRAMES):
            count = min(CHUNK_FRAMES, frames - first)
            parts.append(self._log_mel(padded[..., first * hop : (first + count - 1) * hop + n_fft]))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-2)

    def stream_log_mel(self, blocks: Iterable[npt.NDArray[np.float32]], gain_db: float) -> Iterator[torch.Tensor]:
        """The log-mel of a clip that arrives in blocks, as pieces (frames, bands): those of the whole clip.

        Args:
            blocks: contiguous float32 (n,) at the spec's rate, of any sizes.
            gain_db: level normalisation to apply (see audio.measure_gain_db).
        """
        half, hop, n_fft = self.spec.n_fft // 2, self.spec.hop_samples, self.spec.n_fft
        gain = amplitude(gain_db)
        held = torch.zeros(0, device=self.device)  # padded signal from the next frame's start on
        samples = given = 0
        for block in blocks:
            held = torch.cat((held, torch.from_numpy(block * gain).to(self.device)))
            samples += len(block)
            if samples <= half:
                continue  # the first frame's left half is the mirror of half + 1 samples
            if samples - len(block) <= half:
                held = torch.cat((held[1 : half + 1].flip(0), held))
            count = (len(held) - n_fft) // hop + 1
            for piece in self._pieces(held, count):
                yield piece
            given += max(0, count)
            held = held[max(0, count) * hop :]
        if samples <= half:
            padded = self._pad(held)
        else:
            padded = torch.cat((held, held[-half - 1 : -1].flip(0)))
        for piece in self._pieces(padded, self.spec.frames(samples) - given):
            yield piece

    def _pieces(self, padded: torch.Tensor, frames: int) -> Iterator[torch.Tensor]:
        hop, n_fft = self.spec.hop_samples, self.spec.n_fft
        for first in range(0, frames, CHUNK_FRAMES):
            count = min(CHUNK_FRAMES, frames - first)
            yield self._log_mel(padded[first * hop : (first + count - 1) * hop + n_fft])

    def linear(self, log_mel: torch.Tensor) -> torch.Tensor:
        """A magnitude spectrogram (..., bins, frames) that would sound as log_mel (..., frames, bands) says.

        By the filters' pseudo-inverse, refined by a few steps of multiplicative non-negative least squares (Lee and
        Seung 2001), because what the pseudo-inverse makes negative cannot just be dropped.
        """
        mel = log_mel.to(self.device, torch.float32).exp()
        magnitude = (mel @ self._inverse).clamp_min(SMALLEST)
        wanted = mel @ self._filters.T
        for _ in range(REFINEMENTS):
            magnitude = magnitude * wanted / (magnitude @ self._filters @ self._filters.T).clamp_min(SMALLEST**2)
        return magnitude.transpose(-1, -2)

    def stft(self, wave: torch.Tensor) -> torch.Tensor:
        """Complex spectrogram (..., bins, 1 + samples // hop), as torch.istft (centred) takes it back."""
        wave = wave.to(self.device, torch.float32)
        return self._stft(self._pad(wave))[..., : 1 + wave.shape[-1] // self.spec.hop_samples]

    def _pad(self, wave: torch.Tensor) -> torch.Tensor:
        half = self.spec.n_fft // 2
        if (short := half + 1 - wave.shape[-1]) > 0:  # a mirror needs that much; then comes silence
            wave = functional.pad(wave, (0, short))
        # torch's own reflection places sample by sample, which takes as long as the transform
        return torch.cat((wave[..., 1 : half + 1].flip(-1), wave, wave[..., -half - 1 : -1].flip(-1)), dim=-1)

    def _stft(self, padded: torch.Tensor) -> torch.Tensor:
        flat = padded.reshape(-1, padded.shape[-1])
        spectrum = torch.stft(
            flat, self.spec.n_fft, self.spec.hop_samples, window=self._window, center=False, return_complex=True
        )
        return spectrum.reshape(*padded.shape[:-1], *spectrum.shape[-2:])

    def _group(self, bands: npt.NDArray[np.int64]) -> tuple[slice, slice, torch.Tensor]:
        """Some neighbouring bands: the bins that they hear, which bands they are, their filters (bins, bands)."""
        heard = np.flatnonzero(self._bands[:, bands].any(axis=1))
        bins = slice(int(heard[0]), int(heard[-1]) + 1) if len(heard) else slice(0, 1)
        those = slice(int(bands[0]), int(bands[-1]) + 1)
        return bins, those, self._filters[bins, those].contiguous()

    def _log_mel(self, padded: torch.Tensor) -> torch.Tensor:
        if padded.device.type == "cpu" and not padded.requires_grad:
            mel = self._mel_by_blocks(padded)
        else:
            frames = padded.to(self._exact_window.dtype).unfold(-1, self.spec.n_fft, self.spec.hop_samples)
            magnitude = torch.fft.rfft(frames * self._exact_window).to(torch.complex64).abs()
            mel = torch.cat([magnitude[..., bins] @ filters for bins, _, filters in self._groups], dim=-1)
        return mel.clamp_min_(self.spec.floor_amplitude).log_()

    def _mel_by_blocks(self, padded: torch.Tensor) -> torch.Tensor:
        """Mel amplitudes (..., frames, bands) of a padded wave, as a processor finds them fastest."""
        frames = (padded.shape[-1] - self.spec.n_fft) // self.spec.hop_samples + 1
        found = torch.empty(*padded.shape[:-1], frames, self.spec.bands)
        clips = padded.reshape(-1, padded.shape[-1])
        for clip, mel in zip(clips, found.view(-1, frames, self.spec.bands), strict=True):
            magnitude = self._magnitude_by_blocks(clip)
            for bins, bands, filters in self._groups:
                torch.mm(magnitude[:, bins], filters, out=mel[:, bands])
        return found

    def _magnitude_by_blocks(self, padded: torch.Tensor) -> torch.Tensor:
        """Magnitudes (frames, bins), float32, of the frames of a padded wave (samples,)."""
        hop, n_fft, bins = self.spec.hop_samples, self.spec.n_fft, self.spec.bins
        frames = (len(padded) - n_fft) // hop + 1
        block = -(-frames // -(-frames // TRANSFORM_FRAMES))  # all of one size: the last one begins earlier
        wave = torch.empty((block - 1) * hop + n_fft, dtype=torch.float64)
        cut = wave.unfold(0, n_fft, hop)
        windowed = torch.empty(block, n_fft, dtype=torch.float64)
        # Rounded where the frames were, which are not needed any more then.
        rounded = windowed.view(-1)[: block * bins].view(torch.complex64).view(block, bins)
        magnitude = torch.empty(frames, bins)
        heard, exact, spectrum, found = padded.numpy(), wave.numpy(), rounded.numpy(), magnitude.numpy()
        for begin in range(0, frames, block):
            first = min(begin, frames - block)
            np.copyto(exact, heard[first * hop : first * hop + len(exact)])  # in half of torch's time
            torch.mul(cut, self._exact_window, out=windowed)
            rounded.copy_(torch.fft.rfft(windowed))
            np.abs(spectrum, out=found[first : first + block])  # in a fifth of torch's time
        return magnitude


def band_filters(spec: AudioSpec) -> npt.NDArray[np.float64]:
    """The triangular bands, (bins, bands): between three neighbouring mel edges, scaled to the same area.

    Slaney's Auditory Toolbox (1998), as in librosa and in torchaudio with norm and scale "slaney".
    """
    edges = spec.mel_edges_hz()
    bins_hz = np.linspace(0.0, spec.rate_hz / 2, spec.bins)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins_hz - low) / (centre - low), (high - bins_hz) / (high - centre)
    filters: npt.NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    return filters


@functools.lru_cache(maxsize=4)
def _inverse_filters(spec: AudioSpec) -> npt.NDArray[np.float32]:
    """The bands' pseudo-inverse, (bands, bins): half a second's work, once for all front ends of a spec."""
    return np.linalg.pinv(band_filters(spec)).astype(np.float32)
