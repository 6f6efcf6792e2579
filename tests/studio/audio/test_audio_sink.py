"""Between a source and a real device: other rates, and buffers on the way to the ear."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16_000, 48_000), (16_000, 44_100), (48_000, 16_000)])
def test_a_device_of_another_rate_hears_the_same_tone(from_hz: int, to_hz: int) -> None:
    audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
    at = 0

    def read(count: int) -> np.ndarray:
        nonlocal at
        piece = np.sin(2 * np.pi * 440 * (at + np.arange(count)) / from_hz).astype(np.float32)
        at += count
        return piece

    resampler = audio_sink.Resampler(read, from_hz, to_hz)
    heard = np.concatenate([resampler.read(n) for n in (1, 999, 3000, 4000)])[500:]
    t = np.arange(len(heard)) / to_hz
    basis = np.stack([np.sin(2 * np.pi * 440 * t), np.cos(2 * np.pi * 440 * t)], 1)
    left = heard - basis @ np.linalg.lstsq(basis, heard, rcond=None)[0]
    assert np.sqrt(np.mean(left**2)) < 2e-3


def test_the_playhead_waits_for_what_the_server_holds_in_its_buffers() -> None:
    audio_sink = pytest.importorskip("studio.audio.audio_sink", exc_type=ImportError)
    clock = audio_sink.HeardClock()
    assert clock.heard_s(0.05, 0.005) == pytest.approx(0.005)  # 45 ms taken at once
    assert clock.heard_s(0.145, 0.1) == pytest.approx(0.1)
    assert clock.heard_s(1.045, 1.0) == pytest.approx(1.0)
    # half a second is lost: the server went on late, and holds as much as before
    assert clock.heard_s(2.545, 3.0) == pytest.approx(2.5)
