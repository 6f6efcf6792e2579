"""Envelope and fine structure, moved along the frequency axis."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.api.specs import AudioSpec
from engine.audio import f0_tracker as pitch
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders.griffin_lim import GriffinLim
from engine.model.timescale.source_filter import formants_for, source_filter

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
    heard = GriffinLim(AUDIO).synthesise(moved, samples=len(wave)).numpy()
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


def by_hand(x: torch.Tensor, factor: float, beyond: float | None) -> torch.Tensor:
    """The stretch of (frames, bands) written out band by band: where each comes from, and a cubic through four."""
    centres = AUDIO.band_centres_hz()
    last = AUDIO.bands - 1
    y = torch.empty_like(x)
    for band, centre in enumerate(centres):
        hz = centre / factor
        above = int(np.clip(np.searchsorted(centres, hz), 1, last))
        place = above - 1 + (hz - centres[above - 1]) / (centres[above] - centres[above - 1])
        whole = int(np.floor(place))
        a, b, c, d = (x[:, min(max(whole + offset, 0), last)] for offset in (-1, 0, 1, 2))
        t = place - whole
        y[:, band] = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        if beyond is not None and not -0.5 <= place <= last + 0.5:
            y[:, band] = beyond
    return y


@pytest.mark.parametrize("factor", [0.5, 0.81, 1.0, 1.17, 1.9])
@pytest.mark.parametrize("beyond", [None, 0.0])
def test_both_ways_of_stretching_equal_the_stretch_written_out_by_hand(factor: float, beyond: float | None) -> None:
    tools = source_filter(AUDIO, CPU)
    # as smooth as speech is: between two bands a place is read from a table of half a hertz
    mel = torch.randn(3, 7, AUDIO.bands) @ tools.basis.T @ tools.basis * 5.0
    expected = torch.stack([by_hand(clip, factor, beyond) for clip in mel])
    by_clip = tools.stretch(mel, torch.full((3, 1), factor), beyond=beyond)
    by_frame = tools.stretch(mel, torch.full((3, 7), factor), beyond=beyond)
    torch.testing.assert_close(by_clip, by_frame, atol=1e-4, rtol=0)
    torch.testing.assert_close(by_frame, expected, atol=2e-3, rtol=0)


def test_every_clip_and_every_frame_has_a_factor_of_its_own() -> None:
    tools = source_filter(AUDIO, CPU)
    mel = torch.randn(3, 5, AUDIO.bands)
    factors = 0.6 + torch.rand(3, 5)
    together = tools.stretch(mel, factors, beyond=0.0)
    for clip in range(3):
        for frame in range(5):
            alone = tools.stretch(mel[clip, frame][None], factors[clip, frame][None], beyond=0.0)
            torch.testing.assert_close(together[clip, frame], alone[0])
    torch.testing.assert_close(
        tools.stretch(mel, factors[:, :1]), tools.stretch(mel, factors[:, :1].expand(-1, 5)), atol=1e-4, rtol=0
    )


def test_a_clip_revoiced_as_a_whole_is_revoiced_in_every_frame() -> None:
    tools = source_filter(AUDIO, CPU)
    mel = torch.randn(3, 5, AUDIO.bands)
    pitch, formants = 0.6 + torch.rand(3, 1), 0.8 + 0.4 * torch.rand(3, 1)
    by_frame = tools.revoice(mel, pitch.expand(-1, 5), formants.expand(-1, 5))
    torch.testing.assert_close(tools.revoice(mel, pitch, formants), by_frame, atol=1e-4, rtol=0)
