"""The systems of table 1: one training loop, one probe, one kind of file; and none passes for the model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.analysis import analyse
from engine.api import AudioSpec, ClipRef, Control, ModelSpec, RunSpec, SpecError, TrainSpec
from engine.api.errors import CheckpointError, TrainingError
from engine.corpus.cache.feature_cache import build
from engine.corpus.scanning import scan
from engine.model import baselines, checkpoint
from engine.model.streaming import InputsOf
from engine.model.timescale.inputs import NetworkInputs
from engine.training import checkpoints, loop
from engine.training.data.crops import SpeakerNumbers

SPEC = ModelSpec(
    latent=8, global_channels=(12, 12), medium_channels=(12,), local_channels=(16, 16), decoder_channels=(16,),
    predictor_m_channels=(8,), predictor_h_channels=(8,), speakers=4,
)  # fmt: skip
TRAIN = TrainSpec(learning_rate=3e-3, batch_size=4, crop_s=1.0, epochs=2, device="cpu", threads=1)
OTHERS = ("one-auxiliary", "vae", "cpc", "supervised")
LATENTS = {"one-auxiliary": {"h", "z"}, "vae": {"z"}, "cpc": {"c", "z"}, "supervised": {"h"}}


def spec_of(system: str) -> ModelSpec:
    return dataclasses.replace(SPEC, system=system)


def built(system: str) -> baselines.Network:
    torch.manual_seed(0)
    return baselines.build(spec_of(system)).eval()


def pieces(batch: int = 4, frames: int = 128) -> NetworkInputs:
    x = torch.randn(batch, frames, SPEC.bands)
    return NetworkInputs.plain(x)


def of(x: torch.Tensor) -> InputsOf:
    return lambda start, stop: NetworkInputs.plain(x[:, start:stop])


@pytest.mark.parametrize("system", OTHERS)
def test_every_system_learns_from_a_batch_it_sees_again(system: str) -> None:
    network = built(system).train()
    inputs, speakers = pieces(), torch.tensor([0, 1, 2, 3])
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    totals = []
    for _ in range(60):
        generator = torch.Generator().manual_seed(1)
        got = baselines.terms(network, inputs, TRAIN, generator=generator, speakers=speakers)
        optimiser.zero_grad()
        got.loss.backward()
        optimiser.step()
        totals.append(got.total.item())
    assert totals[-1] > totals[0] + 0.1 * abs(totals[0])


@pytest.mark.parametrize("system", ["two-auxiliary", *OTHERS])
def test_a_long_clip_in_chunks_gives_what_the_whole_gives(system: str) -> None:
    network = built(system)
    x = torch.randn(1, 64 * 5 + 30, SPEC.bands)
    whole = baselines.vectors(network, of(x), x.shape[1], chunk_windows=100)
    chunked = baselines.vectors(network, of(x), x.shape[1], chunk_windows=2)
    assert set(whole) == LATENTS.get(system, {"h", "m", "z"})
    for name in whole:
        assert whole[name].shape == ((SPEC.latent,) if name != "z" or system != "cpc" else (16,))
        # The strided encoder of CPC pads at the chunk's edges: a frame in a hundred.
        tolerance = 0.05 if system == "cpc" else 1e-4
        assert torch.allclose(whole[name], chunked[name], atol=tolerance)


@pytest.mark.parametrize("system", OTHERS)
def test_padding_changes_nothing(system: str) -> None:
    network = built(system)
    inputs = pieces(2, 96)
    padded = NetworkInputs.plain(torch.nn.functional.pad(inputs.clip, (0, 0, 0, 64)))
    lengths, speakers = torch.tensor([96, 96]), torch.tensor([0, 1])
    # Draws have the shape of the padded batch, so only what no draw enters is compared.
    a = baselines.terms(network, inputs, TRAIN, generator=torch.Generator().manual_seed(0), speakers=speakers)
    b = baselines.terms(
        network, padded, TRAIN, lengths=lengths, generator=torch.Generator().manual_seed(0), speakers=speakers
    )
    names = {
        "one-auxiliary": ("entropy_h",),
        "vae": ("prior_z", "entropy_z"),
        "cpc": ("total",),
        "supervised": ("total",),
    }[system]
    for name in names:
        assert torch.allclose(getattr(a, name), getattr(b, name), atol=2e-2 if system == "cpc" else 1e-4)


def test_contrastive_prediction_of_noise_is_chance_and_of_what_stays_is_not() -> None:
    network = built("cpc").train()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(60):
        steady = torch.randn(6, 1, SPEC.bands) + 0.1 * torch.randn(6, 128, SPEC.bands)
        got = baselines.terms(network, NetworkInputs.plain(steady), TRAIN)
        optimiser.zero_grad()
        got.loss.backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        noise = torch.randn(6, 128, SPEC.bands)
        lost = baselines.terms(network, NetworkInputs.plain(noise), TRAIN)
        found = baselines.terms(network, NetworkInputs.plain(steady), TRAIN)
    # Twelve anchors of one steady clip cannot be told apart, so 11 of 12 picks miss even at best.
    assert float(found.total) > float(lost.total) + 0.5
    assert float(lost.error) > 0.9


def test_pieces_too_short_to_look_ahead_in_teach_nothing_and_break_nothing() -> None:
    got = baselines.terms(built("cpc"), pieces(2, 12), TRAIN)
    assert got.total.item() == 0.0


def test_unnamed_speakers_teach_the_supervised_system_nothing() -> None:
    network, inputs = built("supervised"), pieces()
    named = baselines.terms(network, inputs, TRAIN, speakers=torch.tensor([1, -1, -1, -1]))
    alone = baselines.terms(network, NetworkInputs.plain(inputs.clip[:1]), TRAIN, speakers=torch.tensor([1]))
    assert torch.allclose(named.total, alone.total, atol=1e-5)
    assert baselines.terms(network, inputs, TRAIN, speakers=torch.full((4,), -1)).total.item() == 0.0
    with pytest.raises(TrainingError, match="more than the 4 speakers"):
        baselines.terms(network, inputs, TRAIN, speakers=torch.tensor([0, 1, 2, 9]))


def test_the_supervised_system_must_know_how_many_speakers_there_are() -> None:
    with pytest.raises(SpecError) as raised:
        baselines.build(dataclasses.replace(SPEC, system="supervised", speakers=0))
    assert raised.value.name == "speakers"


def test_crops_know_their_speakers(tmp_path: Path, example_set: Path) -> None:
    clips = [sorted(example_set.glob(f"{voice}_*.flac"))[0] for voice in ("hugo", "anna")]
    for clip in clips:
        (tmp_path / "c" / clip.name[:4]).mkdir(parents=True)
        (tmp_path / "c" / clip.name[:4] / clip.name).write_bytes(clip.read_bytes())
    manifest = scan([str(tmp_path / "c")], [], lambda: Control.RUN)
    cache = build(manifest, AudioSpec(), tmp_path / "cache", lambda event: None, lambda: Control.RUN)
    crops = np.array([[e.start + 3, e.start, 10] for e in cache.entries], np.int64)
    names = [e.utterance.labels.speaker for e in cache.entries]
    numbers = SpeakerNumbers(cache).of(crops, torch.device("cpu")).tolist()
    assert [["anna", "hugo"][n] for n in numbers] == names


@pytest.mark.parametrize("system", OTHERS)
def test_a_run_of_every_system_stops_resumes_and_is_probed_but_never_passes_for_the_model(
    system: str, tmp_path: Path, speech: list[Path]
) -> None:
    clips = tuple(ClipRef(p.name, str(p), {"speaker": p.parent.name}) for p in speech)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        RunSpec(TRAIN, spec_of(system), clips=clips).write(folder)
    loop.train(whole, lambda event: None, lambda: Control.RUN)
    looks = iter(range(10_000))
    loop.train(parts, lambda event: None, lambda: Control.STOP if next(looks) == 12 else Control.RUN)
    done = loop.train(parts, lambda event: None, lambda: Control.RUN)
    assert not done.stopped
    a, b = (checkpoint.load_system(folder / checkpoints.LAST) for folder in (whole, parts))
    weights, again = a.model.state_dict(), b.model.state_dict()
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert a.model.spec.system == system
    with pytest.raises(CheckpointError, match="system of comparison"):
        checkpoint.load(whole / checkpoints.BEST)
    with pytest.raises(CheckpointError, match="system of comparison"):
        analyse.load_model(whole / checkpoints.BEST, torch.device("cpu"))
