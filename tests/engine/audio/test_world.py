"""The natural rendering: a recording taken apart and put together, with its pitch and spectrum moved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.api.specs import AudioSpec
from engine.audio import sound_files, world
from engine.audio.f0_tracker import median_hz, track
from engine.audio.mel import MelFrontEnd
from engine.transfer import take_evidence

AUDIO = AudioSpec()


@pytest.fixture(scope="module")
def recording(speech: list) -> tuple[np.ndarray, np.ndarray]:
    samples = sound_files.read(speech[2], AUDIO).samples
    return samples, track(samples, AUDIO.rate_hz, AUDIO)


@pytest.fixture(scope="module")
def parts(recording: tuple[np.ndarray, np.ndarray]) -> world.Parts:
    return world.take_apart(*recording, AUDIO)


def mel_of(samples: np.ndarray) -> np.ndarray:
    return MelFrontEnd(AUDIO).log_mel(torch.from_numpy(samples)).numpy()


def test_what_was_taken_apart_sounds_like_the_recording(recording: tuple, parts: world.Parts) -> None:
    samples, f0 = recording
    again = world.put_together(parts, AUDIO)
    assert again.dtype == np.float32
    assert len(again) == len(samples)
    assert take_evidence.content_distance_db(mel_of(again), mel_of(samples)) < 4.0
    assert median_hz(track(again, 16_000, AUDIO)) == pytest.approx(median_hz(f0), rel=0.02)


def test_the_pitch_moves_by_the_factor_it_is_given(recording: tuple, parts: world.Parts) -> None:
    _, f0 = recording
    higher = world.put_together(parts, AUDIO, pitch=np.full(len(f0), np.log(1.5), np.float32))
    found = median_hz(track(higher, 16_000, AUDIO))
    assert found == pytest.approx(1.5 * median_hz(f0), rel=0.03)


def test_the_envelope_moves_by_what_it_is_given(recording: tuple, parts: world.Parts) -> None:
    _, f0 = recording
    change = np.zeros((len(f0), AUDIO.bands), np.float32)
    high = AUDIO.band_centres_hz() > 3000.0
    change[:, high] = -1.0  # a neper less above 3 kHz
    before, after = (mel_of(world.put_together(parts, AUDIO, change=c)) for c in (None, change))
    loud = before.mean(axis=1) > before.mean(axis=1).max() - 2.0
    difference = (after - before)[loud].mean(axis=0)
    assert difference[AUDIO.band_centres_hz() > 3500.0].mean() == pytest.approx(-1.0, abs=0.15)
    assert abs(difference[AUDIO.band_centres_hz() < 2500.0].mean()) < 0.1


def test_a_change_beyond_reason_is_bounded(recording: tuple, parts: world.Parts) -> None:
    _, f0 = recording
    wild = world.put_together(parts, AUDIO, change=np.full((len(f0), AUDIO.bands), 50.0, np.float32))
    usual = world.put_together(parts, AUDIO)
    assert np.isfinite(wild).all()
    gain = np.log(np.abs(wild).max() / np.abs(usual).max())
    assert gain == pytest.approx(world.WIDEST_CHANGE, abs=0.1)


@pytest.mark.parametrize("seconds", [0.2, 1.0])
def test_a_recording_without_voice_goes_through(seconds: float) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(round(16_000 * seconds))).astype(np.float32)
    f0 = np.full(AUDIO.frames(len(noise)), np.nan, np.float32)
    sound = world.put_together(world.take_apart(noise, f0, AUDIO), AUDIO, pitch=np.ones(len(f0), np.float32))
    assert len(sound) == len(noise)
    assert np.isfinite(sound).all()
