"""Registry of vocoders, which make the waveform of a log-mel spectrogram: one table of names and makers.

`engine.api.VOCODERS` describes each for the user, by the same names. Model files name theirs; a vocoder with
weights has them in a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import torch

from engine.api.errors import SpecError
from engine.api.specs import AudioSpec
from engine.audio.vocoders import refiner
from engine.audio.vocoders.griffin_lim import GriffinLim


class Vocoder(Protocol):
    """Turns the log-mels of one front end into sound; the same input always gives the same samples."""

    def synthesise(
        self,
        log_mel: torch.Tensor,
        *,
        samples: int,
        f0: torch.Tensor | None = None,
        phase_of: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The sound of a log-mel spectrogram (frames, bands), as float32 (samples,) at the spec's rate.

        Args:
            samples: wanted length; spec.frames(samples) must be the number of frames.
            f0: the pitch that the sound shall have, (frames,) Hz, NaN where unvoiced; None where nobody knows it.
            phase_of: a wave (n,) that the sound shall resemble in timing and pitch, for its phase; None: there is
                none. It is cut, or continued by silence.

        Raises:
            ValueError: the lengths do not belong together.
        """
        ...


MAKERS: Mapping[str, Callable[[AudioSpec], Vocoder]] = MappingProxyType(
    {"griffin-lim": GriffinLim, "refined": refiner.vocoder}
)


def build(name: str, spec: AudioSpec) -> Vocoder:
    """The vocoder of a name, for log-mels of `spec`. Cheap: weights are read once.

    Raises:
        SpecError: there is no vocoder of that name, or it was made for log-mels of another spec.
        CheckpointError: its weights are missing or damaged.
    """
    check(name)
    return MAKERS[name](spec)


def check(name: str) -> None:
    """Raises SpecError unless there is a vocoder of that name."""
    if name not in MAKERS:
        raise SpecError(f"There is no vocoder called {name!r}.", f"Choose one of {', '.join(MAKERS)}.", "vocoder")
