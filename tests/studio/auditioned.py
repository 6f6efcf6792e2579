"""What tests of auditions share: a run that trains, and what its two processes would leave in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from stage import HASH, Idle, analysed

from engine.api import (
    AudioSpec,
    Audition,
    AuditionDone,
    AuditionSound,
    CheckpointProbes,
    ClipAnalysed,
    Done,
    Heard,
    KeptCheckpoint,
    Partial,
    ProbeReading,
    RunSpec,
    presets,
)
from engine.api.auditions import CHECKPOINTS, LIST, RESULTS, SOUNDS, checkpoints_text, heard_text, step_name
from studio.engine_link.job import Job
from studio.session.session import Session

RATE = 16_000
SAMPLES = 2 * RATE


def voices(link: Idle, data_dir: Path) -> Session:
    """A session with three recordings, each stored as a sound of one level."""
    made = Session(link, data_dir)
    analysed(made, "anna", "emil", "mira")
    for clip in made.library.clips.values():
        assert clip.folder is not None
        store(Path(clip.folder), 0.1)
    return made


def store(folder: Path, level: float) -> None:
    """A stored sound of one level: which one is heard can be told from a sample."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "audio.npy", np.full(SAMPLES, level, np.float32))
    np.save(folder / "peaks.npy", np.full((SAMPLES // 256, 2), level, np.float32))
    np.save(folder / "mel.npy", np.full((128, 140), -5.0, np.float16))
    np.save(folder / "f0.npy", np.full(128, 150.0, np.float32))
    meta = ClipAnalysed(
        folder.name, str(folder), 2.0, RATE, 1, 0.0, 128, 2, 150.0, HASH, audio=AudioSpec().to_dict()
    )
    (folder / "meta.json").write_text(json.dumps(asdict(meta)))


class Run:
    """A run that trains, and what its two processes would leave in its folder."""

    def __init__(self, session: Session) -> None:
        job = session.runs.start(RunSpec(presets()["quick"].train, presets()["quick"].model, name="a run"))
        assert job is not None
        job.begin()
        self.job, self.session, self.record = job, session, session.runs.records[-1]
        self.folder = Path(self.record.run_dir)
        self.kept: list[KeptCheckpoint] = []
        self.heard = Heard()

    def keep(self, step: int, total: float = -10.0) -> None:
        (self.folder / CHECKPOINTS).mkdir(exist_ok=True)
        model = self.folder / CHECKPOINTS / f"{step_name(step)}.triptych.safetensors"
        model.write_text(f"model of step {step}")
        new = KeptCheckpoint(
            step, step / 10, step / 5, {"total": total}, len(self.kept) + 1, f"h{step}", str(model)
        )
        self.kept.append(new)
        self.write()
        self.job.take(Partial(new))

    def let_go(self, step: int) -> None:
        self.kept = [k if k.step != step else KeptCheckpoint(**vars(k) | {"path": ""}) for k in self.kept]
        self.write()

    def render(self, job: Job, step: int, item: str, lufs: float = -23.0) -> None:
        place = self.folder / SOUNDS / step_name(step) / item
        store(place, step / 1000.0)
        sound = AuditionSound(step, item, str(place), f"{place}.wav", lufs, -23.0)
        self.heard = Heard(self.heard.probes, {**self.heard.sounds, (step, item): sound})
        self.write()
        job.take(Partial(sound))

    def probe(self, job: Job, step: int, **scores: float) -> None:
        readings = {task: ProbeReading(score, 0.25, 20, "accuracy") for task, score in scores.items()}
        found = CheckpointProbes(step, readings, {"emotion": "The corpus has no labels for emotion."})
        self.heard = Heard({**self.heard.probes, step: found}, self.heard.sounds)
        self.write()
        job.take(Partial(found))

    def write(self) -> None:
        (self.folder / CHECKPOINTS / LIST).write_text(checkpoints_text(self.kept))
        (self.folder / SOUNDS).mkdir(exist_ok=True)
        (self.folder / SOUNDS / RESULTS).write_text(heard_text(self.heard, self.kept))


def asked(link: Idle) -> Job:
    (job,) = link.asked(Audition)
    return job


def fulfil(run: Run, link: Idle, **scores: float) -> Job:
    """Do all that the job under way was asked for, and end it."""
    job = asked(link)
    for step in job.request.steps:
        for item in job.request.items:
            run.render(job, step, item.id)
        run.probe(job, step, **(scores or {"speaker": 0.9}))
    job.take(Done(AuditionDone(str(run.folder), 1, 1.0)))
    return job


def keep_three(run: Run, link: Idle) -> Run:
    """Three checkpoints, and what is heard of the first recording at each."""
    session = run.session
    session.auditions.add_clips(list(session.library.clips)[:1])
    for step, total in ((100, -12.0), (200, -9.0), (300, -11.0)):
        run.keep(step, total)
    fulfil(run, link)
    fulfil(run, link)
    return run
