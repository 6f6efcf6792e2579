"""The pitch tracker: against pitches that are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.api.specs import AudioSpec
from engine.audio import sound_files
from engine.audio.f0_tracker import median_hz, range_hz, track

SPEC = AudioSpec()
RATE = SPEC.rate_hz


def buzz(hz: np.ndarray, amplitude: float = 0.3) -> np.ndarray:
    """A voice-like wave whose pitch follows hz (samples,): harmonics up to 4 kHz that fall by 6 dB an octave."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    wave = sum(np.sin(k * phase) / k * (k * hz < 4000) for k in range(1, 60))
    return (amplitude * wave / np.abs(wave).max()).astype(np.float32)


def cents(found: np.ndarray, wanted: np.ndarray | float) -> np.ndarray:
    return 1200 * np.log2(found / wanted)


@pytest.mark.parametrize("hz", [65.0, 100.0, 147.3, 220.0, 333.3, 480.0])
def test_a_steady_pitch_is_found_within_ten_cents(hz: float) -> None:
    f0 = track(buzz(np.full(RATE, hz)), RATE, SPEC)[3:-3]
    assert np.isfinite(f0).all()
    assert np.abs(cents(f0, hz)).max() < 10


def test_a_sine_is_found(tone: Callable[..., np.ndarray]) -> None:
    f0 = track(tone(200.0, 0.5), RATE, SPEC)
    assert median_hz(f0) == pytest.approx(200.0, rel=0.002)


def test_a_glide_is_followed_on_the_mel_frames_times() -> None:
    hz = np.geomspace(90.0, 360.0, 2 * RATE)
    f0 = track(buzz(hz), RATE, SPEC)
    wanted = hz[np.arange(len(f0)) * SPEC.hop_samples]
    assert len(f0) == SPEC.frames(2 * RATE)
    assert np.abs(cents(f0, wanted)[3:-3]).max() < 25  # one frame late would be 19 cents more


def test_voice_is_distinguished_from_noise_and_silence() -> None:
    rng = np.random.default_rng(0)
    voice = buzz(np.full(RATE, 120.0))
    noise = rng.normal(0, 0.05, RATE).astype(np.float32)
    silence = np.zeros(RATE, np.float32)
    f0 = track(np.concatenate((silence, voice, noise)), RATE, SPEC)
    voiced = np.isfinite(f0)
    assert voiced[:62].sum() == 0
    assert voiced[66:126].all()
    assert voiced[130:].mean() < 0.1


@pytest.mark.parametrize("snr_db", [20, 10])
def test_noise_does_not_move_the_median(snr_db: float) -> None:
    voice = buzz(180 + 30 * np.sin(np.arange(2 * RATE) / RATE * 5))
    noise = np.random.default_rng(0).normal(0, voice.std() * 10 ** (-snr_db / 20), len(voice))
    clean, noisy = (median_hz(track(x, RATE, SPEC)) for x in (voice, voice + noise))
    assert clean is not None
    assert noisy == pytest.approx(clean, rel=0.01)


def test_the_level_does_not_matter() -> None:
    voice = buzz(np.full(RATE, 150.0))
    np.testing.assert_allclose(track(voice, RATE, SPEC), track(voice * 1e-3, RATE, SPEC), rtol=1e-3)


@pytest.mark.parametrize("samples", [1, 249, 250, 251, 3_200])
def test_every_length_gives_its_frames(samples: int) -> None:
    f0 = track(np.zeros(samples, np.float32), RATE, SPEC)
    assert f0.shape == (SPEC.frames(samples),)
    assert f0.dtype == np.float32
    assert np.isnan(f0).all()


def test_reading_in_pieces_changes_nothing(speech: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    samples = sound_files.read(speech[0], SPEC).samples
    whole = track(samples, RATE, SPEC)
    monkeypatch.setattr("engine.audio.f0_tracker.CHUNK_FRAMES", 7)
    np.testing.assert_allclose(track(samples, RATE, SPEC), whole, rtol=1e-4)


def test_women_speak_higher_than_men(speech: list[Path]) -> None:
    medians = [median_hz(track(sound_files.read(path, SPEC).samples, RATE, SPEC)) for path in speech]
    women, men = medians[:2], medians[2:]
    assert all(hz is not None and 140 < hz < 280 for hz in women)
    assert all(hz is not None and 80 < hz < 160 for hz in men)


def test_median_and_range_ignore_unvoiced_frames() -> None:
    f0 = np.array([np.nan, 100.0, 110.0, np.nan, 120.0, np.nan], np.float32)
    assert median_hz(f0) == 110.0
    assert range_hz(f0) == pytest.approx((101.0, 119.0))
    assert median_hz(f0[:2]) is None
    assert range_hz(f0[:2]) is None
