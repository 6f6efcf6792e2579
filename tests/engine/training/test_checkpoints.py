"""Checkpoints that a run keeps on its way: which, how many, and what a kill or a resume makes of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from small_runs import Watcher, changed, go, run_spec, same, weights

from engine.api import Control, KeptCheckpoint, best_of, checkpoints_of
from engine.api.auditions import CHECKPOINTS, LIST, SOUNDS
from engine.api.errors import CheckpointError
from engine.model import checkpoint
from engine.training.checkpoints import KeptCheckpoints
from engine.training.data import probe_set


def kept_at(step: int, total: float = -1.0, number: int = 1) -> KeptCheckpoint:
    return KeptCheckpoint(step, step / 10, step / 5, {"total": total}, number)


def save(path: Path) -> str:
    path.write_text("a model")
    return "ab"


def steps(run_dir: Path, *, held: bool = True) -> list[int]:
    return [kept.step for kept in checkpoints_of(run_dir) if kept.held or not held]


def files(run_dir: Path) -> list[int]:
    return sorted(int(file.name.split(".")[0]) for file in (run_dir / CHECKPOINTS).glob(f"*{checkpoint.SUFFIX}"))


def test_models_are_thinned_evenly_and_their_numbers_stay(tmp_path: Path) -> None:
    folder = KeptCheckpoints(tmp_path, most=4)
    for step in range(1, 33):
        folder.keep(kept_at(100 * step, total=float(-step)), save)  # the first is the best
        assert len(files(tmp_path)) <= 4
    assert steps(tmp_path) == files(tmp_path) == [100, 1600, 2400, 3200]
    assert steps(tmp_path, held=False) == [100 * step for step in range(1, 33)]
    assert checkpoints_of(tmp_path)[-1].terms == {"total": -32.0}


def test_the_best_and_the_newest_always_stay(tmp_path: Path) -> None:
    folder = KeptCheckpoints(tmp_path, most=3)
    for step, total in ((1, -9.0), (2, -8.0), (3, -1.0), (4, -2.0), (5, -3.0), (6, -4.0), (7, -5.0)):
        folder.keep(kept_at(step, total), save)
    assert steps(tmp_path) == [3, 4, 7]
    best = best_of(checkpoints_of(tmp_path))
    assert best is not None
    assert (best.step, best.held) == (3, True)


def test_what_a_stop_left_goes_first(tmp_path: Path) -> None:
    folder = KeptCheckpoints(tmp_path, most=3)
    for step, number in ((10, 1), (20, 1), (25, 0), (30, 1)):
        folder.keep(kept_at(step, float(step), number), save)
    assert steps(tmp_path) == [10, 20, 30]
    assert [kept.number for kept in checkpoints_of(tmp_path)] == [1, 2, 0, 3]


def test_sounds_go_with_the_model_they_are_of(tmp_path: Path) -> None:
    folder = KeptCheckpoints(tmp_path, most=2)
    for step in (1, 2, 3):
        folder.keep(kept_at(step, float(step)), save)
        (tmp_path / SOUNDS / f"{step:08d}").mkdir(parents=True)
    folder.keep(kept_at(4, 4.0), save)
    assert steps(tmp_path) == [2, 4]
    assert sorted(sounds.name for sounds in (tmp_path / SOUNDS).iterdir()) == ["00000002"]


def test_going_back_forgets_what_came_later_and_what_no_list_names(tmp_path: Path) -> None:
    folder = KeptCheckpoints(tmp_path, most=8)
    for step in (1, 2, 3):
        folder.keep(kept_at(step), save)
        (tmp_path / SOUNDS / f"{step:08d}").mkdir(parents=True)
    save(tmp_path / CHECKPOINTS / f"00000009{checkpoint.SUFFIX}")  # killed before the list was written
    (tmp_path / CHECKPOINTS / f"00000001{checkpoint.SUFFIX}").unlink()
    KeptCheckpoints(tmp_path, most=8).rewind(2)
    assert steps(tmp_path) == files(tmp_path) == [2]
    assert steps(tmp_path, held=False) == [1, 2]
    assert sorted(sounds.name for sounds in (tmp_path / SOUNDS).iterdir()) == ["00000001", "00000002"]


def test_none_wanted_none_kept(tmp_path: Path) -> None:
    assert KeptCheckpoints(tmp_path, most=0).keep(kept_at(1), save) is None
    assert not (tmp_path / CHECKPOINTS).exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": "triptych-checkpoints"}',
        '{"format": "other", "version": 1, "checkpoints": []}',
        '{"format": "triptych-checkpoints", "version": 2, "checkpoints": []}',
        '{"format": "triptych-checkpoints", "version": 1, "checkpoints": [{"step": 1}]}',
    ],
)
def test_a_list_that_cannot_be_read_is_no_list(tmp_path: Path, text: str) -> None:
    (tmp_path / CHECKPOINTS).mkdir()
    (tmp_path / CHECKPOINTS / LIST).write_text(text)
    assert checkpoints_of(tmp_path) == ()


def test_a_list_names_no_place_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINTS).mkdir()
    entry = dataclasses.asdict(kept_at(1)) | {"path": "../../elsewhere/model.safetensors"}
    text = json.dumps({"format": "triptych-checkpoints", "version": 1, "checkpoints": [entry]})
    (tmp_path / CHECKPOINTS / LIST).write_text(text)
    assert checkpoints_of(tmp_path)[0].path == str(tmp_path / CHECKPOINTS / "model.safetensors")


def test_a_run_keeps_and_tells_its_checkpoints(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=6, checkpoints=3)).write(tmp_path / "run")
    watcher = Watcher()
    done = go(tmp_path / "run", watcher)
    kept = checkpoints_of(tmp_path / "run")
    reported = watcher.values(KeptCheckpoint)
    assert [k.step for k in reported] == [k.step for k in kept]
    validation = {point.step: point.terms for point in watcher.points("validation") if point.step}
    assert {k.step: k.terms for k in kept} == validation
    assert [k.number for k in kept] == list(range(1, len(kept) + 1))
    held = [k for k in kept if k.held]
    assert 2 <= len(held) <= 3
    assert held[-1].step == done.steps
    for one in held:
        loaded = checkpoint.load(one.path)
        assert loaded.hash == one.hash
        assert (loaded.provenance["steps"], loaded.provenance["which"]) == (one.step, "checkpoint")
    best = best_of(kept)
    assert best is not None
    assert same(weights(best.path), weights(done.model))


def test_keeping_checkpoints_changes_nothing_of_what_is_learnt(tmp_path: Path, speech: list[Path]) -> None:
    models = []
    for name, count in (("with", 8), ("without", 0)):
        run_spec(speech, changed(checkpoints=count)).write(tmp_path / name)
        models.append(weights(go(tmp_path / name).last))
    assert same(*models)
    assert not (tmp_path / "without" / CHECKPOINTS).exists()
    assert not (tmp_path / "without" / probe_set.FILE).exists()


def test_a_resumed_run_has_the_checkpoints_of_one_never_stopped(tmp_path: Path, speech: list[Path]) -> None:
    for name in ("whole", "stopped"):
        run_spec(speech, changed(epochs=6)).write(tmp_path / name)
    go(tmp_path / "whole")
    go(tmp_path / "stopped", Watcher(lambda look: Control.STOP if look > 8 else Control.RUN))
    stop = [kept for kept in checkpoints_of(tmp_path / "stopped") if kept.number == 0]
    assert len(stop) <= 1
    go(tmp_path / "stopped")
    whole, resumed = ({k.step: k for k in checkpoints_of(tmp_path / name)} for name in ("whole", "stopped"))
    assert resumed.keys() - whole.keys() <= {kept.step for kept in stop}
    for step, kept in whole.items():
        assert resumed[step].terms == kept.terms
        assert resumed[step].number == kept.number
        if kept.held and resumed[step].held:
            assert same(weights(kept.path), weights(resumed[step].path))


def test_a_disk_that_fills_while_a_checkpoint_is_kept_leaves_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = KeptCheckpoints(tmp_path, most=2)
    for step in (1, 2):
        folder.keep(kept_at(step, float(step)), save)

    def full(path: Path) -> str:
        raise CheckpointError("The disk is full.", "Free some space.")

    with pytest.raises(CheckpointError, match="full"):
        folder.keep(kept_at(3, 3.0), full)
    assert steps(tmp_path) == files(tmp_path) == [1, 2]
