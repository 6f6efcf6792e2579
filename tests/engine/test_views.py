"""What each network hears: what is slower than its timescale is taken out, and comes back exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine import audio, pitch, views
from engine.mel import MelFrontEnd
from engine.specs import AudioSpec, ModelSpec

AUDIO = AudioSpec()
PLAIN, TIMESCALE = ModelSpec(), ModelSpec(views="timescale")
MEAN = torch.full((AUDIO.bands,), -5.0)


@pytest.fixture(scope="module")
def clip(speech: list) -> tuple[torch.Tensor, torch.Tensor]:
    samples = audio.read(speech[0], AUDIO).samples
    mel = MelFrontEnd(AUDIO).log_mel(torch.from_numpy(samples))
    return mel[None], torch.from_numpy(pitch.track(samples, AUDIO.rate_hz, AUDIO))[None]


def batch_of(clip: tuple[torch.Tensor, torch.Tensor], copies: int = 4) -> views.Batch:
    mel, f0 = (x.expand(copies, *x.shape[1:]).clone() for x in clip)
    return views.Batch(mel, f0, mel.flip(1), torch.full((copies,), mel.shape[1]))


def test_plain_views_are_all_the_same_x(clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    seen = views.for_analysis(*clip, PLAIN, AUDIO, MEAN)
    assert seen.clip is seen.second is seen.frame is seen.target
    assert seen.levels is None


def test_what_was_taken_out_comes_back(clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    seen = views.for_analysis(*clip, TIMESCALE, AUDIO, MEAN)
    back = views.restore(seen.target, seen.levels, TIMESCALE, AUDIO, MEAN)
    # stretching there and back blurs a little; without restoring, the difference is several times as large
    assert float((back - clip[0]).abs().mean()) < 0.3
    assert float((seen.target - clip[0]).abs().mean()) > 3 * float((back - clip[0]).abs().mean())


def test_the_measured_pitch_is_the_clip_s_median(clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    seen = views.for_analysis(*clip, TIMESCALE, AUDIO, MEAN)
    median = pitch.median_hz(clip[1][0].numpy())
    assert TIMESCALE.reference_hz * np.exp(float(seen.levels.pitch)) == pytest.approx(median, rel=0.02)


def test_the_local_network_cannot_hear_the_pitch_or_the_mean_spectrum(
    clip: tuple[torch.Tensor, torch.Tensor],
) -> None:
    mel, f0 = clip
    tools = views.source_filter(AUDIO, mel.device)
    frames = mel.shape[1]
    ratio = torch.full((1, frames), 1.35)
    tilt = torch.linspace(0.5, -0.5, AUDIO.bands) @ tools.basis.T @ tools.basis
    higher = tools.revoice(mel, ratio, views.formants_for(ratio)) + tilt
    one = views.for_analysis(mel, f0, TIMESCALE, AUDIO, MEAN)
    other = views.for_analysis(higher, f0 * 1.35, TIMESCALE, AUDIO, MEAN)
    heard = float((one.frame - other.frame).abs().mean())
    assert heard < 0.4 * float((mel - higher).abs().mean())
    assert float(other.levels.pitch - one.levels.pitch) == pytest.approx(np.log(1.35), abs=1e-4)
    assert torch.equal(one.clip, mel)  # the global network hears the clean voice


def test_levels_given_to_another_clip_move_its_pitch(clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    from engine import vocoder

    seen = views.for_analysis(*clip, TIMESCALE, AUDIO, MEAN)
    levels = views.Levels(
        seen.levels.pitch + np.log(1.3), seen.levels.spectrum, seen.levels.second_pitch, seen.levels.voiced
    )
    mel = views.restore(seen.target, levels, TIMESCALE, AUDIO, MEAN)[0]
    samples = mel.shape[0] * AUDIO.hop_samples
    wave = vocoder.synthesise(mel, AUDIO, samples=samples).numpy()
    heard = pitch.median_hz(pitch.track(wave, AUDIO.rate_hz, AUDIO))
    assert heard / pitch.median_hz(clip[1][0].numpy()) == pytest.approx(1.3, rel=0.04)


def test_a_clip_without_any_voice_keeps_finite_views() -> None:
    mel = torch.randn(2, 100, AUDIO.bands) - 5.0
    f0 = torch.full((2, 100), torch.nan)
    seen = views.for_analysis(mel, f0, TIMESCALE, AUDIO, MEAN)
    assert torch.isfinite(seen.frame).all()
    assert torch.equal(seen.levels.pitch, torch.zeros(2))
    back = views.restore(seen.target, seen.levels, TIMESCALE, AUDIO, MEAN)
    torch.testing.assert_close(back, mel, atol=1e-3, rtol=0)


@pytest.mark.parametrize("frames", [13, 64, 65, 200])
def test_any_length_has_views(frames: int) -> None:
    mel, f0 = torch.randn(1, frames, AUDIO.bands), torch.full((1, frames), 120.0)
    seen = views.for_analysis(mel, f0, TIMESCALE, AUDIO, MEAN)
    assert seen.frame.shape == mel.shape
    assert seen.levels.second_pitch.shape == (1, -(-frames // 64))


def test_training_views_are_drawn_from_the_generator_alone(clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    def drawn(seed: int) -> views.Views:
        generator = torch.Generator().manual_seed(seed)
        return views.for_training(batch_of(clip), TIMESCALE, generator, AUDIO, MEAN)

    assert torch.equal(drawn(0).target, drawn(0).target)
    assert not torch.equal(drawn(0).target, drawn(1).target)
    # half of the clips are re-voiced: their level says so, and the global network hears the same voice
    pitches = drawn(0).levels.pitch
    assert len(torch.unique(pitches.round(decimals=3))) > 1


def test_padding_changes_nothing_of_what_is_real(clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    mel, f0 = (x[:, :100] for x in clip)
    padded = torch.nn.functional.pad(mel, (0, 0, 0, 60), value=-11.0)
    padded_f0 = torch.nn.functional.pad(f0, (0, 60), value=float("nan"))
    whole = views.for_analysis(mel, f0, TIMESCALE, AUDIO, MEAN)
    tools = views.source_filter(AUDIO, mel.device)
    part = views._take_out(padded, padded_f0, torch.tensor([100]), TIMESCALE, tools, MEAN)
    torch.testing.assert_close(part.levels.pitch, whole.levels.pitch)
    torch.testing.assert_close(part.levels.spectrum, whole.levels.spectrum, atol=1e-4, rtol=1e-4)
