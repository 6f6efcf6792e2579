"""What a run begins with: its corpus, its device, and the model it is fine-tuned from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from small_runs import MODEL, Watcher, changed, go, run_spec, same, weights

from engine.api import Control
from engine.api.errors import CorpusError, SpecError, TrainingError
from engine.api.specs import AudioSpec
from engine.corpus.cache import feature_cache
from engine.model import checkpoint


def test_a_corpus_that_changed_cannot_be_resumed(tmp_path: Path, speech: list[Path]) -> None:
    copies = [tmp_path / f"{i}.flac" for i in range(4)]
    for copy, path in zip(copies, speech, strict=True):
        copy.write_bytes(path.read_bytes())
    run_spec(copies).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    copies[0].unlink()
    with pytest.raises(TrainingError, match="has changed"):
        go(tmp_path / "run")


def test_a_run_begun_before_there_was_a_common_cache_goes_on(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("whole", "parts"):
        run_spec(speech).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    with monkeypatch.context() as before:
        before.setattr(
            feature_cache._Builder, "_key", lambda self, *_: feature_cache.earlier_key(self._manifest, self._spec)
        )
        go(tmp_path / "parts", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    assert same(weights(go(tmp_path / "parts").last), weights(whole.last))


def test_a_corpus_that_moved_is_the_same_corpus(tmp_path: Path, speech: list[Path]) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for path in speech:
        (corpus / path.name).write_bytes(path.read_bytes())
    spec = dataclasses.replace(run_spec([]), folders=(str(corpus),))
    spec.write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    corpus.rename(tmp_path / "moved")
    (tmp_path / "run" / "spec.json").unlink()
    dataclasses.replace(spec, folders=(str(tmp_path / "moved"),)).write(tmp_path / "run")
    assert not go(tmp_path / "run").stopped


def test_bad_recordings_are_left_out_with_a_note(tmp_path: Path, speech: list[Path]) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    run_spec([*speech, bad], changed(epochs=1)).write(tmp_path / "run")
    watcher = Watcher()
    go(tmp_path / "run", watcher)
    assert any("1 files were left out" in note and "bad.wav" in note for note in watcher.notes())
    assert "bad.wav" in (tmp_path / "run" / "log.jsonl").read_text()


def test_one_clip_trains_and_a_note_says_what_validation_means(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech[:1], changed(epochs=1)).write(tmp_path / "run")
    watcher = Watcher()
    done = go(tmp_path / "run", watcher)
    assert done.steps >= 1
    assert any("last part" in note for note in watcher.notes())


def test_clips_shorter_than_a_crop_train(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=2, crop_s=10.0)).write(tmp_path / "run")
    assert go(tmp_path / "run").steps >= 1


def test_a_run_without_recordings_a_device_or_matching_bands_is_refused(tmp_path: Path, speech: list[Path]) -> None:
    run_spec([]).write(tmp_path / "none")
    with pytest.raises(CorpusError):
        go(tmp_path / "none")
    run_spec(speech, changed(device="cuda:99")).write(tmp_path / "device")
    with pytest.raises(SpecError) as refused:
        go(tmp_path / "device")
    assert refused.value.name == "device"
    run_spec(speech, model=dataclasses.replace(MODEL, bands=80)).write(tmp_path / "bands")
    with pytest.raises(TrainingError, match="bands"):
        go(tmp_path / "bands")
    with pytest.raises(TrainingError, match="no training run"):
        go(tmp_path / "nothing")


def test_fine_tuning_goes_on_from_another_model_and_says_so(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech).write(tmp_path / "first")
    first = go(tmp_path / "first")
    watcher = Watcher()
    run_spec(speech, changed(epochs=1), from_model=first.model).write(tmp_path / "second")
    second = go(tmp_path / "second", watcher)
    parent, child = checkpoint.load(first.model), checkpoint.load(second.model)
    assert child.provenance["fine_tuned_from"] == parent.hash
    assert torch.equal(child.model.band_mean, parent.model.band_mean)
    assert watcher.points("validation")[0].terms == first.validation


def test_a_fine_tuned_run_resumes_without_the_model_it_came_from(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "first")
    first = go(tmp_path / "first")
    held = checkpoint.load(first.model)
    assert held.vocoder == "griffin-lim"
    parent = checkpoint.save(first.model, held.model, held.audio, held.train, held.provenance, vocoder="refined")
    for name in ("whole", "stopped"):
        run_spec(speech, from_model=first.model).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    go(tmp_path / "stopped", Watcher(lambda look: Control.STOP if look > 4 else Control.RUN))
    Path(first.model).unlink()
    resumed = go(tmp_path / "stopped")
    assert same(weights(resumed.last), weights(whole.last))
    child = checkpoint.load(resumed.model)
    assert child.provenance["fine_tuned_from"] == parent
    assert child.vocoder == "refined"


def test_fine_tuning_refuses_other_sizes_and_another_front_end(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "first")
    first = go(tmp_path / "first")
    larger = dataclasses.replace(MODEL, latent=9)
    run_spec(speech, model=larger, from_model=first.model).write(tmp_path / "sizes")
    with pytest.raises(TrainingError, match="latent"):
        go(tmp_path / "sizes")
    run_spec(speech, audio=AudioSpec(level_dbfs=-20.0), from_model=first.model).write(tmp_path / "audio")
    with pytest.raises(TrainingError, match="front end"):
        go(tmp_path / "audio")
