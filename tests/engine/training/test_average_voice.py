"""What is learnt before training: the average voice, and h as the directions in which voices differ from it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from engine.api import ClipRef, Control
from engine.api.specs import AudioSpec, ModelSpec
from engine.corpus.cache.feature_cache import MelCache, build
from engine.corpus.scanning import scan
from engine.model.aux_vae import AuxVAE
from engine.model.timescale import inputs
from engine.training.average_voice import learn

AUDIO = AudioSpec()
SMALL = ModelSpec(
    latent=48,
    global_channels=(16, 16),
    medium_channels=(16, 16),
    local_channels=(16,),
    decoder_channels=(16,),
    predictor_m_channels=(16,),
    predictor_h_channels=(16,),
    views="timescale",
    sounds=6,
)


def run() -> Control:
    return Control.RUN


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, example_set: Path) -> MelCache:
    paths = sorted(example_set.glob("*_calm_[12].flac"))
    clips = tuple(ClipRef(path.stem, str(path)) for path in paths)
    manifest = scan((), clips, run)
    return build(manifest, AUDIO, tmp_path_factory.mktemp("cache"), lambda event: None, run)


def learnt(cache: MelCache, spec: ModelSpec = SMALL, seed: int = 0) -> AuxVAE:
    torch.manual_seed(0)
    model = AuxVAE(spec)
    learn(model, cache, tuple(range(len(cache.entries))), AUDIO, seed)
    return model.eval()


def view_of(cache: MelCache, model: AuxVAE, entry: int) -> inputs.Views:
    at = cache.entries[entry]
    cut = slice(at.start, at.start + at.frames)
    mel = torch.from_numpy(cache.mel[cut].astype("float32"))[None]
    return inputs.for_analysis(mel, torch.tensor(cache.f0[cut])[None], model.spec, AUDIO, model.average)


def test_every_class_is_used_and_the_average_voice_is_the_mean_of_the_voices(cache: MelCache) -> None:
    model = learnt(cache)
    assert float(model.sound_weights.sum()) == pytest.approx(1.0, abs=1e-4)
    assert bool((model.sound_weights > 0).all())
    assert bool((model.sound_spread > 0.1).all())
    sounds = torch.cat([view_of(cache, model, i).levels.sounds for i in range(len(cache.entries))])
    # classes differ from each other far more than the average of all voices from the average voice
    assert float(sounds.mean(dim=0).abs().mean()) < 0.3 * float(model.sound_offsets.abs().mean())


@torch.no_grad()
def test_h_and_m_tell_the_measured_levels_before_the_first_step(cache: MelCache) -> None:
    model = learnt(cache)
    for entry in (0, len(cache.entries) - 1):
        seen = view_of(cache, model, entry)
        latents = model.encode(seen)
        told = model.read_levels(latents.h.mean, latents.m.mean)
        assert float(told.pitch) == pytest.approx(float(seen.levels.pitch), abs=0.02)
        scale = float(seen.levels.spectrum.abs().mean())
        assert float((told.spectrum - seen.levels.spectrum).abs().mean()) < 0.25 * scale
        torch.testing.assert_close(told.second_pitch, seen.levels.second_pitch, atol=0.05, rtol=0)


@torch.no_grad()
def test_a_whole_clip_and_its_stream_tell_the_same(cache: MelCache) -> None:
    model = learnt(cache)
    seen = view_of(cache, model, 0)
    frames, window = seen.frame.shape[1], SMALL.window_frames

    def piece(start: int, stop: int) -> inputs.Views:
        cut = slice(start, stop)
        return inputs.Views(
            seen.clip[:, cut],
            seen.second[:, cut],
            seen.frame[:, cut],
            seen.target[:, cut],
            seen.levels.windows(start // window, -(-stop // window)),
            clip_levels=seen.clip_levels,
        )

    whole = model.encode(seen)
    streamed = model.encode_stream(piece, frames, chunk_windows=1)
    torch.testing.assert_close(streamed.h, whole.h.mean[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(streamed.m, whole.m.mean[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.cat(list(streamed.z)), whole.z.mean[0], atol=1e-4, rtol=1e-4)


def test_the_same_corpus_and_seed_give_the_same_model(cache: MelCache) -> None:
    one, two = learnt(cache).state_dict(), learnt(cache).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_without_classes_the_levels_are_learnt_all_the_same(cache: MelCache) -> None:
    model = learnt(cache, dataclasses.replace(SMALL, sounds=0))
    told = model.read_levels(*(x.mean for x in (lambda e: (e.h, e.m))(model.encode(view_of(cache, model, 0)))))
    assert told.sounds.shape[1] == 0


def test_plain_views_learn_the_scaling_alone(cache: MelCache) -> None:
    model = learnt(cache, dataclasses.replace(SMALL, views="plain"))
    assert float(model.band_scale) != 1.0
    assert not model.hears_levels
