"""The plan of a run: its time budget, its learning rate and its validations."""

from __future__ import annotations

import json
from pathlib import Path

from small_runs import TRAIN, changed, go, run_spec


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
