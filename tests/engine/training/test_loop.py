"""Training on four clips: curves, files, stop, pause, kill and resume, and every way it can go wrong."""

from __future__ import annotations

import dataclasses
import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import MODEL, TRAIN, Watcher, changed, go, run_spec, same, weights

from engine.api import Control, Progress
from engine.api.errors import Cancelled, CheckpointError, CorpusError, SpecError, TrainingError
from engine.api.specs import AudioSpec, TrainSpec
from engine.corpus.cache import feature_cache
from engine.lanes import lanes_of
from engine.model import checkpoint, tensor_file
from engine.model.objective import TERM_NAMES, Terms
from engine.training import loop, step
from engine.training.state import StateFiles


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# ------------------------------------------------------------------------------------------------- a whole run
def test_a_run_leaves_a_model_its_curves_and_its_provenance(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, name="first").write(tmp_path / "run")
    watcher = Watcher()
    done = go(tmp_path / "run", watcher)
    assert not done.stopped
    assert done.epochs >= 3
    assert set(done.terms) == set(done.validation) == set(TERM_NAMES)
    loaded = checkpoint.load(done.model)
    assert loaded.model.spec == MODEL
    assert loaded.train == TRAIN
    assert loaded.provenance["corpus"]["recordings"] == 4
    assert loaded.provenance["corpus"]["held_out"] == 1
    assert loaded.provenance["corpus"]["speakers"] == 2
    assert loaded.provenance["steps"] <= done.steps
    assert str(tmp_path) not in json.dumps(loaded.provenance)
    assert checkpoint.load(done.last).provenance["steps"] == done.steps
    validation = watcher.points("validation")
    assert validation[0].step == 0
    assert validation[-1].step == done.steps
    assert validation[-1].terms["error"] < validation[0].terms["error"]
    assert done.validation["total"] == max(point.terms["total"] for point in validation[1:])
    assert watcher.points("train")
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {line["event"] for line in logged} >= {"start", "plan", "train", "validation", "saved", "done"}
    assert any(isinstance(event, Progress) and event.fraction is not None for event in watcher.events)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(tmp_path: Path, speech: list[Path]) -> None:
    models = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_spec(speech, changed(epochs=1, seed=seed)).write(tmp_path / name)
        models.append(weights(go(tmp_path / name).last))
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_a_run_leaves_the_thread_count_and_the_random_numbers_of_its_caller_alone(
    tmp_path: Path, speech: list[Path]
) -> None:
    run_spec(speech, changed(epochs=1, threads=1)).write(tmp_path / "run")
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    go(tmp_path / "run")
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_a_time_budget_is_planned_from_the_speed_and_corrected_on_the_way(
    tmp_path: Path, speech: list[Path]
) -> None:
    run_spec(speech, changed(epochs=100_000, minutes=0.05)).write(tmp_path / "run")
    done = go(tmp_path / "run")
    assert 1.5 < done.seconds < 9.0
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    plans = [line for line in lines if line["event"] == "plan"]
    assert 2 <= len(plans) <= 4
    assert done.steps * TRAIN.batch_size >= plans[-1]["crops"] > (done.steps - 1) * TRAIN.batch_size


def test_a_finished_run_asked_again_answers_at_once(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "run")
    first = go(tmp_path / "run")
    watcher = Watcher()
    again = go(tmp_path / "run", watcher)
    assert dataclasses.replace(again, device="") == dataclasses.replace(first, device="")
    assert watcher.points("train") == []


# ------------------------------------------------------------------------------------------------- the user
@pytest.mark.parametrize("threads", [1, 2])
def test_stopping_keeps_a_model_and_resuming_ends_as_if_never_stopped(
    tmp_path: Path, speech: list[Path], threads: int
) -> None:
    for name in ("whole", "stopped"):
        run_spec(speech, changed(threads=threads)).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    go(tmp_path / "stopped", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    assert not same(weights(tmp_path / "stopped" / loop.LAST), weights(whole.last))
    stopped_at = checkpoint.load(tmp_path / "stopped" / loop.LAST).provenance["steps"]
    assert 0 < stopped_at < whole.steps
    resumed = go(tmp_path / "stopped")
    assert resumed.steps == whole.steps
    assert same(weights(resumed.last), weights(whole.last))
    assert same(weights(resumed.model), weights(whole.model))


@pytest.mark.skipif(lanes_of(2) == 1, reason="processes have no memory in common here")
def test_a_lane_that_is_killed_leaves_the_run_as_the_last_whole_step_left_it(
    tmp_path: Path, speech: list[Path]
) -> None:
    for name in ("whole", "killed"):
        run_spec(speech, changed(threads=2)).write(tmp_path / name)
    whole = go(tmp_path / "whole")

    def control(look: int) -> Control:
        lanes = [child for child in multiprocessing.active_children() if "lane" in child.name]
        if look == 6:
            os.kill(lanes[0].pid or 0, signal.SIGKILL)
        return Control.RUN

    with pytest.raises(TrainingError, match="has ended"):
        go(tmp_path / "killed", Watcher(control))
    assert 0 < checkpoint.load(tmp_path / "killed" / loop.LAST).provenance["steps"] < whole.steps
    resumed = go(tmp_path / "killed")
    assert resumed.steps == whole.steps
    assert same(weights(resumed.last), weights(whole.last))


def test_stopping_before_the_first_step_still_leaves_a_model(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech).write(tmp_path / "run")
    done = go(tmp_path / "run", Watcher(lambda look: Control.STOP))
    assert (done.stopped, done.steps) == (True, 0)
    checkpoint.load(done.model)


def test_cancelling_raises_and_keeps_what_was_saved(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    saved = (tmp_path / "run" / "state.safetensors").read_bytes()
    with pytest.raises(Cancelled):
        go(tmp_path / "run", Watcher(lambda look: Control.CANCEL if look > 6 else Control.RUN))
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == saved


def test_a_pause_saves_and_changes_nothing(tmp_path: Path, speech: list[Path]) -> None:
    for name in ("whole", "paused"):
        run_spec(speech).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    watcher = Watcher(lambda look: Control.PAUSE if 5 <= look <= 8 else Control.RUN)
    paused = go(tmp_path / "paused", watcher)
    assert any(isinstance(event, Progress) and "Paused" in event.message for event in watcher.events)
    assert "paused" in (tmp_path / "paused" / "log.jsonl").read_text()
    assert same(weights(paused.last), weights(whole.last))


# ------------------------------------------------------------------------------------------------- a kill
CHILD = """
import sys
from engine.api import Control
from engine.training.loop import train

def control():
    print("look", flush=True)
    return Control.RUN

if __name__ == "__main__":
    train(sys.argv[1], lambda event: None, control)
"""


def test_a_run_killed_in_mid_epoch_and_resumed_equals_one_never_killed(
    tmp_path: Path, speech: list[Path], one_thread: None
) -> None:
    spec = changed(epochs=60, checkpoint_minutes=0.01)
    for name in ("whole", "killed"):
        run_spec(speech, spec).write(tmp_path / name)
    whole = go(tmp_path / "whole")

    script = tmp_path / "child.py"
    script.write_text(CHILD)
    state = tmp_path / "killed" / "state.safetensors"
    root = str(Path(loop.__file__).resolve().parents[2])
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "killed")], stdout=subprocess.PIPE, env=_environment(root)
    ) as child:
        assert child.stdout is not None
        after_save = 0
        for _ in child.stdout:
            after_save += state.exists()
            if after_save == 6:  # two or three steps beyond a save
                child.kill()
        assert child.wait() == -signal.SIGKILL

    standing = StateFiles(tmp_path / "killed").load().standing
    assert 0 < standing.step < whole.steps
    resumed = go(tmp_path / "killed")
    assert resumed.steps == whole.steps
    assert same(weights(resumed.last), weights(whole.last))
    assert same(weights(resumed.model), weights(whole.model))
    assert resumed.validation == whole.validation
    steps = [
        line["step"]
        for line in map(json.loads, (tmp_path / "killed" / "log.jsonl").read_text().splitlines())
        if line["event"] == "validation"
    ]
    assert steps == sorted(set(steps))


def _environment(root: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}


def test_a_kill_while_saving_leaves_the_state_before(tmp_path: Path, speech: list[Path]) -> None:
    for name in ("whole", "run"):
        run_spec(speech).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    for looks in (4, 4):
        go(tmp_path / "run", Watcher(lambda look, looks=looks: Control.STOP if look > looks else Control.RUN))
    newest = tmp_path / "run" / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1000])
    assert same(weights(go(tmp_path / "run").last), weights(whole.last))


def test_a_run_whose_states_are_both_damaged_says_so(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "run")
    go(tmp_path / "run")
    (tmp_path / "run" / "state.safetensors").write_text("not a state")
    with pytest.raises(TrainingError, match="cannot be read"):
        go(tmp_path / "run")


def test_a_corpus_that_changed_cannot_be_resumed(tmp_path: Path, speech: list[Path]) -> None:
    copies = [tmp_path / f"{i}.flac" for i in range(4)]
    for copy, path in zip(copies, speech, strict=True):
        copy.write_bytes(path.read_bytes())
    run_spec(copies).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    copies[0].unlink()
    with pytest.raises(TrainingError, match="has changed"):
        go(tmp_path / "run")


# ------------------------------------------------------------------------------------------------- trouble
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


def failing_terms(fail: Callable[[int, Terms], Terms]) -> Callable[..., Terms]:
    """`systems.terms`, handed to `fail` with the size of its batch."""
    original = step.terms

    def terms(model: Any, views: Any, spec: TrainSpec, **more: Any) -> Terms:
        return fail(len(views.target), original(model, views, spec, **more))

    return terms


def test_when_the_memory_runs_out_the_batch_is_halved_and_the_run_goes_on(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_memory(size: int, got: Terms) -> Terms:
        if size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return got

    monkeypatch.setattr(step, "terms", failing_terms(small_memory))
    run_spec(speech, changed(epochs=1, batch_size=8)).write(tmp_path / "run")
    watcher = Watcher()
    done = go(tmp_path / "run", watcher)
    assert sum("halved" in note for note in watcher.notes()) == 2
    assert checkpoint.load(done.model).provenance["batch_size"] == 2
    assert done.epochs >= 1


def test_memory_for_not_even_one_piece_ends_the_run_in_words(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(size: int, got: Terms) -> Terms:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(step, "terms", failing_terms(no_memory))
    run_spec(speech).write(tmp_path / "run")
    with pytest.raises(TrainingError, match="batch of one"):
        go(tmp_path / "run")


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_model(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_spec(speech).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    good = weights(tmp_path / "run" / loop.LAST)

    def diverging(size: int, got: Terms) -> Terms:
        return dataclasses.replace(got, total=got.total * float("nan"))

    monkeypatch.setattr(step, "terms", failing_terms(diverging))
    with pytest.raises(TrainingError, match="not finite") as stopped:
        go(tmp_path / "run")
    assert "smaller learning rate" in stopped.value.hint
    assert same(weights(tmp_path / "run" / loop.LAST), good)


def test_a_full_disk_ends_the_run_in_words_and_harms_nothing_saved(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_spec(speech).write(tmp_path / "run")
    go(tmp_path / "run", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    good = weights(tmp_path / "run" / loop.LAST)

    def full(self: StateFiles, *state: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StateFiles, "save", full)
    with pytest.raises(TrainingError, match="No space left"):
        go(tmp_path / "run")
    monkeypatch.undo()
    assert good.keys() == weights(tmp_path / "run" / loop.LAST).keys()
    assert go(tmp_path / "run").epochs >= 3


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


# ------------------------------------------------------------------------------------------------- fine-tuning
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


def test_a_state_is_not_taken_for_a_model(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "run")
    go(tmp_path / "run")
    with pytest.raises(CheckpointError, match="another kind"):
        tensor_file.read(tmp_path / "run" / "state.safetensors", checkpoint.FORMAT, 1)
