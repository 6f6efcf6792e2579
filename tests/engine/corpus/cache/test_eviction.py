"""Eviction from the cache: its limit and clearing it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_corpora import Tone, cached, voices

from engine.api.errors import CorpusError
from engine.corpus.cache import eviction, feature_cache, feature_extraction, packs
from engine.corpus.cache.index import Index
from engine.corpus.cache.locks import Lock


def test_what_was_not_used_for_longest_makes_room(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES", 1)  # a pack a recording
    for name in ("a", "b", "c"):
        voices(tmp_path / name, tone, ({"a": 0.6, "b": 0.8, "c": 0.5}[name],))
    cached(tmp_path / "a")
    cached(tmp_path / "b")
    cached(tmp_path / "a")  # used again: b is older now
    with Index(tmp_path / "cache") as index:
        index.set_limit(eviction.used_bytes(index) + 1)
    cached(tmp_path / "c")
    with Index(tmp_path / "cache") as index:
        assert eviction.used_bytes(index) <= index.limit_bytes
    read: list[str] = []
    truly = feature_extraction.Features.pieces

    def watched(self: feature_extraction.Features, path: str, notes: list[str]) -> Iterator[object]:
        read.append(Path(path).parent.name)
        return truly(self, path, notes)

    monkeypatch.setattr(feature_extraction.Features, "pieces", watched)
    cached(tmp_path / "c")
    cached(tmp_path / "a")
    assert read == []
    cached(tmp_path / "b")
    assert read == ["b"]


def test_a_corpus_larger_than_the_limit_is_refused_in_words(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_cache, "_KEEP_S", 0.0)
    voices(tmp_path / "corpus", tone, (0.5, 0.6, 0.7, 0.8))
    with Index(tmp_path / "cache") as index:
        index.set_limit(eviction.used_bytes(index) + 15_000)
    with pytest.raises(CorpusError, match="more room than the cache may take"):
        cached(tmp_path / "corpus")


def test_clearing_leaves_nothing_but_what_is_being_written(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6))
    cache = cached(tmp_path / "corpus")
    with Index(tmp_path / "cache") as index:
        eviction.clear(index)
        assert index.count() == (0, 0)
    assert list((tmp_path / "cache" / "packs").iterdir()) == []
    assert cache.mel[:4].shape == (4, 140)  # who reads it goes on reading
    voices(tmp_path / "corpus", tone, (0.5, 0.6))
    cached(tmp_path / "corpus")
    (lock,) = (tmp_path / "cache" / "packs").glob("*.lock")
    held = Lock.take(lock)
    assert held is not None
    with Index(tmp_path / "cache") as index:
        eviction.clear(index)
    held.release()
    assert len(list((tmp_path / "cache" / "packs").glob("*.mel"))) == 1


def test_packs_that_nobody_knows_are_tidied_away(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5,))
    folder = tmp_path / "cache" / "packs"
    folder.mkdir(parents=True)
    (folder / "stray.mel").write_bytes(b"x" * 1000)
    cached(tmp_path / "corpus")
    assert not (folder / "stray.mel").exists()
