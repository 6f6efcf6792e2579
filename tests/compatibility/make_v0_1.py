"""Made v0_1/ with Triptych 0.1.0, so that later versions can be held against it.

It was run at commit 62f3061, with one thread (OMP_NUM_THREADS=1) and no display, in the project's folder:

    PYTHONPATH=$PWD:$PWD/tests/compatibility python tests/compatibility/make_v0_1.py numbers files names

It need not run with later versions, and what it made is not to be made again: that would be another version's.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cases
import engine_door
import numpy as np
import soundfile

PLACE = "/made-by-0.1.0"  # stands for the folder in which everything lay when it was made
CLIPS = {"anna_calm": 1.4, "anna_excited": 1.0, "emil_sad": 1.3, "georg_excited": 1.0}  # first seconds of NAME_1
SAVED = "mine"
KINDS = ("plain", "timescale", "one-auxiliary", "vae", "cpc", "supervised")
TEXTS = (".json", ".jsonl", ".ini")
LEFT_OUT = (".lock", ".work", "*.log", "logs", "log")


# A part a function: numbers, files, names.
def numbers(folder: Path) -> None:
    """numbers.npz: of ten clips what the starter makes of them; of four transfers mels and envelopes."""
    from engine.api import StoredClip

    paths = cases.paths() | {cases.SOURCE: cases.write_source(folder)}
    clips = {
        name: engine_door.analysed({name: path}, folder / "clips", cases.STARTER)[name]
        for name, path in paths.items()
    }
    kept: cases.Arrays = {}
    for name, clip in clips.items():
        h, m, z = engine_door.encoded(clip, cases.STARTER)
        meta = (Path(clip.folder) / "meta.json").read_text("utf-8").replace(str(folder), PLACE)
        kept[f"{name}/meta"] = np.array(meta)
        kept[f"{name}/mel"], kept[f"{name}/f0"] = np.array(clip.array("mel")), np.array(clip.array("f0"))
        kept[f"{name}/h"], kept[f"{name}/m"], kept[f"{name}/z"] = h, m, z[:: cases.KEPT_Z]
    folders = {name: clip.folder for name, clip in clips.items()}
    for name, request in cases.transfers(folders, folder / "takes").items():
        take, mel = engine_door.rendered(request)
        assert len(mel) == len(StoredClip(take.source).array("mel")), "the edit must change nearly everything"
        kept[f"transfer/{name}/mel"] = mel
        kept[f"transfer/{name}/envelope_db"] = cases.envelope_db(take.transformed)
        kept[f"transfer/{name}/control_envelope_db"] = cases.envelope_db(take.control)
    np.savez_compressed(cases.DATA / "numbers.npz", **kept)


def files(folder: Path) -> None:
    """clips/, models/, mine.triptych/, unsaved/, sounds/, exports/, settings.ini, and files.json about them."""
    for name, seconds in CLIPS.items():
        samples, rate_hz = soundfile.read(cases.EXAMPLE / f"{name}_1.flac")
        (folder / "clips").mkdir(exist_ok=True)
        soundfile.write(folder / "clips" / f"{name}.flac", samples[: round(seconds * rate_hz)], rate_hz)
    facts: dict[str, Any] = {"models": _models(folder)}
    facts["run"] = _stopped_run(folder)
    facts["projects"] = _projects(folder)
    (folder / "files.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), "utf-8")
    kept = ("clips", "models", f"{SAVED}.triptych", "unsaved", "sounds", "exports")
    for name in kept:
        shutil.rmtree(cases.DATA / name, ignore_errors=True)
        shutil.copytree(folder / name, cases.DATA / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in ("settings.ini", "files.json", "models.npz", "crashed.autosave.json"):
        shutil.copyfile(folder / name, cases.DATA / name)
    for file in cases.DATA.rglob("*"):
        if file.suffix in TEXTS:
            file.write_text(file.read_text("utf-8").replace(str(folder), PLACE), "utf-8")
        elif file.is_file():
            assert str(folder).encode() not in file.read_bytes(), file


def names(folder: Path) -> None:
    """names.json: the outward names."""
    import outward_names
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])  # noqa: F841 - saving a project waits in its event loop
    text = json.dumps(outward_names.of_this_version(folder), indent=1, sort_keys=True)
    (cases.DATA / "names.json").write_text(text, "utf-8")


# Models: a tiny one of each kind, trained for some steps.
def _models(folder: Path) -> dict[str, Any]:
    from engine.api import Inspect, ModelInfo, Train, TrainDone

    facts, latents = {}, {}
    clip = cases.lay_out(dict(np.load(cases.DATA / "numbers.npz")), cases.CLIPS[0], folder)
    (folder / "models").mkdir()
    for kind in KINDS:
        cases.tiny_run(folder / "clips", kind).write(folder / "trained" / kind)
        done, _ = engine_door.perform(Train(str(folder / "trained" / kind)))
        assert isinstance(done, TrainDone)
        model = folder / "models" / f"{kind}.triptych.safetensors"
        if kind == "timescale":
            _add_readings(Path(done.model), model)
        else:
            shutil.copyfile(done.model, model)
        info, _ = engine_door.perform(Inspect(str(model)))
        assert isinstance(info, ModelInfo)
        facts[kind] = {
            "hash": info.hash,
            "weights": info.weights,
            "audio": info.audio,
            "model": info.model,
            "train": info.train,
            "provenance": info.provenance,
            "vocoder": info.vocoder,
        }
        if kind in ("plain", "timescale"):
            found: Any = dict(zip("hmz", engine_door.encoded(clip, model), strict=True))
        else:
            found = engine_door.system_vectors(clip, model)
        latents |= {f"{kind}/{latent}": values for latent, values in found.items()}
    np.savez_compressed(folder / "models.npz", **latents)
    return facts


def _add_readings(trained: Path, model: Path) -> None:
    """Readings of gender and arousal, as a probe leaves them in a model."""
    from engine.model import checkpoint, linear_heads

    held = checkpoint.load(trained)
    random = np.random.default_rng(0)
    heads = (
        linear_heads.Head("gender", "h", ("female", "male"), _small(random, 2), np.array([0.1, -0.1], np.float32)),
        linear_heads.Head("emotion", "m", ("calm", "excited", "sad"), _small(random, 3), np.zeros(3, np.float32)),
        linear_heads.Head("arousal", "m", (), _small(random, 1), np.array([0.5], np.float32)),
    )
    extra = linear_heads.as_tensors({head.name: head for head in heads})
    checkpoint.save(model, held.model, held.audio, held.train, held.provenance, extra, held.vocoder)


def _small(random: np.random.Generator, outputs: int) -> Any:
    return random.normal(0.0, 0.3, (outputs, 8)).astype(np.float32)


# A run that was stopped in the middle, with checkpoints and its training state.
def _stopped_run(folder: Path) -> dict[str, Any]:
    from engine import jobs
    from engine.api import Control, Partial, Train, TrainPoint

    run = folder / "home" / "data" / "runs" / "stopped"
    cases.tiny_run(folder / "clips", "timescale", epochs=24, checkpoints=2, checkpoint_minutes=0.01).write(run)
    points: list[TrainPoint] = []

    def report(event: Any) -> None:
        if isinstance(event, Partial) and isinstance(event.value, TrainPoint):
            points.append(event.value)

    def steer() -> Control:
        return Control.STOP if points and points[-1].epoch > 12 else Control.RUN

    done = jobs.run(Train(str(run)), report, steer)
    print(done, [point.step for point in points])
    return {"steps": points[-1].step, "files": sorted(file.name for file in run.iterdir())}


# What the studio leaves: a saved project, one not closed properly, work never saved, sounds, tables, settings.
def _projects(folder: Path) -> dict[str, Any]:
    import opening
    from PySide6.QtGui import QKeySequence
    from PySide6.QtWidgets import QApplication

    from studio.domain.drag_payload import Payload
    from studio.services import paths

    app = QApplication.instance() or QApplication([])
    model = folder / "models" / "timescale.triptych.safetensors"
    facts: dict[str, Any] = {}
    os.environ["TRIPTYCH_HOME"] = str(folder / "home")
    with opening.studio() as studio:
        session = studio.session
        studio.window.desk.on_drop.setChecked(False)  # nothing renders unasked
        session.restore()
        session.set_model(model)
        session.add_files(sorted((folder / "clips").iterdir()))
        opening.wait_until_encoded(session, len(CLIPS))
        ids = {Path(clip.path).stem: clip.id for clip in session.clips.values()}
        for name, clip_id in ids.items():
            speaker, emotion = name.split("_")
            session.set_label([clip_id], "speaker", speaker)
            session.set_label([clip_id], "gender", "female" if speaker == "anna" else "male")
            session.set_label([clip_id], "emotion", emotion)
        session.set_label([ids["emil_sad"]], "microphone", "none, a synthesiser")
        # desk and takes
        session.set_source(ids["anna_calm"])
        session.add_voice(Payload("clips", clips=(ids["emil_sad"],)))
        session.add_voice(Payload("speaker", clips=(ids["georg_excited"],), speaker="georg"))
        session.weigh_voices((3.0, 1.0))
        session.set_strength(0.9)
        seconds = Payload("seconds", seconds=((ids["anna_excited"], 0),))
        session.edit_seconds(ids["anna_calm"], [1], seconds, rule="mean", weight=0.8, fade_s=0.5)
        opening.finish(session.render())
        session.rename_take(0, "Anna as a man, änderbar")
        session.star_take(0, True)
        session.clear_voices()
        session.add_emotion(Payload("label", label=("emotion", "excited")))
        session.set_strength_m(0.7)
        session.set_rule("nearest")
        session.set_rendering("natural")
        opening.finish(session.render())
        for latent in ("h", "m"):
            opening.finish(session.fit_map(latent, iterations=50, perplexity=2.0, seed=3))
        # the run's checkpoints, heard
        session.audition_take(0)
        session.audition_clips([ids["emil_sad"]])
        opening.finish(session.hear_run(session.runs[0].run_dir))
        # files for other programs
        for latent, suffix in (("h", "csv"), ("m", "csv"), ("z", "csv"), ("z", "npz"), ("z", "parquet")):
            opening.finish(session.export_embeddings(folder / "exports" / f"{suffix}-{latent}.{suffix}", latent))
        (folder / "sounds").mkdir()
        for name in ("take.wav", "take.flac"):
            opening.finish(session.save_take(0, folder / "sounds" / name))
        opening.save_as(session, folder / SAVED)
        facts["saved"] = opening.contents(session)
        # changes that were never saved, as a crash leaves them
        session.set_label([ids["anna_calm"]], "emotion", "neutral")
        session.rename_take(1, "renamed after saving")
        autosave = folder / f"{SAVED}.triptych" / "project.autosave.json"
        opening.wait(autosave.is_file, 10.0, "nothing was written aside")
        shutil.copyfile(autosave, folder / "crashed.autosave.json")
        facts["crashed"] = opening.contents(session)
        session.discard_changes()
        # settings
        preferences = studio.preferences
        assert studio.window.shortcuts.set_key("file.record", QKeySequence("Ctrl+Alt+R")) is None
        assert studio.window.shortcuts.set_key("model.train", QKeySequence()) is None
        changed = {
            "appearance/scheme": "dark",
            "compute/device": "cpu",
            "sound/vocoder": "griffin-lim",
            "playback/volume": 0.25,
            "playback/loop": True,
            "transfer/render_on_drop": False,
            "transfer/auto_play": False,
            "training/logarithmic": True,
            "m_lane/colours": "distance",
            "record/speaker": "me",
            "record/countdown_s": 0,
            "figure/width_cm": 8.5,
        }
        for name, value in changed.items():
            preferences.set(name, value)
        facts["settings"] = {"preferences": changed, "shortcuts": {"file.record": "Ctrl+Alt+R", "model.train": ""}}
        app.processEvents()
    preferences.sync()
    shutil.copyfile(paths.settings_file(), folder / "settings.ini")
    os.environ["TRIPTYCH_HOME"] = str(folder / "home2")
    with opening.studio() as studio:
        session = studio.session
        studio.window.desk.on_drop.setChecked(False)  # nothing renders unasked
        session.restore()
        session.set_model(model)
        session.add_files([folder / "clips" / "anna_excited.flac"])
        opening.wait_until_encoded(session, 1)
        (clip_id,) = session.clips
        session.set_label([clip_id], "speaker", "anna")
        session.set_source(clip_id)
        session.add_voice(Payload("clips", clips=(clip_id,)))
        facts["unsaved"] = opening.contents(session)
    shutil.copytree(paths.data_dir(), folder / "unsaved" / "data")
    return facts


if __name__ == "__main__":
    makers = {"numbers": numbers, "files": files, "names": names}
    cases.DATA.mkdir(exist_ok=True)
    for wanted in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            os.environ["TRIPTYCH_HOME"] = os.path.join(temporary, "home")
            makers[wanted](Path(temporary))
