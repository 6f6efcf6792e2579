"""The refiner: where it starts, what it learns from the pitch, its file, and the sound that comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.api.errors import CheckpointError, SpecError
from engine.api.specs import AudioSpec
from engine.audio import sound_files
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders import refiner

SPEC = AudioSpec()
FRONT_END = MelFrontEnd(SPEC)
SMALL = refiner.RefinerSpec(channels=16, hidden=32, blocks=2)


@pytest.fixture(scope="module")
def clip(speech: list[Path]) -> torch.Tensor:
    return torch.from_numpy(sound_files.read(speech[0], SPEC).samples)


def network(seed: int = 0, spec: AudioSpec = SPEC) -> refiner.Refiner:
    """A small one whose last layer is no longer nought."""
    torch.manual_seed(seed)
    made = refiner.Refiner(spec, SMALL)
    torch.nn.init.normal_(made.leave.weight, std=0.05)
    return made.eval()


@torch.no_grad()
def test_an_untrained_network_is_the_filters_inverse(clip: torch.Tensor) -> None:
    log_mel = FRONT_END.log_mel(clip)
    rough = refiner.rough(FRONT_END, log_mel)
    said = refiner.Refiner(SPEC, SMALL)(log_mel[None], torch.full((1, len(log_mel)), 120.0), rough[None])
    torch.testing.assert_close(said[0], rough)


@torch.no_grad()
def test_a_frame_depends_on_its_neighbours_within_reach_alone() -> None:
    made, frames, middle = network(), 64, 32
    log_mel, f0 = torch.randn(1, frames, SPEC.bands), torch.zeros(1, frames)
    rough = torch.zeros(1, frames, SPEC.bins)
    other = log_mel.clone()
    other[:, middle] += 1.0
    changed = (made(other, f0, rough) - made(log_mel, f0, rough)).abs().amax(dim=(0, 2)) > 1e-7
    assert changed[middle]
    assert not changed[: middle - SMALL.reach].any()
    assert not changed[middle + SMALL.reach + 1 :].any()


@torch.no_grad()
def test_unvoiced_frames_have_no_harmonics_whether_nan_or_nought() -> None:
    made, frames = network(), 32
    log_mel, rough = torch.randn(1, frames, SPEC.bands), torch.zeros(1, frames, SPEC.bins)
    nought = made(log_mel, torch.zeros(1, frames), rough)
    torch.testing.assert_close(made(log_mel, torch.full((1, frames), torch.nan), rough), nought)
    assert not torch.allclose(made(log_mel, torch.full((1, frames), 200.0), rough), nought)


def test_some_steps_bring_it_nearer_the_recording_than_the_inverse(clip: torch.Tensor) -> None:
    torch.manual_seed(0)
    log_mel = FRONT_END.log_mel(clip)
    rough = refiner.rough(FRONT_END, log_mel)
    wanted = FRONT_END.stft(clip).abs().T[: len(log_mel)].clamp_min(0.02).log()
    made = refiner.Refiner(SPEC, SMALL)
    optimiser = torch.optim.Adam(made.parameters(), lr=3e-3)
    f0 = torch.zeros(1, len(log_mel))

    def loss() -> torch.Tensor:
        return (made(log_mel[None], f0, rough[None])[0].clamp_min(-4.0) - wanted).abs().mean()

    before = float(loss().detach())
    for _ in range(30):
        optimiser.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(loss().detach()) < 0.9 * before


def test_the_sound_is_of_the_wanted_length_and_always_the_same(clip: torch.Tensor) -> None:
    vocoder = refiner.RefinedGriffinLim(network())
    short = clip[:16_123]
    log_mel = FRONT_END.log_mel(short)
    first = vocoder.synthesise(log_mel, samples=len(short), phase_of=short)
    again = vocoder.synthesise(log_mel, samples=len(short), phase_of=short)
    assert first.shape == short.shape
    assert torch.isfinite(first).all()
    assert torch.equal(first, again)
    with pytest.raises(ValueError, match="frames"):
        vocoder.synthesise(log_mel, samples=len(short) + SPEC.hop_samples)


def test_a_file_comes_back_as_it_went_to_half_precision(tmp_path: Path) -> None:
    made = network()
    refiner.save(tmp_path / "refiner.safetensors", made, {"credit": "nobody"})
    back = refiner.load(tmp_path / "refiner.safetensors")
    assert back.audio == SPEC
    assert back.spec == SMALL
    for name, value in back.state_dict().items():
        torch.testing.assert_close(value, made.state_dict()[name].half().float(), rtol=0, atol=0)


def test_a_damaged_file_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "refiner.safetensors"
    refiner.save(file, network(), {})
    content = file.read_bytes()
    file.write_bytes(content[:-100])
    with pytest.raises(CheckpointError, match="damaged or incomplete"):
        refiner.load(file)
    file.write_bytes(content[:-4] + b"\0\1\2\3")
    with pytest.raises(CheckpointError, match="changed"):
        refiner.load(file)


def test_the_shipped_one_refuses_another_front_end() -> None:
    with pytest.raises(SpecError, match="another kind of spectrogram"):
        refiner.vocoder(AudioSpec(bands=80))


def test_the_shipped_one_brings_back_a_recording_of_its_own_mel(clip: torch.Tensor) -> None:
    sound = refiner.vocoder(SPEC).synthesise(FRONT_END.log_mel(clip), samples=len(clip), phase_of=clip)
    apart = (FRONT_END.log_mel(sound) - FRONT_END.log_mel(clip)).abs().mean()
    assert float(apart) < 0.5  # nepers: it was taught on decoded mels, which are blurred
