"""Sound tracks decoded by FFmpeg's libraries, which PyAV brings along; no program is started."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

CHUNK_SAMPLES = 1 << 16  # handed on together; a frame of AAC holds a thousand
MISSING_S = 0.25  # a track's stated length may count what a codec adds at both ends: an eighth of a second each
ESTIMATES = (
    "aac",
    "ac3",
    "amr",
)  # demuxers of streams that state no length: FFmpeg guesses it from the file's size


class NoSoundTrackError(Exception):
    """The file can be opened, and there is no sound in it."""


class UndecodableError(Exception):
    """Nothing of a file can be decoded; the text is the reason, a sentence."""


class FFmpegSource:
    """The first sound track of a file, as decoding.Source describes it.

    Args:
        demuxer: FFmpeg's name for the kind of file. It is not left to FFmpeg, which could take a text for a
            playlist and open what that names.

    Raises:
        NoSoundTrackError, UndecodableError.
    """

    def __init__(self, path: Path, demuxer: str) -> None:
        self.broken = ""
        self._handle = path.open("rb")  # by its handle: a name need not be valid text
        try:
            self._file = av.open(self._handle, "r", format=demuxer)
            if not self._file.streams.audio:
                raise NoSoundTrackError
            self._stream = self._file.streams.audio[0]
            self._frames = self._decoded()
            first = next(self._frames, None)
            if first is None:
                raise UndecodableError(self.broken or "there is not one sample in it.")
        except av.FFmpegError as error:
            self._handle.close()
            raise UndecodableError(_words(error)) from error
        except (NoSoundTrackError, UndecodableError):
            self.close()
            raise
        self.rate_hz, self.channels = first.sample_rate, first.layout.nb_channels
        self.format = self._stream.codec_context.name
        self.claimed = self._length()
        self._first = first
        self._exact = demuxer not in ESTIMATES

    def chunks(self) -> Iterator[Floats]:
        """The samples in order, each (n, channels) float32; closes the file at the end."""
        waiting: list[Floats] = []
        count = done = 0
        try:
            for piece in self._as_floats(chain((self._first,), self._frames)):
                waiting.append(piece)
                count += len(piece)
                if count >= CHUNK_SAMPLES:
                    yield np.concatenate(waiting)
                    waiting, count, done = [], 0, done + count
            if waiting:
                yield np.concatenate(waiting)
        finally:
            self.close()
        done += count
        claimed = self.claimed if self._exact and not self.broken else None
        if claimed is not None and done < claimed - MISSING_S * self.rate_hz:
            self.broken = f"{done / self.rate_hz:.2f} s of {claimed / self.rate_hz:.2f} s are there."

    def close(self) -> None:
        self._file.close()
        self._handle.close()

    def _length(self) -> int | None:
        """Samples per channel that the file states."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return int(self._stream.duration * self._stream.time_base * self.rate_hz)
        if self._file.duration is not None and len(self._file.streams) == 1:  # beside a picture it may be longer
            return self._file.duration * self.rate_hz // av.time_base
        return None

    def _decoded(self) -> Iterator[av.AudioFrame]:
        """All frames but those that are damaged; why the last one of them is, stands in `broken`."""
        packets = self._file.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.FFmpegError as error:
                self.broken = _words(error)
                continue
            yield from frames

    def _as_floats(self, frames: Iterator[av.AudioFrame]) -> Iterator[Floats]:
        """The frames' samples (n, channels), all with the rate and the channels of the first one."""
        kind = None
        for frame in frames:
            if kind != (kind := (frame.format.name, frame.layout.name, frame.sample_rate)):
                convert = av.AudioResampler("fltp", self._first.layout, self.rate_hz)
            for converted in convert.resample(frame):
                yield np.asarray(converted.to_ndarray().T, np.float32)


def _words(error: av.FFmpegError) -> str:
    return f"{error.strerror or error}.".replace("..", ".")
