"""Recordings in, stored clips out: audio, mel and F0, and with a model h, m and z.

Everything streams: an hour-long file passes through in blocks, so memory does not grow with length. A clip's folder
appears whole or not at all. What was computed before of the same content, here or elsewhere, is used again (see
cache.clips), so a moved or touched file costs nothing and a new model only the encoding.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.analysis.read_ahead import Begun, ReadAhead
from engine.api import (
    Analyse,
    AnalyseDone,
    ClipAnalysed,
    ClipFailed,
    ClipRef,
    ControlSignal,
    Note,
    Partial,
    Progress,
    Report,
    StoredClip,
    unfinished,
)
from engine.api.atomic_files import cannot_write, link_or_copy
from engine.api.specs import AudioSpec
from engine.audio import f0 as pitch
from engine.audio import files
from engine.audio.decoding import shown
from engine.audio.mel import MelFrontEnd
from engine.corpus.cache.analyses import KnownClips, key_of
from engine.corpus.cache.location import cache_dir
from engine.model import checkpoint, linear_heads
from engine.model.aux_vae import AuxVAE
from engine.model.checkpoint import Checkpoint, SystemCheckpoint
from engine.model.streaming import StreamedLatents, encode_stream
from engine.model.timescale import inputs
from engine.model.timescale.attributes import as_batch
from engine.runtime import devices
from engine.runtime.control import Eta, check_cancel

STORAGE_VERSION = 2  # part of every key: raise it when mel, f0 or audio are computed otherwise
PEAK_SAMPLES = 256
BLOCK_S = 16.0  # worked on between two looks at the user's wish
PITCH_CONTEXT_S = 1.0
# The inputs of shorter clips are computed whole, so that what is slower than a chunk can be normalised.
WHOLE_FRAMES = 64 * 600
TOGETHER_FRAMES = 64 * 16  # longer clips fill a batch alone
SIGNAL_ARRAYS = ("audio", "peaks", "mel", "f0")
LATENT_ARRAYS = ("h", "m", "z")
SIGNAL_META = "signal.json"  # the signal's part of meta.json, in the cache
SIGNAL_FILES = (*(f"{name}.npy" for name in SIGNAL_ARRAYS), SIGNAL_META)
LATENT_FILES = tuple(f"{name}.npy" for name in LATENT_ARRAYS)
_NAME = "\0"  # stands for the recording's name in notes that are kept
READINGS = ("arousal", "valence")  # of every second, where the model carries them


def analyse(request: Analyse, report: Report, control: ControlSignal) -> AnalyseDone:
    """Analyse clips in their order, each into out_dir/<id>; a bad clip is reported and passed over.

    Reading runs ahead of the networks, and short clips are encoded together.

    STOP keeps the clips analysed so far.

    Raises:
        CheckpointError: the model cannot be used.
        ExportError: the results cannot be stored (full disk, permissions).
        Cancelled: the user cancelled; clips finished before are kept.
    """
    began = time.monotonic()
    device = devices.resolve(request.device)
    model = None if request.model is None else load_model(request.model, device)
    out_dir = Path(request.out_dir)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out_dir, error) from error
    with KnownClips(cache_dir()) as kept:
        done = _analyse(request, Analyst(model, device, control, kept), out_dir, report, control)
    if kept.trouble is not None:
        report(Note(*kept.trouble))
    return dataclasses.replace(done, seconds=time.monotonic() - began, device=devices.described(device))


def _analyse(
    request: Analyse, analyst: Analyst, out_dir: Path, report: Report, control: ControlSignal
) -> AnalyseDone:
    sizes = [_size(clip.path) for clip in request.clips]
    eta = Eta(sum(sizes))
    done = failed = 0
    audio_s = 0.0
    with ReadAhead(analyst, request.clips, out_dir, control) as ahead:
        for result in ahead.results(lambda finished: report(_progress(request, finished, eta))):
            if isinstance(result, ClipFailed):
                failed += 1
            else:
                done += 1
                audio_s += result.duration_s
            report(Partial(result))
            eta.advance(sizes[done + failed - 1])
    if failed:
        report(Note(f"{failed} of {len(request.clips)} clips could not be analysed.", "Each one says why."))
    return AnalyseDone(done, failed, audio_s, seconds=0.0, device="")


def _progress(request: Analyse, finished: int, eta: Eta) -> Progress:
    total = len(request.clips)
    name = Path(request.clips[min(finished, total - 1)].path).name
    return Progress(eta.fraction, f"Clip {min(finished + 1, total)} of {total}: {name}", eta.eta_s)


def load_model(path: str | os.PathLike[str], device: torch.device) -> Checkpoint:
    """A model in evaluation mode; the last two used stay in memory as long as their files do not change.

    Raises:
        CheckpointError: see checkpoint.load.
    """
    try:
        status = os.stat(path)
    except OSError:
        return checkpoint.load(path, device)  # which says in words what is wrong
    return _load_model(os.fspath(path), status.st_mtime_ns, status.st_size, device)


@functools.lru_cache(maxsize=2)
def _load_model(path: str, mtime_ns: int, size: int, device: torch.device) -> Checkpoint:
    del mtime_ns, size  # they are here to tell an overwritten file from the one in memory
    return checkpoint.load(path, device)


def _size(path: str) -> float:
    """Work to expect of a file, in bytes: the one thing known without opening it. Never nothing."""
    try:
        return max(1.0, float(os.stat(path).st_size))
    except OSError:
        return 1.0


class Analyst:
    """Analyses clips with one model (or none) on one device.

    The front end runs on the processor whatever the device is, so that stored mels do not depend on it.

    Args:
        kept: what was analysed before, here or elsewhere.
    """

    def __init__(
        self, model: Checkpoint | None, device: torch.device, control: ControlSignal, kept: KnownClips | None = None
    ) -> None:
        self._kept = kept or KnownClips(None)
        self._model = model
        self._heads = {} if model is None else linear_heads.read(model.extra, model.model.spec.latent)
        self._device = device
        self._steer = control
        self._spec = AudioSpec() if model is None else model.audio
        self._front_end = MelFrontEnd(self._spec)

    def known(self, clip: ClipRef, out_dir: Path) -> ClipAnalysed | None:
        """The clip as it is stored, where it is up to date with its file and the model."""
        if clip.id in ("", ".", "..") or Path(clip.id).name != clip.id:
            raise ValueError(f"a clip's id names its folder; {clip.id!r} cannot")
        folder = out_dir / clip.id
        before = _stored(folder)
        if before is None or before.source_key == "" or before.source_key != self._source_key(clip.path):
            return None
        if self._model is not None and before.model_hash != self._model.hash:
            return None
        return dataclasses.replace(before, clip_id=clip.id, folder=str(folder))

    def begin(self, clip: ClipRef, out_dir: Path, control: ControlSignal) -> Begun:
        """All that needs no network of a clip that is not up to date, in a folder beside its own.

        Raises:
            AudioError: the clip cannot be analysed. ExportError: the result cannot be stored. Cancelled.
        """
        folder = out_dir / clip.id
        key = self._source_key(clip.path)
        before = _stored(folder)
        known = before is not None and key != "" and before.source_key == key
        partial = unfinished(out_dir, clip.id)
        try:
            shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
            partial.mkdir()
            try:
                if before is not None and known:
                    meta = before
                    for name in SIGNAL_ARRAYS:
                        link_or_copy(folder / f"{name}.npy", partial / f"{name}.npy")
                else:
                    meta = self._kept_signal(clip, partial, key) or self._signal(clip, partial, key, control)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        except OSError as error:
            raise cannot_write(folder, error) from error
        return Begun(dataclasses.replace(meta, clip_id=clip.id, folder=str(folder)), partial, folder)

    def finish(self, begun: Sequence[Begun]) -> Iterator[ClipAnalysed]:
        """Encode what was begun, together where that is faster, and put each into its place, in order.

        Raises:
            ExportError: a result cannot be stored. Cancelled.
        """
        for item in begun:
            if self._model is not None and item.meta.source_key:
                self._kept.take(key_of(item.meta.source_key, self._model.hash), LATENT_FILES, item.partial)
        together = self._encoded_together(begun)
        for item, latents in zip(begun, together, strict=True):
            try:
                seconds, model_hash = self._latents(item.partial, item.meta, latents)
                meta = dataclasses.replace(item.meta, seconds=seconds, model_hash=model_hash)
                text = json.dumps(dataclasses.asdict(meta), indent=1)
                (item.partial / "meta.json").write_text(text, "utf-8")
                _replace_folder(item.partial, item.folder)
            except OSError as error:
                raise cannot_write(item.folder, error) from error
            yield meta

    def _source_key(self, path: str) -> str:
        """Of the file's content and what is made of it: the same for a file that was moved or touched."""
        try:
            return self._kept.key(path, STORAGE_VERSION, self._spec.to_dict())
        except OSError:
            return ""  # reading will say in words what is wrong

    def _kept_signal(self, clip: ClipRef, folder: Path, key: str) -> ClipAnalysed | None:
        """What was made of the same content before, in whatever folder, if it is still held."""
        if not key or not self._kept.take(key, SIGNAL_FILES, folder):
            return None
        told = json.loads((folder / SIGNAL_META).read_text("utf-8"))
        (folder / SIGNAL_META).unlink()
        told["notes"] = tuple(note.replace(_NAME, shown(clip.path)) for note in told["notes"])
        return ClipAnalysed(**told)

    def _keep_signal(self, clip: ClipRef, folder: Path, meta: ClipAnalysed) -> None:
        notes = tuple(note.replace(shown(clip.path), _NAME) for note in meta.notes)
        told = dataclasses.asdict(dataclasses.replace(meta, clip_id="", folder="", notes=notes))
        (folder / SIGNAL_META).write_text(json.dumps(told), "utf-8")
        self._kept.keep(meta.source_key, SIGNAL_FILES, folder)
        (folder / SIGNAL_META).unlink()

    # ------------------------------------------------------------------------------------------ signal
    def _signal(self, clip: ClipRef, folder: Path, key: str, control: ControlSignal) -> ClipAnalysed:
        spec = self._spec
        source = files.stream(clip.path, spec, block_s=BLOCK_S)
        with ArrayWriter(folder / "audio.npy", np.dtype(np.float32), ()) as writer:
            gain_db = files.measure_gain_db(_watched(writer.passing(source), control), spec)
        wave = StoredClip(str(folder)).array("audio")
        with ArrayWriter(folder / "peaks.npy", np.dtype(np.float32), (2,)) as writer:
            for block in _blocks(wave, PEAK_SAMPLES * 1024, control):
                writer.add(_peaks(block))
        with ArrayWriter(folder / "mel.npy", np.dtype(np.float16), (spec.bands,)) as writer:
            blocks = _blocks(wave, round(BLOCK_S * spec.rate_hz), control)
            for piece in self._front_end.stream_log_mel(blocks, gain_db):
                writer.add(piece.numpy())
        f0 = self._f0(wave, control)
        np.save(folder / "f0.npy", f0)
        meta = ClipAnalysed(
            clip_id=clip.id,
            folder=str(folder),
            duration_s=len(wave) / spec.rate_hz,
            source_rate_hz=source.rate_hz,
            channels=source.channels,
            gain_db=gain_db,
            frames=spec.frames(len(wave)),
            seconds=0,
            f0_median_hz=pitch.median_hz(f0),
            model_hash=None,
            notes=source.notes,
            audio=spec.to_dict(),
            source_key=key if key == self._source_key(clip.path) else "",  # it may have changed meanwhile
        )
        if meta.source_key:
            self._keep_signal(clip, folder, meta)
        return meta

    def _f0(self, wave: npt.NDArray[np.float32], control: ControlSignal) -> npt.NDArray[np.float32]:
        spec = self._spec
        frames, hop = spec.frames(len(wave)), spec.hop_samples
        size, context = (round(s * spec.frames_per_second) for s in (BLOCK_S, PITCH_CONTEXT_S))
        f0 = np.empty(frames, np.float32)
        for first in range(0, frames, size):
            check_cancel(control)
            start, last = max(0, first - context), min(first + size, frames)
            found = pitch.track(wave[start * hop : (last + context) * hop], spec.rate_hz, spec)
            f0[first:last] = found[first - start : last - start]
        return f0

    # ------------------------------------------------------------------------------------------ latents
    def _latents(self, folder: Path, meta: ClipAnalysed, ready: StreamedLatents | None) -> tuple[int, str | None]:
        """Write h, m and z, if there is a model: number of seconds, the model's hash."""
        if self._model is None:
            return -(-meta.frames // round(self._spec.frames_per_second)), None
        network = self._model.model
        if (folder / "z.npy").is_file():  # kept from before
            m = torch.from_numpy(np.load(folder / "m.npy"))
            self._read_m(folder, m)
            return len(m), self._model.hash
        with torch.inference_mode():
            latents = ready or encode_stream(network, self._inputs(folder, meta.gain_db), meta.frames)
            np.save(folder / "h.npy", latents.h.float().cpu().numpy())
            np.save(folder / "m.npy", latents.m.float().cpu().numpy())
            self._read_m(folder, latents.m)
            with ArrayWriter(folder / "z.npy", np.dtype(np.float16), (network.spec.latent,)) as writer:
                for piece in latents.z:
                    writer.add(piece.float().cpu().numpy())
        if meta.source_key:
            self._kept.keep(key_of(meta.source_key, self._model.hash), LATENT_FILES, folder)
        return len(latents.m), self._model.hash

    def _read_m(self, folder: Path, m: torch.Tensor) -> None:
        """Arousal and valence of every second, where the model carries readings of m."""
        for name in READINGS:
            (folder / f"{name}.npy").unlink(missing_ok=True)  # of another model
            if (head := self._heads.get(name)) is not None and head.reads == "m":
                np.save(folder / f"{name}.npy", head.value(m).astype(np.float32))

    def _inputs(self, folder: Path, gain_db: float) -> ClipInputs:
        assert self._model is not None
        stored = StoredClip(str(folder))
        return ClipInputs(stored.array("mel"), stored.array("f0"), gain_db, self._model, self._device, self._steer)

    @torch.inference_mode()
    def _encoded_together(self, begun: Sequence[Begun]) -> list[StreamedLatents | None]:
        """Latents of short clips as one batch: their weights pass through memory once. None: encode it alone."""
        due = [not (item.partial / "z.npy").is_file() for item in begun]
        short = [i for i, item in enumerate(begun) if due[i] and item.meta.frames <= TOGETHER_FRAMES]
        found: list[StreamedLatents | None] = [None] * len(begun)
        if self._model is None or not isinstance(self._model.model, AuxVAE) or len(short) < 2:
            return found
        network = self._model.model
        lengths = [begun[i].meta.frames for i in short]
        pieces = [
            self._inputs(begun[i].partial, begun[i].meta.gain_db)(0, length)
            for i, length in zip(short, lengths, strict=True)
        ]

        def joined(name: str) -> torch.Tensor:
            return torch.nn.utils.rnn.pad_sequence([getattr(piece, name)[0] for piece in pieces], batch_first=True)

        attributes = as_batch([piece.attributes for piece in pieces if piece.attributes is not None])
        batch = inputs.NetworkInputs(
            joined("clip"),
            joined("second"),
            joined("frame"),
            joined("target"),
            attributes,
            clip_attributes=attributes,
        )
        latents = network.encode(batch, lengths=torch.tensor(lengths, device=self._device))
        for row, (i, length) in enumerate(zip(short, lengths, strict=True)):
            windows = -(-length // network.spec.window_frames)
            found[i] = StreamedLatents(
                latents.h_value[row], latents.m_value[row, :windows], iter((latents.z_value[row, :length],))
            )
        return found


class ClipInputs:
    """The network inputs of one stored clip, by frames: what encode_stream takes."""

    def __init__(
        self,
        mel: npt.NDArray[np.float16],
        f0: npt.NDArray[np.float32],
        gain_db: float,
        model: SystemCheckpoint,
        device: torch.device,
        control: ControlSignal,
    ) -> None:
        self._mel = mel
        self._f0 = f0
        self._gain_db = gain_db
        self._spec = model.model.spec
        self._audio = model.audio
        self._average = model.model.average
        self._device = device
        self._steer = control
        self._whole = self._compute(0, len(mel)) if len(mel) <= WHOLE_FRAMES else None

    def __call__(self, start: int, stop: int) -> inputs.NetworkInputs:
        check_cancel(self._steer)
        if self._whole is None:
            return self._compute(start, stop)
        whole = self._whole
        cut = slice(start, stop)
        window = self._spec.window_frames
        measured = whole.attributes
        attributes = None if measured is None else measured.windows(start // window, -(-stop // window))
        return inputs.NetworkInputs(
            whole.clip[:, cut],
            whole.second[:, cut],
            whole.frame[:, cut],
            whole.target[:, cut],
            attributes,
            clip_attributes=whole.clip_attributes,
        )

    def _compute(self, start: int, stop: int) -> inputs.NetworkInputs:
        mel = torch.from_numpy(np.array(self._mel[start:stop], np.float32))[None].to(self._device)
        f0 = torch.from_numpy(np.array(self._f0[start:stop]))[None].to(self._device)
        return inputs.for_analysis(mel, f0, self._spec, self._audio, self._average, self._gain_db)


class ArrayWriter:
    """Writes an .npy file row by row; the number of rows is known, and put into the header, at the end.

    Args:
        row: shape of one row.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], row: tuple[int, ...]) -> None:
        self._path = path
        self._dtype = dtype
        self._row = row
        self._rows = 0

    def __enter__(self) -> ArrayWriter:
        self._file = self._path.open("wb")
        self._write_header()
        self._start = self._file.tell()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._file.seek(0)
                self._write_header()
                # numpy pads the header so that the first axis can grow in place.
                assert self._file.tell() == self._start
        finally:
            self._file.close()

    def _write_header(self) -> None:
        description = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._rows, *self._row)}
        np.lib.format.write_array_header_1_0(self._file, description)

    def add(self, rows: npt.NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self._rows += len(rows)

    def passing(self, pieces: Iterable[npt.NDArray[Any]]) -> Iterator[npt.NDArray[Any]]:
        """The same pieces, written on the way."""
        for piece in pieces:
            self.add(piece)
            yield piece


def store_sound(folder: Path, samples: npt.NDArray[np.float32]) -> None:
    """Write audio.npy and peaks.npy of a finished sound (n,), as StoredClip describes them."""
    np.save(folder / "audio.npy", samples)
    np.save(folder / "peaks.npy", _peaks(samples))


def _blocks(wave: npt.NDArray[np.float32], size: int, control: ControlSignal) -> Iterator[npt.NDArray[np.float32]]:
    for start in range(0, len(wave), size):
        check_cancel(control)
        yield np.array(wave[start : start + size])


def _watched(
    blocks: Iterable[npt.NDArray[np.float32]], control: ControlSignal
) -> Iterator[npt.NDArray[np.float32]]:
    for block in blocks:
        check_cancel(control)
        yield block


def _peaks(block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Lowest and highest sample of every 256, (blocks, 2); the last block may be shorter."""
    starts = np.arange(0, len(block), PEAK_SAMPLES)
    return np.stack((np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)), axis=1)


def _stored(folder: Path) -> ClipAnalysed | None:
    """What is stored in a clip's folder; None if it is not there, or is of another version."""
    try:
        meta = StoredClip(str(folder)).meta()
    except (OSError, ValueError, TypeError):
        return None
    arrays = SIGNAL_ARRAYS + (LATENT_ARRAYS if meta.model_hash else ())
    return meta if all((folder / f"{name}.npy").is_file() for name in arrays) else None


def _replace_folder(new: Path, folder: Path) -> None:
    """Put a folder in another's place; readers that have its files open keep what they see."""
    old = new.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(new, folder)
    shutil.rmtree(old, ignore_errors=True)
