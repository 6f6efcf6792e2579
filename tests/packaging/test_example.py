"""The example set is what its README says: voices with known factors, small enough to ship."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import soundfile


@pytest.fixture
def labels(example_set: Path) -> list[dict[str, str]]:
    with open(example_set / "labels.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_eight_voices_speak_six_sentences_in_three_styles(labels: list[dict[str, str]]) -> None:
    speakers = {row["speaker"]: row["gender"] for row in labels}
    assert sorted(speakers.values()) == ["female"] * 4 + ["male"] * 4
    combinations = {(row["speaker"], row["emotion"], row["text"]) for row in labels}
    assert len(combinations) == len(labels) == 8 * 3 * 6


def test_every_clip_is_there_and_nothing_else(example_set: Path, labels: list[dict[str, str]]) -> None:
    clips = {path.name for path in example_set.glob("*.flac")}
    assert clips == {row["file"] for row in labels}
    assert sum(path.stat().st_size for path in example_set.iterdir() if path.is_file()) <= 4_000_000
    for name in clips:
        info = soundfile.info(example_set / name)
        assert (info.samplerate, info.channels) == (16_000, 1)
        assert info.duration > 1.0


def test_the_measured_pitch_lies_in_the_range_that_was_asked_for(labels: list[dict[str, str]]) -> None:
    for row in labels:
        assert 0.95 * float(row["pitch_low_hz"]) < float(row["pitch_hz"]) < 1.05 * float(row["pitch_high_hz"]), row


def test_it_says_plainly_that_the_voices_are_synthetic(example_set: Path) -> None:
    assert "SYNTHETIC" in (example_set / "README.txt").read_text("utf-8").splitlines()[0]
