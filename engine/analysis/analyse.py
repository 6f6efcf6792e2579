"""Analysis of recordings into stored clips: audio, mel and F0, and with a model h, m and z.

Everything streams: an hour-long file passes through in blocks, so memory does not grow with length. A clip's folder
appears whole or not at all. What was computed before of the same content, here or elsewhere, is used again (see
corpus.cache.analyses), so a moved or touched file costs nothing and a new model only the encoding.
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

import numpy as np
import numpy.typing as npt
import torch

from engine.analysis.clip_inputs import ClipInputs, padded_batch
from engine.analysis.clip_writer import PEAK_SAMPLES, ArrayWriter, peaks, replace_folder
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
from engine.audio import files
from engine.audio.decoding import shown
from engine.audio.f0 import median_hz, track
from engine.audio.mel import MelFrontEnd
from engine.corpus.cache.analyses import KnownClips, key_of
from engine.corpus.cache.location import cache_dir
from engine.model import checkpoint, linear_heads
from engine.model.aux_vae import AuxVAE
from engine.model.checkpoint import Checkpoint
from engine.model.streaming import StreamedLatents, encode_stream
from engine.runtime import devices
from engine.runtime.control import Eta, check_cancel

STORAGE_VERSION = 3  # part of every key: raise it when mel, f0 or audio are computed otherwise
BLOCK_S = 16.0  # worked on between two looks at the requested state
PITCH_CONTEXT_S = 1.0
TOGETHER_FRAMES = 64 * 16  # longer clips fill a batch alone
SIGNAL_ARRAYS = ("audio", "peaks", "mel", "f0")
LATENT_ARRAYS = ("h", "m", "z")
SIGNAL_META = "signal.json"  # the signal's part of meta.json, in the cache
SIGNAL_FILES = (*(f"{name}.npy" for name in SIGNAL_ARRAYS), SIGNAL_META)
LATENT_FILES = tuple(f"{name}.npy" for name in LATENT_ARRAYS)
_NAME = "\0"  # stands for the recording's name in notes that are kept
READINGS = ("arousal", "valence")  # predicted of every second, where the model carries heads for them


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
    """The work to expect of a file, in bytes: the one thing known without opening it. At least 1."""
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
        self._control = control
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
                replace_folder(item.partial, item.folder)
            except OSError as error:
                raise cannot_write(item.folder, error) from error
            yield meta

    def _source_key(self, path: str) -> str:
        """The key of a file's content and its front end: the same for a file that was moved or touched."""
        try:
            return self._kept.key(path, STORAGE_VERSION, self._spec.to_dict())
        except OSError:
            return ""  # reading will say in words what is wrong

    def _kept_signal(self, clip: ClipRef, folder: Path, key: str) -> ClipAnalysed | None:
        """The signal that was computed of the same content before, in whatever folder, if it is still held."""
        if not key or not self._kept.take(key, SIGNAL_FILES, folder):
            return None
        stored = json.loads((folder / SIGNAL_META).read_text("utf-8"))
        (folder / SIGNAL_META).unlink()
        stored["notes"] = tuple(note.replace(_NAME, shown(clip.path)) for note in stored["notes"])
        return ClipAnalysed(**stored)

    def _keep_signal(self, clip: ClipRef, folder: Path, meta: ClipAnalysed) -> None:
        notes = tuple(note.replace(shown(clip.path), _NAME) for note in meta.notes)
        stored = dataclasses.asdict(dataclasses.replace(meta, clip_id="", folder="", notes=notes))
        (folder / SIGNAL_META).write_text(json.dumps(stored), "utf-8")
        self._kept.keep(meta.source_key, SIGNAL_FILES, folder)
        (folder / SIGNAL_META).unlink()

    def _signal(self, clip: ClipRef, folder: Path, key: str, control: ControlSignal) -> ClipAnalysed:
        spec = self._spec
        source = files.stream(clip.path, spec, block_s=BLOCK_S)
        with ArrayWriter(folder / "audio.npy", np.dtype(np.float32), ()) as writer:
            gain_db = files.measure_gain_db(_watched(writer.passing(source), control), spec)
        wave = StoredClip(str(folder)).array("audio")
        with ArrayWriter(folder / "peaks.npy", np.dtype(np.float32), (2,)) as writer:
            for block in _blocks(wave, PEAK_SAMPLES * 1024, control):
                writer.add(peaks(block))
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
            f0_median_hz=median_hz(f0),
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
            found = track(wave[start * hop : (last + context) * hop], spec.rate_hz, spec)
            f0[first:last] = found[first - start : last - start]
        return f0

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
        """Store arousal and valence of every second, where the model carries heads that read m."""
        for name in READINGS:
            (folder / f"{name}.npy").unlink(missing_ok=True)  # of another model
            if (head := self._heads.get(name)) is not None and head.reads == "m":
                np.save(folder / f"{name}.npy", head.value(m).astype(np.float32))

    def _inputs(self, folder: Path, gain_db: float) -> ClipInputs:
        assert self._model is not None
        stored = StoredClip(str(folder))
        return ClipInputs(
            stored.array("mel"), stored.array("f0"), gain_db, self._model, self._device, self._control
        )

    @torch.inference_mode()
    def _encoded_together(self, begun: Sequence[Begun]) -> list[StreamedLatents | None]:
        """Latents of short clips, encoded as one batch: weights pass through memory once. None: encode it alone."""
        due = [not (item.partial / "z.npy").is_file() for item in begun]
        short = [i for i, item in enumerate(begun) if due[i] and item.meta.frames <= TOGETHER_FRAMES]
        found: list[StreamedLatents | None] = [None] * len(begun)
        if self._model is None or not isinstance(self._model.model, AuxVAE) or len(short) < 2:
            return found
        network = self._model.model
        lengths = [begun[i].meta.frames for i in short]
        batch = padded_batch(
            [
                self._inputs(begun[i].partial, begun[i].meta.gain_db)(0, length)
                for i, length in zip(short, lengths, strict=True)
            ]
        )
        latents = network.encode(batch, lengths=torch.tensor(lengths, device=self._device))
        for row, (i, length) in enumerate(zip(short, lengths, strict=True)):
            windows = -(-length // network.spec.window_frames)
            found[i] = StreamedLatents(
                latents.h_value[row], latents.m_value[row, :windows], iter((latents.z_value[row, :length],))
            )
        return found


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


def _stored(folder: Path) -> ClipAnalysed | None:
    """The analysis stored in a clip's folder; None if it is not there, or is of another version."""
    try:
        meta = StoredClip(str(folder)).meta()
    except (OSError, ValueError, TypeError):
        return None
    arrays = SIGNAL_ARRAYS + (LATENT_ARRAYS if meta.model_hash else ())
    return meta if all((folder / f"{name}.npy").is_file() for name in arrays) else None
