"""Decoding of any sound file into pieces of its own samples: by libsndfile, and by FFmpeg what that cannot read.

FFmpeg's decoders come with PyAV; no program is needed. Of a video the first sound track is read. Headers are never
trusted for sizes: what counts is what decodes. A file that breaks off is read up to there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import soundfile

from engine.api.errors import AudioError

Floats = npt.NDArray[np.float32]

CHUNK_VALUES = 1 << 18  # samples x channels decoded at a time: 1 MiB, whatever the file claims
RATES_HZ = (4_000, 768_000)
CHANNELS = (1, 64)
EXPORT_AGAIN = "Export it again, as WAV or FLAC, from the program that made it."


class Source(Protocol):
    """An opened sound file.

    Attributes:
        claimed: samples per channel by the header, or by an estimate; None if nothing is known before decoding.
        broken: set while reading, in words, if the file ends before its sound does; else "".
    """

    rate_hz: int
    channels: int
    format: str
    claimed: int | None
    broken: str

    def chunks(self) -> Iterator[Floats]:
        """The samples in order, each (n, channels) float32 within about ±1; closes the file at the end."""

    def close(self) -> None: ...


def shown(path: str | os.PathLike[str]) -> str:
    """A file's name as it can stand in a sentence: quoted, one line, printable."""
    name = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in Path(path).name)
    return f"“{name}”"


def open_sound(path: str | os.PathLike[str]) -> Source:
    """Open any sound file.

    Raises:
        AudioError: it is missing, unreadable, empty, no sound file, damaged, or holds no sound track.
    """
    path = Path(path)
    head = _head(path)
    container = _container(head, path.suffix.lower())
    source: Source
    if container and not container.libsndfile:
        source = _by_ffmpeg(path, container)
    else:
        try:
            source = _Libsndfile(path)
        except soundfile.LibsndfileError as error:
            if container is None:
                raise AudioError(
                    f"{shown(path)} is not a sound file that can be read.",
                    "Check that it is a recording; if it is, export it again as WAV or FLAC.",
                ) from error
            source = _by_ffmpeg(path, container)
    for value, (low, high), unit in ((source.rate_hz, RATES_HZ, "Hz"), (source.channels, CHANNELS, "channels")):
        if not low <= value <= high:
            source.close()
            raise AudioError(
                f"{shown(path)} claims {value} {unit}; {low} to {high} {unit} can be read.", EXPORT_AGAIN
            )
    return source


def _head(path: Path) -> bytes:
    """The first bytes, after making sure that this is a file that can be read; a pipe would wait for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise AudioError(f"{shown(path)} is not a file.", "Choose a sound file, or a folder of them to import.")
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a NUL in the name
        raise AudioError(f"{shown(path)} is not a file name.", "Choose a sound file.") from error
    if not head:
        raise AudioError(f"{shown(path)} is empty.", "Copy or download it again.")
    return head


def unreadable(path: Path, error: OSError) -> AudioError:
    """The system's refusal to let a file be read, in words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return AudioError(f"{shown(path)} is not there (any more).", "Put it back, or remove it from the list.")
    if isinstance(error, PermissionError):
        return AudioError(
            f"{shown(path)} may not be read.", "Give yourself permission to read it, or copy it to your own folder."
        )
    return AudioError(
        f"{shown(path)} cannot be read: {error.strerror or error}.",
        "Check the disk or the network, then try again.",
    )


def _words(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".") + "."


class _Libsndfile:
    """WAV, FLAC, Ogg, Opus, MP3, AIFF, AU, CAF, W64 and what else libsndfile decodes."""

    def __init__(self, path: Path) -> None:
        # bytes: soundfile would encode a str strictly, and names need not be valid text
        self._file = soundfile.SoundFile(str(path) if os.name == "nt" else os.fsencode(path))
        self.rate_hz = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self.format = f"{self._file.format} {self._file.subtype}"
        self.claimed: int | None = int(self._file.frames)
        self.broken = ""
        self._path = path

    def chunks(self) -> Iterator[Floats]:
        size = max(1, CHUNK_VALUES // self.channels)
        done = 0
        with self._file:
            while not self.broken:
                out = np.full((size, self.channels), np.nan, np.float32)
                try:
                    count = len(self._file.read(out=out))
                except soundfile.LibsndfileError as error:
                    # soundfile does not say how much was decoded before the error; the untouched rest is NaN
                    self.broken = _words(error)
                    count = int((~np.isnan(out[:, -1])).sum())
                if count == 0:
                    break
                done += count
                yield out[:count]
            if not self.broken:
                self.broken = self._missing(done)

    def _missing(self, done: int) -> str:
        """Why this end is not the end the file promised; "" if it is."""
        # lossy formats only estimate their length: allow a tenth of a second
        if self.claimed is not None and done < self.claimed - self.rate_hz // 10:
            return f"{done / self.rate_hz:.2f} s of {self.claimed / self.rate_hz:.2f} s are there."
        # libsndfile quietly corrects a header that promises more than the file holds; its log tells.
        # Sizes of about 2^31 and more are what writers to a pipe put in for "not known".
        for promised, real in re.findall(
            r"(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", str(self._file.extra_info)
        ):
            if int(real) + 1024 < int(promised) < 0x7FFF0000:
                return f"{int(real)} of {int(promised)} bytes are there."
        if self._file.format == "OGG" and not _ogg_ends(self._path):
            return "its last page is missing."
        return ""

    def close(self) -> None:
        self._file.close()


def _ogg_ends(path: Path) -> bool:
    """Whether the last page of an Ogg file carries the end-of-stream flag (RFC 3533: header type, bit 4)."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 66_000))  # a page is at most 65 307 bytes
            tail = file.read()
    except OSError as error:
        raise unreadable(path, error) from error
    page = tail.rfind(b"OggS")
    return page >= 0 and len(tail) > page + 5 and bool(tail[page + 5] & 4)


class _Container(NamedTuple):
    """A kind of file known by its first bytes, FFmpeg's name for its demuxer, and whether libsndfile reads it."""

    name: str
    demuxer: str
    libsndfile: bool = False


_MP4 = _Container("MPEG-4 or QuickTime", "mov")
_AAC = _Container("AAC (ADTS)", "aac")
_BY_MAGIC: tuple[tuple[int, bytes, _Container], ...] = (
    *((4, atom, _MP4) for atom in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")),
    (0, b"\x1a\x45\xdf\xa3", _Container("WebM or Matroska", "matroska")),
    (0, b"\x30\x26\xb2\x75", _Container("Windows Media (WMA)", "asf")),
    (0, b"#!AMR", _Container("AMR", "amr")),
    (0, b"wvpk", _Container("WavPack", "wv")),
    (0, b"MAC ", _Container("Monkey's Audio", "ape")),
    (0, b"\x0b\x77", _Container("AC-3", "ac3")),
    (0, b"FLV\x01", _Container("Flash video", "flv")),
    (8, b"AVI ", _Container("AVI", "avi")),
    (8, b"WAVE", _Container("WAV", "wav", libsndfile=True)),
    (0, b"OggS", _Container("Ogg", "ogg", libsndfile=True)),
    (0, b"caff", _Container("CAF", "caf", libsndfile=True)),
    (0, b"fLaC", _Container("FLAC", "flac", libsndfile=True)),
    (0, b"FORM", _Container("AIFF", "aiff", libsndfile=True)),
    (0, b"ID3", _Container("MP3", "mp3", libsndfile=True)),
)


def _container(head: bytes, suffix: str) -> _Container | None:
    # Only known magic reaches FFmpeg, and with its demuxer named: a text file can never be taken for a playlist
    # that makes FFmpeg open other files.
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0:  # ADTS: sync word, layer 0
        return _AAC
    if head.startswith(b"ID3") and suffix == ".aac":
        return _AAC
    return next((kind for at, magic, kind in _BY_MAGIC if head[at : at + len(magic)] == magic), None)


def _by_ffmpeg(path: Path, container: _Container) -> Source:
    from engine.audio.ffmpeg import FFmpegSource, NoSoundTrackError, UndecodableError  # late: 0.1 s and 17 MiB

    try:
        source = FFmpegSource(path, container.demuxer)
    except NoSoundTrackError as error:
        raise AudioError(
            f"{shown(path)} ({container.name}) has no sound track.", "Choose a recording that holds speech."
        ) from error
    except UndecodableError as reason:
        raise AudioError(
            f"{shown(path)} is {container.name}, but nothing in it can be decoded: {reason}", EXPORT_AGAIN
        ) from reason
    source.format = f"{container.name}, {source.format}"
    return source
