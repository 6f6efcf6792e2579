"""Every request reaches its function, and every exception has words."""

from __future__ import annotations

import errno
import inspect
import typing
from typing import get_args

import pytest

from engine import jobs
from engine.api import Analyse, CheckpointError, Control, FindDevices, Inspect, Request, Result
from engine.audio import loudness


def test_every_request_type_is_in_the_table() -> None:
    assert set(jobs.HANDLERS) == set(get_args(Request))


@pytest.mark.parametrize("kind", jobs.HANDLERS, ids=lambda kind: kind.__name__)
def test_every_handler_is_there_with_the_one_signature(kind: type) -> None:
    handler = jobs.handler(kind)
    signature = inspect.signature(handler)
    assert list(signature.parameters) == ["request", "report", "control"]
    assert typing.get_type_hints(handler)["request"] is kind
    assert typing.get_type_hints(handler)["return"] in get_args(Result)


def test_a_request_reaches_its_function_and_the_answer_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, calls = object(), []
    monkeypatch.setattr("engine.model.inspect_job.inspect", lambda *given: calls.append(given) or answer)
    given = Inspect("m"), lambda event: None, lambda: Control.RUN
    assert jobs.run(*given) is answer
    assert calls == [given]


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
