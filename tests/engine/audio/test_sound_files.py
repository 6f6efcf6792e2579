"""Reading any sound file, refusing bad ones in words, and writing."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from engine.api.errors import AudioError, ExportError
from engine.api.specs import AudioSpec
from engine.audio import decoding, sound_files

SPEC = AudioSpec()
RATE = SPEC.rate_hz


def voice_like(seconds: float, rate_hz: int, channels: int = 1) -> np.ndarray:
    """A buzz of slowly moving pitch, (n, channels), the same wave at every rate."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * (140 * t + 8 * np.sin(2 * np.pi * 0.7 * t))
    wave = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * t))
    return np.repeat(0.2 * wave[:, None], channels, axis=1)


def level_dbfs(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    n = min(len(a), len(b))
    return float(np.corrcoef(a[:n], b[:n])[0, 1])


@pytest.mark.parametrize(
    ("name", "kind", "subtype"),
    [
        ("a.wav", "WAV", "PCM_U8"),
        ("a.wav", "WAV", "PCM_16"),
        ("a.wav", "WAV", "PCM_24"),
        ("a.wav", "WAV", "PCM_32"),
        ("a.wav", "WAV", "FLOAT"),
        ("a.wav", "WAV", "DOUBLE"),
        ("a.wav", "WAV", "ULAW"),
        ("a.wav", "WAVEX", "PCM_24"),
        ("a.w64", "W64", "PCM_16"),
        ("a.rf64", "RF64", "PCM_16"),
        ("a.flac", "FLAC", "PCM_16"),
        ("a.flac", "FLAC", "PCM_24"),
        ("a.ogg", "OGG", "VORBIS"),
        ("a.opus", "OGG", "OPUS"),
        ("a.mp3", "MP3", "MPEG_LAYER_III"),
        ("a.aiff", "AIFF", "PCM_24"),
        ("a.au", "AU", "PCM_16"),
        ("a.caf", "CAF", "PCM_16"),
        ("a.caf", "CAF", "ALAC_16"),
    ],
)
def test_every_format_of_libsndfile_is_read(tmp_path: Path, name: str, kind: str, subtype: str) -> None:
    path = tmp_path / name
    sound = voice_like(1.0, 16_000)
    soundfile.write(path, sound, 16_000, subtype=subtype, format=kind)

    recording = sound_files.read(path, SPEC)

    assert recording.samples.dtype == np.float32
    assert recording.source_rate_hz == 16_000
    assert abs(len(recording.samples) - 16_000) < 1700  # lossy codecs pad
    if kind not in ("MP3",):
        assert len(recording.samples) == 16_000
        assert correlation(recording.samples, sound[:, 0]) > 0.98
    assert recording.notes == ()


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000])
def test_every_rate_becomes_the_same_sound(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, voice_like(1.0, rate_hz), rate_hz, subtype="FLOAT")

    recording = sound_files.read(path, SPEC)

    wanted = voice_like(1.0, RATE)[:, 0]
    inner = slice(400, -400)  # beyond the ends, resampling sees silence
    scale = float(sound_files.amplitude(recording.gain_db))
    assert len(recording.samples) == RATE
    assert np.abs(recording.samples / scale - wanted)[inner].max() < 2e-3


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_are_mixed_to_their_mean(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.wav"
    weights = np.linspace(0.5, 1.0, channels)
    soundfile.write(path, voice_like(0.5, RATE) * weights, RATE, subtype="FLOAT")
    recording = sound_files.read(path, SPEC)
    assert recording.channels == channels
    back = recording.samples / sound_files.amplitude(recording.gain_db)
    np.testing.assert_allclose(back, voice_like(0.5, RATE)[:, 0] * weights.mean(), atol=1e-6)


def test_probe_tells_what_a_file_is(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, voice_like(1.5, 44_100, 2), 44_100, subtype="PCM_24")
    assert sound_files.probe(path) == sound_files.AudioInfo(str(path), 1.5, 44_100, 2, 66_150, "FLAC PCM_24")


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000, 44_099, 192_000])
@pytest.mark.parametrize("block_s", [0.013, 0.5, 60.0])
def test_streamed_blocks_equal_the_whole_file_resampled_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate_hz: int, block_s: float
) -> None:
    monkeypatch.setattr(decoding, "CHUNK_VALUES", 7001)  # many cuts, none at a round place
    path = tmp_path / "a.wav"
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, round(1.7 * rate_hz)).astype(np.float32)
    soundfile.write(path, noise, rate_hz, subtype="FLOAT")

    blocks = list(sound_files.stream(path, SPEC, block_s=block_s))

    whole = soxr.resample(noise, rate_hz, RATE) if rate_hz != RATE else noise
    assert {len(block) for block in blocks[:-1]} <= {round(block_s * RATE)}
    joined = np.concatenate(blocks)
    assert len(joined) == len(whole) == round(len(noise) * RATE / rate_hz)
    np.testing.assert_array_equal(joined, whole)


def test_resampling_keeps_the_band_and_removes_what_lies_above(
    tone: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    for hz, wanted_db in ((7_200, 0.0), (8_500, -80.0)):
        soundfile.write(path, tone(hz, 1.0, 48_000), 48_000, subtype="FLOAT")
        inner = np.concatenate(list(sound_files.stream(path, SPEC)))[1000:-1000]
        gain_db = level_dbfs(inner) - level_dbfs(tone(hz, 1.0, 48_000))
        assert gain_db == pytest.approx(0.0, abs=0.2) if wanted_db == 0.0 else gain_db < wanted_db


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    minute = voice_like(60.0, 44_100).astype(np.float32)
    with soundfile.SoundFile(path, "w", 44_100, 1, "PCM_16") as file:
        for _ in range(10):
            file.write(minute)
    tracemalloc.start()
    samples = sum(len(block) for block in sound_files.stream(path, SPEC, block_s=10.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples == 600 * RATE
    assert peak < 12e6  # the whole would be 38 MB


def test_the_level_counts_speech_and_not_pauses(tone: Callable[..., np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    speech = tone(300, 1.0, RATE, 0.1)
    soundfile.write(path, np.concatenate((speech, np.zeros(4 * RATE))), RATE, subtype="FLOAT")
    recording = sound_files.read(path, SPEC)
    assert recording.gain_db == pytest.approx(SPEC.level_dbfs - level_dbfs(speech), abs=0.01)
    assert level_dbfs(recording.samples[:RATE]) == pytest.approx(SPEC.level_dbfs, abs=0.01)


def test_the_gain_does_not_depend_on_how_the_clip_is_cut(speech: list[Path]) -> None:
    whole = sound_files.read(speech[0], SPEC)
    for block_s in (0.037, 1.0):
        gain_db = sound_files.measure_gain_db(sound_files.stream(speech[0], SPEC, block_s=block_s), SPEC)
        assert gain_db == pytest.approx(whole.gain_db, abs=1e-9)


def test_the_removed_gain_leads_back_to_the_source(speech: list[Path]) -> None:
    recording = sound_files.read(speech[0], SPEC)
    source = soundfile.read(speech[0], dtype="float32")[0]
    np.testing.assert_allclose(recording.samples * sound_files.amplitude(-recording.gain_db), source, atol=1e-6)


def written(path: Path, sound: np.ndarray, subtype: str = "PCM_16", kind: str | None = None) -> Path:
    soundfile.write(path, sound, RATE, subtype=subtype, format=kind)
    return path


@pytest.mark.parametrize(
    ("case", "make", "what"),
    [
        ("missing", lambda p: p, "is not there"),
        ("folder", lambda p: p.mkdir() or p, "is not a file"),
        ("empty", lambda p: (p.write_bytes(b"") and p) or p, "is empty"),
        ("text", lambda p: p.write_text("I am a letter.\n" * 50) and p, "is not a sound file"),
        ("header alone", lambda p: written(p, np.zeros(0), kind="WAV"), "there is not one sample"),
        ("too short", lambda p: written(p, voice_like(0.19, RATE), kind="WAV"), "is too short: 0.190 s"),
        ("silent", lambda p: written(p, np.zeros(RATE), kind="WAV"), "is silent"),
        ("constant", lambda p: written(p, np.full(RATE, 0.3), kind="WAV"), "is silent"),
        ("NaN", lambda p: written(p, np.where(np.arange(RATE) == 8000, np.nan, 0.1), "FLOAT", "WAV"), "at 0.500 s"),
        (
            "infinite",
            lambda p: written(p, np.where(np.arange(RATE) > 8000, np.inf, 0.1), "FLOAT", "WAV"),
            "numbers",
        ),
        ("cancelled", lambda p: written(p, voice_like(1, RATE) * [1, -1], kind="WAV"), "cancel each other out"),
    ],
)
def test_bad_input_is_refused_in_words(tmp_path: Path, case: str, make: Callable[[Path], Path], what: str) -> None:
    path = make(tmp_path / "clip.wav")
    with pytest.raises(AudioError) as caught:
        sound_files.read(path, SPEC)
    assert what in caught.value.what, case
    assert "clip.wav" in caught.value.what
    assert caught.value.hint.endswith(".")


def test_a_clip_of_the_shortest_length_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", voice_like(0.2, RATE))
    assert len(sound_files.read(path, SPEC).samples) == 3200


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_of_a_truncated_file_the_beginning_is_used_and_reported(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    sound = voice_like(10.0, RATE)
    soundfile.write(path, sound, RATE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])

    recording = sound_files.read(path, SPEC)

    assert 2.0 < len(recording.samples) / RATE < 9.0
    assert len(recording.notes) == 1
    assert "breaks off" in recording.notes[0]
    if suffix in ("wav", "flac", "aiff"):
        assert correlation(recording.samples, sound[:, 0]) > 0.999


@pytest.mark.parametrize(("suffix", "size"), [("wav", 20), ("wav", 44), ("flac", 20), ("flac", 60)])
def test_a_file_truncated_before_its_sound_is_refused(tmp_path: Path, suffix: str, size: int) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, voice_like(1.0, RATE), RATE)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(AudioError) as caught:
        sound_files.read(path, SPEC)
    assert "a." + suffix in caught.value.what


def test_a_header_that_claims_two_thousand_million_frames_takes_no_memory(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", voice_like(1.0, RATE))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 2**32 - 2)  # 2^31 frames of 16 bit
    path.write_bytes(content)
    tracemalloc.start()
    recording = sound_files.read(path, SPEC)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(recording.samples) == RATE
    assert peak < 10e6


@pytest.mark.parametrize(("field", "value"), [(24, 1), (24, 2_000_000)])
def test_an_absurd_rate_is_refused(tmp_path: Path, field: int, value: int) -> None:
    path = written(tmp_path / "a.wav", voice_like(1.0, RATE))
    content = bytearray(path.read_bytes())
    content[field : field + 4] = struct.pack("<I", value)
    path.write_bytes(content)
    with pytest.raises(AudioError, match=f"claims {value} Hz"):
        sound_files.read(path, SPEC)


def test_a_clipped_recording_gets_a_note(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", np.sign(voice_like(1.0, RATE)))
    (note,) = sound_files.read(path, SPEC).notes
    assert "is clipped: 100.0 %" in note


def test_a_file_without_permission_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.wav", voice_like(1.0, RATE))
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything: refuse on the system's behalf
        real = Path.open

        def refuse(self: Path, *arguments: Any, **named: Any) -> Any:
            if self == path:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return real(self, *arguments, **named)

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match="may not be read"):
        sound_files.read(path, SPEC)


def test_a_file_that_vanishes_while_it_is_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "CHUNK_VALUES", 4000)
    path = written(tmp_path / "a.wav", voice_like(4.0, RATE))
    blocks = sound_files.stream(path, SPEC, block_s=0.5)
    next(blocks)
    os.truncate(path, 10_000)  # as a network share that goes away
    path.unlink()
    with pytest.raises(AudioError, match="disappeared while it was read"):
        list(blocks)


def test_a_name_with_emoji_newline_and_bad_bytes_is_read_and_shown_on_one_line(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    path = Path(os.fsdecode(folder + "/🎤 a\nb ".encode() + b"\xff.wav"))
    shutil.move(written(tmp_path / "a.wav", voice_like(1.0, RATE)), path)
    assert len(sound_files.read(path, SPEC).samples) == RATE
    path.write_bytes(b"")
    with pytest.raises(AudioError) as caught:
        sound_files.read(path, SPEC)
    assert "🎤 a\\nb" in caught.value.what
    assert caught.value.what.isprintable()


@pytest.mark.parametrize(("suffix", "subtype", "step"), [("wav", "PCM_16", 2**-15), ("flac", "PCM_24", 2**-23)])
def test_written_sound_comes_back_with_its_tags(tmp_path: Path, suffix: str, subtype: str, step: float) -> None:
    path = tmp_path / f"Aufnahme 🎤.{suffix}"
    sound = np.append(voice_like(0.5, RATE)[:, 0], [1.0, -1.0]).astype(np.float32)
    sound_files.write(path, sound, RATE, {"title": "Zwölf", "comment": "first", "strength": "1.0"})
    with soundfile.SoundFile(path) as file:
        assert (file.samplerate, file.channels, file.subtype) == (RATE, 1, subtype)
        assert file.title == "Zwölf"
        assert file.comment == "first\nstrength=1.0"
        np.testing.assert_allclose(file.read(dtype="float64"), sound, atol=1.01 * step)
    assert os.listdir(tmp_path) == [path.name] or set(os.listdir(tmp_path)) == {path.name, "home"}


@pytest.mark.parametrize(
    ("name", "samples", "what"),
    [
        ("a.wav", np.array([0.0, 1.2]), "1.6 dB beyond full scale"),
        ("a.wav", np.array([0.0, np.nan]), "not numbers"),
        ("a.mp3", np.zeros(10), "which format"),
        ("missing/a.wav", np.zeros(10), "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_reported(tmp_path: Path, name: str, samples: np.ndarray, what: str) -> None:
    with pytest.raises(ExportError, match=what):
        sound_files.write(tmp_path / name, samples, RATE)
    assert not (tmp_path / name).exists()


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "takes" / "a.wav"
    path.parent.mkdir()
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left") as caught:
        sound_files.write(path, np.zeros(RATE, np.float32), RATE)
    assert "Free some space" in caught.value.hint
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["a.wav"]


def test_audio_is_importable_without_torch() -> None:
    code = "import sys, engine.audio; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
