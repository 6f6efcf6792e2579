"""The plan of a run: its time budget, its learning rate and its validations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_runs import TRAIN, changed, go, run_spec

from engine.training.plan import Plan
from engine.training.state import RunProgress


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


def test_epochs_decide_at_once_and_validations_are_spread_over_the_run() -> None:
    progress = RunProgress("corpus", batch_size=4)
    plan = Plan(changed(epochs=10), 20, progress)
    assert plan.update(progress)
    assert (progress.planned_crops, progress.validate_every) == (200, 10)
    assert not plan.update(progress)
    progress.crops = 12
    assert progress.validation_due(crops_before=8)
    assert not progress.validation_due(crops_before=10)
    assert plan.epochs(progress) == 0.6
    progress.crops = 200
    assert progress.finished


def test_a_small_validation_step_is_never_less_than_a_batch() -> None:
    progress = RunProgress("corpus", batch_size=32)
    Plan(changed(epochs=3), 10, progress).update(progress)
    assert progress.validate_every == 32


def test_the_cosine_schedule_falls_to_a_twentieth() -> None:
    progress = RunProgress("corpus", batch_size=4, planned_crops=200)
    for schedule, rates in (("constant", (1.0, 1.0, 1.0)), ("cosine", (1.0, 0.525, 0.05))):
        plan = Plan(changed(schedule=schedule, learning_rate=0.5), 20, progress)
        for progress.crops, rate in zip((0, 100, 200), rates, strict=True):
            assert plan.learning_rate(progress) == pytest.approx(0.5 * rate)


def test_what_is_left_of_a_run_is_unknown_before_its_first_step() -> None:
    progress = RunProgress("corpus", batch_size=4, planned_crops=200)
    plan = Plan(TRAIN, 20, progress)
    assert plan.eta_s(progress) is None
    progress.crops = 50
    left = plan.eta_s(progress)
    assert left is not None
    assert left >= 0.0
