"""The one place where the tests of compatibility call into the studio; whoever moves something adapts it here."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtGui import QKeySequence

from engine.api import Take, Transfer
from studio.app import Studio
from studio.domain import recipes
from studio.engine_link.engine_link import EngineLink, Job
from studio.selftest.synthetic_input import wait
from studio.services.messages import Messages
from studio.session.session import Session

PATIENCE_S = 60.0


# One way of starting: a session without an engine, for what is in files.
@contextmanager
def session_of(data_dir: Path, said: list[str] | None = None) -> Iterator[Session]:
    """A session whose own work lies in data_dir; what it tells the user goes into `said`."""
    messages = Messages()
    if said is not None:
        messages.said.connect(lambda message: said.append(message.what))
    link = EngineLink(data_dir / "logs")
    link.idle = True
    session = Session(link, data_dir, messages)
    try:
        yield session
    finally:
        session.project.close()
        link.shutdown()


# The other: the program, window and engine and all.
@contextmanager
def studio() -> Iterator[Studio]:
    """The whole program, its home in TRIPTYCH_HOME."""
    made = Studio()
    made.window.show()
    try:
        yield made
    finally:
        made.session.project.discard_changes()  # else closing asks what shall become of them
        made.window.close()
        made.close()
        made.window.deleteLater()


def restore(session: Session) -> None:
    """Take up the work that was never saved."""
    session.project.restore()


def open_project(session: Session, folder: Path, *, recover: bool = False) -> None:
    assert session.project.open(folder, recover=recover)


def was_not_closed(session: Session, folder: Path) -> bool:
    """Whether there are changes that were written aside and never saved."""
    return session.project.unsaved_since(folder) is not None


def save_as(session: Session, folder: Path) -> None:
    """Save the project in a folder of its own, and wait until it is there."""
    done: list[bool] = []
    session.project.saved.connect(done.append)
    session.project.save_as(folder)
    wait(lambda: bool(done), PATIENCE_S, "it was not saved")
    assert done == [True]


def settings_in_use(program: Studio) -> dict[str, Any]:
    """What the program does of what settings.ini says."""
    window = program.window
    commands = {command.name: command for command in window.shortcuts.commands()}
    return {
        "compute/device": program.link.device,
        "sound/vocoder": program.session.transfer.vocoder,
        "playback/volume": window.clip_view.transport.volume.value() / 100,
        "playback/loop": window.clip_view.transport.commands["loop"].isChecked(),
        "transfer/render_on_drop": window.desk.on_drop.isChecked(),
        "transfer/auto_play": window.desk.play_when_ready.isChecked(),
        "training/logarithmic": window.training.curves.objective.logarithmic.isChecked(),
        "shortcuts": {
            name: commands[name].key.toString(QKeySequence.SequenceFormat.PortableText)
            for name in ("file.record", "model.train", "edit.undo")
        },
    }


def wait_until_encoded(session: Session, count: int) -> None:
    """Until the project's model is in use and so many recordings have h, m and z of it."""
    wait(lambda: len(session.model.encoded()) == count, PATIENCE_S, "the recordings were not taken up")


def finish(job: Job | None) -> None:
    assert job is not None
    wait(lambda: job.ended, PATIENCE_S, "the job did not end")
    assert job.state == "done", job.words


def render_again(session: Session, number: int) -> Take:
    """A take once more from its recipe, by the program's own engine; it stands last on the list."""
    finish(session.recipes.render_again(number))
    return session.takes.items[-1]


def request_of(session: Session, recipe: str, model: Path, out_dir: Path) -> Transfer:
    """What a recipe in a sound file's tag asks of the engine, its recordings found in the session's library."""
    read = recipes.from_text(recipe)
    assert read is not None
    found = recipes.find(read, session.library.clips)
    assert not found.missing
    request = recipes.request_of(read, lambda named: str(session.library.clips[found.ids[named]].folder))
    return dataclasses.replace(request, model=str(model), out_dir=str(out_dir), device="cpu")


def recipe_of_take(session: Session, number: int) -> str:
    """A take's recipe as it is written into a sound file's tags."""
    return recipes.to_text(session.recipes.of(session.takes.items[number]))


def contents(session: Session) -> dict[str, Any]:
    """What is in the open project, in plain values, places left out: names of files stand for them."""

    def refs(given: Any) -> list[list[Any]]:
        return [[Path(ref.folder).name, ref.second, ref.weight] for ref in given]

    values = {
        "uuid": session.context.uuid,
        "title": session.project.title,
        "clips": {
            clip.id: {
                "name": clip.name,
                "file": Path(clip.path).name,
                "is there": Path(clip.path).is_file(),
                "labels": clip.labels,
                "state": clip.state,
                "duration_s": clip.duration_s,
                "f0_median_hz": clip.f0_median_hz,
                "model_hash": clip.model_hash,
                "analysis": None
                if clip.folder is None
                else sorted(file.name for file in Path(clip.folder).iterdir()),
            }
            for clip in session.library.clips.values()
        },
        "takes": [
            {
                "name": take.name,
                "source": Path(take.source).name,
                "sounds": [Path(sound).is_file() for sound in (take.original, take.control, take.transformed)],
                "strengths": [take.strength, take.strength_m],
                "rules": [take.rule, take.emotion_rule],
                "voice": refs(take.voice),
                "emotion": refs(take.emotion),
                "edits": [
                    [list(edit.target), refs(edit.givers), edit.weight, edit.fade_in_s, edit.fade_out_s, edit.rule]
                    for edit in take.edits
                ],
                "rendering": [take.rendering, take.vocoder],
                "model_hash": take.model_hash,
                "evidence": dataclasses.asdict(take.evidence),
                "control_evidence": dataclasses.asdict(take.control_evidence),
                "loudness_lufs": take.loudness_lufs,
                "difference_db": take.difference_db,
                "edited": None if take.edited is None else dataclasses.asdict(take.edited),
                "starred": take.transformed in session.takes.starred,
                # all but the model's file: a session without an engine does not know which it has
                "recipe": {k: v for k, v in json.loads(recipe_of_take(session, number)).items() if k != "model"},
            }
            for number, take in enumerate(session.takes.items)
        ],
        "desk": dataclasses.asdict(session.transfer.setup),
        "maps": {
            latent: {"ids": points.ids, "index": points.index.tolist(), "xy": points.xy.tolist()}
            | {"settings": points.settings, "final": points.final}
            for latent, points in session.maps.points.items()
        },
        "runs": [
            {
                "name": run.name,
                "state": run.state,
                "has state": run.has_state,
                "points": [[point.step, point.split, point.terms] for point in run.points],
                "checkpoints": [[kept.step, kept.hash, kept.held, kept.terms] for kept in run.checkpoints],
                "heard": sorted([step, item, sound.lufs] for (step, item), sound in run.heard.sounds.items()),
                "probes": sorted(run.heard.probes),
            }
            for run in session.runs.records
        ],
        "audition": [[entry.id, json.loads(recipes.to_text(entry.recipe))] for entry in session.auditions.entries],
        "made_by": sorted(session.recipes.made_by),
        "gone": {clip_id: dataclasses.asdict(named) for clip_id, named in session.library.gone.items()},
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))  # tuples become lists, as in the file
    return plain
