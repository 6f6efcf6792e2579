"""The job that hears a run's checkpoints: every item rendered with each, and what each tells of held-out voices."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

from engine.analysis.analyse import SIGNAL_ARRAYS, Analyst, load_model
from engine.analysis.read_ahead import Begun
from engine.api import (
    Audition,
    AuditionDone,
    AuditionItem,
    AuditionSound,
    ControlSignal,
    Heard,
    KeptCheckpoint,
    LatentRef,
    Partial,
    Progress,
    Report,
    RunSpec,
    StoredClip,
    Transfer,
    checkpoints_of,
    heard_of,
)
from engine.api.atomic_files import cannot_write, link_or_copy, write_whole
from engine.api.auditions import RESULTS, SOUNDS, heard_text, step_name
from engine.api.edit_syntax import placed
from engine.api.errors import CheckpointError, EngineError, ExportError
from engine.api.specs import AudioSpec
from engine.audio import loudness, sound_files
from engine.evaluation.probes import checkpoints as probes
from engine.model import checkpoint
from engine.model.checkpoint import Checkpoint
from engine.runtime import devices
from engine.runtime.control import check_control
from engine.training.data import probe_set
from engine.transfer import transfer_job
from engine.transfer.renderer import Renderer
from engine.transfer.synthesis import Mode

_WORK = ".work"
MUTE = ("A system of comparison has no h, m and z to play with.", "Train the system two-auxiliary to hear it.")


def audition(request: Audition, report: Report, control: ControlSignal) -> AuditionDone:
    """Perform an Audition; every result is written, and told, as soon as it is there.

    Raises:
        CheckpointError: a checkpoint is damaged. ExportError: the disk refuses.
        Cancelled: the user cancelled it; what is done stays.
    """
    began = time.monotonic()
    work = _Work(Path(request.run_dir), request, report, control)
    try:
        for kept in checkpoints_of(request.run_dir):
            if kept.step not in request.steps or not kept.held:
                continue
            if check_control(control):
                break
            work.hear(kept)
    except OSError as error:
        raise cannot_write(work.folder, error) from error
    finally:
        shutil.rmtree(work.scratch, ignore_errors=True)  # swept again at the next start
    return AuditionDone(request.run_dir, work.made, time.monotonic() - began)


class _Work:
    """One request: the results there are, and how further ones are made."""

    def __init__(self, run_dir: Path, request: Audition, report: Report, control: ControlSignal) -> None:
        self.run_dir, self.request, self._report, self._control = run_dir, request, report, control
        self.folder = run_dir / SOUNDS
        self.scratch = self.folder / _WORK
        self.made = 0
        self._device = devices.resolve(request.device)
        self._system = RunSpec.read(run_dir).model.system
        self._tasks = max(1, len(request.steps) * (len(request.items) + 1))
        self._begun = 0

    def hear(self, kept: KeptCheckpoint) -> None:
        """Whatever is still missing of one checkpoint: first what is to be heard, then what is measured."""
        known = heard_of(self.run_dir, checkpoints_of(self.run_dir))
        sounds = {item for (step, item), sound in known.sounds.items() if step == kept.step and not sound.trouble}
        due = [item for item in self.request.items if item.id not in sounds]
        self._begun += len(self.request.items) - len(due)
        try:
            if due:
                self._render(kept, due)
            if kept.step not in known.probes and not check_control(self._control):
                self._tell(f"Step {kept.step}: probing held-out voices")
                self._probe(kept)
            else:
                self._begun += 1
        except (CheckpointError, FileNotFoundError):
            if Path(kept.path).is_file():
                raise
            # It has made room for a later one in the meantime: nobody can hear it any more.

    def _render(self, kept: KeptCheckpoint, due: Iterable[AuditionItem]) -> None:
        if self._system != "two-auxiliary":
            for item in due:
                self._keep_sound(kept, AuditionSound(kept.step, item.id, trouble=MUTE))
            return
        model = load_model(kept.path, self._device)
        shutil.rmtree(self.scratch, ignore_errors=True)  # of a process that was killed
        self.scratch.mkdir(parents=True)
        encoded = _Encoded(self.scratch / "clips", model, self._device, self._control)
        for item in due:
            if check_control(self._control):
                return
            self._tell(f"Step {kept.step}: {item.title}")
            try:
                sound = self._sound(kept, item, model, encoded)
            except (CheckpointError, ExportError):
                raise
            except EngineError as error:  # of this item; the others may well be heard
                sound = AuditionSound(kept.step, item.id, trouble=(error.what, error.hint))
            self._keep_sound(kept, sound)

    def _sound(
        self, kept: KeptCheckpoint, item: AuditionItem, model: Checkpoint, encoded: Callable[[str], str]
    ) -> AuditionSound:
        wanted = with_folders(item.transfer, encoded)
        out = self.scratch / "out"
        wanted = dataclasses.replace(
            wanted, model=kept.path, out_dir=str(out), name=item.id, device=self.request.device
        )
        if wanted.voice or wanted.emotion or wanted.edits:
            take = transfer_job.render(wanted, lambda _event: None, self._control)
            folder, wav, lufs = take.transformed_folder, take.transformed, take.loudness_lufs
        else:
            folder, wav, lufs = self._reconstruction(wanted, model, out)
        place = self.folder / step_name(kept.step) / item.id
        place.parent.mkdir(exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        os.replace(wav, place.with_name(f"{item.id}.wav"))
        os.rename(folder, place)
        return AuditionSound(
            kept.step, item.id, str(place), f"{place}.wav", lufs.get("transformed"), lufs.get("original")
        )

    def _reconstruction(self, wanted: Transfer, model: Checkpoint, out: Path) -> tuple[str, str, dict[str, float]]:
        """The source with its own h and m: folder, WAV and loudness of it."""
        source = StoredClip(wanted.source)
        name = model.vocoder_for(wanted.vocoder)
        mode = Mode(wanted.rendering, name)
        made = Renderer(model, source, self._device).reconstruction(mode, self._control)
        samples, rate_hz = transfer_job.within_scale(made.samples), model.audio.rate_hz
        out.mkdir(exist_ok=True)
        transfer_job.store(out / wanted.name, made, samples, source.meta())
        sound_files.write(out / f"{wanted.name}.wav", samples, rate_hz)
        sounds = {"original": np.array(source.array("audio"), np.float32), "transformed": samples}
        return str(out / wanted.name), str(out / f"{wanted.name}.wav"), loudness.loudnesses(sounds, rate_hz)

    def _keep_sound(self, kept: KeptCheckpoint, sound: AuditionSound) -> None:
        if not any(now.held and now.hash == kept.hash for now in checkpoints_of(self.run_dir)):
            # It made room while it was rendered: the run has swept its sounds away before this one came.
            shutil.rmtree(self.folder / step_name(kept.step), ignore_errors=True)
            return
        self._keep(kept, lambda heard: Heard(heard.probes, {**heard.sounds, (sound.step, sound.item): sound}))
        self._report(Partial(sound))

    def _probe(self, kept: KeptCheckpoint) -> None:
        model = checkpoint.load_system(kept.path, self._device)
        found = probes.probe(kept.step, self._clips(), model, self._device, self._control)
        self._keep(kept, lambda heard: Heard({**heard.probes, kept.step: found}, heard.sounds))
        self._report(Partial(found))

    def _clips(self) -> tuple[probe_set.ProbeClip, ...]:
        """None where the run was begun before there were any, which its probes then say."""
        return probe_set.read(self.run_dir) if (self.run_dir / probe_set.FILE).exists() else ()

    def _keep(self, kept: KeptCheckpoint, change: Callable[[Heard], Heard]) -> None:
        """Write a result, unless its checkpoint is another by now: a resumed run trains its last steps again."""
        checkpoints = checkpoints_of(self.run_dir)
        if kept.hash not in {now.hash for now in checkpoints if now.step == kept.step}:
            return
        heard = change(heard_of(self.run_dir, checkpoints))
        self.folder.mkdir(exist_ok=True)
        write_whole(self.folder / RESULTS, heard_text(heard, checkpoints).encode())
        self.made += 1

    def _tell(self, words: str) -> None:
        self._report(Progress(min(1.0, self._begun / self._tasks), words))
        self._begun += 1


class _Encoded:
    """Analyses with the latents of one model, by the folders of those of another: made when first asked for."""

    def __init__(self, folder: Path, model: Checkpoint, device: torch.device, control: ControlSignal) -> None:
        self._folder, self._model = folder, model
        self._analyst = Analyst(model, device, control)
        self._known: dict[str, str] = {}

    def __call__(self, folder: str) -> str:
        if folder not in self._known:
            self._known[folder] = self._encode(StoredClip(folder), self._folder / str(len(self._known)))
        return self._known[folder]

    def _encode(self, clip: StoredClip, place: Path) -> str:
        """Raises EngineError: it is not analysed any more, or for another front end."""
        try:
            meta = clip.meta()
        except (OSError, ValueError, TypeError) as error:
            raise EngineError(
                "A recording of this audition is not analysed any more.", "Take it out of the audition set."
            ) from error
        if AudioSpec.from_dict(meta.audio) != self._model.audio:
            raise EngineError(
                "A recording of this audition was analysed with another front end than this run's.",
                "Use a model of this run, so that the library is analysed anew; then render again.",
            )
        partial = place.with_name(f"{place.name}.partial")
        partial.mkdir(parents=True)
        for name in SIGNAL_ARRAYS:
            link_or_copy(Path(clip.folder) / f"{name}.npy", partial / f"{name}.npy")
        # Without its key nothing of it is kept in the cache: no one asks for these latents again.
        meta = dataclasses.replace(meta, folder=str(place), source_key="")
        for _ in self._analyst.finish([Begun(meta, partial, place)]):
            pass
        return str(place)


def with_folders(wanted: Transfer, folder_of: Callable[[str], str]) -> Transfer:
    """The same transfer of other analyses of its recordings."""

    def refs(given: tuple[LatentRef, ...]) -> tuple[LatentRef, ...]:
        return tuple(dataclasses.replace(ref, folder=folder_of(ref.folder)) for ref in given)

    return dataclasses.replace(
        wanted,
        source=folder_of(wanted.source),
        voice=refs(wanted.voice),
        emotion=refs(wanted.emotion),
        edits=tuple(placed(edit, folder_of) for edit in wanted.edits),
    )
