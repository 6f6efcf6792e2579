"""Griffin-Lim: a wave whose magnitude spectrogram comes close to a given one. Needs no training, fits any voice."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.mel import MelFrontEnd, absolute
from engine.specs import AudioSpec

ITERATIONS = 32  # from a random phase
# From a recording's phase. More come nearer to the magnitudes and farther from speech: on ten pairs of
# recordings 32 cost the control 0.10 of PESQ, and the results 0.006 of STOI and 0.004 of likeness to their target.
FROM_PHASE_ITERATIONS = 12
MOMENTUM = 0.99  # of the fast variant (Perraudin, Balazs, Søndergaard 2013)


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

    Griffin and Lim 1984 with the momentum of Perraudin et al. 2013: project in turn on the spectrograms that some
    wave has and on those of the given magnitude, overshooting each time. The same iteration as
    torchaudio.functional.griffinlim, which cannot begin from a given phase.
    """
    transform = _Transform(front_end, samples)
    if magnitude.shape[-1] < transform.frames:  # the frame centred on the very end, which analysis leaves out
        magnitude = torch.cat((magnitude, magnitude[..., -1:]), dim=-1)
    wanted = magnitude.T.contiguous()
    if phase_of is None:
        # drawn on the CPU so that every device begins from the same phase
        turns = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(seed))
        spectrum = torch.polar(wanted, (2 * torch.pi * turns).to(wanted.device).T)
    else:
        wave = torch.nn.functional.pad(phase_of[:samples], (0, max(0, samples - len(phase_of))))
        spectrum = _with_magnitude(transform.spectrum(wave), wanted)
    # Momentum gets sooner from a random phase to a good one; from a good one it only leads away.
    overshoot = MOMENTUM / (1 + MOMENTUM) if phase_of is None else 0.0
    before: torch.Tensor | None = None
    for _ in range(iterations):
        rebuilt = transform.spectrum(transform.wave(spectrum))
        leap = rebuilt.clone() if before is None or not overshoot else torch.sub(rebuilt, before, alpha=overshoot)
        spectrum = _with_magnitude(leap, wanted)
        before = rebuilt
    return transform.wave(spectrum)


def _with_magnitude(spectrum: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
    """The spectrum with its phase alone left to it, in place; both (frames, bins)."""
    factor = magnitude / absolute(spectrum).clamp_min_(1e-16)
    torch.view_as_real(spectrum).mul_(factor[..., None])
    return spectrum


class _Transform:
    """Between a wave (samples,) and its spectrogram (frames, bins), as torch.stft and torch.istft have it.

    Frames lie one after the other in memory, and are added to one another in blocks of a hop: torch.istft, which
    places them sample by sample, takes several times as long.
    """

    def __init__(self, front_end: MelFrontEnd, samples: int) -> None:
        spec, device = front_end.spec, front_end.device
        self.frames = 1 + samples // spec.hop_samples
        self._samples, self._n_fft, self._hop, self._half = samples, spec.n_fft, spec.hop_samples, spec.n_fft // 2
        self._window = torch.hann_window(spec.n_fft, device=device)
        self._blocks = -(-spec.n_fft // spec.hop_samples)
        self._sum = torch.empty(self.frames + self._blocks - 1, spec.hop_samples, device=device)
        # A mirror needs half a window and a sample; where there is less sound, silence comes first.
        self._mirrored = max(samples, self._half + 1)
        self._padded = torch.zeros(self._mirrored + 2 * self._half, device=device)
        weight = self._added(self._window.square().expand(self.frames, -1)).clone()
        self._share = weight.reciprocal_()

    def wave(self, spectrum: torch.Tensor) -> torch.Tensor:
        """(samples,) of a complex spectrogram: every sample the mean of its frames, weighted by the window."""
        return self._added(torch.fft.irfft(spectrum, n=self._n_fft).mul_(self._window)) * self._share

    def spectrum(self, wave: torch.Tensor) -> torch.Tensor:
        """(frames, bins) of a wave (samples,)."""
        half, end = self._half, self._half + self._mirrored
        self._padded[half : half + self._samples] = wave
        self._padded[:half] = self._padded[half + 1 : 2 * half + 1].flip(0)
        self._padded[end:] = self._padded[end - half - 1 : end - 1].flip(0)
        framed = self._padded.unfold(0, self._n_fft, self._hop)[: self.frames]
        spectrum: torch.Tensor = torch.fft.rfft(framed * self._window)
        return spectrum

    def _added(self, frames: torch.Tensor) -> torch.Tensor:
        """The sum (samples,) of frames (frames, n_fft), each a hop further; the next call writes over it."""
        self._sum.zero_()
        for block in range(self._blocks):
            part = frames[:, block * self._hop : (block + 1) * self._hop]
            self._sum[block : block + self.frames, : part.shape[1]] += part
        return self._sum.view(-1)[self._half : self._half + self._samples]
