"""Griffin-Lim: a wave whose magnitude spectrogram comes close to a given one. Needs no training, fits any voice."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.mel import MelFrontEnd, absolute
from engine.specs import AudioSpec

ITERATIONS = 32
MOMENTUM = 0.99  # of the fast variant (Perraudin, Balazs, Søndergaard 2013)


@dataclass(frozen=True)
class GriffinLim:
    """The vocoder without weights; see engine.vocoder.Vocoder.

    Args:
        iterations: 32 from a random phase; from a given one the fewer, the closer to it.
        seed: of the random phase.
    """

    spec: AudioSpec
    iterations: int = ITERATIONS
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
        if self.spec.frames(samples) != log_mel.shape[-2]:
            raise ValueError(f"{samples} samples are {self.spec.frames(samples)} frames, not {log_mel.shape[-2]}")
        front_end = MelFrontEnd(self.spec)
        magnitude = front_end.linear(log_mel)
        return griffin_lim(
            magnitude,
            front_end,
            samples=samples,
            iterations=self.iterations,
            phase_of=phase_of,
            seed=self.seed,
        )


@torch.no_grad()
def griffin_lim(
    magnitude: torch.Tensor,
    front_end: MelFrontEnd,
    *,
    samples: int,
    iterations: int = 32,
    phase_of: torch.Tensor | None = None,
    seed: int = 0,
) -> torch.Tensor:
    """A wave (samples,) whose magnitude spectrogram comes close to the given one (bins, frames).

    Griffin and Lim 1984 with the momentum of Perraudin et al. 2013: project in turn on the spectrograms that some
    wave has and on those of the given magnitude, overshooting each time. The same iteration as
    torchaudio.functional.griffinlim, which cannot begin from a given phase.
    """
    needed = 1 + samples // front_end.spec.hop_samples
    if magnitude.shape[-1] < needed:  # the frame centred on the very end, which analysis leaves out
        magnitude = torch.cat((magnitude, magnitude[..., -1:]), dim=-1)
    if phase_of is None:
        # drawn on the CPU so that every device begins from the same phase
        turns = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(seed))
        phase = torch.polar(torch.ones_like(turns), 2 * torch.pi * turns).to(magnitude.device)
    else:
        wave = torch.nn.functional.pad(phase_of[:samples], (0, max(0, samples - len(phase_of))))
        phase = _direction(front_end.stft(wave))
    # Momentum gets sooner from a random phase to a good one; from a good one it only leads away.
    overshoot = MOMENTUM / (1 + MOMENTUM) if phase_of is None else 0.0
    spectrum = magnitude * phase
    before: torch.Tensor | None = None
    for _ in range(iterations):
        rebuilt = front_end.stft(front_end.istft(spectrum, samples))
        leap = rebuilt if before is None or not overshoot else torch.sub(rebuilt, before, alpha=overshoot)
        spectrum = leap * (magnitude / absolute(leap).clamp_min_(1e-16))
        before = rebuilt
    return front_end.istft(spectrum, samples)


def _direction(spectrum: torch.Tensor) -> torch.Tensor:
    return spectrum / absolute(spectrum).clamp_min(1e-16)
