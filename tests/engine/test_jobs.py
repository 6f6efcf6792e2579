"""Every request reaches its function, and every exception has words."""

from __future__ import annotations

import errno

import pytest

from engine import jobs
from engine.api import (
    Analyse,
    CheckpointError,
    Control,
    Export,
    Figure,
    FindDevices,
    FitMap,
    Inspect,
    Picture,
    PlaceOnMap,
    Probe,
    ProbeCorpus,
    Request,
    Train,
    Transfer,
)
from engine.audio import loudness


@pytest.mark.parametrize(
    ("request_", "function"),
    [
        (Analyse((), "out"), "engine.analysis.analyse.analyse"),
        (Inspect("m"), "engine.model.checkpoint.inspect"),
        (FitMap(()), "engine.maps.layout.fit"),
        (PlaceOnMap(()), "engine.maps.layout.place"),
        (Transfer("s", "m", "o", "n"), "engine.transfer.transfer_job.render"),
        (Train("run"), "engine.training.loop.train"),
        (Export((), "out.csv"), "engine.export.latents_table.export"),
        (Figure("out.png"), "engine.export.figures.draw"),
        (Picture(("clip",)), "engine.analysis.spectrogram.store"),
        (Probe(("gender",), ProbeCorpus(), "m"), "engine.evaluation.probes.job.probe"),
    ],
)
def test_a_request_reaches_its_function(request_: Request, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = object()
    calls = []
    monkeypatch.setattr(function, lambda *arguments: calls.append(arguments) or answer)
    assert jobs.run(request_, lambda event: None, lambda: Control.RUN) is answer
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CheckpointError("It broke.", "Mend it."), "It broke."),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "x.wav"), "x.wav may not"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.wav"), "x.wav is not there"),
        (MemoryError(), "memory ran out"),
        (KeyError("k"), "unexpected"),
    ],
)
def test_every_exception_has_two_parts(error: Exception, words: str) -> None:
    what, hint = jobs.in_words(error)
    assert words in what
    assert hint.endswith(".")


def test_after_an_analysis_with_a_model_what_a_transfer_needs_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(loudness, "get_ready", lambda: loaded.append("loudness"))
    jobs.get_ready(Analyse((), "out"))
    jobs.get_ready(FindDevices())
    assert not loaded
    jobs.get_ready(Analyse((), "out", "model"))
    assert loaded == ["loudness"]
