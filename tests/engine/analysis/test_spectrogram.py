"""The linear spectrogram and the intensity that the clip view shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from engine.analysis import spectrogram
from engine.analysis.clip_writer import store_sound
from engine.api import AudioSpec, Cancelled, ClipAnalysed, Control, Picture, StoredClip
from engine.api.errors import EngineError

SPEC = AudioSpec()
DB_PER_NEPER = 20 / np.log(10)
Tone = Callable[..., np.ndarray]


def run() -> Control:
    return Control.RUN


def stored(folder: Path, sound: np.ndarray) -> StoredClip:
    folder.mkdir()
    store_sound(folder, sound)
    seconds = len(sound) / SPEC.rate_hz
    meta = ClipAnalysed("a", str(folder), seconds, 16_000, 1, 0.0, 0, 0, None, None, audio=SPEC.to_dict())
    (folder / "meta.json").write_text(json.dumps(asdict(meta)))
    return StoredClip(str(folder))


def store(clip: StoredClip, *, spectrum: bool = True) -> None:
    spectrogram.store(Picture((clip.folder,), spectrum), lambda event: None, run)


def test_a_tone_stands_at_its_frequency_at_its_level_at_every_moment(tone: Tone, tmp_path: Path) -> None:
    clip = stored(tmp_path / "a", tone(1000.0, 3.0, amplitude=0.5))
    store(clip)
    level_db = np.array(clip.array("spectrum"), np.float32) * DB_PER_NEPER
    assert level_db.shape == (SPEC.frames(48_000), SPEC.bins)
    inner = level_db[4:-4]
    assert (inner.argmax(axis=1) == 64).all()  # 1000 Hz of 16 000 on 1024 points
    assert inner[:, 64] == pytest.approx(np.full(len(inner), -6.02), abs=0.1)
    assert np.array(clip.array("intensity"))[4:-4] == pytest.approx(-9.03, abs=0.1)  # its RMS: 3 dB below its peak


def test_frames_stand_on_the_mel_frames_times(tmp_path: Path) -> None:
    click = np.zeros(32_000, np.float32)
    click[16_000] = 1.0
    clip = stored(tmp_path / "a", click)
    store(clip)
    assert int(np.argmax(clip.array("intensity"))) == 64
    assert np.array(clip.array("spectrum"), np.float32).sum(axis=1).argmax() == 64


def test_a_long_clip_is_the_same_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 40_123).astype(np.float32)
    whole, pieces = stored(tmp_path / "whole", noise), stored(tmp_path / "pieces", noise)
    store(whole)
    monkeypatch.setattr(spectrogram, "CHUNK_FRAMES", 16)
    store(pieces)
    for name in ("spectrum", "intensity", "spectrum4", "spectrum16"):
        assert np.allclose(whole.array(name), pieces.array(name), atol=0.01)


def test_an_overview_holds_the_loudest_of_its_frames(tmp_path: Path) -> None:
    clip = stored(tmp_path / "a", np.random.default_rng(0).normal(0, 0.1, 30_000).astype(np.float32))
    store(clip)
    frames, overview = clip.array("spectrum"), clip.array("spectrum16")
    assert len(overview) == -(-len(frames) // 16)
    assert np.array_equal(overview[2], frames[32:48].max(axis=0))
    assert np.array_equal(overview[-1], frames[(len(overview) - 1) * 16 :].max(axis=0))


def test_what_is_stored_is_not_computed_again_and_what_lacks_is_added(tone: Tone, tmp_path: Path) -> None:
    clip = stored(tmp_path / "a", tone(200.0, 1.0))
    store(clip, spectrum=False)
    assert clip.has("intensity")
    assert not clip.has("spectrum")
    store(clip)
    before = (Path(clip.folder) / "spectrum.npy").stat().st_ino
    store(clip)
    assert (Path(clip.folder) / "spectrum.npy").stat().st_ino == before


def test_a_cancelled_picture_leaves_no_half_files(tone: Tone, tmp_path: Path) -> None:
    clip = stored(tmp_path / "a", tone(200.0, 1.0))
    before = sorted(Path(clip.folder).iterdir())
    with pytest.raises(Cancelled):
        spectrogram.store(Picture((clip.folder,), True), lambda event: None, lambda: Control.CANCEL)
    assert sorted(Path(clip.folder).iterdir()) == before


def test_a_clip_that_vanished_is_reported_in_words(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not stored any more"):
        store(StoredClip(str(tmp_path / "gone")))
