"""`triptych probe` from end to end: recordings in, the agreed JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.__main__ import main
from engine.api import AudioSpec, Control, ModelSpec, Partial, Probe, ProbeCorpus, ProbeResult, TrainSpec
from engine.evaluation.probes import job
from engine.model import checkpoint, linear_heads
from engine.model.aux_vae import AuxVAE

LATENT = 8
CELL = {"n", "score", "interval", "shuffled"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "small.triptych.safetensors"
    torch.manual_seed(0)
    spec = ModelSpec(
        latent=LATENT,
        global_channels=(12,),
        medium_channels=(12,),
        local_channels=(16,),
        decoder_channels=(16,),
        predictor_m_channels=(8,),
        predictor_h_channels=(8,),
    )
    network = AuxVAE(spec)
    network.set_scaling(torch.full((140,), -6.0), torch.tensor(2.0))
    checkpoint.save(path, network, AudioSpec(), TrainSpec(), {"made": "by a test"})
    return str(path)


@pytest.fixture(scope="module")
def corpus(example_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips each of six synthetic voices, in a folder a voice, and the cache the tests share."""
    folder = tmp_path_factory.mktemp("probes") / "corpus"
    for voice in ("anna", "berta", "clara", "emil", "felix", "georg"):
        found = sorted(example_set.glob(f"{voice}_*.flac"))[:4]
        (folder / voice).mkdir(parents=True)
        for clip in found:
            (folder / voice / clip.name).write_bytes(clip.read_bytes())
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status = main([str(a) for a in arguments] + ["--json", "--device", "cpu"])
    facts: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return status, facts


def test_the_json_is_the_one_agreed(
    corpus: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, facts = call(
        capsys,
        "probe",
        "--model",
        model,
        "--train",
        corpus,
        "--folds",
        "speaker",
        "--task",
        "verify",
    )
    assert status == 0
    assert list(facts) == ["task", "h", "m", "z", "floors", "details"]
    assert facts["task"] == "verify"
    assert set(facts["floors"]) == {"mel", "mfcc"}
    for cell in (facts["h"], facts["m"], facts["z"], *facts["floors"].values()):
        assert set(cell) == CELL
        assert cell["n"] == 24
        low, high = cell["interval"]
        assert 0.0 <= low <= cell["score"] <= high <= 1.0
    # Synthetic voices differ in their spectra: even the floor tells them apart better than chance.
    assert facts["floors"]["mel"]["score"] < 0.4 < facts["floors"]["mel"]["shuffled"]


def test_one_latent_alone_and_pieces_beside_utterances(
    corpus: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, facts = call(
        capsys, "probe", "--model", model, "--train", corpus, "--task", "speaker", "--latent", "h", "--seeds", 1
    )
    assert status == 0
    assert {"h", "floors"} <= set(facts)
    assert "m" not in facts
    assert facts["details"]["protocol"] == "same session"
    assert "accuracy by 4 s piece" in facts["details"]["also"]["h"]


def test_a_missing_label_is_told_in_words(corpus: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, facts = call(capsys, "probe", "--model", model, "--train", corpus, "--task", "valence")
    assert status == 2
    assert "valence" in facts["error"]["what"]
    assert facts["error"]["hint"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--task", "gender"), "No corpus"), (("--task", "gender", "--test", "x"), "trained first")],
)
def test_what_is_missing_is_said_at_once(
    arguments: tuple[str, ...], words: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, facts = call(capsys, "probe", "--model", model, *arguments)
    assert status == 2
    assert words in facts["error"]["what"]


def test_the_probe_can_be_kept_in_a_copy_of_the_model(
    recordings: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readers = sorted((recordings / "LibriSpeech" / "train-clean-100").iterdir())[:14]
    out = tmp_path / "with-gender.triptych.safetensors"
    status, facts = call(
        capsys, "probe", "--model", model, "--train", *readers, "--task", "gender", "--keep", out, "--seeds", 1
    )
    assert status == 0
    assert facts["kept"]["file"] == str(out)
    copy = checkpoint.load(out)
    heads = linear_heads.read(copy.extra, LATENT)
    assert heads["gender"].classes == ("female", "male")
    told = heads["gender"].posterior(torch.zeros(LATENT))
    assert sum(told.values()) == pytest.approx(1.0)
    assert (copy.model.band_mean == checkpoint.load(model).model.band_mean).all()


def test_a_matrix_goes_on_where_one_task_cannot_be_done(corpus: Path, model: str, tmp_path: Path) -> None:
    told: list[object] = []
    request = Probe(
        ("verify", "emotion"),
        ProbeCorpus((str(corpus),)),
        model,
        pieces=False,
        cache_dir=str(tmp_path),
        device="cpu",
    )
    done = job.probe(request, told.append, lambda: Control.RUN)
    assert [result.task for result in done.results] == ["verify", "emotion"]
    assert done.results[0].scores
    assert "does not say enough to probe emotion" in done.results[1].failed
    results = [e.value for e in told if isinstance(e, Partial) and isinstance(e.value, ProbeResult)]
    assert results[-1] == done.results[1]
    growing, whole = results[:-2], results[-2]
    assert whole == done.results[0]
    assert {result.task for result in growing} == {"verify"}  # a row fills up before the eyes
    assert [len(result.scores) for result in growing] == list(range(1, len(growing) + 1))


def test_stop_keeps_the_tasks_that_are_done(corpus: Path, model: str, tmp_path: Path) -> None:
    results: list[object] = []

    def report(event: object) -> None:
        if isinstance(event, Partial):
            results.append(event.value)

    request = Probe(
        ("verify", "speaker"),
        ProbeCorpus((str(corpus),)),
        model,
        pieces=False,
        cache_dir=str(tmp_path),
        device="cpu",
    )
    done = job.probe(request, report, lambda: Control.STOP if results else Control.RUN)
    assert [result.task for result in done.results] == ["verify"]
