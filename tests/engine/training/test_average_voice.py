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
from engine.model.streaming import encode_stream
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


def inputs_of(cache: MelCache, model: AuxVAE, entry: int) -> inputs.NetworkInputs:
    at = cache.entries[entry]
    cut = slice(at.start, at.start + at.frames)
    mel = torch.from_numpy(cache.mel[cut].astype("float32"))[None]
    return inputs.for_analysis(mel, torch.tensor(cache.f0[cut])[None], model.spec, AUDIO, model.average)


def test_every_class_is_used_and_the_average_voice_is_the_mean_of_the_voices(cache: MelCache) -> None:
    model = learnt(cache)
    assert float(model.attribute_heads.class_weights.sum()) == pytest.approx(1.0, abs=1e-4)
    assert bool((model.attribute_heads.class_weights > 0).all())
    assert bool((model.attribute_heads.spread > 0.1).all())
    offsets = torch.cat([inputs_of(cache, model, i).attributes.class_offsets for i in range(len(cache.entries))])
    # classes differ from each other far more than the average of all voices from the average voice
    assert float(offsets.mean(dim=0).abs().mean()) < 0.3 * float(model.attribute_heads.class_offsets.abs().mean())


@torch.no_grad()
def test_h_and_m_predict_the_measured_attributes_before_the_first_step(cache: MelCache) -> None:
    model = learnt(cache)
    for entry in (0, len(cache.entries) - 1):
        seen = inputs_of(cache, model, entry)
        latents = model.encode(seen)
        predicted = model.predict_attributes(latents.h.mean, latents.m.mean)
        assert float(predicted.pitch) == pytest.approx(float(seen.attributes.pitch), abs=0.02)
        scale = float(seen.attributes.spectrum.abs().mean())
        assert float((predicted.spectrum - seen.attributes.spectrum).abs().mean()) < 0.25 * scale
        torch.testing.assert_close(predicted.second_pitch, seen.attributes.second_pitch, atol=0.05, rtol=0)


@torch.no_grad()
def test_a_whole_clip_and_its_stream_say_the_same(cache: MelCache) -> None:
    model = learnt(cache)
    seen = inputs_of(cache, model, 0)
    frames, window = seen.frame.shape[1], SMALL.window_frames

    def piece(start: int, stop: int) -> inputs.NetworkInputs:
        cut = slice(start, stop)
        return inputs.NetworkInputs(
            seen.clip[:, cut],
            seen.second[:, cut],
            seen.frame[:, cut],
            seen.target[:, cut],
            seen.attributes.windows(start // window, -(-stop // window)),
            clip_attributes=seen.clip_attributes,
        )

    whole = model.encode(seen)
    streamed = encode_stream(model, piece, frames, chunk_windows=1)
    torch.testing.assert_close(streamed.h, whole.h.mean[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(streamed.m, whole.m.mean[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.cat(list(streamed.z)), whole.z.mean[0], atol=1e-4, rtol=1e-4)


def test_the_same_corpus_and_seed_give_the_same_model(cache: MelCache) -> None:
    one, two = learnt(cache).state_dict(), learnt(cache).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_without_classes_the_attributes_are_learnt_all_the_same(cache: MelCache) -> None:
    model = learnt(cache, dataclasses.replace(SMALL, sounds=0))
    predicted = model.predict_attributes(
        *(x.mean for x in (lambda e: (e.h, e.m))(model.encode(inputs_of(cache, model, 0))))
    )
    assert predicted.class_offsets.shape[1] == 0


def test_plain_inputs_learn_the_scaling_alone(cache: MelCache) -> None:
    model = learnt(cache, dataclasses.replace(SMALL, views="plain"))
    assert float(model.band_scale) != 1.0
    assert model.attribute_heads is None
