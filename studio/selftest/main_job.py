"""Main job, done by the program itself through the real window: what `studio.selftest.check` runs.

Recordings and voices arrive as real drag-and-drop events where a person would drop them in the window;
everything else is what menus and buttons call.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QUrl, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from engine.api import RunSpec, Take, presets
from studio.app import Studio, catch_exceptions, log, set_up_logging
from studio.domain import drag_payload
from studio.domain.clip import Clip
from studio.engine_link.job import Job
from studio.selftest import synthetic_input
from studio.selftest.synthetic_input import StepError
from studio.services import paths, theme
from studio.services.messages import Message

JOB_S = 900.0  # patience with one job on a slow machine
MOMENT_S = 30.0  # patience with what only has to begin
SIZE = (1600, 1000)

Numbers = dict[str, Any]


class MainJob:
    """Import, analyse, train, map, transfer, export; a report that grows with every step.

    Args:
        folder: where the results are left.
        recordings: folder to import; None for the example voices.
        train_s: how long `quick` is trained, in seconds.
    """

    def __init__(self, folder: Path, recordings: Path | None, train_s: float) -> None:
        self._folder = folder
        self._recordings = recordings or paths.example_dir()
        self._train_s = train_s
        self._steps: list[Numbers] = []
        self._said: list[str] = []
        self._run_dir = ""

    def run(self) -> int:
        """Do every step until one fails. Returns 0 only if all happened."""
        steps: tuple[tuple[str, Callable[[], Numbers]], ...] = (
            ("open the window", self._open),
            ("drop the recordings", self._drop_recordings),
            ("analyse", self._analyse),
            ("train", self._train),
            ("encode with that model", self._encode),
            ("map", self._map),
            ("transfer", self._transfer),
            ("export", self._export),
        )
        begun = time.monotonic()
        done = all(self._step(name, do) for name, do in steps)
        pictured = self._step("picture of the window", self._picture) if self._steps[0]["ok"] else False
        closed = self._step("close", self._close) if self._steps[0]["ok"] else False
        ok = done and pictured and closed
        report = {
            "ok": ok,
            "seconds": round(time.monotonic() - begun, 1),
            "recordings": str(self._recordings),
            "machine": f"{platform.platform()}, Python {platform.python_version()}",
            "steps": self._steps,
            "messages": self._said,
        }
        (self._folder / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")
        print("All of it happened." if ok else "Not all of it happened.", f"See {self._folder}.", flush=True)
        return 0 if ok else 1

    def _step(self, name: str, do: Callable[[], Numbers]) -> bool:
        begun = time.monotonic()
        try:
            outcome: Numbers = {"ok": True, **do()}
        except StepError as error:
            outcome = {"ok": False, "why": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever stops a step stands in the report
            outcome = {"ok": False, "why": repr(error), "details": traceback.format_exc()}
        self._steps.append({"step": name, "seconds": round(time.monotonic() - begun, 2), **outcome})
        words = outcome.get("why", ", ".join(f"{k} {v}" for k, v in outcome.items() if k != "ok"))
        print(f"{'ok  ' if outcome['ok'] else 'FAIL'}  {name}: {words}", flush=True)
        return bool(outcome["ok"])

    def _open(self) -> Numbers:
        application = QApplication.instance() or QApplication(["triptych"])
        assert isinstance(application, QApplication)
        set_up_logging()
        qInstallMessageHandler(lambda _kind, _where, words: log.info("Qt: %s", words))  # what it says is no result
        theme.apply(application)
        self._studio = Studio()
        self._window, self._session, self._link = self._studio.window, self._studio.session, self._studio.link
        self._studio.messages.said.connect(self._note_message)
        catch_exceptions(self._studio.messages)
        self._studio.open([])
        synthetic_input.wait(self._window.isVisible, MOMENT_S, "the window did not appear")
        self._window.resize(*SIZE)
        return {"platform": QApplication.platformName()}

    def _drop_recordings(self) -> Numbers:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(self._recordings))])
        synthetic_input.drop(self._window, self._window, mime)
        synthetic_input.wait(lambda: bool(self._link.jobs()), MOMENT_S, "nothing began to look at what was dropped")
        synthetic_input.wait(lambda: not self._link.active(), JOB_S, "the recordings were not all looked at")
        if not self._session.library.clips:
            raise StepError(f"no recording appeared in the library; {self._last_words()}")
        return {"clips": len(self._session.library.clips), "speakers": len(self._session.library.speakers())}

    def _analyse(self) -> Numbers:
        synthetic_input.wait(lambda: not self._unfinished(), JOB_S, "the analysis did not end")
        ready = self._ready()
        if len(ready) < 2:
            raise StepError("fewer than two recordings could be analysed")
        failed = [clip.name for clip in self._session.library.clips.values() if clip.state != "ready"]
        return {
            "ready": len(ready),
            "failed": failed,
            "audio_s": round(sum(clip.duration_s or 0.0 for clip in ready), 1),
        }

    def _train(self) -> Numbers:
        preset = presets()["quick"]
        train = dataclasses.replace(preset.train, minutes=self._train_s / 60.0)
        clips = tuple(clip.ref() for clip in self._ready())
        job = self._session.runs.start(RunSpec(train, preset.model, clips=clips, name="check"))
        self._finish(job, "the training did not begin")
        record = self._session.runs.records[-1]
        if record.done is None:
            raise StepError("the training left no result")
        self._run_dir = record.run_dir
        rounded = {name: round(value, 4) for name, value in record.done.validation.items()}
        return {"steps": record.done.steps, "device": record.done.device, "validation": rounded}

    def _encode(self) -> Numbers:
        record = self._session.runs.records[-1]
        assert record.done is not None
        self._finish(self._session.model.open(record.done.model), "the model could not be opened")
        synthetic_input.wait(
            lambda: len(self._session.model.encoded()) == len(self._ready()) > 0 and not self._unfinished(),
            JOB_S,
            "not every recording was encoded",
        )
        model = self._session.model.info
        assert model is not None
        return {"model": model.hash, "weights": model.weights, "encoded": len(self._session.model.encoded())}

    def _map(self) -> Numbers:
        count = len(self._session.model.encoded())
        job = self._session.maps.fit("h", perplexity=max(2.0, min(30.0, (count - 1) / 3.0)))
        self._finish(job, "the map did not begin")
        points = self._session.maps.points["h"]
        picture = self._folder / "map.png"
        speakers = tuple(self._session.library.clips[i].labels.get("speaker", "") for i in points.ids)
        self._finish(self._session.exports.figure(picture, "h", speakers, "speaker"), "the map was not drawn")
        if not picture.is_file():
            raise StepError("map.png is not there")
        return {
            "points": len(points.ids),
            **{k: v for k, v in points.settings.items() if isinstance(v, int | float)},
        }

    def _transfer(self) -> Numbers:
        source, reference = self._pair()
        takes = len(self._session.takes.items)
        speaker = reference.labels.get("speaker", "")
        of_source = drag_payload.Payload("clips", (source.id,))
        of_reference = (
            drag_payload.Payload("speaker", speaker=speaker)
            if speaker
            else drag_payload.Payload("clips", (reference.id,))
        )
        desk = self._window.desk
        synthetic_input.drop(
            self._window, desk.source_zone, drag_payload.to_mime(of_source, self._session.context.uuid)
        )
        synthetic_input.wait(
            lambda: self._session.transfer.setup.source == source.id, MOMENT_S, "the source was not taken"
        )
        synthetic_input.drop(
            self._window, desk.voice_zone, drag_payload.to_mime(of_reference, self._session.context.uuid)
        )
        synthetic_input.wait(lambda: bool(self._session.transfer.setup.voices), MOMENT_S, "the voice was not taken")
        synthetic_input.wait(lambda: len(self._session.takes.items) > takes, JOB_S, "no take came back")
        take = self._session.takes.items[-1]
        self._keep_sounds(take)
        return {
            "source": f"{source.name} ({source.labels.get('gender', 'gender unknown')})",
            "voice": f"{speaker or reference.name} ({reference.labels.get('gender', 'gender unknown')})",
            "f0_hz": {
                "original": take.source_f0_hz,
                "reconstruction": take.control_evidence.f0_median_hz,
                "transferred": take.evidence.f0_median_hz,
                "target": take.target_f0_hz,
            },
            "evidence": dataclasses.asdict(take.evidence),
            "control_evidence": dataclasses.asdict(take.control_evidence),
            "render_s": round(take.seconds, 2),
        }

    def _export(self) -> Numbers:
        table = self._folder / "embeddings.csv"
        self._finish(self._session.exports.embeddings(table, "h"), "the export did not begin")
        with open(table, encoding="utf-8", newline="") as file:
            rows = sum(1 for _ in file) - 1
        if rows < len(self._ready()):
            raise StepError(f"embeddings.csv has {rows} rows for {len(self._ready())} recordings")
        return {"rows": rows, "bytes": table.stat().st_size}

    def _picture(self) -> Numbers:
        if self._session.library.current is None and self._session.library.clips:
            self._session.library.set_current(
                self._session.transfer.setup.source or next(iter(self._session.library.clips))
            )
        synthetic_input.pause(1.0)  # what was just shown is drawn a moment later
        if not self._window.grab().save(str(self._folder / "window.png")):
            raise StepError("window.png could not be written")
        return {"pixels": f"{self._window.width()} x {self._window.height()}"}

    def _close(self) -> Numbers:
        self._window.close()
        self._studio.close()
        return {}

    def _pair(self) -> tuple[Clip, Clip]:
        """A source and a reference of another gender, by their labels; else the lowest and the highest voice."""
        pitched = sorted(
            (c for c in self._session.model.encoded() if c.f0_median_hz), key=lambda c: c.f0_median_hz or 0.0
        )
        if len(pitched) < 2:
            raise StepError("fewer than two recordings have a pitch")
        men = [clip for clip in pitched if clip.labels.get("gender") == "male"]
        women = [clip for clip in pitched if clip.labels.get("gender") == "female"]
        if men and women:
            return men[len(men) // 2], women[len(women) // 2]
        return pitched[0], pitched[-1]

    def _keep_sounds(self, take: Take) -> None:
        for sound, name in (
            (take.original, "original.wav"),
            (take.control, "reconstruction.wav"),
            (take.transformed, "transferred.wav"),
        ):
            shutil.copyfile(sound, self._folder / name)

    def _ready(self) -> list[Clip]:
        return [clip for clip in self._session.library.clips.values() if clip.state == "ready"]

    def _unfinished(self) -> bool:
        return any(clip.state in ("waiting", "analysing") for clip in self._session.library.clips.values())

    def _note_message(self, message: Message) -> None:
        self._said.append(f"{message.level}: {message.what} {message.hint}".strip())

    def _last_words(self) -> str:
        return self._said[-1] if self._said else "nothing was said"

    def _finish(self, job: Job | None, otherwise: str) -> None:
        if job is None:
            raise StepError(f"{otherwise}; {self._last_words()}")
        synthetic_input.wait(lambda: job.ended, JOB_S, f"“{job.title}” did not end")
        if job.words is not None:
            raise StepError(" ".join(job.words[:2]))
        if job.state != "done":
            raise StepError(f"“{job.title}” was {job.state}")
