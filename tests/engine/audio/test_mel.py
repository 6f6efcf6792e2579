"""The mel front end: against torchaudio, in blocks, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torchaudio.transforms import MelSpectrogram

from engine.api.errors import SpecError
from engine.api.specs import AudioSpec
from engine.audio import mel, sound_files
from engine.audio.mel import MelFrontEnd, band_filters

SPEC = AudioSpec()
SMALL = AudioSpec(rate_hz=8_000, n_fft=512, hop_samples=125, bands=40, high_hz=4_000.0)
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
]


@pytest.fixture(scope="module")
def clip(example_set: Path) -> torch.Tensor:
    return torch.from_numpy(sound_files.read(example_set / "anna_calm_1.flac", SPEC).samples)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("spec", [SPEC, SMALL])
def test_it_equals_torchaudio_where_frames_coincide(spec: AudioSpec, device: str, clip: torch.Tensor) -> None:
    reference = MelSpectrogram(
        spec.rate_hz,
        spec.n_fft,
        hop_length=spec.hop_samples,
        f_min=spec.low_hz,
        f_max=spec.high_hz,
        n_mels=spec.bands,
        power=1.0,
        norm="slaney",
        mel_scale="slaney",
    )(clip)
    ours = MelFrontEnd(spec, device).log_mel(clip).cpu()
    wanted = reference.clamp_min(spec.floor_amplitude).log().T[: len(ours)]
    assert len(ours) == spec.frames(len(clip))
    torch.testing.assert_close(ours.exp(), wanted.exp(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours, wanted, atol=1e-3, rtol=0)  # near the floor the logarithm magnifies rounding


def test_a_log_mel_is_that_of_exact_arithmetic(clip: torch.Tensor) -> None:
    """librosa and torchaudio build the same; its windows, transform and sums in float64 are what is exact here."""
    loud = clip + 0.5 * torch.sin(torch.arange(len(clip)) * (2.0 * np.pi * 200.0 / SPEC.rate_hz))
    half = SPEC.n_fft // 2
    padded = np.pad(loud.double().numpy(), half, mode="reflect")
    starts = np.arange(SPEC.frames(len(loud))) * SPEC.hop_samples
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(SPEC.n_fft) / SPEC.n_fft)
    spectra = np.abs(np.fft.rfft([padded[first : first + SPEC.n_fft] * window for first in starts]))
    exact = np.log(np.maximum(spectra @ band_filters(SPEC), SPEC.floor_amplitude))
    ours = MelFrontEnd(SPEC).log_mel(loud).numpy()
    assert np.abs(np.exp(exact)).min() < 1e-4  # weak bands beside loud ones: what float32 gets wrong
    assert float(np.abs(ours - exact).max()) < 1e-5


@pytest.mark.parametrize("hz", [100.0, 440.0, 1000.0, 3000.0, 7000.0])
def test_a_sine_lands_in_its_band(hz: float, tone: Callable[..., np.ndarray]) -> None:
    log_mel = MelFrontEnd(SPEC).log_mel(torch.from_numpy(tone(hz, 1.0)))
    loudest = int(log_mel[20:-20].mean(0).argmax())
    assert abs(loudest - float(SPEC.band_of_hz(hz))) <= 1.0


def test_a_click_lies_in_the_frame_of_its_sample() -> None:
    wave = torch.zeros(16_000)
    wave[40 * SPEC.hop_samples] = 1.0
    log_mel = MelFrontEnd(SPEC).log_mel(wave)
    assert int(log_mel.mean(1).argmax()) == 40


@pytest.mark.parametrize("samples", [1, 300, 512, 513, 3200, 3250, 3251, 16_000, 16_123])
def test_every_length_gives_its_frames_and_comes_back(samples: int) -> None:
    front_end = MelFrontEnd(SPEC)
    wave = torch.randn(samples)
    log_mel = front_end.log_mel(wave)
    assert log_mel.shape == (SPEC.frames(samples), SPEC.bands)
    assert torch.isfinite(log_mel).all()
    assert front_end.linear(log_mel).shape == (SPEC.bins, SPEC.frames(samples))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("hop_samples", [250, 256, 300])
@pytest.mark.parametrize("samples", [1, 300, 512, 513, 3_200, 3_250, 16_123])
def test_the_transform_is_torchs_and_brings_every_length_back(samples: int, hop_samples: int, device: str) -> None:
    front_end = MelFrontEnd(AudioSpec(hop_samples=hop_samples), device)
    wave = torch.randn(samples, generator=torch.Generator().manual_seed(samples)).to(device)
    spectrum = front_end.stft(wave)
    assert spectrum.shape == (SPEC.bins, 1 + samples // hop_samples)
    torch.testing.assert_close(front_end.istft(spectrum, samples), wave, atol=1e-4, rtol=0)
    if samples > SPEC.n_fft:
        window = torch.hann_window(SPEC.n_fft, device=device)
        expected = torch.stft(wave, SPEC.n_fft, hop_samples, window=window, return_complex=True)
        torch.testing.assert_close(spectrum, expected, atol=1e-4, rtol=0)
        other = spectrum.abs() * spectrum.flip(-1).sgn()  # that no wave has
        expected = torch.istft(other, SPEC.n_fft, hop_samples, window=window, length=samples)
        torch.testing.assert_close(front_end.istft(other, samples), expected, atol=1e-4, rtol=0)


def test_a_batch_equals_its_clips_one_by_one() -> None:
    front_end = MelFrontEnd(SPEC)
    waves = torch.randn(2, 3, 8_000)
    batch = front_end.log_mel(waves)
    assert batch.shape == (2, 3, 32, SPEC.bands)
    torch.testing.assert_close(batch[1, 2], front_end.log_mel(waves[1, 2]), atol=1e-4, rtol=0)
    torch.testing.assert_close(front_end.linear(batch)[0, 1], front_end.linear(batch[0, 1]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("at_once", [1, 5, 31, 32, 33, 500])
def test_it_does_not_matter_how_many_frames_are_transformed_at_a_time(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    front_end = MelFrontEnd(SPEC)
    wave = torch.randn(8_000)
    whole = front_end.log_mel(wave)
    monkeypatch.setattr(mel, "CHUNK_FRAMES", at_once)
    torch.testing.assert_close(front_end.log_mel(wave), whole, atol=1e-6, rtol=1e-6)


def test_silence_is_the_floor() -> None:
    log_mel = MelFrontEnd(SPEC).log_mel(torch.zeros(8_000))
    torch.testing.assert_close(log_mel, torch.full_like(log_mel, np.log(SPEC.floor_amplitude)))


@pytest.mark.parametrize("block", [37, 100, 511, 4_000, 10**9])
@pytest.mark.parametrize("samples", [200, 513, 3_250, 20_011])
def test_streamed_frames_are_those_of_the_whole_clip(
    block: int, samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mel, "CHUNK_FRAMES", 17)
    front_end = MelFrontEnd(SPEC)
    wave = np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)
    whole = front_end.log_mel(torch.from_numpy(wave * sound_files.amplitude(6.0)))
    blocks = (wave[start : start + block] for start in range(0, samples, block))
    pieces = list(front_end.stream_log_mel(blocks, 6.0))
    assert max(len(piece) for piece in pieces) <= 17
    torch.testing.assert_close(torch.cat(pieces), whole, atol=1e-5, rtol=0)


def test_a_streamed_file_equals_the_file_read_whole(speech: list[Path]) -> None:
    front_end = MelFrontEnd(SPEC)
    recording = sound_files.read(speech[0], SPEC)
    blocks = sound_files.stream(speech[0], SPEC, block_s=0.7)
    streamed = torch.cat(list(front_end.stream_log_mel(blocks, recording.gain_db)))
    torch.testing.assert_close(streamed, front_end.log_mel(torch.from_numpy(recording.samples)), atol=1e-5, rtol=0)


def test_the_inverse_sounds_as_the_mel_says(clip: torch.Tensor) -> None:
    front_end = MelFrontEnd(SPEC)
    log_mel = front_end.log_mel(clip)
    magnitude = front_end.linear(log_mel)
    assert (magnitude >= 0).all()
    again = (magnitude.T @ torch.from_numpy(band_filters(SPEC)).float()).clamp_min(SPEC.floor_amplitude).log()
    assert (again - log_mel).abs().mean() < 0.01


def test_a_gradient_reaches_the_wave() -> None:
    wave = torch.randn(4_000, requires_grad=True)
    MelFrontEnd(SPEC).log_mel(wave).sum().backward()
    assert wave.grad is not None
    assert wave.grad.abs().sum() > 0


def test_a_hop_that_leaves_gaps_is_refused() -> None:
    with pytest.raises(SpecError, match="hop_samples") as caught:
        MelFrontEnd(AudioSpec(n_fft=512, hop_samples=256))
    assert caught.value.name == "hop_samples"
