"""Log-mel spectrogram of a waveform, whole or streamed, and its way back to a linear magnitude spectrogram.

STFT with a periodic Hann window, centred frames, reflected ends; amplitude (power 1); triangular bands of equal
area on Slaney's mel scale; natural logarithm with a stated floor. Frame i is centred on sample i * hop.

The transform runs in float64, as librosa's does: a frame's weakest band may lie 120 dB below its loudest, where
float32 (torchaudio's MelSpectrogram) is wrong by 0.0015 nepers. What is multiplied and added afterwards is float32.
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

CHUNK_FRAMES = (
    128  # transformed at a time: they stay in the processor's cache, and an hour-long clip takes no memory
)
REFINEMENTS = 5  # of the inverse; more are not heard
SMALLEST = 1e-7  # magnitude: a multiplied zero would stay zero


class MelFrontEnd:
    """The audio front end of one spec on one device. Holds no state between calls.

    Raises:
        SpecError: the hop is so long that sound could not be reconstructed from the frames.
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
        exact = torch.float32 if self.device.type == "mps" else torch.float64  # Apple's cards have no float64
        self._exact_window = torch.hann_window(spec.n_fft, dtype=torch.float64).to(self.device, exact)
        self._window = torch.hann_window(spec.n_fft, device=self.device)
        self._filters = torch.from_numpy(band_filters(spec).astype(np.float32)).to(self.device)

    def log_mel(self, wave: torch.Tensor) -> torch.Tensor:
        """Natural log of the mel amplitudes, float32 (..., frames, bands), of (..., samples) at the spec's rate.

        frames = spec.frames(samples).
        """
        padded = self._pad(wave.to(self.device, torch.float32))
        return torch.cat(list(self._pieces(padded, self.spec.frames(wave.shape[-1]))), dim=-2)

    def stream_log_mel(self, blocks: Iterable[npt.NDArray[np.float32]], gain_db: float) -> Iterator[torch.Tensor]:
        """The log-mel of a clip that arrives in blocks, as pieces (frames, bands): those of the whole clip.

        Args:
            blocks: contiguous float32 (n,) at the spec's rate, of any sizes.
            gain_db: level normalisation to apply (see files.measure_gain_db).
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
            ready = max(0, (len(held) - n_fft) // hop + 1)
            yield from self._pieces(held, ready)
            given += ready
            held = held[ready * hop :]
        padded = self._pad(held) if samples <= half else torch.cat((held, held[-half - 1 : -1].flip(0)))
        yield from self._pieces(padded, self.spec.frames(samples) - given)

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
        """Complex spectrogram (bins, 1 + samples // hop) of (samples,)."""
        wave = wave.to(self.device, torch.float32)
        n_fft, hop = self.spec.n_fft, self.spec.hop_samples
        spectrum = torch.stft(self._pad(wave), n_fft, hop, window=self._window, center=False, return_complex=True)
        return spectrum[:, : 1 + len(wave) // hop]

    def istft(self, spectrum: torch.Tensor, samples: int) -> torch.Tensor:
        """The wave (samples,) of a complex spectrogram (bins, 1 + samples // hop), as torch.istft gives it.

        Every sample is the mean of its frames, weighted by the window. torch.istft takes three times as long, for
        it places sample by sample.
        """
        frames = torch.fft.irfft(spectrum.T, n=self.spec.n_fft) * self._window
        sound = self._overlap_add(frames, len(frames))
        weights = self._overlap_add(self._window.square()[None], len(frames))
        first = self.spec.n_fft // 2
        return (sound / weights)[first : first + samples]

    def _overlap_add(self, frames: torch.Tensor, count: int) -> torch.Tensor:
        """The sum of frames (count or 1, n_fft), the one so many times, that begin a hop apart."""
        hop = self.spec.hop_samples
        frames = functional.pad(frames, (0, -frames.shape[-1] % hop)).reshape(len(frames), -1, hop)
        hops = frames.shape[1]
        total = frames.new_zeros(count + hops - 1, hop)
        for each in range(hops):
            total[each : each + count] += frames[:, each]
        return total.flatten()

    @functools.cached_property
    def _inverse(self) -> torch.Tensor:
        """Made when it is first needed: who only measures never waits for it."""
        return torch.from_numpy(_inverse_filters(self.spec)).to(self.device)

    def _pad(self, wave: torch.Tensor) -> torch.Tensor:
        """Half a window of mirrored sound before and after (..., samples)."""
        half = self.spec.n_fft // 2
        if (short := half + 1 - wave.shape[-1]) > 0:  # a mirror needs that much; then comes silence
            wave = functional.pad(wave, (0, short))
        # torch's own reflection places sample by sample, which takes as long as the transform
        return torch.cat((wave[..., 1 : half + 1].flip(-1), wave, wave[..., -half - 1 : -1].flip(-1)), dim=-1)

    def _pieces(self, padded: torch.Tensor, frames: int) -> Iterator[torch.Tensor]:
        """Log-mels (..., n, bands) of the first frames of a padded wave, a few at a time."""
        hop, n_fft = self.spec.hop_samples, self.spec.n_fft
        for first in range(0, frames, CHUNK_FRAMES):
            count = min(CHUNK_FRAMES, frames - first)
            chunk = padded[..., first * hop : (first + count - 1) * hop + n_fft].to(self._exact_window.dtype)
            spectrum = torch.fft.rfft(chunk.unfold(-1, n_fft, hop) * self._exact_window)
            mel = spectrum.to(torch.complex64).abs() @ self._filters
            yield mel.clamp_min(self.spec.floor_amplitude).log()


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
