"""Analyses are kept by content: a recording is not computed again, in whatever folder, under whatever name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.analysis import analyse
from engine.api import (
    Analyse,
    AudioSpec,
    CacheState,
    CareForCache,
    ClipAnalysed,
    ClipRef,
    Control,
    Event,
    ModelSpec,
    Note,
    Partial,
    StoredClip,
    TrainSpec,
)
from engine.audio import sound_files
from engine.corpus.cache import analyses, cache_job, eviction
from engine.corpus.cache.index import Index
from engine.corpus.cache.location import cache_dir
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE

SMALL = ModelSpec(
    latent=8,
    global_channels=(12,),
    medium_channels=(12,),
    local_channels=(16,),
    decoder_channels=(16,),
    predictor_m_channels=(8,),
    predictor_h_channels=(8,),
)
SIGNAL, LATENTS = ("audio", "peaks", "mel", "f0"), ("h", "m", "z")


def care(request: CareForCache) -> CacheState:
    return cache_job.manage(request, lambda event: None, lambda: Control.RUN)


def saved_model(path: Path, seed: int = 0) -> str:
    torch.manual_seed(seed)
    checkpoint.save(path, AuxVAE(SMALL), AudioSpec(), TrainSpec(), {"made": "by a test"})
    return str(path)


@pytest.fixture
def model(tmp_path: Path) -> str:
    return saved_model(tmp_path / "small.triptych.safetensors")


def analysed(paths: list[Path], out: Path, model: str | None) -> tuple[list[ClipAnalysed], list[Note]]:
    events: list[Event] = []
    refs = tuple(ClipRef(f"clip{n}", str(path)) for n, path in enumerate(paths))
    analyse.analyse(Analyse(refs, str(out), model, "cpu"), events.append, lambda: Control.RUN)
    found = [e.value for e in events if isinstance(e, Partial) and isinstance(e.value, ClipAnalysed)]
    return found, [e for e in events if isinstance(e, Note)]


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """From its call on, decoding or encoding a clip is an error."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was computed again")

    def make(*, encoding: bool = True) -> None:
        monkeypatch.setattr(sound_files, "stream", refuse)
        if encoding:
            monkeypatch.setattr(AuxVAE, "encode", refuse)
            monkeypatch.setattr(analyse, "encode_stream", refuse)

    return make


def test_a_clip_is_not_computed_again_in_another_folder_under_another_name_and_time(
    tmp_path: Path, speech: list[Path], model: str, forbid: Callable[..., None]
) -> None:
    copies = [Path(shutil.copy(path, tmp_path / f"{n}.flac")) for n, path in enumerate(speech[:3])]
    first, _ = analysed(copies, tmp_path / "out", model)
    os.utime(copies[0], (1, 1))
    copies[1] = copies[1].rename(tmp_path / "renamed.flac")
    forbid()
    again, _ = analysed(copies, tmp_path / "other", model)
    assert [c.folder for c in again] == [str(tmp_path / "other" / f"clip{n}") for n in range(3)]
    for before, after in zip(first, again, strict=True):
        assert (after.duration_s, after.frames, after.seconds) == (before.duration_s, before.frames, before.seconds)
        assert (after.gain_db, after.f0_median_hz, after.model_hash) == (
            before.gain_db,
            before.f0_median_hz,
            before.model_hash,
        )
        for name in (*SIGNAL, *LATENTS):
            here, there = (Path(c.folder) / f"{name}.npy" for c in (before, after))
            assert here.samefile(there)  # one file with two names
        assert StoredClip(after.folder).meta() == after
    assert sorted(p.name for p in Path(again[0].folder).iterdir()) == sorted(
        p.name for p in Path(first[0].folder).iterdir()
    )


def test_a_touched_clip_in_its_own_folder_is_left_as_it_is(
    tmp_path: Path, speech: list[Path], model: str, forbid: Callable[..., None]
) -> None:
    copy = Path(shutil.copy(speech[0], tmp_path))
    (first,), _ = analysed([copy], tmp_path / "out", model)
    written = os.stat(tmp_path / "out" / "clip0" / "meta.json").st_mtime_ns
    os.utime(copy, (1, 1))
    forbid()
    (again,), _ = analysed([copy], tmp_path / "out", model)
    assert again == first
    assert os.stat(tmp_path / "out" / "clip0" / "meta.json").st_mtime_ns == written


def test_another_model_only_encodes_and_the_first_is_still_known(
    tmp_path: Path, speech: list[Path], model: str, forbid: Callable[..., None]
) -> None:
    other = saved_model(tmp_path / "other.triptych.safetensors", seed=1)
    (first,), _ = analysed(speech[:1], tmp_path / "out", model)
    h = np.array(StoredClip(first.folder).array("h"))
    forbid(encoding=False)
    (second,), _ = analysed(speech[:1], tmp_path / "out", other)
    assert not np.array_equal(StoredClip(second.folder).array("h"), h)
    forbid()
    (third,), _ = analysed(speech[:1], tmp_path / "out", model)
    assert np.array_equal(StoredClip(third.folder).array("h"), h)
    assert third.model_hash == first.model_hash


def test_what_was_analysed_without_a_model_needs_only_encoding(
    tmp_path: Path, speech: list[Path], model: str, forbid: Callable[..., None]
) -> None:
    analysed(speech[:1], tmp_path / "out", None)
    forbid(encoding=False)
    (clip,), _ = analysed(speech[:1], tmp_path / "other", model)
    assert StoredClip(clip.folder).has("z")


def test_changed_content_is_computed_anew(tmp_path: Path, speech: list[Path], model: str) -> None:
    copy = Path(shutil.copy(speech[0], tmp_path / "a.flac"))
    (first,), _ = analysed([copy], tmp_path / "out", model)
    shutil.copy(speech[1], copy)
    (second,), _ = analysed([copy], tmp_path / "out", model)
    assert second.source_key != first.source_key
    assert second.duration_s != first.duration_s


def test_a_cleared_cache_costs_nothing_but_time(tmp_path: Path, speech: list[Path], model: str) -> None:
    (first,), _ = analysed(speech[:1], tmp_path / "out", model)
    assert care(CareForCache()).clips == 2  # the signal, and its latents of this model
    assert care(CareForCache(clear=True)).clips == 0
    assert np.isfinite(StoredClip(first.folder).array("h")).all()  # the project has its own name of the file
    (again,), _ = analysed(speech[:1], tmp_path / "other", model)
    assert np.array_equal(StoredClip(again.folder).array("mel"), StoredClip(first.folder).array("mel"))


def test_a_kept_analysis_that_lost_a_file_is_computed_anew(tmp_path: Path, speech: list[Path], model: str) -> None:
    analysed(speech[:1], tmp_path / "out", model)
    for file in (cache_dir() / "clips").rglob("f0.npy"):
        file.unlink()
    (again,), _ = analysed(speech[:1], tmp_path / "other", model)
    assert all(StoredClip(again.folder).has(name) for name in (*SIGNAL, *LATENTS))


def test_notes_follow_a_recording_to_its_new_name(tmp_path: Path, tone: Callable[..., np.ndarray]) -> None:
    loud = tmp_path / "loud.wav"
    soundfile.write(loud, np.clip(10.0 * tone(200.0, 1.0), -1.0, 1.0), 16_000)
    (first,), _ = analysed([loud], tmp_path / "out", None)
    assert "loud.wav" in first.notes[0]
    (again,), _ = analysed([loud.rename(tmp_path / "renamed.wav")], tmp_path / "other", None)
    assert "renamed.wav" in again.notes[0]
    assert "loud.wav" not in again.notes[0]


def test_without_a_usable_cache_clips_are_analysed_and_the_user_is_told(
    tmp_path: Path, speech: list[Path], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TRIPTYCH_CACHE", str(tmp_path / "file"))
    found, notes = analysed(speech[:1], tmp_path / "out", model)
    assert StoredClip(found[0].folder).has("h")
    assert any("cache folder" in note.what for note in notes)


def test_where_files_cannot_have_two_names_they_are_copied_unless_the_disk_is_nearly_full(
    tmp_path: Path, speech: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError("this file system knows no links")

    monkeypatch.setattr(os, "link", no_links)
    analysed(speech[:1], tmp_path / "out", None)
    assert care(CareForCache()).clips == 1
    monkeypatch.setattr(analyses, "_LEAVE_FREE_BYTES", 10**18)
    found, notes = analysed(speech[1:2], tmp_path / "out2", None)
    assert StoredClip(found[0].folder).has("mel")
    assert any("cannot be kept" in note.what for note in notes)
    assert care(CareForCache()).clips == 1


def test_analyses_make_room_before_spectrograms_do(tmp_path: Path, speech: list[Path]) -> None:
    analysed(speech[:2], tmp_path / "out", None)
    with Index(cache_dir()) as index:
        (oldest, size), (newest, _) = index.clips()
        index.set_limit(eviction.used_bytes(index) - size)
        assert eviction.make_room(index)
        assert [key for key, _ in index.clips()] == [newest]
    assert not eviction.clip_folder(cache_dir(), oldest).exists()
