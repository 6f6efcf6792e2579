"""Feature cache: what it holds, that nothing is computed twice, and what kills leave of it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from small_corpora import SPEC, Tone, cached, ignore, run, voices

from engine.api import Control
from engine.api.errors import AudioError, Cancelled, CorpusError
from engine.api.specs import AudioSpec
from engine.audio import f0_tracker, sound_files
from engine.audio.mel import MelFrontEnd
from engine.corpus.cache import feature_extraction, packs
from engine.corpus.cache.feature_cache import build
from engine.corpus.cache.index import Index
from engine.corpus.cache.locks import Lock
from engine.corpus.scanning import scan


@pytest.fixture
def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, reading a recording is an error."""

    def forbid() -> None:
        def refuse(*_: object) -> Iterator[object]:
            raise AssertionError("a recording was read again")

        monkeypatch.setattr(feature_extraction.Features, "pieces", refuse)

    return forbid


def test_the_cache_holds_what_the_front_end_and_the_tracker_give(tmp_path: Path, tone: Tone) -> None:
    paths = voices(tmp_path / "corpus", tone, (0.5, 0.9))
    cache = cached(tmp_path / "corpus")
    for path, entry in zip(paths, cache.entries, strict=True):
        samples = sound_files.read(path, SPEC).samples
        here = slice(entry.start, entry.start + entry.frames)
        mel = MelFrontEnd(SPEC).log_mel(torch.from_numpy(samples)).numpy()
        np.testing.assert_allclose(cache.mel[here], mel, atol=0.01)
        np.testing.assert_array_equal(cache.f0[here], f0_tracker.track(samples, SPEC.rate_hz, SPEC))


def test_a_long_recording_is_cached_in_pieces_like_a_short_one(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices(tmp_path / "corpus", tone, (130.0,))
    whole = cached(tmp_path / "corpus")
    monkeypatch.setattr(feature_extraction, "LONG_S", 1.0)
    pieces = cached(tmp_path / "corpus", to="other")
    assert pieces.entries[0].frames == whole.entries[0].frames == SPEC.frames(130 * 16_000)
    np.testing.assert_allclose(pieces.mel, whole.mel, atol=0.02)
    same = np.isclose(pieces.f0, whole.f0, rtol=0.01, equal_nan=True)
    assert same.mean() > 0.99


def test_bad_files_are_left_out_and_named(tmp_path: Path, tone: Tone) -> None:
    corpus = tmp_path / "corpus"
    voices(corpus, tone, (0.5, 0.5))
    (corpus / "bad.wav").write_text("This is no sound.")
    soundfile.write(corpus / "short.wav", tone(200.0, 0.05), 16_000)
    cache = cached(corpus)
    assert [Path(u.path).name for u in cache.manifest.utterances] == ["clip0.wav", "clip1.wav"]
    assert {Path(item.path).name for item in cache.manifest.skipped} == {"bad.wav", "short.wav"}
    assert all(item.why for item in cache.manifest.skipped)


def test_a_corpus_of_bad_files_alone_is_refused(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "bad.wav").write_bytes(b"RIFF")
    with pytest.raises(CorpusError, match="Not one"):
        cached(corpus)


def test_a_recording_that_breaks_off_leaves_nothing_of_itself(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6, 0.7))
    whole = cached(tmp_path / "corpus", to="other")
    truly = feature_extraction.Features.pieces

    def breaking(self: feature_extraction.Features, path: str, notes: list[str]) -> Iterator[object]:
        yield from truly(self, path, notes)
        if path.endswith("clip1.wav"):
            raise AudioError("It breaks off.", "")

    monkeypatch.setattr(feature_extraction.Features, "pieces", breaking)
    cache = cached(tmp_path / "corpus")
    assert [item.why for item in cache.manifest.skipped] == ["It breaks off."]
    first, last = whole.entries[0], whole.entries[2]
    expected = np.concatenate((whole.mel[: first.frames], whole.mel[last.start : last.start + last.frames]))
    assert np.array_equal(cache.mel, expected)


def test_a_file_that_vanishes_after_the_scan_is_left_out(tmp_path: Path, tone: Tone) -> None:
    paths = voices(tmp_path / "corpus", tone, (0.5, 0.5))
    manifest = scan([str(tmp_path / "corpus")], [], run)
    paths[0].unlink()
    cache = build(manifest, SPEC, tmp_path / "cache", ignore, run)
    assert [item.path for item in cache.manifest.skipped] == [str(paths[0])]
    assert cache.manifest.skipped[0].why


def test_the_scaling_is_the_mean_and_spread_of_the_training_recordings(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.9))
    cache = cached(tmp_path / "corpus")
    mean, scale = cache.scaling((1,))
    entry = cache.entries[1]
    frames = cache.mel[entry.start : entry.start + entry.frames].astype(np.float64)
    np.testing.assert_allclose(mean, frames.mean(axis=0), rtol=1e-4)
    assert float(scale) == pytest.approx(float(np.sqrt(frames.var(axis=0).mean())), rel=1e-4)


def test_a_note_of_a_recording_follows_it_to_its_new_name(tmp_path: Path, tone: Tone) -> None:
    corpus = tmp_path / "corpus"
    (path,) = voices(corpus, tone, (0.5,))
    soundfile.write(path, np.clip(10.0 * tone(200.0, 0.5), -1.0, 1.0), 16_000)
    assert any("clip0.wav" in remark and "clipped" in remark for remark in cached(corpus).remarks)
    path.rename(corpus / "renamed.wav")
    assert any("renamed.wav" in remark and "clipped" in remark for remark in cached(corpus).remarks)


def test_a_second_run_computes_nothing(tmp_path: Path, tone: Tone, nothing_is_read: Callable[[], None]) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.5))
    first = cached(tmp_path / "corpus")
    nothing_is_read()
    second = cached(tmp_path / "corpus")
    assert (second.entries, second.key) == (first.entries, first.key)


def test_a_moved_a_renamed_and_a_touched_recording_are_not_read_again(
    tmp_path: Path, tone: Tone, nothing_is_read: Callable[[], None]
) -> None:
    paths = voices(tmp_path / "corpus", tone, (0.5, 0.6))
    whole = np.array(cached(tmp_path / "corpus").mel)
    os.utime(paths[0], (1, 1))
    moved = tmp_path / "elsewhere"
    (tmp_path / "corpus").rename(moved)
    (moved / "clip1.wav").rename(moved / "clip9.wav")
    nothing_is_read()
    assert np.array_equal(cached(moved).mel, whole)


def test_the_same_recording_under_two_names_is_computed_once(tmp_path: Path, tone: Tone) -> None:
    paths = voices(tmp_path / "corpus", tone, (0.5,))
    shutil.copy(paths[0], tmp_path / "corpus" / "copy.wav")
    cache = cached(tmp_path / "corpus")
    assert [Path(e.utterance.path).name for e in cache.entries] == ["clip0.wav", "copy.wav"]
    half = cache.entries[0].frames
    assert np.array_equal(cache.mel[:half], cache.mel[half:])
    (pack,) = (tmp_path / "cache" / "packs").glob("*.mel")
    assert pack.stat().st_size == half * 140 * 2


def test_corpora_that_share_recordings_share_their_frames(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6, 0.7))
    (tmp_path / "part").mkdir()
    shutil.copy(tmp_path / "corpus" / "clip1.wav", tmp_path / "part")
    cached(tmp_path / "part")
    read: list[str] = []
    truly = feature_extraction.Features.pieces

    def watched(self: feature_extraction.Features, path: str, notes: list[str]) -> Iterator[object]:
        read.append(Path(path).name)
        return truly(self, path, notes)

    monkeypatch.setattr(feature_extraction.Features, "pieces", watched)
    cached(tmp_path / "corpus")
    assert read == ["clip0.wav", "clip2.wav"]


def test_a_changed_recording_or_spec_makes_another_key(tmp_path: Path, tone: Tone) -> None:
    paths = voices(tmp_path / "corpus", tone, (0.5, 0.5))
    first = cached(tmp_path / "corpus")
    wide = build(scan([str(tmp_path / "corpus")], [], run), AudioSpec(bands=80), tmp_path / "cache", ignore, run)
    assert wide.mel.shape[1] == 80
    soundfile.write(paths[0], tone(300.0, 0.7), 16_000)
    assert len({first.key, wide.key, cached(tmp_path / "corpus").key}) == 3


def test_an_interrupted_cache_goes_on_where_it_was_and_equals_an_uninterrupted_one(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6, 0.7, 0.8))
    calls = iter([Control.RUN] * 5 + [Control.CANCEL])
    with pytest.raises(Cancelled):
        cached(tmp_path / "corpus", lambda: next(calls))
    with Index(tmp_path / "cache") as index:
        done, _ = index.count()
    assert 0 < done < 4
    # What a kill may leave: frames that no line of the index names.
    for file in (tmp_path / "cache" / "packs").glob("*.mel"):
        with file.open("ab") as stream:
            stream.write(b"x" * 333)
    resumed = cached(tmp_path / "corpus")
    fresh = cached(tmp_path / "corpus", to="other")
    assert (resumed.entries, resumed.key) == (fresh.entries, fresh.key)
    assert np.array_equal(resumed.mel, fresh.mel)
    assert np.array_equal(resumed.f0, fresh.f0, equal_nan=True)


KILLED = """
import sys, time
from engine.api import Control
from engine.corpus.cache import feature_cache
from engine.corpus.scanning import scan
from engine.api.specs import AudioSpec
from pathlib import Path

if __name__ == "__main__":
    feature_cache._KEEP_S = 0.0
    manifest = scan([sys.argv[1]], [], lambda: Control.RUN)

    def tell(event):
        print(event.message, flush=True)

    feature_cache._REPORT_S = 0.0
    feature_cache.build(manifest, AudioSpec(), Path(sys.argv[2]), tell, lambda: Control.RUN, int(sys.argv[3]))
    print("done", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_a_build_that_is_killed_is_gone_on_with_by_the_next(tmp_path: Path, tone: Tone, processes: int) -> None:
    voices(tmp_path / "corpus", tone, tuple(1.0 + 0.01 * i for i in range(60)))
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(tmp_path / "corpus"), str(tmp_path / "cache"), str(processes)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Reading recordings: 2") or line == "done\n":
                break
        children = _children_of(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    _until(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()])
    with Index(tmp_path / "cache") as index:
        done, _ = index.count()
    assert done >= 1
    resumed, fresh = cached(tmp_path / "corpus"), cached(tmp_path / "corpus", to="other")
    assert np.array_equal(resumed.mel, fresh.mel)
    assert resumed.key == fresh.key


def _children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def _until(settled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20.0
    while not settled():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_frames_that_the_disk_lost_are_computed_again(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6))
    whole = np.array(cached(tmp_path / "corpus").mel)
    (pack,) = (tmp_path / "cache" / "packs").glob("*.mel")
    os.truncate(pack, pack.stat().st_size - 100)
    assert np.array_equal(cached(tmp_path / "corpus").mel, whole)
    for file in (tmp_path / "cache" / "packs").iterdir():
        file.unlink()
    assert np.array_equal(cached(tmp_path / "corpus").mel, whole)


def test_a_damaged_index_is_begun_anew(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6))
    whole = np.array(cached(tmp_path / "corpus").mel)
    (tmp_path / "cache" / "index.sqlite").write_bytes(b"This is no database. " * 1000)
    assert np.array_equal(cached(tmp_path / "corpus").mel, whole)
    assert len(list((tmp_path / "cache" / "packs").glob("*.mel"))) == 1


def test_a_busy_index_is_not_taken_for_a_damaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Index(tmp_path / "cache").__exit__()
    monkeypatch.setattr("engine.corpus.cache.index._WAIT_S", 0.01)
    writer = sqlite3.connect(tmp_path / "cache" / "index.sqlite", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CorpusError, match="locked"):
        Index(tmp_path / "cache")
    writer.execute("ROLLBACK")
    writer.close()
    Index(tmp_path / "cache").__exit__()


def test_two_at_a_time_write_to_packs_of_their_own(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "a", tone, (0.5,))
    voices(tmp_path / "b", tone, (0.7,))
    cached(tmp_path / "a")
    (first,) = (tmp_path / "cache" / "packs").glob("*.lock")
    held = Lock.take(first)
    assert held is not None
    cache = cached(tmp_path / "b")
    held.release()
    assert len(list((tmp_path / "cache" / "packs").glob("*.mel"))) == 2
    assert cache.entries[0].frames == SPEC.frames(11_200)


def test_small_additions_fill_the_pack_that_was_begun(tmp_path: Path, tone: Tone) -> None:
    for i in range(4):
        voices(tmp_path / "corpus", tone, tuple(0.5 + 0.1 * n for n in range(i + 1)))
        cached(tmp_path / "corpus")
    assert len(list((tmp_path / "cache" / "packs").glob("*.mel"))) == 1


def test_a_full_pack_is_followed_by_another(tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 0.6, 0.7))
    whole = cached(tmp_path / "corpus", to="other")
    monkeypatch.setattr(packs, "PACK_BYTES", 5_000)
    cache = cached(tmp_path / "corpus")
    assert len(list((tmp_path / "cache" / "packs").glob("*.mel"))) == 3
    assert np.array_equal(cache.mel, whole.mel)
