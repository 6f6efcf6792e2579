"""Griffin-Lim: its length, its determinism, and how near it comes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchaudio

from engine import audio
from engine.mel import MelFrontEnd
from engine.specs import AudioSpec
from engine.vocoder import VOCODERS, griffin_lim, synthesise

SPEC = AudioSpec()
FRONT_END = MelFrontEnd(SPEC)


@pytest.fixture(scope="module")
def clip(speech: list[Path]) -> torch.Tensor:
    return torch.from_numpy(audio.read(speech[0], SPEC).samples)


def mel_error(wave: torch.Tensor, log_mel: torch.Tensor) -> float:
    """Mean distance of two log-mels in nepers."""
    return float((FRONT_END.log_mel(wave) - log_mel).abs().mean())


def spectral_error(wave: torch.Tensor, magnitude: torch.Tensor) -> float:
    return float((FRONT_END.stft(wave).abs() - magnitude).norm() / magnitude.norm())


@pytest.mark.parametrize("samples", [3_200, 3_250, 3_251, 16_123])
def test_the_sound_has_exactly_the_wanted_length(samples: int, clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip[:samples])
    sound = synthesise(log_mel, SPEC, samples=samples, iterations=2)
    assert sound.shape == (samples,)
    assert sound.dtype == torch.float32
    assert torch.isfinite(sound).all()


def test_the_same_seed_gives_the_same_samples_and_another_seed_others(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)
    first, again, other = (synthesise(log_mel, SPEC, samples=len(clip), iterations=2, seed=s) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_speech_comes_back_from_its_mel(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)
    rough = mel_error(synthesise(log_mel, SPEC, samples=len(clip), iterations=0), log_mel)
    good = mel_error(synthesise(log_mel, SPEC, samples=len(clip)), log_mel)
    assert good < 0.2
    assert good < rough / 2


def test_the_sources_phase_brings_the_wave_itself_back(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)
    sound = synthesise(log_mel, SPEC, samples=len(clip), phase_of=clip, iterations=2)
    similarity = torch.corrcoef(torch.stack((sound, clip)))[0, 1]
    assert similarity > 0.95


@pytest.mark.parametrize("change", [-1000, 1000])
def test_a_phase_source_of_another_length_is_cut_or_continued_by_silence(change: int, clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip[: 16_000 - change])
    sound = synthesise(log_mel, SPEC, samples=16_000 - change, phase_of=clip[:16_000], iterations=4)
    assert len(sound) == 16_000 - change
    assert torch.isfinite(sound).all()


def test_it_converges_as_torchaudios_own(clip: torch.Tensor) -> None:
    magnitude = FRONT_END.stft(clip).abs()
    reference = torchaudio.functional.griffinlim(
        magnitude,
        torch.hann_window(SPEC.n_fft),
        SPEC.n_fft,
        SPEC.hop_samples,
        SPEC.n_fft,
        1.0,
        32,
        0.99,
        len(clip),
        True,
    )
    ours = griffin_lim(magnitude, FRONT_END, samples=len(clip), iterations=32)
    assert spectral_error(ours, magnitude) < 1.05 * spectral_error(reference, magnitude)


def test_it_keeps_the_level(clip: torch.Tensor) -> None:
    sound = synthesise(FRONT_END.log_mel(clip), SPEC, samples=len(clip))
    assert float(20 * torch.log10(sound.std() / clip.std())) == pytest.approx(0.0, abs=0.7)


def test_a_mel_of_silence_is_silent() -> None:
    sound = synthesise(FRONT_END.log_mel(torch.zeros(8_000)), SPEC, samples=8_000)
    assert sound.abs().max() < 1e-3


def test_wrong_names_and_lengths_are_refused() -> None:
    log_mel = torch.zeros(10, SPEC.bands)
    with pytest.raises(ValueError, match="no vocoder"):
        synthesise(log_mel, SPEC, samples=2_500, name="magic")
    with pytest.raises(ValueError, match="frames"):
        synthesise(log_mel, SPEC, samples=2_501)
    assert all(line.endswith(".") for line in VOCODERS.values())
