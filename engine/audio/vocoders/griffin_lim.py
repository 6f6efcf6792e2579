"""Griffin-Lim: a wave whose magnitude spectrogram comes close to a given one. Needs no training, fits any voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from engine.api.specs import AudioSpec
from engine.audio.mel import MelFrontEnd
from engine.runtime.threads import one_thread

ITERATIONS = 32  # from a random phase
# From a recording's phase. More come nearer to the magnitudes and farther from speech: on ten pairs of
# recordings 32 cost the control 0.10 of PESQ, and the results 0.006 of STOI and 0.004 of likeness to their target.
FROM_PHASE_ITERATIONS = 12
# In one thread: two with half of the frames each took longer for a clip of 5 s, and a fifth less for one of 20 s.
# Frames taken at a time on a processor: so few that each step finds them in the cache, and enough to share what
# torch prepares anew for every transform.
BLOCK_FRAMES = 336
# Of the accelerated variant (Nenov, Nguyen, Balazs, Boţ 2023), from a random phase. On six recordings 24 iterations
# came as near as 28 with a momentum of 0.99 alone (Perraudin, Balazs, Søndergaard 2013), and 32 a seventh nearer.
MOMENTUM = 0.9
RELAXATION = 1.2  # how far to go towards what the projections give
SMALLEST = 1e-16  # magnitude: what is divided by


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
        heard = functional.pad(phase_of[:samples], (0, max(0, samples - len(phase_of))))
        wave = transform.with_magnitude(heard, wanted)
    leap = transform.heard.copy_(wave)
    before, reached = torch.empty_like(wave), wave.clone()
    for _ in range(iterations):
        # Overshooting gets sooner from a random phase to a good one; from a good one it only leads away.
        if phase_of is not None:
            wave = transform.with_magnitude(wave, wanted)
            continue
        # Between waves instead of their spectrograms: the transform is linear, and a wave is a fourth as long.
        wave = transform.with_magnitude(leap, wanted)
        before, reached = reached, torch.lerp(leap, wave, RELAXATION, out=before)
        torch.lerp(before, reached, 1.0 + MOMENTUM, out=leap)
    return wave.clone()


def _polar(magnitude: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    """As torch.polar, which takes the sine and the cosine of one number after the other."""
    return torch.complex(phase.cos() * magnitude, phase.sin() * magnitude)


@dataclass(frozen=True)
class _Factors:
    """Room for what the numbers (n, bins) of a spectrogram are multiplied with.

    real: factors, real. as_complex: the same with imaginary parts of 0, for a product of complex numbers takes half
    the time of one of complex and real ones.
    """

    real: torch.Tensor
    as_complex: torch.Tensor

    @classmethod
    def room(cls, frames: int, bins: int) -> _Factors:
        return cls(torch.empty(frames, bins), torch.empty(frames, bins, dtype=torch.complex64))

    def first(self, frames: int) -> _Factors:
        return _Factors(self.real[:frames], self.as_complex[:frames])

    def impose(self, wanted: torch.Tensor, spectrum: torch.Tensor) -> None:
        """Give a spectrogram (n, bins) the wanted magnitudes, in place; on a processor.

        A number of 32 bits that is widened to 64 lies in memory as a complex one with an imaginary part of 0.
        """
        np.abs(spectrum.numpy(), out=self.real.numpy())  # in a fifth of torch's time
        torch.div(wanted, self.real.clamp_min_(SMALLEST), out=self.real)
        self.as_complex.view(torch.int64).copy_(self.real.view(torch.int32))
        spectrum.mul_(self.as_complex)


@dataclass(frozen=True)
class _Block:
    """Some frames (n, n_fft) that are worked on together.

    rows: which of all they are. cut: views of the padded wave. windowed (n, n_fft) and factors: room to work in,
    shared by all blocks. places: for the first frame of every few and its like, which do not overlap, then for the
    next ones: where in the sum they belong.
    """

    rows: slice
    cut: torch.Tensor
    windowed: torch.Tensor
    factors: _Factors | None
    places: tuple[torch.Tensor, ...]

    def add(self, frames: torch.Tensor, window: torch.Tensor) -> None:
        """Add frames (n, n_fft), windowed, to the sum."""
        for first, place in enumerate(self.places):
            place.addcmul_(frames[first :: len(self.places)], window)


class _Transform:
    """Between a wave (samples,) and its spectrogram (frames, bins), as torch.stft and torch.istft have it.

    Frames lie one after the other in memory, and those that do not overlap are added at a time: torch.istft, which
    places them sample by sample, takes several times as long.

    heard: room for the wave (samples,) that is transformed next. What is there already need not be copied.
    """

    def __init__(self, front_end: MelFrontEnd, samples: int) -> None:
        spec, device = front_end.spec, front_end.device
        self.frames = 1 + samples // spec.hop_samples
        self._samples, self._n_fft, self._hop, self._half = samples, spec.n_fft, spec.hop_samples, spec.n_fft // 2
        self._window = torch.hann_window(spec.n_fft, device=device)
        self._sum = torch.zeros((self.frames - 1) * spec.hop_samples + spec.n_fft, device=device)
        # A mirror needs half a window and a sample; where there is less sound, silence comes first.
        self._mirrored = max(samples, self._half + 1)
        self._padded = torch.zeros(self._mirrored + 2 * self._half, device=device)
        self.heard = self._padded[self._half : self._half + samples]
        blocks = -(-self.frames // BLOCK_FRAMES) if device.type == "cpu" else 1
        at_once = -(-self.frames // blocks)  # blocks of one size: a small one costs nearly as much as a large one
        windowed = torch.empty(at_once, spec.n_fft, device=device)
        factors = _Factors.room(at_once, spec.bins) if device.type == "cpu" else None
        self._blocks = [
            self._block(slice(first, min(first + at_once, self.frames)), windowed, factors)
            for first in range(0, self.frames, at_once)
        ]
        self._share = self._window * self._share_amid()
        for block in self._blocks:
            block.add(self._window.expand(len(block.cut), -1), self._share)
        # Half a window from either end there are fewer frames than amid.
        self._ends = (slice(0, min(self._half, samples)), slice(max(self._half, samples - self._half), samples))
        self._more = [self._added()[end].reciprocal() for end in self._ends]

    def wave(self, spectrum: torch.Tensor) -> torch.Tensor:
        """(samples,) of a complex spectrogram: every sample the mean of its frames, weighted by the window.

        It is overwritten by the next.
        """
        self._sum.zero_()
        for block in self._blocks:
            block.add(torch.fft.irfft(spectrum[block.rows], n=self._n_fft), self._share)
        return self._mean()

    def with_magnitude(self, wave: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
        """The wave (samples,) of a wave's spectrogram with its phase alone left to it and these magnitudes.

        It is overwritten by the next, which may be made of it.
        """
        self.heard.copy_(wave)
        self._mirror()
        self._sum.zero_()
        for block in self._blocks:
            torch.mul(block.cut, self._window, out=block.windowed)
            spectrum = torch.fft.rfft(block.windowed)
            if block.factors is None:
                spectrum.mul_(magnitude[block.rows] / spectrum.abs().clamp_min_(SMALLEST))
            else:
                block.factors.impose(magnitude[block.rows], spectrum)
            block.add(torch.fft.irfft(spectrum, n=self._n_fft), self._share)
        return self._mean()

    def _block(self, rows: slice, windowed: torch.Tensor, factors: _Factors | None) -> _Block:
        apart = -(-self._n_fft // self._hop)  # so many hops, and frames do not overlap
        places = self._sum.unfold(0, self._n_fft, self._hop)[rows]
        cut = self._padded.unfold(0, self._n_fft, self._hop)[rows]
        return _Block(
            rows,
            cut,
            windowed[: len(cut)],
            factors and factors.first(len(cut)),
            tuple(places[first::apart] for first in range(min(apart, len(cut)))),
        )

    def _share_amid(self) -> torch.Tensor:
        """What a frame's samples (n_fft,) are divided by where frames lie on both sides, as a factor."""
        squares = functional.pad(self._window.square(), (0, -self._n_fft % self._hop)).view(-1, self._hop)
        return squares.sum(0).reciprocal().repeat(len(squares))[: self._n_fft]

    def _mirror(self) -> None:
        """Mirror at its ends what is heard."""
        half, end = self._half, self._half + self._mirrored
        self._padded[:half] = self._padded[half + 1 : 2 * half + 1].flip(0)
        self._padded[end:] = self._padded[end - half - 1 : end - 1].flip(0)

    def _mean(self) -> torch.Tensor:
        mean = self._added()
        for end, more in zip(self._ends, self._more, strict=True):
            mean[end] *= more
        return mean

    def _added(self) -> torch.Tensor:
        """The sum (samples,); the next one is written over it."""
        return self._sum[self._half : self._half + self._samples]
