"""Every setting of the system, as frozen dataclasses that check themselves.

A field's metadata carries its unit and the reason for its default, so forms and tooltips need no second list.
Nothing here needs torch: the studio draws its forms and axis ticks from these classes.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.api.errors import SpecError
from engine.api.stored_values import DamagedError, converted


def setting(
    default: Any,
    *,
    unit: str = "",
    why: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with a unit, a reason and bounds (both inclusive)."""
    return field(
        default=default,
        metadata={"unit": unit, "why": why, "low": low, "high": high, "choices": choices},
    )


class Spec:
    """Shared by all specs: checked on creation, to and from plain dictionaries."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for item in dataclasses.fields(self):  # type: ignore[arg-type]
            self._check(item, hints[item.name])

    def _check(self, item: dataclasses.Field[Any], kind: Any) -> None:
        name, given = item.name, getattr(self, item.name)
        sizes = typing.get_origin(kind) is tuple
        try:
            value = converted(given, kind)
        except DamagedError as error:
            hint = "Give the sizes separated by commas." if sizes else "Correct this setting."
            raise SpecError(f"{name} is {given!r}: {error}.", hint, name) from error
        object.__setattr__(self, name, value)  # whole numbers may stand for others, lists for tuples
        if value is None:
            return
        if sizes and not all(size > 0 for size in value):
            raise SpecError(
                f"{name} is {given!r}: no size can be 0 or less.", "Give the sizes separated by commas.", name
            )
        choices = item.metadata.get("choices", ())
        if choices and value not in choices:
            raise SpecError(f"{name} is {value!r}.", f"Choose one of {', '.join(choices)}.", name)
        if isinstance(value, float) and not math.isfinite(value):
            raise SpecError(f"{name} is {value}, not a finite number.", "Correct this setting.", name)
        low, high = item.metadata.get("low"), item.metadata.get("high")
        if (low is not None and value < low) or (high is not None and value > high):
            unit = f" {item.metadata['unit']}" if item.metadata.get("unit") else ""
            span = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
            raise SpecError(f"{name} is {value}{unit}.", f"It can be {span}{unit}.", name)

    def to_dict(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        return {
            item.name: list(value) if isinstance(value := getattr(self, item.name), tuple) else value
            for item in dataclasses.fields(self)  # type: ignore[arg-type]
        }

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """The spec written by `to_dict`; unknown names take words, not guesses.

        Raises:
            SpecError: not a dictionary, an unknown setting (a newer version wrote it), or a bad value.
        """
        if not isinstance(values, dict):
            raise SpecError(f"A {cls.__name__} is missing.", "The file is damaged; use another one.")
        names = {item.name for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if strange := sorted(str(name) for name in set(values) - names):
            raise SpecError(
                f"The {cls.__name__} holds settings this version does not know: {', '.join(strange)}.",
                "Open it with a newer Triptych.",
                strange[0],
            )
        return cls(**values)


@dataclass(frozen=True)
class AudioSpec(Spec):
    """The audio front end: one place, versioned, stored in every checkpoint (SCIENCE section 5).

    64 frames a second exactly, so that the 1-second window of the medium latent is exactly 64 frames.
    """

    version: int = setting(1, low=1, high=1, why="front ends of other versions are refused, never mixed")
    rate_hz: int = setting(16_000, unit="Hz", low=8_000, high=48_000, why="speech corpora are 16 kHz")
    n_fft: int = setting(
        1024, unit="samples", low=256, high=4096, why="64 ms: resolves the harmonics of low voices"
    )
    hop_samples: int = setting(250, unit="samples", low=50, high=1024, why="exactly 64 frames a second at 16 kHz")
    bands: int = setting(140, low=20, high=256, why="the paper's number of mel bands")
    low_hz: float = setting(0.0, unit="Hz", low=0.0, high=1000.0, why="lowest edge of the mel bands")
    high_hz: float = setting(8000.0, unit="Hz", low=1000.0, high=24_000.0, why="highest edge of the mel bands")
    floor_amplitude: float = setting(1e-5, low=1e-9, high=1e-2, why="amplitudes below it are silence to the model")
    level_dbfs: float = setting(-26.0, unit="dBFS", low=-60.0, high=-6.0, why="active RMS level of every clip")
    shortest_s: float = setting(0.2, unit="s", low=0.1, high=2.0, why="shorter clips hold no syllable")

    @property
    def bins(self) -> int:
        """Number of STFT bins."""
        return self.n_fft // 2 + 1

    @property
    def frames_per_second(self) -> float:
        return self.rate_hz / self.hop_samples

    def frames(self, samples: int) -> int:
        """Number of mel frames of a clip: frame i is centred on sample i * hop."""
        return max(1, -(-samples // self.hop_samples))

    def mel_edges_hz(self) -> npt.NDArray[np.float64]:
        """Edges of the triangular bands on Slaney's mel scale, shape (bands + 2,), in Hz."""
        return _slaney_hz(np.linspace(_slaney_mel(self.low_hz), _slaney_mel(self.high_hz), self.bands + 2))

    def band_centres_hz(self) -> npt.NDArray[np.float64]:
        """Centre frequency of every band, shape (bands,), in Hz."""
        return self.mel_edges_hz()[1:-1]

    def band_of_hz(self, hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional band index of a frequency; the inverse of `band_centres_hz` between its points."""
        return np.interp(np.asarray(hz, np.float64), self.band_centres_hz(), np.arange(self.bands))


# Slaney's Auditory Toolbox: linear below 1 kHz (3 mels per 200 Hz), logarithmic above (27 steps per factor 6.4).
_LINEAR_MELS_PER_HZ = 3.0 / 200.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ * _LINEAR_MELS_PER_HZ
_LOG_STEP = math.log(6.4) / 27.0


def _slaney_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz * _LINEAR_MELS_PER_HZ
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP


def _slaney_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    linear = mel / _LINEAR_MELS_PER_HZ
    return np.where(mel < _BREAK_MEL, linear, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))


# The model, then what the paper's table 1 compares it with.
SYSTEMS = ("two-auxiliary", "one-auxiliary", "vae", "cpc", "supervised")


# Of the log-mel envelope (model/timescale/source_filter.py): of 140 bands, the harmonics of most voices begin
# above 24.
ENVELOPE_COEFFICIENTS = 24
TONE_COEFFICIENTS = 3  # of these, read from m (engine/model/timescale/attributes.py): loudness and two of tilt


@dataclass(frozen=True)
class ModelSpec(Spec):
    """The shape of the Aux-VAE (paper section 4). Input is log-mel, frames x bands.

    The channel lists name hidden sizes only; inputs and the two outputs (mean, log-variance) follow from them.
    """

    version: int = setting(1, low=1, high=1)
    bands: int = setting(140, low=20, high=256, why="as the audio front end")
    window_frames: int = setting(64, unit="frames", low=8, high=512, why="one second: the timescale of m")
    latent: int = setting(512, low=4, high=1024, why="dimensions of each of h, m and z")
    global_channels: tuple[int, ...] = setting((128, 256, 512), why="q(h|x): three blocks of kernel 3")
    medium_channels: tuple[int, ...] = setting((128, 256, 512), why="q(m|h,x): three blocks of kernel 3")
    local_channels: tuple[int, ...] = setting((512, 512), why="q(z|h,m,x): hidden layers")
    decoder_channels: tuple[int, ...] = setting((140, 140, 140), why="p(x|z): hidden layers")
    predictor_m_channels: tuple[int, ...] = setting((1024, 1024), why="p(m|h,z,x): hidden layers")
    predictor_h_channels: tuple[int, ...] = setting((512,), why="p(h|z,x): hidden layer")
    predictors_read: str = setting(
        "frames",
        choices=("frames", "means"),
        why="z as the predictors of m and h take it: at every frame, as in the paper, or its mean over a second or "
        "clip, which saves half of a step's products",
    )
    local_kernel: int = setting(1, unit="frames", low=1, high=7, why="frames the local network sees at once")
    decoder_kernel: int = setting(1, unit="frames", low=1, high=7, why="frames the decoder sees at once")
    log_variance_low: float = setting(-9.0, low=-20.0, high=0.0, why="bound: sigma may not shrink for ever")
    log_variance_high: float = setting(3.0, low=0.0, high=10.0, why="bound: sigma may not grow for ever")
    views: str = setting(
        "plain",
        choices=("plain", "timescale"),
        why="what each network hears: plain = the paper's x everywhere; timescale = slower things taken out",
    )
    system: str = setting(
        "two-auxiliary",
        choices=SYSTEMS,
        why="the paper's model, or a system it is compared with: those are for probing alone",
    )
    speakers: int = setting(0, low=0, high=1_000_000, why="named by the system `supervised`; the others need none")
    reference_hz: float = setting(
        150.0, unit="Hz", low=50.0, high=400.0, why="pitch the timescale views are moved to"
    )
    sounds: int = setting(
        32, low=0, high=256, why="kinds of speech sounds whose mean spectrum h tells; 0 = one mean for all"
    )

    @property
    def attribute_sizes(self) -> tuple[int, int]:
        """Numbers of timbre in h and of prosody in m (model/timescale/attribute_heads.py); none if plain."""
        if self.views == "plain":
            return 0, 0
        return 1 + (2 + self.sounds) * ENVELOPE_COEFFICIENTS, 2 + TONE_COEFFICIENTS


@dataclass(frozen=True)
class TrainSpec(Spec):
    """How a run is trained. alpha, beta, gamma and the rest as in the paper's equation 5."""

    version: int = setting(1, low=1, high=1)
    preset: str = setting("custom", why="the preset this spec began from")
    alpha: float = setting(0.01, low=0.0, high=100.0, why="weight of z's prior and entropy")
    beta: float = setting(0.01, low=0.0, high=100.0, why="weight of m's predictor and entropy")
    gamma: float = setting(0.01, low=0.0, high=100.0, why="weight of h's predictor and entropy")
    reduction: str = setting(
        "paper",
        choices=("paper", "equation"),
        why="paper = authors' code: reconstruction summed over bands, other terms averaged over dimensions; "
        "equation = every term a sum, as equation 5 is written",
    )
    contrast: float = setting(
        0.0, low=0.0, high=100.0, why="weight of telling clips apart by h from two pieces of each; 0 = the paper"
    )
    reconstruction: str = setting("squared", choices=("squared", "absolute"), why="Gaussian or Laplace p(x|z)")
    learning_rate: float = setting(1e-4, low=1e-7, high=1.0, why="Adam's step size")
    schedule: str = setting("constant", choices=("constant", "cosine"), why="cosine falls to a twentieth")
    batch_size: int = setting(32, unit="clips", low=1, high=4096)
    crop_s: float = setting(4.0, unit="s", low=0.5, high=60.0, why="piece of a clip seen in one step")
    epochs: int = setting(40, low=1, high=100_000, why="passes over the corpus, one crop per crop_s of speech")
    minutes: float | None = setting(
        None,
        unit="min",
        low=0.05,
        high=100_000.0,
        why="time budget: steps are planned to fit; empty = epochs decide",
    )
    validation_share: float = setting(0.1, low=0.01, high=0.5, why="share of the utterances held out")
    checkpoint_minutes: float = setting(2.0, unit="min", low=0.01, high=600.0, why="between two saves of `last`")
    checkpoints: int = setting(
        8, low=0, high=100, why="models kept along the way to be heard, thinned evenly; 0 = only best and last"
    )
    seed: int = setting(0, low=0, high=2**31 - 1)
    device: str = setting("auto", why="auto, cpu, cuda, cuda:1, mps")
    precision: str = setting(
        "auto",
        choices=("auto", "float32", "bfloat16"),
        why="of matrix products; auto = bfloat16 where the device is made for it (CUDA, AMX, AVX-512 BF16)",
    )
    compiled: str = setting(
        "off",
        choices=("off", "on"),
        why="torch.compile fuses what lies between products: for graphics cards; the first step takes a minute",
    )
    threads: int = setting(0, low=0, high=256, why="CPU threads; 0 = all cores")
