"""The one owner of the open project's state. What the user does is one short method here; panels show and ask."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from engine.api import (
    AUDIO_SUFFIXES,
    ClipsFound,
    EngineError,
    Export,
    ExportDone,
    Figure,
    FigureDone,
    FitMap,
    Inspect,
    MapPoints,
    ModelInfo,
    PlaceOnMap,
    RunSpec,
    Scan,
    ScanDone,
    Take,
    Train,
    TrainDone,
    TrainPoint,
    Transfer,
)
from studio import library_file, paths, runs, transfer_setup
from studio.analysis_queue import AnalysisQueue
from studio.clips import WAITING, Clip
from studio.coordinates import write_coordinates
from studio.counted import counted
from studio.drag import Payload
from studio.engine_link import EngineLink, Job
from studio.library_file import DamagedError, Library
from studio.messages import Messages
from studio.runs import RunRecord
from studio.transfer_setup import EmotionChip, TransferSetup, VoiceChip

SAVE_AFTER_MS = 1_000
SAVE_RESULTS_AFTER_MS = 15_000  # what the engine found can be had again: no hurry
NAMED_SKIPS = 40  # told one by one in the details

__all__ = ["Clip", "EmotionChip", "RunRecord", "Session", "TransferSetup", "VoiceChip"]


class Session(QObject):
    """Clips, selection, model, maps, takes, runs and the transfer desk's setup.

    Args:
        link: the road to the engine.
        data_dir: everything that outlives the program lies below it.
        messages: where it says what the user must know.

    Signals: *_changed tell what is different, never "refresh"; play_requested(clip id);
        take_play_requested(take, which of its three sounds).
    """

    clips_added = Signal(list)
    clips_removed = Signal(list)
    clips_changed = Signal(list)
    selection_changed = Signal(list)
    current_changed = Signal(str)
    model_changed = Signal()
    map_changed = Signal(str)
    takes_changed = Signal()
    runs_changed = Signal()
    transfer_changed = Signal()
    play_requested = Signal(str)
    take_play_requested = Signal(object, str)  # a Take; "original", "reconstruction" or "transformed"

    def __init__(
        self, link: EngineLink, data_dir: Path, messages: Messages | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.link = link
        self.messages = messages or Messages(self)
        self.data_dir = data_dir
        self.runs_dir = data_dir / "runs"
        self.takes_dir = data_dir / "takes"
        self._file = data_dir / "library.json"
        self.uuid = uuid.uuid4().hex
        self.clips: dict[str, Clip] = {}
        self.selection: list[str] = []
        self.current: str | None = None
        self.model: ModelInfo | None = None
        self.maps: dict[str, MapPoints] = {}
        self.map_job: Job | None = None
        self.takes: list[Take] = []
        self.starred: set[str] = set()  # the transformed sounds of takes the user likes
        self.runs: list[RunRecord] = []
        self.transfer = TransferSetup()
        self.transfer_job: Job | None = None
        self._model_path: str | None = None
        self._run_jobs: dict[str, Job] = {}
        self._ids_by_path: dict[str, str] = {}
        self._placing: set[str] = set()

        self.analysis = AnalysisQueue(link, self.clips, str(data_dir / "analysis"), self)
        self.analysis.changed.connect(self._analysed)
        self.analysis.finished.connect(self._place_new)
        self.analysis.halted.connect(self._analysis_halted)
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.timeout.connect(self._save_aside)
        self._savers = QThreadPool(self)
        self._savers.setMaxThreadCount(1)  # one after the other, so the newest is the last

    # ------------------------------------------------------------------ beginning and end
    def restore(self) -> None:
        """Take up the last session: library, takes, runs and model."""
        try:
            stored = library_file.read(self._file)
        except DamagedError as error:
            stored = None
            self._set_library_aside(str(error))
        if stored is not None:
            self.uuid = stored.uuid
            self.takes = stored.takes
            self.starred = set(stored.starred)
            self._model_path = stored.model
            self._insert(stored.clips)
        self.runs = runs.discover(self.runs_dir)
        self.takes_changed.emit()
        self.runs_changed.emit()
        usable = [p for p in (self._model_path, str(paths.starter_model() or "")) if p and Path(p).is_file()]
        if self._model_path is not None and self._model_path not in usable:
            self.messages.say(
                self.tr("The model {0} is no longer there.").format(self._model_path),
                self.tr("Open another one with Model > Open, or train one."),
                level="warning",
            )
        if usable:
            self.set_model(usable[0])
        else:
            self.analysis.pump()

    def close(self) -> None:
        """Write what is not written yet; the link is shut down by who made it."""
        unsaved = self._save_timer.isActive()
        self._save_timer.stop()
        self._savers.waitForDone()
        if unsaved:
            self._write(self._library())

    # ------------------------------------------------------------------ the library
    def add_files(self, files: Iterable[str | Path]) -> Job | None:
        """Add files, folders and tables of labels; what they hold comes in as it is found.

        Single recordings have their row at once, their labels follow. Returns the job that looks, None for nothing.
        """
        given = [str(Path(file).absolute()) for file in files]
        if not given:
            return None
        before = set(self.clips)
        self._insert_paths([(path, {}) for path in given if path.lower().endswith(AUDIO_SUFFIXES)])
        title = (
            Path(given[0]).name if len(given) == 1 else counted(len(given), self.tr("1 item"), self.tr("{0} items"))
        )
        job = self.link.submit(Scan(tuple(given)), title=self.tr("Look through {0}").format(title))
        job.partial.connect(self._found)
        job.done.connect(lambda result: self._scanned(result, len(self.clips.keys() - before)))
        job.note.connect(lambda what, hint: self.messages.say(what, hint, level="warning"))
        self._tell_failures(job)
        return job

    def load_example(self) -> None:
        """Bring in the synthetic voices that come with the program."""
        self.add_files([paths.example_dir()])

    def remove(self, ids: Iterable[str]) -> None:
        """Take recordings out of the library; their files stay where they are."""
        gone = [clip_id for clip_id in ids if clip_id in self.clips]
        if not gone:
            return
        removed = [self.clips.pop(clip_id) for clip_id in gone]
        there = set(gone)
        self._ids_by_path = {path: i for path, i in self._ids_by_path.items() if i not in there}
        if self.transfer.source in there:
            self.set_source(None)
        self.clips_removed.emit(gone)
        self.select([clip_id for clip_id in self.selection if clip_id in self.clips])
        if self.current in there:
            self.set_current(None)
        self._forget_analyses(removed)
        self._save_soon()

    def set_label(self, ids: Iterable[str], name: str, value: str) -> None:
        """Give recordings a label; an empty value takes it away."""
        changed = []
        for clip in (self.clips[clip_id] for clip_id in ids if clip_id in self.clips):
            if clip.labels.get(name, "") != value:
                clip.labels = {k: v for k, v in clip.labels.items() if k != name} | ({name: value} if value else {})
                changed.append(clip.id)
        if changed:
            self.clips_changed.emit(changed)
            self._save_soon()

    def analyse_again(self, ids: Iterable[str]) -> None:
        """Try recordings once more that failed or went missing."""
        again = [self.clips[i] for i in ids if i in self.clips and self.clips[i].state in ("failed", "missing")]
        for clip in again:
            clip.state, clip.error = WAITING, None
        if again:
            self.clips_changed.emit([clip.id for clip in again])
        self.analysis.go_on()

    def select(self, ids: Iterable[str], origin: str = "") -> None:
        """Choose recordings, everywhere. origin names the panel that asks, for logs and tests."""
        del origin
        chosen = [clip_id for clip_id in ids if clip_id in self.clips]
        if chosen == self.selection:
            return
        self.selection = chosen
        self.selection_changed.emit(chosen)

    def set_current(self, clip_id: str | None) -> None:
        """The recording that is seen and heard."""
        new = clip_id if clip_id in self.clips else None
        if new == self.current:
            return
        self.current = new
        if new is not None:
            self.analysis.look_at([new])
        self.current_changed.emit(new or "")

    def play(self, clip_id: str) -> None:
        """Make a recording the current one and play it."""
        if clip_id in self.clips:
            self.set_current(clip_id)
            self.play_requested.emit(clip_id)

    def speakers(self) -> list[str]:
        return list(dict.fromkeys(s for clip in self.clips.values() if (s := clip.labels.get("speaker"))))

    # ------------------------------------------------------------------ the model
    def set_model(self, path: str | Path) -> Job:
        """Use a model: the library is analysed with it, maps of another one are dropped."""
        self.analysis.held = True
        job = self.link.submit(
            Inspect(str(path)), title=self.tr("Open the model {0}").format(Path(path).name), latest_key="model"
        )
        job.done.connect(self._use)
        job.failed.connect(lambda *_words: self._keep_model())
        job.cancelled.connect(self._keep_model)
        self._tell_failures(job)
        return job

    def _use(self, model: ModelInfo) -> None:
        same = self.model is not None and self.model.hash == model.hash
        self.model = model
        self._model_path = model.path
        if not same:
            dropped = [latent for latent, points in self.maps.items() if _model_of(points) != model.hash]
            for latent in dropped:
                del self.maps[latent]
            self.stop_map()
        self.model_changed.emit()
        if not same:
            for latent in dropped:
                self.map_changed.emit(latent)
        self.analysis.set_model(model)
        self._save_soon()

    def _keep_model(self) -> None:
        self.analysis.held = False
        self.analysis.pump()

    def encoded(self) -> list[Clip]:
        """The recordings that have h, m and z of the model in use."""
        return [clip for clip in self.clips.values() if clip.encoded_by(self.model)]

    # ------------------------------------------------------------------ maps
    def fit_map(self, latent: str, **settings: float | int | str | bool) -> Job | None:
        """Lay out all analysed recordings. settings: those of FitMap."""
        if not (clips := self._encoded_or_say()):
            return None
        request = FitMap(tuple((c.id, str(c.folder)) for c in clips), latent, **settings)  # type: ignore[arg-type]
        job = self.map_job = self.link.submit(request, title=self.tr("Map of {0}").format(latent), latest_key="map")
        job.partial.connect(self._show_map)
        job.done.connect(self._show_map)
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(functools.partial(self._map_ended, job, latent))
        job.note.connect(lambda what, hint: self.messages.say(what, hint))
        self._tell_failures(job)
        self.map_changed.emit(latent)
        return job

    def stop_map(self) -> None:
        """End the layout where it is and keep it."""
        if self.map_job is not None:
            self.map_job.stop_and_keep()

    def _show_map(self, points: MapPoints) -> None:
        if self.model is not None and _model_of(points) in (self.model.hash, None):
            self.maps[points.latent] = points
            self.map_changed.emit(points.latent)

    def _map_ended(self, job: Job, latent: str, *_result: object) -> None:
        if self.map_job is job:
            self.map_job = None
            self.map_changed.emit(latent)

    def _place_new(self) -> None:
        """Put recordings that were analysed since onto the maps there are; nothing on them moves."""
        for latent, points in self.maps.items():
            known = set(points.ids)
            new = [clip for clip in self.encoded() if clip.id not in known]
            if not new or self.map_job is not None or latent in self._placing:
                continue
            self._placing.add(latent)
            request = PlaceOnMap(tuple((clip.id, str(clip.folder)) for clip in new), latent)
            job = self.link.submit(
                request,
                title=counted(
                    len(new), self.tr("Place 1 recording on the map"), self.tr("Place {0} recordings on the map")
                ),
            )
            job.done.connect(functools.partial(self._placed, points))
            for ended in (job.done, job.cancelled):
                ended.connect(lambda *_result, latent=latent: self._placing.discard(latent))
            # A map of an earlier worker cannot take them: latent stays in _placing until it is laid out anew.
            job.failed.connect(lambda what, hint, _details: self.messages.say(what, hint))

    def _placed(self, before: MapPoints, new: MapPoints) -> None:
        if self.maps.get(new.latent) is before:
            self.maps[new.latent] = joined(before, new)
            self.map_changed.emit(new.latent)

    # ------------------------------------------------------------------ transfer
    def set_source(self, clip_id: str | None) -> None:
        """The recording that is to be changed."""
        self.transfer.source = clip_id if clip_id in self.clips else None
        self.transfer_changed.emit()

    def add_voice(self, payload: Payload) -> None:
        """Give the source this voice (h) too."""
        chip = VoiceChip(payload, transfer_setup.title_of(payload, self.clips))
        if payload not in [voice.payload for voice in self.transfer.voices]:
            self.transfer.voices.append(chip)
        self.transfer_changed.emit()

    def add_emotion(self, payload: Payload) -> None:
        """Give the source this manner of speaking (m) too."""
        chip = EmotionChip(payload, transfer_setup.title_of(payload, self.clips))
        if payload not in [emotion.payload for emotion in self.transfer.emotions]:
            self.transfer.emotions.append(chip)
        self.transfer_changed.emit()

    def remove_voice(self, index: int) -> None:
        del self.transfer.voices[index]
        self.transfer_changed.emit()

    def remove_emotion(self, index: int) -> None:
        del self.transfer.emotions[index]
        self.transfer_changed.emit()

    def set_voice_weight(self, index: int, weight: float) -> None:
        chip = self.transfer.voices[index]
        self.transfer.voices[index] = VoiceChip(chip.payload, chip.title, weight)
        self.transfer_changed.emit()

    def set_emotion_weight(self, index: int, weight: float) -> None:
        chip = self.transfer.emotions[index]
        self.transfer.emotions[index] = EmotionChip(chip.payload, chip.title, weight)
        self.transfer_changed.emit()

    def clear_voices(self) -> None:
        self.transfer.voices.clear()
        self.transfer_changed.emit()

    def clear_emotions(self) -> None:
        self.transfer.emotions.clear()
        self.transfer_changed.emit()

    def set_strength(self, strength: float) -> None:
        """0 = the source's own latents, 1 = the given ones."""
        if strength != self.transfer.strength:
            self.transfer.strength = strength
            self.transfer_changed.emit()

    def render(self) -> Job | None:
        """Render the transfer as it is set up; a render under way gives way to it. The take is kept."""
        setup = self.transfer
        source = self.clips.get(setup.source or "")
        voice = tuple(ref for v in setup.voices for ref in transfer_setup.latents_of(v, self.clips, self.model))
        emotion = tuple(ref for e in setup.emotions for ref in transfer_setup.latents_of(e, self.clips, self.model))
        if (trouble := self._no_render(source, bool(voice or emotion))) is not None:
            self.messages.say(*trouble, level="warning")
            return None
        assert source is not None
        assert source.folder is not None
        assert self.model is not None
        name = self._free_take_name(source)
        request = Transfer(
            source.folder, self.model.path, str(self.takes_dir / name), name, voice, emotion, setup.strength
        )
        title = self.tr("Transfer to {0}").format(source.name)
        job = self.transfer_job = self.link.submit(request, title=title, latest_key="transfer")
        job.done.connect(self._rendered)
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(lambda *_result: self._render_ended(job))
        self._tell_failures(job)
        self.transfer_changed.emit()
        return job

    def _no_render(self, source: Clip | None, given: bool) -> tuple[str, str] | None:
        setup = self.transfer
        if self.model is None:
            return self.tr("There is no model yet."), self.tr("Train one with “quick”, or open one: Model > Open.")
        if source is None:
            return self.tr("The transfer has no source."), self.tr("Drop a recording onto the source.")
        if not setup.voices and not setup.emotions:
            return self.tr("Nothing is given to the source."), self.tr("Drop a voice or an emotion onto the desk.")
        if source.error is not None:
            return source.error
        if not source.encoded_by(self.model) or not given:
            payloads = [chip.payload for chip in setup.voices] + [chip.payload for chip in setup.emotions]
            givers = [clip.id for p in payloads for clip in transfer_setup.clips_of(p, self.clips)]
            self.analysis.look_at([source.id, *givers])
            return (
                self.tr("These recordings are not analysed with this model yet."),
                self.tr("They are next in line; try again in a moment."),
            )
        return None

    def _rendered(self, take: Take) -> None:
        self.takes.append(take)
        self.takes_changed.emit()
        self._save_soon()

    def _render_ended(self, job: Job) -> None:
        if self.transfer_job is job:
            self.transfer_job = None
            self.transfer_changed.emit()

    def _free_take_name(self, source: Clip) -> str:
        stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(source.path).stem)[:60] or "take"
        number = 1
        taken = {take.name for take in self.takes}
        while (name := f"{stem}-{number}") in taken or (self.takes_dir / name).exists():
            number += 1
        return name

    def play_take(self, take: Take, which: str) -> None:
        """Show the clip a take was made of and play "original", "reconstruction" or "transformed"."""
        source = next((clip.id for clip in self.clips.values() if clip.folder == take.source), None)
        if source is not None:
            self.set_current(source)
        self.take_play_requested.emit(take, which)

    def rename_take(self, index: int, name: str) -> None:
        """Call a take differently; its files keep their names."""
        if (name := name.strip()) and name != self.takes[index].name:
            self.takes[index] = dataclasses.replace(self.takes[index], name=name)
            self.takes_changed.emit()
            self._save_soon()

    def star_take(self, index: int, starred: bool) -> None:
        """Mark a take as a good one, or no longer."""
        key = self.takes[index].transformed
        if starred != (key in self.starred):
            self.starred ^= {key}
            self.takes_changed.emit()
            self._save_soon()

    def save_take(self, index: int, path: str | Path) -> bool:
        """Write a take's sound to a file of the user's; whether it worked."""
        take, target = self.takes[index], Path(path)
        if target.suffix.lower() != ".wav":
            target = target.with_name(f"{target.name}.wav")
        temporary = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(take.transformed, temporary)
            temporary.replace(target)
        except OSError as error:
            self._say_unwritten(target, error)
            return False
        self.messages.say(self.tr("Saved {0}").format(target))
        return True

    def remove_take(self, index: int) -> None:
        """Take a take off the list and its sounds off the disk."""
        take = self.takes.pop(index)
        self.starred.discard(take.transformed)
        folder = Path(take.transformed).parent
        if folder.parent == self.takes_dir:
            self._savers.start(functools.partial(shutil.rmtree, folder, ignore_errors=True))
        self.takes_changed.emit()
        self._save_soon()

    # ------------------------------------------------------------------ training
    def start_training(self, spec: RunSpec) -> Job | None:
        """Begin a run in a folder of its own; None if the folder could not be made."""
        name = spec.name or spec.train.preset
        stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60]
        run_dir = self.runs_dir / f"{time.strftime('%Y%m%d-%H%M%S')}-{stem}"
        number = 2
        while run_dir.exists():
            run_dir = run_dir.with_name(f"{run_dir.name}-{number}")
            number += 1
        try:
            spec.write(run_dir)
        except EngineError as error:
            self.messages.say_error(error)
            return None
        self.runs.append(RunRecord(str(run_dir), name, "running", started_at=time.time()))
        return self._train(self.runs[-1])

    def resume_run(self, run_dir: str) -> Job | None:
        """Go on with a run that ended early."""
        record = self.run(run_dir)
        if record is None or run_dir in self._run_jobs:
            return None
        return self._train(record)

    def run(self, run_dir: str) -> RunRecord | None:
        return next((record for record in self.runs if record.run_dir == run_dir), None)

    def job_of(self, run_dir: str) -> Job | None:
        """The job that trains a run now."""
        return self._run_jobs.get(run_dir)

    def remove_run(self, run_dir: str) -> None:
        """Take a run that does not train off the list and off the disk."""
        record = self.run(run_dir)
        if record is None or run_dir in self._run_jobs:
            return
        self.runs.remove(record)
        self._savers.start(functools.partial(shutil.rmtree, run_dir, ignore_errors=True))
        self.runs_changed.emit()

    def _train(self, record: RunRecord) -> Job:
        record.state, record.error, record.done = "running", None, None
        job = self.link.submit(Train(record.run_dir), title=self.tr("Train {0}").format(record.name))
        self._run_jobs[record.run_dir] = job
        job.partial.connect(functools.partial(self._train_point, record))
        job.changed.connect(functools.partial(self._train_state, record, job))
        job.done.connect(functools.partial(self._trained, record))
        job.failed.connect(functools.partial(self._train_failed, record))
        job.cancelled.connect(functools.partial(self._train_ended, record, "stopped"))
        job.note.connect(lambda what, hint: self.messages.say(what, hint, level="warning"))
        self.runs_changed.emit()
        return job

    def _train_point(self, record: RunRecord, point: TrainPoint) -> None:
        # A resumed run goes back to its last saved step; what a killed process told beyond it is trained again.
        while record.points and record.points[-1].step > point.step:
            record.points.pop()
        record.points.append(point)
        self.runs_changed.emit()

    def _train_state(self, record: RunRecord, job: Job) -> None:
        if job.state in ("running", "paused") and record.state != job.state:
            record.state = str(job.state)
            self.runs_changed.emit()

    def _trained(self, record: RunRecord, result: TrainDone) -> None:
        record.done = result
        self._train_ended(record, "stopped" if result.stopped else "done")
        if self.model is None:
            self.set_model(result.model)
            return
        self.messages.say(
            self.tr("The training of {0} is finished.").format(record.name),
            action=(self.tr("Use this model"), lambda: self.set_model(result.model)),
        )

    def _train_failed(self, record: RunRecord, what: str, hint: str, details: str) -> None:
        record.error = (what, hint)
        self._train_ended(record, "failed")
        self.messages.say(what, hint, details=details, level="error")

    def _train_ended(self, record: RunRecord, state: str) -> None:
        self._run_jobs.pop(record.run_dir, None)
        record.state = state
        self.runs_changed.emit()

    # ------------------------------------------------------------------ export
    def export_embeddings(self, path: str | Path, latent: str, ids: Iterable[str] | None = None) -> Job | None:
        """Write h, m, z or all of the analysed recordings (those named, or every one): CSV, NPZ or Parquet."""
        chosen = None if ids is None else set(ids)
        clips = [clip for clip in self._encoded_or_say() if chosen is None or clip.id in chosen]
        if not clips or self.model is None:
            return None
        request = Export(tuple((c.ref(), str(c.folder)) for c in clips), str(path), latent, self.model.path)
        job = self.link.submit(request, title=self.tr("Export {0}").format(Path(path).name))
        job.done.connect(self._exported)
        self._tell_failures(job)
        return job

    def export_figure(self, path: str | Path, latent: str, colour: str) -> Job | None:
        """Draw a map for a paper, points coloured by a label."""
        if (points := self.maps.get(latent)) is None:
            self.messages.say(self.tr("There is no map of {0} yet.").format(latent), self.tr("Lay it out first."))
            return None
        labels = tuple(self.clips[i].labels.get(colour, "") if i in self.clips else "" for i in points.ids)
        job = self.link.submit(
            Figure(str(path), points, labels, colour), title=self.tr("Draw {0}").format(Path(path).name)
        )
        job.done.connect(self._drawn)
        self._tell_failures(job)
        return job

    def export_coordinates(self, path: str | Path, latent: str) -> None:
        """Write a map's points as CSV."""
        if (points := self.maps.get(latent)) is None:
            self.messages.say(self.tr("There is no map of {0} yet.").format(latent), self.tr("Lay it out first."))
            return
        try:
            write_coordinates(Path(path), points, self.clips)
        except OSError as error:
            self._say_unwritten(Path(path), error)
            return
        self.messages.say(self.tr("Saved {0}").format(path))

    def _exported(self, result: ExportDone) -> None:
        names = ", ".join(Path(file).name for file in result.files)
        self.messages.say(counted(result.rows, self.tr("Exported 1 row: "), self.tr("Exported {0} rows: ")) + names)

    def _drawn(self, result: FigureDone) -> None:
        self.messages.say(self.tr("Saved {0}").format(result.file))

    # ------------------------------------------------------------------ inside: the library
    def _insert(self, clips: Sequence[Clip]) -> None:
        for clip in clips:
            self.clips[clip.id] = clip
            self._ids_by_path[clip.path] = clip.id
        if clips:
            self.clips_added.emit([clip.id for clip in clips])

    def _insert_paths(self, found: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Rows for files that have none yet; a known file gets the labels it lacks."""
        new: list[Clip] = []
        labelled: list[str] = []
        for path, labels in found:
            if (known := self._ids_by_path.get(path)) is None:
                self._ids_by_path[path] = clip_id = uuid.uuid4().hex
                new.append(Clip(clip_id, path, labels=dict(labels)))
            elif known in self.clips and (more := labels | self.clips[known].labels) != self.clips[known].labels:
                self.clips[known].labels = more
                labelled.append(known)
        self._insert(new)
        if labelled:
            self.clips_changed.emit(labelled)
        if new or labelled:
            self._save_soon()

    def _found(self, chunk: ClipsFound) -> None:
        self._insert_paths(chunk.clips)
        self.analysis.pump()

    def _scanned(self, result: ScanDone, new: int) -> None:
        known = result.found - new
        self.analysis.go_on()
        if not result.skipped:
            if known > 0 and new == 0:
                self.messages.say(
                    counted(
                        known,
                        self.tr("One recording was in the library already."),
                        self.tr("{0} recordings were in the library already."),
                    )
                )
            return
        listed = "\n".join(f"{path}: {why}" for path, why in result.skipped[:NAMED_SKIPS])
        more = len(result.skipped) - NAMED_SKIPS
        self.messages.say(
            counted(len(result.skipped), self.tr("1 file skipped."), self.tr("{0} files skipped.")),
            f"{Path(result.skipped[0][0]).name}: {result.skipped[0][1]}",
            details=listed + (self.tr("\n… and {0} more").format(more) if more > 0 else ""),
            level="warning",
        )

    def _analysed(self, ids: list[str]) -> None:
        self.clips_changed.emit(ids)
        self._save_soon(SAVE_RESULTS_AFTER_MS)

    def _analysis_halted(self, what: str, hint: str, details: str) -> None:
        self.messages.say(
            what, hint, details=details, level="warning", action=(self.tr("Go on analysing"), self.analysis.go_on)
        )

    def _forget_analyses(self, removed: Sequence[Clip]) -> None:
        """Delete what was computed, unless a take still shows it."""
        used = {Path(take.source) for take in self.takes}
        folders = [Path(clip.folder) for clip in removed if clip.folder]
        root = self.data_dir / "analysis"
        doomed = [folder for folder in folders if folder not in used and folder.parent == root]
        self._savers.start(functools.partial(_delete, doomed))

    def _encoded_or_say(self) -> list[Clip]:
        clips = self.encoded()
        if self.model is None:
            self.messages.say(
                self.tr("There is no model yet."), self.tr("Train one with “quick”, or open one: Model > Open.")
            )
        elif not clips:
            self.messages.say(
                self.tr("No recording is analysed with this model yet."), self.tr("Wait a moment, or add some.")
            )
        return clips

    def _tell_failures(self, job: Job) -> None:
        def tell(what: str, hint: str, details: str) -> None:
            if not job.lost:  # the death of the engine is told once, by the link
                self.messages.say(what, hint, details=details, level="error")

        job.failed.connect(tell)

    def _say_unwritten(self, path: Path, error: OSError) -> None:
        self.messages.say(
            self.tr("{0} cannot be written: {1}.").format(path, error.strerror or error),
            self.tr("Choose another place, or free some space."),
            level="error",
        )

    # ------------------------------------------------------------------ inside: the file
    def _save_soon(self, after_ms: int = SAVE_AFTER_MS) -> None:
        if not self._save_timer.isActive() or self._save_timer.remainingTime() > after_ms:
            self._save_timer.start(after_ms)

    def _library(self) -> Library:
        return Library(
            self.uuid,
            [Clip(**vars(c)) for c in self.clips.values()],
            list(self.takes),
            self._model_path,
            sorted(self.starred),
        )

    def _save_aside(self) -> None:
        """In a thread: a large library takes longer to write than a window may stand still."""
        self._savers.start(functools.partial(self._write, self._library()))

    def _write(self, library: Library) -> None:
        try:
            library_file.write(self._file, library)
        except OSError as error:
            self._say_unwritten(self._file, error)

    def _set_library_aside(self, why: str) -> None:
        try:
            aside = library_file.set_aside(self._file)
        except OSError as error:
            self._say_unwritten(self._file, error)
            return
        self.messages.say(
            self.tr("The library of the last session cannot be read: {0}.").format(why),
            self.tr("It is kept as {0}; you begin with an empty one. Your recordings are untouched.").format(aside),
            level="error",
        )


def _delete(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def joined(first: MapPoints, second: MapPoints) -> MapPoints:
    """The points of both, the first's settings."""
    import numpy as np

    return MapPoints(
        first.latent,
        (*first.ids, *second.ids),
        np.concatenate([first.index, second.index]),
        np.concatenate([first.xy, second.xy]),
        first.settings,
        first.final,
    )


def _model_of(points: MapPoints) -> str | None:
    made_by = points.settings.get("model_hash")
    return None if made_by is None else str(made_by)
