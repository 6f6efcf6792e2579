"""What training needs of a corpus, computed once: log-mel and F0 of every recording in two memory-mapped files.

    <key>.mel      float16 (frames, bands)   all recordings, one after the other
    <key>.f0       float32 (frames,)         Hz, NaN where unvoiced
    <key>.journal  one JSON line a recording: where its frames are, or why it was left out

A line is written once its frames are, so whatever a kill leaves behind the last line is taken back to the files'
state and the work goes on from there. The key names the audio spec and every file's path, size and time: a changed
file or spec makes another cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from engine import audio, pitch
from engine.api import Progress, Report, Steer
from engine.corpus.manifest import Manifest, Skipped, Utterance
from engine.errors import AudioError, Cancelled, CorpusError
from engine.mel import MelFrontEnd
from engine.specs import AudioSpec
from engine.steering import Pace, obey

_VERSION = 1
_LONG_S = 600.0  # longer recordings are never held in memory whole
_REPORT_S = 0.2
_SCALING_FRAMES = 1_000_000

Pieces = Iterator[tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]]


@dataclass(frozen=True)
class Entry:
    """One recording's frames in the cache: [start, start + frames)."""

    utterance: Utterance
    start: int
    frames: int


@dataclass(frozen=True)
class MelCache:
    """A corpus ready for training.

    mel: float16 (all frames, bands) natural-log mel; f0: float32 (all frames,) Hz; both memory-mapped, read-only.
    manifest: the recordings that could be used, in the order of `entries`, and all that were skipped.
    """

    key: str
    mel: npt.NDArray[np.float16]
    f0: npt.NDArray[np.float32]
    entries: tuple[Entry, ...]
    manifest: Manifest
    remarks: tuple[str, ...]

    def scaling(self, entries: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean of every band (bands,) and the standard deviation of all bands together (), over these entries.

        Of a large corpus evenly spaced frames are enough, a million of them.
        """
        step = max(1, sum(self.entries[i].frames for i in entries) // _SCALING_FRAMES)
        bands = self.mel.shape[1]
        count, total, squares = 0, np.zeros(bands), np.zeros(bands)
        for i in entries:
            entry = self.entries[i]
            frames = self.mel[entry.start : entry.start + entry.frames : step].astype(np.float64)
            count += len(frames)
            total += frames.sum(axis=0)
            squares += np.square(frames).sum(axis=0)
        mean = total / count
        variance = float((squares / count - np.square(mean)).mean())
        return torch.from_numpy(mean).float(), torch.tensor(max(variance, 1e-6) ** 0.5, dtype=torch.float32)


def build(manifest: Manifest, spec: AudioSpec, folder: Path, device: str, report: Report, steer: Steer) -> MelCache:
    """Open the corpus's cache in `folder`, making what of it is missing.

    A recording that cannot be read is left out and named in the result.

    Raises:
        CorpusError: not one recording can be used, or the folder cannot be written (full disk, permissions).
        Cancelled: the user cancelled or stopped it; what is done is kept for the next time.
    """
    key = _key(manifest, spec)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _Builder(manifest, spec, folder / key, device).run(report, steer)
    except OSError as error:
        raise CorpusError(
            f"The cache folder {folder} cannot be used: {error.strerror or error}.",
            "Free some space or choose another run folder; what was computed so far is kept.",
        ) from error


class _Builder:
    def __init__(self, manifest: Manifest, spec: AudioSpec, stem: Path, device: str) -> None:
        self._manifest = manifest
        self._spec = spec
        self._stem = stem
        self._front_end = MelFrontEnd(spec, device)
        self._lines: list[dict[str, object]] = []
        self._frames = 0

    def run(self, report: Report, steer: Steer) -> MelCache:
        files = [self._file(suffix) for suffix in (".mel", ".f0", ".journal")]
        for file in files:
            file.touch()
        self._recover()
        with files[0].open("ab") as mel, files[1].open("ab") as f0, files[2].open("ab") as journal:
            self._extend(mel, f0, journal, report, steer)
        return self._open()

    def _file(self, suffix: str) -> Path:
        return self._stem.with_name(self._stem.name + suffix)

    def _recover(self) -> None:
        """Believe the journal as far as it is whole and its frames are there; cut off the rest."""
        sizes = {".mel": 2 * self._spec.bands, ".f0": 4}
        there = min(self._file(suffix).stat().st_size // size for suffix, size in sizes.items())
        good = 0
        for raw in self._file(".journal").read_bytes().splitlines(keepends=True):
            line = _parsed(raw)
            if line is None or self._frames + _count(line) > there:
                break
            self._lines.append(line)
            self._frames += _count(line)
            good += len(raw)
        os.truncate(self._file(".journal"), good)
        for suffix, size in sizes.items():
            os.truncate(self._file(suffix), self._frames * size)

    def _extend(self, mel: BinaryIO, f0: BinaryIO, journal: BinaryIO, report: Report, steer: Steer) -> None:
        todo = self._manifest.utterances[len(self._lines) :]
        sizes = [_size(utterance) for utterance in todo]
        pace, told = Pace(float(sum(sizes))), 0.0
        for utterance, size in zip(todo, sizes, strict=True):
            frames, line = 0, {}
            try:
                remarks: list[str] = []
                for log_mel, hertz in self._features(utterance.path, remarks):
                    if obey(steer):
                        raise Cancelled
                    mel.write(log_mel.tobytes())
                    f0.write(hertz.tobytes())
                    frames += len(log_mel)
                line = {"frames": frames, "remarks": remarks}
            except AudioError as error:
                # A recording that breaks off after its first pieces leaves them unused in the files.
                line = {"frames": frames, "skipped": error.what}
            mel.flush()
            f0.flush()
            self._lines.append(line)
            journal.write(json.dumps(line).encode() + b"\n")
            journal.flush()
            pace.advance(size)
            if time.monotonic() - told > _REPORT_S:
                told = time.monotonic()
                report(Progress(pace.fraction, f"Reading recordings: {len(self._lines)}", pace.eta_s))
            if obey(steer):
                raise Cancelled

    def _features(self, path: str, remarks: list[str]) -> Pieces:
        """Log-mel and F0 of a recording, in pieces of equal length."""
        if audio.probe(path).duration_s <= _LONG_S:
            recording = audio.read(path, self._spec)
            remarks.extend(recording.notes)
            mel = self._front_end.log_mel(torch.from_numpy(recording.samples))
            yield _halved(mel), pitch.track(recording.samples, self._spec.rate_hz, self._spec)
            return
        # Blocks of whole frames, so that F0 (which every block has afresh) and mel fall on the same ones.
        block_s = round(60.0 * self._spec.frames_per_second) / self._spec.frames_per_second
        stream = audio.stream(path, self._spec, block_s=block_s)
        gain_db = audio.measure_gain_db(stream, self._spec)
        remarks.extend(stream.notes)
        tracks = (
            pitch.track(block, self._spec.rate_hz, self._spec)
            for block in audio.stream(path, self._spec, block_s=block_s)
        )
        waiting = np.zeros(0, np.float32)
        blocks = audio.stream(path, self._spec, block_s=block_s)
        for piece in self._front_end.stream_log_mel(blocks, gain_db):
            while len(waiting) < len(piece):
                found = next(tracks, None)
                if found is None:
                    raise AudioError(f"{path} changed while it was read.", "Try again when it is complete.")
                waiting = np.concatenate((waiting, found))
            yield _halved(piece), waiting[: len(piece)]
            waiting = waiting[len(piece) :]

    def _open(self) -> MelCache:
        entries, skipped, remarks, start = [], list(self._manifest.skipped), [], 0
        for utterance, line in zip(self._manifest.utterances, self._lines, strict=True):
            if "skipped" in line:
                skipped.append(Skipped(utterance.path, str(line["skipped"])))
            else:
                entries.append(Entry(utterance, start, _count(line)))
                remarks.extend(line["remarks"] if isinstance(line["remarks"], list) else [])
            start += _count(line)
        if not entries:
            raise CorpusError(
                f"Not one of the {len(skipped)} files can be used; the first: {skipped[0].why}",
                "Choose other recordings.",
            )
        return MelCache(
            key=self._stem.name,
            mel=np.memmap(self._file(".mel"), np.float16, "r", shape=(self._frames_total(), self._spec.bands)),
            f0=np.memmap(self._file(".f0"), np.float32, "r", shape=(self._frames_total(),)),
            entries=tuple(entries),
            manifest=Manifest(tuple(entry.utterance for entry in entries), tuple(skipped)),
            remarks=tuple(str(remark) for remark in remarks),
        )

    def _frames_total(self) -> int:
        return sum(_count(line) for line in self._lines)


def _key(manifest: Manifest, spec: AudioSpec) -> str:
    files = []
    for utterance in manifest.utterances:
        try:
            status = os.stat(utterance.path)
            files.append([utterance.path, status.st_size, status.st_mtime_ns])
        except OSError:  # vanished since the scan: told when it is read
            files.append([utterance.path, 0, 0])
    text = json.dumps([_VERSION, spec.to_dict(), files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _parsed(raw: bytes) -> dict[str, object] | None:
    try:
        line = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("frames"), int) else None


def _count(line: dict[str, object]) -> int:
    frames = line["frames"]
    assert isinstance(frames, int)
    return frames


def _size(utterance: Utterance) -> int:
    try:
        return os.stat(utterance.path).st_size
    except OSError:
        return 0


def _halved(mel: torch.Tensor) -> npt.NDArray[np.float16]:
    halved: npt.NDArray[np.float16] = mel.cpu().numpy().astype(np.float16)
    return halved
