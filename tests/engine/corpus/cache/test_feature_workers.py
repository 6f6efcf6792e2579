"""Feature workers: several processes read a corpus."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_corpora import SPEC, Tone, cached, run, voices

from engine.api import Control, Progress
from engine.api.errors import Cancelled, CorpusError
from engine.corpus.cache import feature_cache, feature_workers
from engine.corpus.cache.feature_cache import build
from engine.corpus.cache.index import Index
from engine.corpus.scanning import scan


def test_several_processes_give_the_same_as_one(tmp_path: Path, tone: Tone) -> None:
    corpus = tmp_path / "corpus"
    voices(corpus, tone, (0.5, 0.6, 0.7, 0.8, 0.9))
    (corpus / "bad.wav").write_text("This is no sound.")
    one, two = cached(corpus, processes=1), cached(corpus, to="other", processes=2)
    assert (one.entries, one.key) == (two.entries, two.key)
    assert np.array_equal(one.mel, two.mel)
    assert np.array_equal(one.f0, two.f0, equal_nan=True)
    assert [item.why for item in one.manifest.skipped] == [item.why for item in two.manifest.skipped]


def test_processes_can_be_cancelled_and_keep_what_they_have(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_cache, "_REPORT_S", 0.0)
    voices(tmp_path / "corpus", tone, tuple(0.5 + 0.01 * i for i in range(30)))
    told: list[Progress] = []

    def control() -> Control:
        return Control.CANCEL if told and told[-1].fraction else Control.RUN

    manifest = scan([str(tmp_path / "corpus")], [], run)
    with pytest.raises(Cancelled):
        build(manifest, SPEC, tmp_path / "cache", told.append, control, 2)  # type: ignore[arg-type]
    assert multiprocessing.active_children() == []
    with Index(tmp_path / "cache") as index:
        done, _ = index.count()
    assert done >= 1


@contextlib.contextmanager
def _dies(*arguments: Any) -> Iterator[Callable[[feature_workers.Task], feature_workers.Outcome]]:
    """A process that ends on every recording called clip1, as a fault in a decoder would."""

    def read(task: feature_workers.Task) -> feature_workers.Outcome:
        if "clip1" in task.path:
            os._exit(11)
        return reader(task)

    with feature_workers.reading(*arguments) as reader:
        yield read


def test_a_recording_that_ends_its_process_costs_no_other(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6, 0.7))
    monkeypatch.setattr(feature_workers, "reading", _dies)
    cache = cached(tmp_path / "corpus", processes=2)
    assert [Path(e.utterance.path).name for e in cache.entries] == ["clip0.wav", "clip2.wav"]
    assert "ended the process (code 11)" in cache.manifest.skipped[0].why


def _daemon(folder: str) -> None:
    """What the studio's workers are: a daemon, to which multiprocessing allows no children of itself."""
    cached(Path(folder), processes=2)


@pytest.mark.timeout(300)  # three processes import torch one after the other
def test_a_worker_of_the_studio_may_have_processes_of_its_own(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6))
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_daemon, args=(str(tmp_path / "corpus"),), daemon=True)
    worker.start()
    worker.join(250)
    worker.kill()
    assert worker.exitcode == 0
    with Index(tmp_path / "cache") as index:
        assert index.count() == (2, 0)


def _never_begins(*arguments: object) -> None:
    os._exit(3)


def test_processes_that_cannot_begin_are_an_error_in_words(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6))
    monkeypatch.setattr(feature_workers, "reading", _never_begins)
    with pytest.raises(CorpusError, match="before it began"):
        cached(tmp_path / "corpus", processes=2)


def test_progress_is_told(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.5))
    told: list[object] = []
    build(scan([str(tmp_path / "corpus")], [], run), SPEC, tmp_path / "cache", told.append, run)
    assert isinstance(told[0], Progress)
    assert told[0].fraction is not None
