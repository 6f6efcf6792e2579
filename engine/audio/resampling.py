"""Resampling of a signal that arrives in pieces, without a seam."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]


class Resampler:
    """torchaudio's windowed-sinc resampling over a signal that arrives in pieces.

    The signal is cut at multiples of the reduced source rate, where the filter's phase begins anew, and every cut
    is resampled with as much context on both sides as the filter is wide; outputs of the context are dropped.
    So every output sample is computed from the same inputs as in one pass over the whole.
    """

    # At 16 kHz: -0.2 dB at 7.3 kHz, aliases below -74 dB from 8.3 kHz on. The defaults (6 and 0.99) lose 2.8 dB and
    # let -9 dB through, and the highest mel bands would show it.
    WIDTH = 48
    ROLLOFF = 0.96
    # The filter bank has source x target taps of the reduced ratio. Rates that share no factor (44 099 : 16 000)
    # would need gigabytes; the nearest ratio of smaller numbers is then used.
    LARGEST_TERM = 4000

    def __init__(self, source_hz: int, target_hz: int) -> None:
        ratio = Fraction(source_hz, target_hz)
        if max(ratio.numerator, ratio.denominator) > self.LARGEST_TERM:
            ratio = ratio.limit_denominator(int(self.LARGEST_TERM * min(1, target_hz / source_hz)))
        self._from, self._to = ratio.numerator, ratio.denominator
        self._same = self._from == self._to
        self._context = 0
        self._held = np.zeros(0, np.float32)
        self._before = 0  # context samples at the start of _held, whose outputs are already given
        if self._same:
            return
        from torchaudio.transforms import Resample

        self._resample = Resample(
            self._from,
            self._to,
            lowpass_filter_width=self.WIDTH,
            rolloff=self.ROLLOFF,
            resampling_method="sinc_interp_kaiser",
        )
        groups = math.ceil((self._resample.width + 1) / self._from)
        self._context = groups * self._from

    def push(self, samples: Floats) -> Floats:
        """The outputs that these samples complete."""
        if self._same:
            return samples
        self._held = np.concatenate((self._held, samples))
        ready = (len(self._held) - self._context) // self._from * self._from
        if ready <= self._before:
            return np.zeros(0, np.float32)
        out = self._run(self._held[: ready + self._context])[: ready // self._from * self._to]
        out = out[self._before // self._from * self._to :]
        keep = max(0, ready - self._context)
        self._held, self._before = self._held[keep:], ready - keep
        return out

    def finish(self) -> Floats:
        """The remaining outputs, the end of the signal being followed by zeros."""
        if self._same or len(self._held) <= self._before:
            return np.zeros(0, np.float32)
        return self._run(self._held)[self._before // self._from * self._to :]

    def _run(self, samples: Floats) -> Floats:
        import torch

        with torch.inference_mode():
            out: torch.Tensor = self._resample(torch.from_numpy(np.ascontiguousarray(samples)))
        result: Floats = out.numpy()
        return result
