"""Sound files: read any recording as mono float32 at the spec's rate, in constant memory, and write results."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.api.atomic_files import cannot_write, write_whole
from engine.api.errors import AudioError, ExportError
from engine.api.specs import AudioSpec
from engine.audio.decoding import EXPORT_AGAIN, Floats, Source, open_sound, shown

SILENT_SPAN = 1e-4  # highest minus lowest sample: about three steps of 16 bit
ACTIVE_RANGE_DB = 30.0  # frames this far below the loudest are pauses
LEVEL_FRAME_S = 0.02
FULL_SCALE = 0.999
LARGEST = 1e6  # full scale is 1; beyond this a "number" is damage
CLIPPED_SHARE = 0.001


@dataclass(frozen=True)
class AudioInfo:
    """Facts of a sound file by its header; reading may find less."""

    path: str
    duration_s: float
    rate_hz: int
    channels: int
    samples: int  # per channel
    format: str


@dataclass(frozen=True)
class Recording:
    """A whole clip, ready for analysis.

    samples: float32 (n,) mono at the spec's rate, its active level at spec.level_dbfs.
    gain_db: what normalisation added; subtract it to return to the source's level.
    notes: sentences the user should read: the file breaks off, it is clipped.
    """

    samples: Floats
    gain_db: float
    source_rate_hz: int
    channels: int
    notes: tuple[str, ...]


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """What a file is, without decoding it (unless its header does not tell its length).

    Raises:
        AudioError: as `read`, as far as the header shows it.
    """
    source = open_sound(path)
    try:
        samples = source.claimed
        if samples is None:
            samples = sum(len(chunk) for chunk in source.chunks())
        return AudioInfo(
            str(path), samples / source.rate_hz, source.rate_hz, source.channels, samples, source.format
        )
    finally:
        source.close()


def read(path: str | os.PathLike[str], spec: AudioSpec) -> Recording:
    """A whole clip as mono float32 at the spec's rate and level.

    Raises:
        AudioError: missing, unreadable, no sound file, damaged from the start, too short, silent, not numbers.
    """
    blocks = stream(path, spec)
    samples = np.concatenate(list(blocks))
    gain_db = measure_gain_db([samples], spec)
    samples *= amplitude(gain_db)
    return Recording(samples, gain_db, blocks.rate_hz, blocks.channels, blocks.notes)


def stream(path: str | os.PathLike[str], spec: AudioSpec, *, block_s: float = 60.0) -> Stream:
    """A clip of any length as contiguous float32 blocks at the spec's rate, not level-normalised.

    The blocks joined are sample-identical to the whole file resampled at once; memory does not grow with length.

    Raises:
        AudioError: at once or while iterating, as `read`. Silence is known, and told, only at the end.
    """
    return Stream(path, spec, block_s)


def amplitude(gain_db: float) -> np.float32:
    """The factor that is a gain in dB."""
    return np.float32(10.0 ** (gain_db / 20.0))


def measure_gain_db(blocks: Iterable[Floats], spec: AudioSpec) -> float:
    """The gain that brings the active level of a clip to spec.level_dbfs, in dB.

    Active level: the RMS over those 20 ms frames whose own RMS lies within 30 dB of the loudest frame's, so that
    pauses do not count (after the idea of ITU-T P.56).

    Args:
        blocks: contiguous pieces of the clip at the spec's rate, of any sizes.

    Raises:
        AudioError: all samples are zero.
    """
    size = round(LEVEL_FRAME_S * spec.rate_hz)
    rest = np.zeros(0, np.float32)
    powers: list[np.ndarray] = []
    for block in blocks:
        rest = np.concatenate((rest, block))
        whole = len(rest) // size * size
        powers.append(np.square(rest[:whole].reshape(-1, size), dtype=np.float64).mean(axis=1))
        rest = rest[whole:]
    if len(rest) >= size // 2 or not any(len(p) for p in powers):
        powers.append(np.atleast_1d(np.square(rest, dtype=np.float64).mean() if len(rest) else 0.0))
    power = np.concatenate(powers)
    loudest = power.max()
    if not loudest > 0.0:
        raise AudioError("The clip is silent from end to end.", "Choose a recording that holds speech.")
    active = power[power >= loudest * 10.0 ** (-ACTIVE_RANGE_DB / 10.0)].mean()
    return float(spec.level_dbfs - 10.0 * math.log10(active))


class Stream(Iterator[Floats]):
    """Iterator of blocks. rate_hz and channels are the source's; notes are complete once it is exhausted."""

    def __init__(self, path: str | os.PathLike[str], spec: AudioSpec, block_s: float) -> None:
        self._path = Path(path)
        self._source: Source = open_sound(path)
        self.rate_hz = self._source.rate_hz
        self.channels = self._source.channels
        self.notes: tuple[str, ...] = ()
        self._blocks = self._generate(spec, max(1, round(block_s * spec.rate_hz)))

    def __next__(self) -> Floats:
        return next(self._blocks)

    def _generate(self, spec: AudioSpec, block: int) -> Iterator[Floats]:
        facts = _Facts(self._path, self.channels)
        resampler = None
        if self.rate_hz != spec.rate_hz:
            resampler = soxr.ResampleStream(self.rate_hz, spec.rate_hz, num_channels=1, quality="HQ")
        waiting: list[Floats] = []
        count = 0
        for chunk in self._source.chunks():
            mono = facts.add(chunk, self.rate_hz)
            waiting.append(mono if resampler is None else resampler.resample_chunk(mono))
            count += len(waiting[-1])
            while count >= block:
                joined = np.concatenate(waiting)
                waiting = [joined[block:]]
                count -= block
                yield joined[:block]
        facts.judge(self.rate_hz, spec.shortest_s, self._source.broken)
        self.notes = facts.notes(self.rate_hz, self._source.broken)
        if resampler is not None:
            waiting.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        joined = np.concatenate(waiting)
        for start in range(0, len(joined), block):
            yield joined[start : start + block]


class _Facts:
    """Facts of a clip by its samples, gathered while they pass."""

    def __init__(self, path: Path, channels: int) -> None:
        self._path = path
        self._samples = 0
        self._full = 0
        self._low = np.full(channels, np.inf)
        self._high = np.full(channels, -np.inf)
        self._mono_low, self._mono_high = np.inf, -np.inf
        self._values = 0

    def add(self, chunk: Floats, rate_hz: int) -> Floats:
        """Note what a piece (n, channels) shows and return its mono mix (n,)."""
        planes = np.ascontiguousarray(chunk.T)  # channel by channel: several times as fast to search
        low, high = planes.min(axis=1), planes.max(axis=1)
        if not (low.min() > -LARGEST and high.max() < LARGEST):  # so too if they are NaN
            at = self._samples + int(np.argmin((np.abs(chunk) < LARGEST).all(axis=1)))
            raise AudioError(
                f"{shown(self._path)} holds samples that are not numbers (the first at {at / rate_hz:.3f} s).",
                EXPORT_AGAIN,
            )
        self._samples += len(chunk)
        self._values += chunk.size
        if max(high.max(), -low.min()) >= FULL_SCALE:
            self._full += int((np.abs(planes) >= FULL_SCALE).sum())
        self._low = np.minimum(self._low, low)
        self._high = np.maximum(self._high, high)
        mono: Floats = planes.mean(axis=0) if len(planes) > 1 else planes[0]
        self._mono_low = min(self._mono_low, float(mono.min()))
        self._mono_high = max(self._mono_high, float(mono.max()))
        return mono

    def judge(self, rate_hz: int, shortest_s: float, broken: str) -> None:
        """Raise AudioError if nothing can be made of this clip."""
        name = shown(self._path)
        if broken and not self._path.exists():
            raise AudioError(f"{name} disappeared while it was read.", "Put it back, then try again.")
        if self._samples == 0:
            why = f"nothing in it can be decoded: {broken}" if broken else "there is not one sample in it."
            raise AudioError(f"{name} holds no sound: {why}", EXPORT_AGAIN)
        if self._samples < shortest_s * rate_hz:
            raise AudioError(
                f"{name} is too short: {self._samples / rate_hz:.3f} s of sound.",
                f"Use a recording of {shortest_s:g} s or more.",
            )
        if max(self._high - self._low) < SILENT_SPAN:
            raise AudioError(f"{name} is silent from end to end.", "Choose a recording that holds speech.")
        if self._mono_high - self._mono_low < SILENT_SPAN:
            raise AudioError(
                f"The channels of {name} cancel each other out.", "Save one of its channels alone as a mono file."
            )

    def notes(self, rate_hz: int, broken: str) -> tuple[str, ...]:
        notes = []
        if broken:
            seconds = self._samples / rate_hz
            notes.append(f"{shown(self._path)} breaks off; its first {seconds:.2f} s are used ({broken})")
        share = self._full / self._values
        if share >= CLIPPED_SHARE:
            notes.append(f"{shown(self._path)} is clipped: {100 * share:.1f} % of its samples are at full scale.")
        return tuple(notes)


_KINDS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_24")}
_TAGS = ("title", "artist", "album", "date", "comment", "copyright", "software", "license", "genre")


def write(path: str | os.PathLike[str], samples: Floats, rate_hz: int, tags: dict[str, str] | None = None) -> None:
    """Write mono sound as 16-bit WAV or 24-bit FLAC (by suffix); the file appears whole or not at all.

    Args:
        samples: (n,) float within ±1.
        tags: title, artist, comment ... as the format stores them; other names are kept as lines of the comment.

    Raises:
        ExportError: beyond full scale, not numbers, another suffix, or the disk refuses (full, read-only ...).
    """
    path = Path(path)
    if path.suffix.lower() not in _KINDS:
        raise ExportError(
            f"{shown(path)} does not say which format to write.", "Give it a name ending in .wav or .flac."
        )
    sound = np.asarray(samples, np.float32)
    peak = float(np.abs(sound).max(initial=0.0))
    if not math.isfinite(peak):
        raise ExportError(f"The sound for {shown(path)} holds samples that are not numbers.", "Render it again.")
    if peak > 1.0:
        raise ExportError(
            f"The sound for {shown(path)} goes {20 * math.log10(peak):.1f} dB beyond full scale.",
            "Lower its level, then write it again.",
        )
    content = _encoded(sound, rate_hz, *_KINDS[path.suffix.lower()], tags or {})
    try:
        write_whole(path, content)
    except OSError as error:
        raise cannot_write(path, error) from error


def _encoded(sound: Floats, rate_hz: int, kind: str, subtype: str, tags: dict[str, str]) -> bytes:
    # In memory first: libsndfile reports a full disk late or not at all.
    known = {name: text for name, text in tags.items() if name in _TAGS}
    if other := [f"{name}={text}" for name, text in tags.items() if name not in _TAGS]:
        known["comment"] = "\n".join(([known["comment"]] if "comment" in known else []) + other)
    memory = BytesIO()
    with soundfile.SoundFile(memory, "w", rate_hz, 1, subtype, format=kind) as file:
        for name, text in known.items():
            setattr(file, name, text)
        file.write(sound)
    return memory.getvalue()
