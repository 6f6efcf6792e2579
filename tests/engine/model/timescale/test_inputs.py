"""Network inputs: what is slower than a network's timescale is normalised, and restored exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engine.api.specs import ENVELOPE_COEFFICIENTS, AudioSpec, ModelSpec
from engine.audio import f0 as pitch
from engine.audio import files
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders.griffin_lim import GriffinLim
from engine.model.timescale import inputs
from engine.model.timescale.acoustic_classes import unused
from engine.model.timescale.attributes import Attributes, AverageVoice
from engine.model.timescale.normaliser import ONSET_FRAMES, VoiceNormaliser
from engine.model.timescale.source_filter import source_filter

AUDIO = AudioSpec()
PLAIN, TIMESCALE = ModelSpec(), ModelSpec(views="timescale", sounds=4)


def average(classes: int = 4) -> AverageVoice:
    """A voice whose classes lie apart, so that frames are told apart."""
    known = unused(classes)
    known.weights[:] = 1.0 / max(1, classes)
    known.means[:] = torch.randn(known.means.shape, generator=torch.Generator().manual_seed(0))
    return AverageVoice(
        torch.full((AUDIO.bands,), -5.0),
        known,
        0.5 * torch.randn(classes, ENVELOPE_COEFFICIENTS, generator=torch.Generator().manual_seed(1)),
        torch.full((ENVELOPE_COEFFICIENTS,), 1.5),
    )


AVERAGE = average()
Clip = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(scope="module")
def clip(speech: list) -> Clip:
    samples = files.read(speech[0], AUDIO).samples
    mel = MelFrontEnd(AUDIO).log_mel(torch.from_numpy(samples))
    return mel[None], torch.from_numpy(pitch.track(samples, AUDIO.rate_hz, AUDIO))[None]


def heard(clip: Clip, gain_db: float = 0.0) -> inputs.NetworkInputs:
    return inputs.for_analysis(*clip, TIMESCALE, AUDIO, AVERAGE, gain_db)


def normaliser(spec: ModelSpec = TIMESCALE, voice: AverageVoice = AVERAGE) -> VoiceNormaliser:
    return VoiceNormaliser(spec, source_filter(AUDIO, torch.device("cpu")), voice)


def restored(seen: inputs.NetworkInputs, attributes: Attributes, residual_gain: float = 1.0) -> torch.Tensor:
    return normaliser().restore(
        seen.target, attributes, seen.residual, own=seen.attributes, residual_gain=residual_gain
    )


def batch_of(clip: Clip, copies: int = 4) -> inputs.Batch:
    mel, f0 = (x.expand(copies, *x.shape[1:]).clone() for x in clip)
    return inputs.Batch(mel, f0, mel.flip(1), f0.flip(1), torch.full((copies,), mel.shape[1]))


def test_plain_views_are_all_the_same_x(clip: Clip) -> None:
    seen = inputs.for_analysis(*clip, PLAIN, AUDIO, AVERAGE)
    assert seen.clip is seen.second is seen.frame is seen.target
    assert seen.attributes is None


@pytest.mark.parametrize("gain_db", [0.0, 17.0])
def test_what_was_taken_out_comes_back(clip: Clip, gain_db: float) -> None:
    seen = heard(clip, gain_db)
    back = restored(seen, seen.attributes)
    # stretching there and back blurs a little; without restoring, the difference is several times as large
    assert float((back - clip[0]).abs().mean()) < 0.3
    assert float((seen.target - clip[0]).abs().mean()) > 3 * float((back - clip[0]).abs().mean())


def test_the_measured_pitch_is_the_clip_s_median(clip: Clip) -> None:
    median = pitch.median_hz(clip[1][0].numpy())
    assert TIMESCALE.reference_hz * np.exp(float(heard(clip).attributes.pitch)) == pytest.approx(median, rel=0.02)


def test_the_local_network_cannot_hear_the_pitch_the_mean_spectrum_or_the_loudness_of_a_second(clip: Clip) -> None:
    mel, f0 = clip
    tools = source_filter(AUDIO, mel.device)
    ratio = torch.full((1, mel.shape[1]), 1.35)
    tilt = torch.linspace(0.5, -0.5, AUDIO.bands) @ tools.basis.T @ tools.basis
    louder = torch.sin(torch.arange(mel.shape[1]) / 90.0)[None, :, None]  # slower than a second
    changed = tools.revoice(mel, ratio, inputs.formants_for(ratio)) + tilt + louder
    one, other = heard(clip), heard((changed, f0 * 1.35))
    assert float((one.frame - other.frame).abs().mean()) < 0.45 * float((mel - changed).abs().mean())
    assert float(other.attributes.pitch - one.attributes.pitch) == pytest.approx(np.log(1.35), abs=1e-4)
    assert torch.equal(one.clip, mel)  # the global network hears the clean voice


def test_attributes_given_to_another_clip_move_its_pitch(clip: Clip) -> None:
    seen = heard(clip)
    attributes = dataclasses.replace(seen.attributes, pitch=seen.attributes.pitch + np.log(1.3))
    mel = restored(seen, attributes)[0]
    wave = GriffinLim(AUDIO).synthesise(mel, samples=mel.shape[0] * AUDIO.hop_samples).numpy()
    found = pitch.median_hz(pitch.track(wave, AUDIO.rate_hz, AUDIO))
    assert found / pitch.median_hz(clip[1][0].numpy()) == pytest.approx(1.3, rel=0.04)


def test_a_wider_range_given_to_the_seconds_is_heard_as_one(clip: Clip) -> None:
    seen = heard(clip)
    attributes = dataclasses.replace(seen.attributes, second_range=seen.attributes.second_range - 1.5)
    mel = restored(seen, attributes)[0]
    wave = GriffinLim(AUDIO).synthesise(mel, samples=mel.shape[0] * AUDIO.hop_samples).numpy()
    before, after = (np.ptp(pitch.range_hz(f0)) for f0 in (clip[1][0].numpy(), pitch.track(wave, 16_000, AUDIO)))
    assert after < 0.8 * before


def test_a_louder_second_is_louder_and_the_others_are_not(clip: Clip) -> None:
    seen = heard(clip)
    tone = seen.attributes.second_tone.clone()
    tone[:, 2, 0] += 2.0 * np.sqrt(AUDIO.bands)  # two nepers
    change = restored(seen, dataclasses.replace(seen.attributes, second_tone=tone)) - restored(
        seen, seen.attributes
    )
    assert float(change[:, 2 * 64 + 30 : 2 * 64 + 34].mean()) == pytest.approx(2.0, abs=0.1)
    assert float(change[:, :96].abs().max()) < 1e-3  # up to the middle of the second before


def test_the_gain_of_a_recording_is_told_by_its_seconds_and_nothing_else(clip: Clip) -> None:
    one, other = heard(clip), heard(clip, gain_db=20.0)
    assert torch.equal(one.frame, other.frame)
    change = inputs.tone_decibels(other.attributes.second_tone[..., 0] - one.attributes.second_tone[..., 0], AUDIO)
    torch.testing.assert_close(change, torch.full_like(change, -20.0), atol=1e-3, rtol=0)
    assert torch.equal(one.attributes.spectrum, other.attributes.spectrum)


def test_a_smaller_residual_gain_brings_frames_nearer_to_what_their_classes_explain(clip: Clip) -> None:
    seen = heard(clip)
    explained, half, whole = (restored(seen, seen.attributes, gain) for gain in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half, (explained + whole) / 2.0, atol=1e-3, rtol=0)
    assert float((explained - whole).abs().mean()) > 0.1


def test_another_voice_s_way_with_a_sound_sets_in_over_some_frames(clip: Clip) -> None:
    seen = heard(clip)
    posteriors = torch.zeros_like(seen.residual.class_posteriors)
    posteriors[:, :100, 0], posteriors[:, 100:, 1] = 1.0, 1.0
    seen = dataclasses.replace(seen, residual=dataclasses.replace(seen.residual, class_posteriors=posteriors))
    offsets = seen.attributes.class_offsets.clone()
    offsets[:, 1, 0] += np.sqrt(AUDIO.bands)  # the second sound a neper louder in every band
    change = restored(seen, dataclasses.replace(seen.attributes, class_offsets=offsets)) - restored(
        seen, seen.attributes
    )
    by_frame = change[0].mean(dim=1)
    reach = ONSET_FRAMES // 2
    assert float(by_frame[: 100 - reach].abs().max()) < 1e-4
    torch.testing.assert_close(
        by_frame[100 + reach :], torch.ones(change.shape[1] - 100 - reach), atol=1e-3, rtol=0
    )
    assert bool((by_frame.diff()[99 - reach : 99 + reach] > 0).all())
    assert float(by_frame.diff().max()) < 0.3


def test_a_clip_without_any_voice_keeps_finite_views() -> None:
    mel = torch.randn(2, 100, AUDIO.bands) - 5.0
    f0 = torch.full((2, 100), torch.nan)
    seen = heard((mel, f0))
    assert torch.isfinite(seen.frame).all()
    assert torch.equal(seen.attributes.pitch, torch.zeros(2))
    torch.testing.assert_close(restored(seen, seen.attributes), mel, atol=2e-3, rtol=0)


@pytest.mark.parametrize("frames", [13, 64, 65, 200])
def test_any_length_has_views(frames: int) -> None:
    mel, f0 = torch.randn(1, frames, AUDIO.bands), torch.full((1, frames), 120.0)
    seen = heard((mel, f0))
    assert seen.frame.shape == mel.shape
    assert seen.attributes.second_tone.shape[:2] == seen.attributes.second_pitch.shape == (1, -(-frames // 64))


def test_training_views_are_drawn_from_the_generator_alone(clip: Clip) -> None:
    def drawn(seed: int) -> inputs.NetworkInputs:
        generator = torch.Generator().manual_seed(seed)
        return inputs.for_training(batch_of(clip), TIMESCALE, generator, AUDIO, AVERAGE)

    assert torch.equal(drawn(0).target, drawn(0).target)
    assert not torch.equal(drawn(0).target, drawn(1).target)
    # half of the clips are re-voiced: their pitch says so, and the global network gets the same voice
    pitches = drawn(0).attributes.pitch
    assert len(torch.unique(pitches.round(decimals=3))) > 1
    torch.testing.assert_close(drawn(0).clip_attributes.pitch, pitches, atol=1e-4, rtol=0)


def test_the_two_pieces_of_a_clip_come_through_different_microphones(clip: Clip) -> None:
    mel, f0 = clip
    same = inputs.Batch(mel, f0, mel, f0, torch.tensor([mel.shape[1]]))
    seen = inputs.for_training(same, TIMESCALE, torch.Generator().manual_seed(3), AUDIO, AVERAGE)
    difference = (seen.clip - seen.again)[0]
    assert float(difference.std(dim=0).max()) < 1e-4  # one filter for the whole piece
    assert float(difference.abs().max()) > 0.1


def test_padding_changes_nothing_of_what_is_real(clip: Clip) -> None:
    mel, f0 = (x[:, :100] for x in clip)
    padded = inputs.Batch(
        torch.nn.functional.pad(mel, (0, 0, 0, 60), value=-11.0),
        torch.nn.functional.pad(f0, (0, 60), value=float("nan")),
        torch.nn.functional.pad(mel, (0, 0, 0, 60), value=-11.0),
        torch.nn.functional.pad(f0, (0, 60), value=float("nan")),
        torch.tensor([100]),
    )
    whole = inputs.Batch(mel, f0, mel, f0, torch.tensor([100]))
    long, short = (
        inputs.for_training(batch, TIMESCALE, torch.Generator().manual_seed(0), AUDIO, AVERAGE)
        for batch in (padded, whole)
    )
    for name in ("pitch", "spectrum", "class_offsets", "spread"):
        torch.testing.assert_close(
            getattr(long.attributes, name), getattr(short.attributes, name), atol=1e-3, rtol=1e-3
        )


def test_without_acoustic_classes_there_is_one_mean_for_all(clip: Clip) -> None:
    spec, no_classes = ModelSpec(views="timescale", sounds=0), average(0)
    seen = inputs.for_analysis(*clip, spec, AUDIO, no_classes)
    assert seen.attributes.class_offsets.shape == (1, 0, ENVELOPE_COEFFICIENTS)
    back = normaliser(spec, no_classes).restore(seen.target, seen.attributes, seen.residual, own=seen.attributes)
    assert float((back - clip[0]).abs().mean()) < 0.3
