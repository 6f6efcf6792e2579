"""Refiner: a network that sharpens decoded spectrograms before Griffin-Lim finds their phase.

A decoder trained on the squared error blurs: it knows a band's level, not where in it the harmonics stand. The
refiner was shown decoded mels beside the recordings that they were decoded from. It says by how much every bin of
the linear spectrogram differs from what the mel filters' inverse makes of the mel, the distance between harmonics
being given by the pitch. One dimensional ConvNeXt blocks (Liu et al. 2022) at the frame rate, as in Vocos (Siuzdak
2023); the phase is left to Griffin-Lim, which has the source's to begin with.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.api.atomic_files import write_whole
from engine.api.errors import CheckpointError, SpecError
from engine.api.specs import AudioSpec
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders.griffin_lim import ITERATIONS, griffin_lim, must_fit
from engine.model import tensor_file
from engine.runtime.resources import REFINER, folder

FORMAT = "triptych-refiner"
VERSION = 1
SMALLEST = 1e-4  # magnitude: below it nothing is heard, and logarithms stay small
MOST_NEPERS = 4.0  # by which a bin is ever moved, harmonics apart
USUAL_HZ = 150.0  # pitch is given relative to it
MEL_MIDDLE, MEL_SPREAD = -5.0, 4.0  # nepers: brings mels near zero mean and unit spread
# With the source's phase; more iterations wear a good phase off, fewer leave a re-pitched one rough.
FROM_PHASE_ITERATIONS = 16


@dataclass(frozen=True)
class RefinerSpec:
    """Sizes of the network: width of its frames, of the blocks' inner layer, blocks, and cosines of the pitch."""

    channels: int = 256
    hidden: int = 768
    blocks: int = 6
    kernel: int = 7
    cosines: int = 2

    @property
    def reach(self) -> int:
        """Frames on either side that a frame depends on."""
        return self.blocks * (self.kernel // 2)


class _Block(nn.Module):
    def __init__(self, spec: RefinerSpec) -> None:
        super().__init__()
        self.across = nn.Conv1d(
            spec.channels, spec.channels, spec.kernel, padding=spec.kernel // 2, groups=spec.channels
        )
        self.norm = nn.LayerNorm(spec.channels)
        self.widen = nn.Linear(spec.channels, spec.hidden)
        self.narrow = nn.Linear(spec.hidden, spec.channels)
        self.weight = nn.Parameter(torch.full((spec.channels,), 0.3))

    def forward(self, frames: Tensor) -> Tensor:
        seen = self.across(frames.transpose(1, 2)).transpose(1, 2)
        return cast(Tensor, frames + self.weight * self.narrow(functional.gelu(self.widen(self.norm(seen)))))


class Refiner(nn.Module):
    """Log-mel and pitch to the log-magnitude of every bin; starts as the mel filters' inverse alone."""

    def __init__(self, audio: AudioSpec, spec: RefinerSpec | None = None) -> None:
        super().__init__()
        self.audio, self.spec = audio, spec or RefinerSpec()
        self.enter = nn.Linear(audio.bands + 2, self.spec.channels)
        self.blocks = nn.Sequential(*(_Block(self.spec) for _ in range(self.spec.blocks)))
        self.norm = nn.LayerNorm(self.spec.channels)
        self.leave = nn.Linear(self.spec.channels, audio.bins * (1 + self.spec.cosines))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.register_buffer("_hz", torch.linspace(0.0, audio.rate_hz / 2, audio.bins), persistent=False)

    def forward(self, log_mel: Tensor, f0: Tensor, rough: Tensor) -> Tensor:
        """Natural log of the magnitudes (batch, frames, bins).

        Args:
            log_mel: (batch, frames, bands).
            f0: (batch, frames) Hz, zero or NaN where unvoiced.
            rough: (batch, frames, bins), log-magnitudes by the mel filters' inverse.
        """
        voiced = torch.isfinite(f0) & (f0 > 0.0)
        hz = torch.where(voiced, f0, torch.full_like(f0, USUAL_HZ))
        pitch = torch.stack(((hz / USUAL_HZ).log(), voiced.to(f0.dtype)), dim=-1)
        frames = self.enter(torch.cat(((log_mel - MEL_MIDDLE) / MEL_SPREAD, pitch), dim=-1))
        found = self.leave(self.norm(self.blocks(frames))).float().unflatten(-1, (1 + self.spec.cosines, -1))
        refined = rough + MOST_NEPERS * torch.tanh(found[..., 0, :] / MOST_NEPERS)
        # Harmonics stand where the cosine is one: how high, and how far up, the network decides.
        turns = 2.0 * math.pi * cast(Tensor, self._hz) / hz[..., None]
        for number in range(self.spec.cosines):
            refined = refined + found[..., 1 + number, :] * torch.cos((number + 1) * turns) * voiced[..., None]
        return refined


def rough(front_end: MelFrontEnd, log_mel: Tensor) -> Tensor:
    """Log-magnitudes (frames, bins) by the mel filters' inverse, of a log-mel (frames, bands)."""
    return front_end.linear(log_mel).transpose(-1, -2).clamp_min(SMALLEST).log()


@dataclass(frozen=True)
class RefinedGriffinLim:
    """The vocoder with the refiner in front; see registry.Vocoder."""

    network: Refiner

    @torch.no_grad()
    def synthesise(
        self, log_mel: Tensor, *, samples: int, f0: Tensor | None = None, phase_of: Tensor | None = None
    ) -> Tensor:
        """As registry.Vocoder says. Without f0 every frame is taken for unvoiced: no harmonic is raised."""
        spec = self.network.audio
        must_fit(log_mel, samples, spec)
        front_end = MelFrontEnd(spec)
        log_mel = log_mel.to("cpu", torch.float32)
        pitch = torch.zeros(len(log_mel)) if f0 is None else f0.to("cpu", torch.float32)
        refined = self.network(log_mel[None], pitch[None], rough(front_end, log_mel)[None])[0]
        return griffin_lim(
            refined.exp().T,
            front_end,
            samples=samples,
            iterations=ITERATIONS if phase_of is None else FROM_PHASE_ITERATIONS,
            phase_of=phase_of,
        )


def save(path: str | os.PathLike[str], network: Refiner, provenance: Mapping[str, Any]) -> str:
    """Write the network in half precision; returns its content hash.

    Args:
        provenance: plain JSON values: what it was trained on, for how long, by what.
    """
    description = {
        "audio": network.audio.to_dict(),
        "sizes": dataclasses.asdict(network.spec),
        "provenance": dict(provenance),
    }
    tensors = {name: value.half() for name, value in network.state_dict().items()}
    content, digest = tensor_file.pack(FORMAT, VERSION, description, tensors)
    write_whole(Path(path), content)
    return digest


def load(path: str | os.PathLike[str]) -> Refiner:
    """The network of a file that `save` wrote, in single precision on the CPU.

    Raises:
        CheckpointError: the file is missing, damaged, newer, or not a refiner.
    """
    file = Path(path)
    description, tensors = tensor_file.read(file, FORMAT, VERSION)
    try:
        network = Refiner(AudioSpec.from_dict(description["audio"]), RefinerSpec(**description["sizes"]))
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError, SpecError) as error:
        raise CheckpointError(
            f"The refiner in {file} does not fit its own description ({error}).", "Install Triptych again."
        ) from error
    return network.eval()


def vocoder(spec: AudioSpec) -> RefinedGriffinLim:
    """The refiner that comes with the program, for log-mels of `spec`.

    Raises:
        SpecError: it was trained for another front end.
        CheckpointError: its file is missing or damaged.
    """
    network = _shipped()
    if network.audio != spec:
        raise SpecError(
            "The refining vocoder was trained for another kind of spectrogram than this model's.",
            "Choose the vocoder griffin-lim.",
            "vocoder",
        )
    return RefinedGriffinLim(network)


@functools.lru_cache(maxsize=1)
def _shipped() -> Refiner:
    return load(folder() / REFINER)
