"""The clips on which a run's checkpoints are probed: chosen once, and read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_runs import changed, go, run_spec

from engine.api.errors import CheckpointError
from engine.training.data import probe_set


def test_the_clips_for_probes_are_chosen_once_from_both_sides(tmp_path: Path, speech: list[Path]) -> None:
    run_spec(speech, changed(epochs=1)).write(tmp_path / "run")
    go(tmp_path / "run")
    clips = probe_set.read(tmp_path / "run")
    assert sorted(clip.held_out for clip in clips) == [False, False, False, True]
    assert {clip.labels["speaker"] for clip in clips} == {path.parent.name for path in speech}
    for clip in clips:
        assert clip.mel.shape == (len(clip.f0), 140)
        assert len(clip.f0) <= 256
        assert clip.mel.dtype == "float16"
        assert clip.f0[clip.f0 > 0].size > 0
    written = (tmp_path / "run" / probe_set.FILE).stat().st_mtime_ns
    go(tmp_path / "run")
    assert (tmp_path / "run" / probe_set.FILE).stat().st_mtime_ns == written


def test_damaged_clips_for_probes_are_told(tmp_path: Path) -> None:
    (tmp_path / probe_set.FILE).write_bytes(b"not tensors")
    with pytest.raises(CheckpointError):
        probe_set.read(tmp_path)
