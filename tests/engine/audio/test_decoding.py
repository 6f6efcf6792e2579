"""Sound tracks that FFmpeg decodes: audio files beyond libsndfile, videos, damaged files, files without sound."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from engine.api import AUDIO_SUFFIXES
from engine.api.errors import AudioError
from engine.api.specs import AudioSpec
from engine.audio import decoding, sound_files

SPEC = AudioSpec()
RATE = SPEC.rate_hz


def buzz(seconds: float, rate_hz: int, channels: int = 2) -> np.ndarray:
    """A harmonic sound of slowly moving pitch, float32 (channels, n)."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * (140 * t + 8 * np.sin(2 * np.pi * 0.7 * t))
    wave = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * t))
    return np.repeat(0.2 * wave[None], channels, axis=0).astype(np.float32)


def encode(
    path: Path, codec: str, seconds: float = 2.0, rate_hz: int = 48_000, channels: int = 2, picture_s: float = 0.0
) -> np.ndarray:
    """Write a buzz, with a picture of so many seconds beside it; returns its first channel."""
    sound = buzz(seconds, rate_hz, channels)
    layout = "stereo" if channels == 2 else "mono"
    with path.open("wb") as handle, av.open(handle, "w", format=KINDS.get(path.suffix)) as file:
        if picture_s:
            picture = file.add_stream("mpeg4", rate=10)
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        track = file.add_stream(codec, rate=rate_hz, layout=layout)
        track.bit_rate = 128_000 if codec != "libopencore_amrnb" else 12_200
        if picture_s:
            for number in range(round(10 * picture_s)):
                shade = np.full((64, 64, 3), number % 255, np.uint8)
                file.mux(picture.encode(av.VideoFrame.from_ndarray(shade)))
            file.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return sound[0]


KINDS = {
    ".m4a": "ipod",
    ".m4b": "ipod",
    ".mp4": "mp4",
    ".mov": "mov",
    ".3gp": "3gp",
    ".webm": "webm",
    ".mkv": "matroska",
    ".mka": "matroska",
    ".wma": "asf",
    ".aac": "adts",
    ".avi": "avi",
    ".opus": "opus",
    ".wv": "wv",
    ".ac3": "ac3",
    ".amr": "amr",
}


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".m4a", "aac"),
        (".m4a", "alac"),
        (".m4b", "aac"),
        (".mp4", "aac"),
        (".mov", "pcm_s16le"),
        (".3gp", "aac"),
        (".webm", "libopus"),
        (".mka", "libopus"),
        (".mkv", "ac3"),
        (".wma", "wmav2"),
        (".aac", "aac"),
        (".avi", "libmp3lame"),
        (".opus", "libopus"),
        (".wv", "wavpack"),
        (".ac3", "ac3"),
    ],
)
def test_formats_beyond_libsndfile_are_read(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"-a: b{suffix}"  # a name that looks like an option and a protocol
    sound = encode(path, codec)

    info, recording = sound_files.probe(path), sound_files.read(path, SPEC)

    assert (info.channels, info.rate_hz) == (2, 48_000)
    assert info.duration_s == pytest.approx(2.0, abs=0.15)
    assert codec.removeprefix("lib").removesuffix("lame") in info.format.lower()
    assert len(recording.samples) / RATE == pytest.approx(2.0, abs=0.15)
    assert 10 * np.log10(np.mean(recording.samples**2)) == pytest.approx(SPEC.level_dbfs, abs=0.5)
    assert nearest(recording.samples, sound[::3]) > 0.98
    assert recording.notes == ()


def nearest(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation of two sounds where they fit best: codecs put some milliseconds of silence before."""
    at_once = np.fft.irfft(np.fft.rfft(a, 1 << 17) * np.conj(np.fft.rfft(b, 1 << 17)))
    return float(at_once.max() / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_voice_message_of_a_telephone_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.amr"
    encode(path, "libopencore_amrnb", rate_hz=8_000, channels=1)
    assert sound_files.probe(path).rate_hz == 8_000
    assert len(sound_files.read(path, SPEC).samples) / RATE == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "aac"), (".mov", "aac"), (".mkv", "libopus"), (".avi", "ac3")]
)
@pytest.mark.parametrize("picture_s", [1.0, 5.0])
def test_of_a_video_the_sound_track_is_read(tmp_path: Path, suffix: str, codec: str, picture_s: float) -> None:
    path = tmp_path / f"a{suffix}"
    sound = encode(path, codec, picture_s=picture_s)
    recording = sound_files.read(path, SPEC)
    assert len(recording.samples) / RATE == pytest.approx(2.0, abs=0.15)
    assert nearest(recording.samples, sound[::3]) > 0.98
    assert recording.notes == ()  # no part of it is missing, however long the picture is


def test_a_video_without_sound_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        file.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        file.mux(picture.encode(None))
    with pytest.raises(AudioError) as caught:
        sound_files.read(path, SPEC)
    assert caught.value.what == "“a.mp4” (MPEG-4 or QuickTime) has no sound track."
    assert caught.value.hint == "Choose a recording that holds speech."


def test_a_damaged_m4a_is_an_error_that_gives_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x1cftypM4A \0\0\2\0" + bytes(500))
    with pytest.raises(AudioError, match="nothing in it can be decoded: Invalid data") as caught:
        sound_files.read(path, SPEC)
    assert "MPEG-4" in caught.value.what
    assert caught.value.hint == decoding.EXPORT_AGAIN


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".webm", "libopus"), (".aac", "aac"), (".wma", "wmav2"), (".wv", "wavpack")]
)
def test_of_a_truncated_file_the_beginning_is_used_and_reported(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"a{suffix}"
    encode(path, codec, seconds=10.0)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    recording = sound_files.read(path, SPEC)
    assert 2.0 < len(recording.samples) / RATE < 9.0
    assert len(recording.notes) == 1
    assert "breaks off" in recording.notes[0]


def test_what_follows_a_damaged_part_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "a.aac"
    encode(path, "aac", seconds=4.0)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 600] = bytes(600)
    path.write_bytes(content)
    assert len(sound_files.read(path, SPEC).samples) / RATE > 3.5


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    path = tmp_path / "long.m4a"
    encode(path, "aac", seconds=100.0, rate_hz=16_000, channels=1)
    tracemalloc.start()
    samples = sum(len(block) for block in sound_files.stream(path, SPEC, block_s=2.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples / RATE == pytest.approx(100.0, abs=0.2)
    assert peak < 3e6  # the whole would be 6 MB


def test_a_file_that_is_closed_unread_can_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    encode(path, "aac")
    source = decoding.open_sound(path)
    source.close()
    path.unlink()


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
def test_every_ending_that_is_offered_is_decoded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    of_libsndfile = {
        ".oga": "OGG",
        ".aif": "AIFF",
        ".aifc": "AIFF",
        ".snd": "AU",
        ".ogg": "OGG",
        ".mp3": "MP3",
        ".aiff": "AIFF",
        ".au": "AU",
        ".caf": "CAF",
        ".w64": "W64",
        ".rf64": "RF64",
        ".wav": "WAV",
        ".flac": "FLAC",
    }
    if suffix in of_libsndfile:
        soundfile.write(path, buzz(1.0, 16_000, 1)[0], 16_000, format=of_libsndfile[suffix])
    elif suffix == ".amr":
        encode(path, "libopencore_amrnb", 1.0, 8_000, 1)
    else:
        codecs = {".webm": "libopus", ".opus": "libopus", ".wma": "wmav2", ".wv": "wavpack", ".ac3": "ac3"}
        encode(path, codecs.get(suffix, "aac"), 1.0)
    assert len(sound_files.read(path, SPEC).samples) / RATE == pytest.approx(1.0, abs=0.15)
