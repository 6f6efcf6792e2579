"""Vocoders go by name; Griffin-Lim: its length, its determinism, and how near it comes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchaudio

from engine.api import VOCODERS
from engine.api.errors import SpecError
from engine.api.specs import AudioSpec
from engine.audio import sound_files
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders import registry
from engine.audio.vocoders.griffin_lim import FROM_PHASE_ITERATIONS, ITERATIONS, GriffinLim, griffin_lim

SPEC = AudioSpec()
FRONT_END = MelFrontEnd(SPEC)


@pytest.fixture(scope="module")
def clip(speech: list[Path]) -> torch.Tensor:
    return torch.from_numpy(sound_files.read(speech[0], SPEC).samples)


def mel_error(wave: torch.Tensor, log_mel: torch.Tensor) -> float:
    """Mean distance of two log-mels in nepers."""
    return float((FRONT_END.log_mel(wave) - log_mel).abs().mean())


def spectral_error(wave: torch.Tensor, magnitude: torch.Tensor) -> float:
    return float((FRONT_END.stft(wave).abs() - magnitude).norm() / magnitude.norm())


@pytest.mark.parametrize("samples", [3_200, 3_250, 3_251, 16_123])
def test_the_sound_has_exactly_the_wanted_length(samples: int, clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip[:samples])
    sound = GriffinLim(SPEC, iterations=2).synthesise(log_mel, samples=samples)
    assert sound.shape == (samples,)
    assert sound.dtype == torch.float32
    assert torch.isfinite(sound).all()


def test_the_same_seed_gives_the_same_samples_and_another_seed_others(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)
    first, again, other = (GriffinLim(SPEC, 2, seed).synthesise(log_mel, samples=len(clip)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_speech_comes_back_from_its_mel(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)
    rough = mel_error(GriffinLim(SPEC, iterations=0).synthesise(log_mel, samples=len(clip)), log_mel)
    good = mel_error(GriffinLim(SPEC).synthesise(log_mel, samples=len(clip)), log_mel)
    assert good < 0.2
    assert good < rough / 2


def test_the_sources_phase_brings_the_wave_itself_back(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)
    sound = GriffinLim(SPEC, iterations=2).synthesise(log_mel, samples=len(clip), phase_of=clip)
    similarity = torch.corrcoef(torch.stack((sound, clip)))[0, 1]
    assert similarity > 0.95


def test_fewer_iterations_are_made_from_a_phase_than_without_one(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)

    def sound(iterations: int | None, phase_of: torch.Tensor | None) -> torch.Tensor:
        return GriffinLim(SPEC, iterations).synthesise(log_mel, samples=len(clip), phase_of=phase_of)

    assert torch.equal(sound(None, None), sound(ITERATIONS, None))
    assert torch.equal(sound(None, clip), sound(FROM_PHASE_ITERATIONS, clip))
    assert FROM_PHASE_ITERATIONS < ITERATIONS


@pytest.mark.parametrize("change", [-1000, 1000])
def test_a_phase_source_of_another_length_is_cut_or_continued_by_silence(change: int, clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip[: 16_000 - change])
    sound = GriffinLim(SPEC, 4).synthesise(log_mel, samples=16_000 - change, phase_of=clip[:16_000])
    assert len(sound) == 16_000 - change
    assert torch.isfinite(sound).all()


def test_silence_can_be_given_magnitudes() -> None:
    wanted = torch.ones(SPEC.bins, 33)
    sound = griffin_lim(wanted, FRONT_END, samples=8_000, iterations=2, phase_of=torch.zeros(8_000))
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
    sound = GriffinLim(SPEC).synthesise(FRONT_END.log_mel(clip), samples=len(clip))
    assert float(20 * torch.log10(sound.std() / clip.std())) == pytest.approx(0.0, abs=0.7)


def test_a_mel_of_silence_is_silent() -> None:
    sound = GriffinLim(SPEC).synthesise(FRONT_END.log_mel(torch.zeros(8_000)), samples=8_000)
    assert sound.abs().max() < 1e-3


@pytest.mark.parametrize("name", VOCODERS)
def test_every_vocoder_that_is_offered_can_be_had_and_makes_a_sound_of_the_mel(
    name: str, clip: torch.Tensor
) -> None:
    log_mel = FRONT_END.log_mel(clip)
    f0 = torch.full((len(log_mel),), float("nan"))
    made = registry.build(name, SPEC)
    sound = made.synthesise(log_mel, samples=len(clip), f0=f0, phase_of=clip)
    assert sound.shape == clip.shape
    # the refiner was taught to sharpen what a decoder blurs, and these mels are not blurred
    assert mel_error(sound, log_mel) < (0.3 if name == "refined" else 0.2)
    assert torch.equal(sound, made.synthesise(log_mel, samples=len(clip), f0=f0, phase_of=clip))
    with pytest.raises(ValueError, match="frames"):
        made.synthesise(log_mel, samples=len(clip) + 2 * SPEC.hop_samples)


def test_a_vocoder_that_is_not_there_is_refused_in_two_parts() -> None:
    with pytest.raises(SpecError) as refused:
        registry.build("magic", SPEC)
    assert refused.value.what == "There is no vocoder called 'magic'."
    assert "griffin-lim" in refused.value.hint


def test_every_vocoder_is_described_by_its_name() -> None:
    assert VOCODERS.keys() == registry.MAKERS.keys()
    assert all(line.endswith(".") for line in VOCODERS.values())
