"""Griffin-Lim: a wave whose magnitude spectrogram comes close to a given one. Needs no training, fits any voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.mel import MelFrontEnd
from engine.specs import AudioSpec
from engine.threads import one_thread

ITERATIONS = 32  # from a random phase
# From a recording's phase. More come nearer to the magnitudes and farther from speech: on ten pairs of
# recordings 32 cost the control 0.10 of PESQ, and the results 0.006 of STOI and 0.004 of likeness to their target.
FROM_PHASE_ITERATIONS = 12
BLOCK_FRAMES = 192  # frames taken at a time on a processor, so that each step finds them in the cache
# Of the accelerated variant (Nenov, Nguyen, Balazs, Boţ 2023), from a random phase. On six recordings 24 iterations
# came as near as 28 with a momentum of 0.99 alone (Perraudin, Balazs, Søndergaard 2013), and 32 a seventh nearer.
MOMENTUM = 0.9
RELAXATION = 1.2  # how far to go towards what the projections give


@dataclass(frozen=True)
class GriffinLim:
    """The vocoder without weights; see engine.vocoder.Vocoder.

    Args:
        iterations: None: as many as sound best, ITERATIONS or FROM_PHASE_ITERATIONS.
        seed: of the random phase.
    """

    spec: AudioSpec
    iterations: int | None = None
    seed: int = 0

    @torch.no_grad()
    def synthesise(
        self,
        log_mel: torch.Tensor,
        *,
        samples: int,
        f0: torch.Tensor | None = None,
        phase_of: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """As engine.vocoder.Vocoder says; f0 tells it nothing new. Without phase_of the phase begins at random."""
        del f0
        must_fit(log_mel, samples, self.spec)
        best = ITERATIONS if phase_of is None else FROM_PHASE_ITERATIONS
        front_end = MelFrontEnd(self.spec, log_mel.device)
        return griffin_lim(
            front_end.linear(log_mel),
            front_end,
            samples=samples,
            iterations=best if self.iterations is None else self.iterations,
            phase_of=phase_of,
            seed=self.seed,
        )


def must_fit(log_mel: torch.Tensor, samples: int, spec: AudioSpec) -> None:
    """Raises ValueError unless a log-mel (frames, bands) is as long as so many samples."""
    if spec.frames(samples) != log_mel.shape[-2]:
        raise ValueError(f"{samples} samples are {spec.frames(samples)} frames, not {log_mel.shape[-2]}")


@torch.no_grad()
@one_thread()
def griffin_lim(
    magnitude: torch.Tensor,
    front_end: MelFrontEnd,
    *,
    samples: int,
    iterations: int = ITERATIONS,
    phase_of: torch.Tensor | None = None,
    seed: int = 0,
) -> torch.Tensor:
    """A wave (samples,) whose magnitude spectrogram comes close to the given one (bins, frames).

    Griffin and Lim 1984, accelerated as by Nenov et al. 2023 (their alpha and beta equal): project in turn on the
    spectrograms that some wave has and on those of the given magnitude, overshooting each time.
    """
    transform = _Transform(front_end, samples)
    if magnitude.shape[-1] < transform.frames:  # the frame centred on the very end, which analysis leaves out
        magnitude = torch.cat((magnitude, magnitude[..., -1:]), dim=-1)
    wanted = magnitude.T.contiguous()
    if phase_of is None:
        # drawn on the CPU so that every device begins from the same phase
        turns = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(seed))
        wave = transform.wave(_polar(wanted, 2 * torch.pi * turns.T.contiguous().to(wanted.device)))
    else:
        heard = torch.nn.functional.pad(phase_of[:samples], (0, max(0, samples - len(phase_of))))
        wave = transform.with_magnitude(heard, wanted)
    # Overshooting gets sooner from a random phase to a good one; from a good one it only leads away.
    leap = reached = wave
    for _ in range(iterations):
        wave = transform.with_magnitude(leap, wanted)
        if phase_of is not None:
            leap = wave
            continue
        # Between waves instead of their spectrograms: the transform is linear, and a wave is a fourth as long.
        before, reached = reached, torch.lerp(leap, wave, RELAXATION)
        leap = torch.lerp(before, reached, 1.0 + MOMENTUM)
    return wave


def _polar(magnitude: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    """As torch.polar, which takes the sine and the cosine of one number after the other."""
    return torch.complex(phase.cos() * magnitude, phase.sin() * magnitude)


def _absolute(spectrum: torch.Tensor) -> torch.Tensor:
    """Magnitudes of a complex spectrogram; on a processor by numpy, in a fifth of torch's time."""
    return torch.from_numpy(np.abs(spectrum.numpy())) if spectrum.device.type == "cpu" else spectrum.abs()


@dataclass(frozen=True)
class _Block:
    """Some frames (n, n_fft) that are worked on together.

    rows: which of all they are. cut: views of the padded wave. windowed (n, n_fft), and factor (n, bins), complex
    with imaginary parts of 0: room to work in, shared by all blocks. placed: by hop within a frame, columns of the
    frames, where in the sum they belong, and their part of the window.
    """

    rows: slice
    cut: torch.Tensor
    windowed: torch.Tensor
    factor: torch.Tensor
    placed: tuple[tuple[slice, torch.Tensor, torch.Tensor], ...]

    def add(self, frames: torch.Tensor) -> None:
        """Add frames (n, n_fft), windowed, to the sum."""
        for columns, place, window in self.placed:
            place.addcmul_(frames[:, columns], window)


class _Transform:
    """Between a wave (samples,) and its spectrogram (frames, bins), as torch.stft and torch.istft have it.

    Frames lie one after the other in memory, and are added to one another hop by hop: torch.istft, which places
    them sample by sample, takes several times as long.
    """

    def __init__(self, front_end: MelFrontEnd, samples: int) -> None:
        spec, device = front_end.spec, front_end.device
        self.frames = 1 + samples // spec.hop_samples
        self._samples, self._n_fft, self._hop, self._half = samples, spec.n_fft, spec.hop_samples, spec.n_fft // 2
        self._window = torch.hann_window(spec.n_fft, device=device)
        hops = -(-spec.n_fft // spec.hop_samples)  # in a frame, the last one begun
        self._sum = torch.zeros(self.frames + hops - 1, spec.hop_samples, device=device)
        # A mirror needs half a window and a sample; where there is less sound, silence comes first.
        self._mirrored = max(samples, self._half + 1)
        self._padded = torch.zeros(self._mirrored + 2 * self._half, device=device)
        blocks = -(-self.frames // BLOCK_FRAMES) if device.type == "cpu" else 1
        at_once = -(-self.frames // blocks)  # blocks of one size: a small one costs nearly as much as a large one
        windowed = torch.empty(at_once, spec.n_fft, device=device)
        factor = torch.zeros(at_once, spec.bins, dtype=torch.complex64, device=device)
        self._blocks = [
            self._block(slice(first, min(first + at_once, self.frames)), windowed, factor)
            for first in range(0, self.frames, at_once)
        ]
        for block in self._blocks:
            block.add(self._window.expand(len(block.cut), -1))
        self._share = self._added().clone().reciprocal_()

    def wave(self, spectrum: torch.Tensor) -> torch.Tensor:
        """(samples,) of a complex spectrogram: every sample the mean of its frames, weighted by the window."""
        self._sum.zero_()
        for block in self._blocks:
            block.add(torch.fft.irfft(spectrum[block.rows], n=self._n_fft))
        return self._added() * self._share

    def with_magnitude(self, wave: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
        """The wave (samples,) of a wave's spectrogram with its phase alone left to it and these magnitudes."""
        self._pad(wave)
        self._sum.zero_()
        for block in self._blocks:
            torch.mul(block.cut, self._window, out=block.windowed)
            spectrum = torch.fft.rfft(block.windowed)
            # A product of complex numbers takes half the time of one of complex and real ones, which are converted.
            torch.div(magnitude[block.rows], _absolute(spectrum).clamp_min_(1e-16), out=block.factor.real)
            spectrum.mul_(block.factor)
            block.add(torch.fft.irfft(spectrum, n=self._n_fft))
        return self._added() * self._share

    def _block(self, rows: slice, windowed: torch.Tensor, factor: torch.Tensor) -> _Block:
        placed = []
        for number, first in enumerate(range(0, self._n_fft, self._hop)):
            columns = slice(first, min(first + self._hop, self._n_fft))
            place = self._sum[rows.start + number : rows.stop + number, : columns.stop - first]
            placed.append((columns, place, self._window[columns]))
        cut = self._padded.unfold(0, self._n_fft, self._hop)[rows]
        return _Block(rows, cut, windowed[: len(cut)], factor[: len(cut)], tuple(placed))

    def _pad(self, wave: torch.Tensor) -> None:
        """Take up a wave (samples,), mirrored at its ends."""
        half, end = self._half, self._half + self._mirrored
        self._padded[half : half + self._samples] = wave
        self._padded[:half] = self._padded[half + 1 : 2 * half + 1].flip(0)
        self._padded[end:] = self._padded[end - half - 1 : end - 1].flip(0)

    def _added(self) -> torch.Tensor:
        """The sum (samples,); the next one is written over it."""
        return self._sum.view(-1)[self._half : self._half + self._samples]
