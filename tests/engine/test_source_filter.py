"""Envelope and fine structure, moved along the frequency axis."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine import pitch, vocoder
from engine.mel import MelFrontEnd
from engine.source_filter import formants_for, source_filter
from engine.specs import AudioSpec

AUDIO = AudioSpec()
CPU = torch.device("cpu")


def buzz(hz: float, seconds: float = 1.0) -> torch.Tensor:
    """A voice-like pulse train: harmonics that fall by 6 dB an octave."""
    times = torch.arange(round(seconds * AUDIO.rate_hz)) / AUDIO.rate_hz
    harmonics = torch.arange(1, int(7500 / hz))[:, None]
    return 0.2 * (torch.cos(2 * torch.pi * hz * harmonics * times) / harmonics).sum(dim=0)


def test_a_factor_of_one_changes_nothing() -> None:
    mel = torch.randn(2, 30, AUDIO.bands)
    tools = source_filter(AUDIO, CPU)
    one = torch.ones(2, 30)
    torch.testing.assert_close(tools.revoice(mel, one, one), mel, atol=2e-3, rtol=0)


def test_a_peak_moves_to_its_frequency_times_the_factor() -> None:
    bands = torch.arange(AUDIO.bands)
    place = float(AUDIO.band_of_hz(1000.0))
    mel = torch.exp(-(((bands - place) / 3.0) ** 2)).expand(1, 4, -1)
    moved = source_filter(AUDIO, CPU).stretch(mel, torch.full((1, 4), 1.5))
    assert float(moved[0, 0].argmax()) == pytest.approx(float(AUDIO.band_of_hz(1500.0)), abs=1.0)


@pytest.mark.parametrize(("hz", "factor"), [(100.0, 1.5), (220.0, 0.6), (130.0, 1.2)])
def test_a_revoiced_buzz_is_heard_at_its_new_pitch(hz: float, factor: float) -> None:
    wave = buzz(hz)
    mel = MelFrontEnd(AUDIO).log_mel(wave)
    ratio = torch.full(mel.shape[:-1], factor)
    moved = source_filter(AUDIO, CPU).revoice(mel, ratio, torch.ones_like(ratio))
    heard = vocoder.synthesise(moved, AUDIO, samples=len(wave)).numpy()
    found = pitch.median_hz(pitch.track(heard, AUDIO.rate_hz, AUDIO))
    assert found == pytest.approx(hz * factor, rel=0.02)


def test_the_split_adds_up_and_the_envelope_holds_no_harmonics() -> None:
    mel = MelFrontEnd(AUDIO).log_mel(buzz(200.0))[None]
    envelope, fine = source_filter(AUDIO, CPU).split(mel)
    torch.testing.assert_close(envelope + fine, mel, atol=1e-4, rtol=0)
    low = slice(5, int(AUDIO.band_of_hz(1500.0)))
    ripple = np.diff(envelope[0, 32, low].numpy(), 2).std() / np.diff(mel[0, 32, low].numpy(), 2).std()
    assert ripple < 0.1


def test_formants_follow_pitch_by_its_cube_root() -> None:
    assert float(formants_for(torch.tensor(1.728))) == pytest.approx(1.2)
