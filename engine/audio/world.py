"""Natural rendering: the change that a transfer makes, made to the source recording itself.

The recording is taken apart by WORLD (Morise, Yokomori and Ozawa 2016) into pitch, envelope and noise, which keeps
every detail of it. Then the pitch is moved as the attributes say, the envelope by what lies between the smooth
spectra of the transformed and the control mel, and the sound is put together again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyworld

from engine.api.specs import AudioSpec

STEP_S = 0.005  # WORLD's own
LOWEST_HZ = 60.0  # of our pitch tracker
HIGHEST_HZ = 1000.0
WIDEST_CHANGE = 4.0  # nepers, of the envelope at any frequency: 35 dB

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """WORLD parameters of a recording, every STEP_S.

    f0: (steps,) Hz, 0 where unvoiced; spectrum: (steps, bins) power; noise: (steps, bins) share of the amplitude.
    """

    f0: Doubles
    spectrum: Doubles
    noise: Doubles
    samples: int


def take_apart(samples: Floats, f0: Floats, spec: AudioSpec) -> Parts:
    """WORLD parameters of a recording.

    Args:
        samples: (n,) mono at spec.rate_hz. f0: (frames,) Hz on the mel frames, NaN where unvoiced.
    """
    wave = np.asarray(samples, np.float64)
    times = np.arange(int(len(wave) / spec.rate_hz / STEP_S) + 1) * STEP_S
    voiced = np.isfinite(f0)
    hz = np.zeros(len(times))
    if voiced.any():
        frame_times = np.arange(len(f0)) / spec.frames_per_second
        filled = np.exp(np.interp(times, frame_times[voiced], np.log(f0[voiced])))
        nearest = np.clip(np.rint(times * spec.frames_per_second).astype(int), 0, len(f0) - 1)
        hz = np.where(voiced[nearest], filled, 0.0)
        refined = pyworld.stonemask(wave, hz, times, spec.rate_hz)
        hz = np.where(
            (hz > 0) & (np.abs(np.log(np.maximum(refined, 1.0) / np.maximum(hz, 1.0))) < 0.1), refined, hz
        )
    spectrum = pyworld.cheaptrick(wave, hz, times, spec.rate_hz, f0_floor=LOWEST_HZ)
    noise = pyworld.d4c(wave, hz, times, spec.rate_hz, fft_size=2 * (spectrum.shape[1] - 1))
    return Parts(hz, spectrum, noise, len(wave))


def put_together(
    parts: Parts, spec: AudioSpec, pitch: Floats | None = None, change: Floats | None = None
) -> Floats:
    """The sound (samples,) of WORLD parameters, as they are or changed.

    Args:
        pitch: (frames,) natural log of the factor that moves the pitch of each mel frame.
        change: (frames, bands) what is added to the log amplitude of the envelope.
    """
    hz, spectrum = parts.f0, parts.spectrum
    at = np.arange(len(hz)) * STEP_S * spec.frames_per_second  # in mel frames
    if pitch is not None:
        moved = hz * np.exp(np.interp(at, np.arange(len(pitch)), pitch))
        hz = np.where(hz > 0, np.clip(moved, LOWEST_HZ / 1.5, HIGHEST_HZ), 0.0)
    if change is not None:
        bins_hz = np.linspace(0.0, spec.rate_hz / 2, spectrum.shape[1])
        bands = spec.band_of_hz(bins_hz)
        whole = np.minimum(bands.astype(int), spec.bands - 2)
        part = bands - whole
        bounded = np.clip(np.asarray(change, np.float64), -WIDEST_CHANGE, WIDEST_CHANGE)
        of_bins = bounded[:, whole] * (1.0 - part) + bounded[:, whole + 1] * part
        first = np.minimum(at.astype(int), len(of_bins) - 1)
        last = np.minimum(first + 1, len(of_bins) - 1)
        share = np.clip(at - first, 0.0, 1.0)[:, None]
        spectrum = spectrum * np.exp(2.0 * (of_bins[first] * (1.0 - share) + of_bins[last] * share))
    wave = pyworld.synthesize(hz, spectrum, parts.noise, spec.rate_hz, STEP_S * 1000.0)
    sound = np.zeros(parts.samples, np.float32)
    count = min(len(wave), parts.samples)
    sound[:count] = wave[:count]
    return sound
