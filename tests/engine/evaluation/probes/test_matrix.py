"""The probe matrix on paper."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.api import Control, ExportDone, ExportError, ExportProbes, ProbeResult, ProbeScore
from engine.evaluation.probes import matrix

NAN = float("nan")


def result(task: str = "gender", **scores: float) -> ProbeResult:
    held = {
        name: ProbeScore(20, value, value - 0.1, value + 0.05, 0.5, (value,), {"accuracy by 4 s piece": 0.75})
        for name, value in scores.items()
    }
    return ProbeResult(task, "accuracy", "speaker-disjoint", held, ("3 clips were left out.",))


def export(request: ExportProbes) -> ExportDone:
    return matrix.export(request, lambda event: None, lambda: Control.RUN)


def test_the_csv_names_everything_a_number_needs(tmp_path: Path) -> None:
    out = tmp_path / "m.csv"
    failed = ProbeResult("emotion", "balanced accuracy", "", {}, (), "The corpus says nothing of emotion.")
    export(ExportProbes((result(h=0.9, mfcc=0.8), failed), str(out), "a model, a corpus"))
    rows = list(csv.DictReader(out.read_text("utf-8").splitlines()))
    assert rows[0]["score"] == "90.0 %"
    assert rows[0]["95 % interval"] == "80.0 to 95.0 %"
    assert rows[0]["shuffled labels"] == "50.0 %"
    assert rows[0]["clips"] == "20"
    assert rows[1]["read from"] == "MFCC floor"
    assert rows[2]["score"] == "not run"
    text = out.read_text("utf-8")
    assert "The corpus says nothing of emotion." in text
    assert "3 clips were left out." in text


def test_a_concordance_is_no_percentage() -> None:
    assert matrix.shown("arousal", 0.3531) == "0.353"
    assert matrix.shown("gender", 0.3531) == "35.3 %"
    assert matrix.shown("gender", NAN) == "–"
    assert matrix.interval("gender", ProbeScore(2, 0.5, NAN, NAN, 0.5)) == "–"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".tex"])
def test_every_format_is_written(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"m{suffix}"
    done = export(ExportProbes((result(h=0.9, m=NAN), result("verify", h=0.1)), str(out)))
    assert done.files == (str(out),)
    assert out.stat().st_size > 300


def test_nothing_measured_and_unknown_formats_are_told(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Nothing has been probed"):
        export(ExportProbes((result(),), str(tmp_path / "m.csv")))
    with pytest.raises(ExportError, match="which format"):
        export(ExportProbes((result(h=1.0),), str(tmp_path / "m.doc")))
