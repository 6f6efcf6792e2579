"""Half an hour of random, valid actions in the real window over the real engine; nothing may go wrong.

    python -m tests.bench.random_session [--seconds 1800] [--seed 0] [--recordings DIR] [--json FILE]

Imports, plays, drags, mixes, renders, moves sliders, edits seconds, undoes, trains, cancels, lays maps out, saves,
drags takes out, reopens and begins anew, in an order that the seed decides. It fails (status 1) on

* an error: a message of that level or with the details of one, an exception nobody caught, a warning by Qt, an
  engine that died;
* a take without its sound, or two takes with one;
* a leak: memory of the window's process, measured with an empty project after the first fifth and at the end,
  that grew by more than --leak-mb (50);
* a stall: more than --stall-ms (200) between two ticks of the window's event loop, once the program has started,
  less the time in which a thread was ready and other processes had the processors. Where those were wanted by
  others for more than a third of the time (Linux tells it) the clock says nothing, and what counts is how long the
  window's thread itself computed between two ticks; the report says which it was. A machine may be slow for a
  while without telling why: right after a stall some fixed work is timed, and what it takes longer than on a calm
  machine (CALM_MS) the stall is taken to have lasted longer too.

Everything happens in a temporary folder; nothing of the user's is read but the recordings.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import gc
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from PySide6.QtCore import QMimeData, QObject, QTimer, QtMsgType, QUrl, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QWidget

TICK_MS = 10
NOTED_MS = 50
LONG_MS = 100  # a stall of at least so much asks how slow the machine is
CALM_MS = 3.2  # what `work_ms` takes on two calm cores of a server of 2023
BUSY = 0.33  # share of the time in which somebody waited for a processor
PATIENCE_S = 300.0
SHOWN_ACTIONS = 25
HARMLESS = (  # what the machine lacks
    "does not support",
    "PulseAudio",
    "pipewire",
    "Using Qt multimedia",
    "Couldn't load va",
    "Couldn't resolve va",
)


@dataclass(frozen=True)
class Stall:
    """stood_ms: without what other processes had; computed_ms: what the window's thread computed itself.

    slow: how many times as long as on a calm machine fixed work took right afterwards, at least 1.
    """

    stood_ms: float
    computed_ms: float
    slow: float
    doing: str
    where: str

    def __str__(self) -> str:
        slow = f", machine {self.slow:.1f} times as slow" if self.slow > 1.0 else ""
        return f"{self.stood_ms:.0f} ms ({self.computed_ms:.0f} computed{slow}) in {self.doing}: {self.where}"

    def lasted_ms(self, *, by_clock: bool) -> float:
        """On a calm machine."""
        return (self.stood_ms if by_clock else self.computed_ms) / self.slow


def work_ms() -> float:
    """How long some fixed work takes now: objects of Python and of Qt made and let go, as a window does it."""
    begun = time.perf_counter()
    for turn in range(20):
        words = [f"{turn} {number}" for number in range(100)]
        labels = [QLabel(word) for word in words[:10]]
        seen = {word: word.split() for word in words}
        del labels, seen
    return 1000 * (time.perf_counter() - begun)


class Ticks(QObject):
    """Measures how long the event loop stood still, and where the program was meanwhile.

    An alarm that each tick puts off tells where: its handler runs in the window's thread, between two steps of
    Python. To look from another thread would be unsafe: either it holds frames, and with them widgets, or it reads
    them while they change.
    """

    def __init__(self) -> None:
        super().__init__()
        self.worst: list[Stall] = []
        self.doing = "begin"
        self._where = ""
        self._last = self._now()
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)
        signal.signal(signal.SIGALRM, self._look)
        self._timer.start()

    def forget(self) -> None:
        """What was so far does not count."""
        self.worst.clear()
        self._last = self._now()

    def stop(self) -> None:
        self._timer.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _tick(self) -> None:
        now = self._now()
        stood_s, computed_s = now[0] - self._last[0], now[1] - self._last[1]
        waits = [1e-9 * (ns - self._last[2].get(thread, ns)) for thread, ns in now[2].items()]
        stall = 1000 * (stood_s - max(waits, default=0.0)) - TICK_MS
        if stall > NOTED_MS:
            slow = max(1.0, work_ms() / CALM_MS) if stall > LONG_MS else 1.0
            self.worst.append(Stall(stall, 1000 * computed_s, slow, self.doing, self._where))
            self.worst.sort(key=lambda one: -max(one.computed_ms, 0.2 * one.stood_ms) / one.slow)
            del self.worst[40:]
            now = self._now()
        self._last, self._where = now, ""
        signal.setitimer(signal.ITIMER_REAL, 2 * NOTED_MS / 1000)

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        stack = traceback.extract_stack(frame)[-6:]
        self._where = " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in stack)

    @staticmethod
    def _now() -> tuple[float, float, dict[str, int]]:
        """The time, what this thread computed (s), and how long each thread was ready but got no processor (ns).

        Any of them may be what the window's thread waits for: Python runs one at a time.
        """
        waits = {}
        for task in Path("/proc/self/task").glob("*/schedstat"):
            try:
                waits[task.parent.name] = int(task.read_text("ascii").split()[1])
            except (OSError, IndexError):  # it ended
                continue
        return time.monotonic(), time.thread_time(), waits


def memory_mb(pid: int | str = "self") -> float:
    """What a process holds itself (Linux), in MB: files it maps do not count."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


def pressure_s() -> float:
    """How long somebody has waited for a processor since the machine started (Linux); 0 where it is not told."""
    try:
        return int(Path("/proc/pressure/cpu").read_text("ascii").split("total=")[1].split()[0]) / 1e6
    except (OSError, ValueError, IndexError):
        return 0.0


class RandomSession:
    """Does what a person could do, at random."""

    def __init__(self, seed: int, recordings: Path, folder: Path) -> None:
        from studio.app import Studio, catch_exceptions
        from studio.selftest import synthetic_input
        from studio.services import theme

        self._hands = synthetic_input
        self.random = random.Random(seed)
        self.folder = folder
        self.files = sorted(p for p in recordings.rglob("*") if p.suffix in (".wav", ".flac"))
        self.troubles: list[str] = []
        self.done: Counter[str] = Counter()
        self.latest: deque[str] = deque(maxlen=SHOWN_ACTIONS)
        application = QApplication.instance() or QApplication(["triptych"])
        assert isinstance(application, QApplication)
        self.application = application
        theme.apply(application)
        qInstallMessageHandler(self._qt_said)
        self.studio = Studio()
        self.session, self.window = self.studio.session, self.studio.window
        self.studio.messages.said.connect(self._heard)
        catch_exceptions(self.studio.messages)
        self._answer_dialogs()
        self.ticks = Ticks()
        self.studio.open([])
        synthetic_input.wait(lambda: self.session.model.info is not None, PATIENCE_S, "no model was opened")
        self.ticks.forget()  # the start is over

    def _heard(self, message: Any) -> None:
        if message.level == "error" or message.details:  # of an error that halted work which may go on
            self._trouble(f"{message.what} {message.hint}\n{message.details}")

    def _qt_said(self, kind: QtMsgType, _where: object, words: str) -> None:
        if kind != QtMsgType.QtDebugMsg and not any(word in words for word in HARMLESS):
            self._trouble(f"Qt: {words}")

    def _trouble(self, words: str) -> None:
        self.troubles.append(f"{words}\n  after: {', '.join(self.latest)}")
        print(f"TROUBLE {self.troubles[-1]}", flush=True)

    def _answer_dialogs(self) -> None:
        """Every question is answered by its safest or its plainest button."""

        def choose(box: QMessageBox) -> int:
            wanted = [b for b in box.buttons() if box.buttonRole(b) == QMessageBox.ButtonRole.DestructiveRole]
            self.random.choice(wanted or box.buttons()).click()
            return 0

        QMessageBox.exec = choose  # type: ignore[method-assign,assignment]
        QFileDialog.getSaveFileName = staticmethod(  # type: ignore[method-assign,assignment]
            lambda *_: (str(self.folder / f"project-{self.random.randrange(3)}.triptych"), "")
        )

    def actions(self) -> list[tuple[int, Callable[[], object]]]:
        """(how often among the others, what) of everything that is possible now."""
        session = self.session
        clips, ready, takes = list(session.library.clips), session.model.encoded(), session.takes.items
        training = session.link.training_jobs()
        found: list[tuple[int, Callable[[], object]]] = [
            (4 if len(clips) < 60 else 0, self.import_some),
            (1, self.press_keys),
            (1, self.change_colours),
            (1, self.look_at_preferences),
            (2 if clips else 0, self.save),
            (1 if not training else 0, self.reopen),
            (1 if not training and len(clips) > 8 else 0, self.begin_anew),
            (6 if session.undo.stack.canUndo() else 0, self.undo),
            (4 if session.undo.stack.canRedo() else 0, self.redo),
        ]
        if clips:
            found += [(4, self.select), (5, self.play), (2, self.label), (1, self.remove_clips)]
        if len(ready) > 3:
            found += [(8, self.drag_to_desk), (3, self.map), (3, self.move_strength), (2, self.edit_seconds)]
            found += [(3, self.render), (1, self.batch), (1, self.clear_desk), (1, self.export)]
            found += [(1 if not training else 0, self.train)]
            found += [(4 if self.window.session.rendering.obstacle() is None else 0, self.slide)]
        if takes:
            found += [(3, self.play_take), (2, self.star), (2, self.rename), (2, self.remove_take)]
            found += [(1, self.save_take), (1, self.drag_out), (1, self.render_again)]
            found += [(1, self.recipe_to_desk), (1, self.look_at_take)]
        if session.link.active():
            found += [(2, self.cancel)]
        if training:
            found += [(2, self.stop_training)]
        return [(weight, action) for weight, action in found if weight]

    def import_some(self) -> None:
        files = self.random.sample(self.files, min(len(self.files), self.random.randint(1, 6)))
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
        self._hands.drop(self.window, self.window, mime)

    def select(self) -> None:
        clips = list(self.session.library.clips)
        self.session.library.select(self.random.sample(clips, min(len(clips), self.random.randint(1, 5))))
        self.session.library.set_current(self.random.choice(clips))

    def play(self) -> None:
        self.session.listening.play(self.random.choice(list(self.session.library.clips)))
        self.rest(0.3)
        self.command("playback.play")

    def label(self) -> None:
        clips = list(self.session.library.clips)
        some = self.random.sample(clips, min(len(clips), 3))
        self.session.library.set_label(some, "emotion", self.random.choice(["calm", "angry", ""]))

    def remove_clips(self) -> None:
        clips = list(self.session.library.clips)
        self.session.library.remove(self.random.sample(clips, min(len(clips), 2)))

    def drag_to_desk(self) -> None:
        from studio.domain.drag_payload import Payload, to_mime

        zone = self.random.choice(["source", "voice", "voice", "emotion"])
        clips = [clip.id for clip in self.session.model.encoded()]
        payload = Payload("clips", clips=(self.random.choice(clips),))
        desk = self.window.desk
        if desk.refusal(zone, payload) is None:
            self.window.places.show("desk")
            self.rest(0.05)
            self._hands.drop(self.window, desk.zones[zone], to_mime(payload, self.session.context.uuid))

    def move_strength(self) -> None:
        for _ in range(self.random.randint(1, 8)):
            self.session.transfer.set_strength(self.random.randint(0, 150) / 100)
            self.rest(0.02)

    def slide(self) -> None:
        """Pull a slider of the desk, rest on some values long enough to hear them, and perhaps go back."""
        board = self.window.desk.board
        rows = [row for row in (board.of_voice, board.of_emotion) if row.isEnabled()]
        if not rows:
            return
        row = self.random.choice(rows)
        for _ in range(self.random.randint(1, 4)):
            for _ in range(self.random.randint(1, 5)):
                row.slider.setValue(self.random.randint(0, 150))
                self.rest(0.02)
            self.rest(self.random.choice([0.1, 0.3, 1.5]))
        for _ in range(self.random.randint(0, 3)):
            self.command("edit.undo")

    def edit_seconds(self) -> None:
        from studio.domain.drag_payload import Payload

        ready = [clip for clip in self.session.model.encoded() if (clip.duration_s or 0.0) >= 1.0]
        if len(ready) > 1:
            source, reference = self.random.sample(ready, 2)
            payload = Payload("seconds", seconds=((reference.id, 0),))
            self.session.second_edits.give(source.id, [0], payload, rule=self.random.choice(["mean", "stretch"]))

    def render(self) -> None:
        if self.window.session.rendering.obstacle() is None:
            self.window.desk.render_now()

    def batch(self) -> None:
        from studio.domain.drag_payload import Payload

        ids = [clip.id for clip in self.session.model.encoded()]
        self.session.batch.give(
            self.random.sample(ids, 2), Payload("clips", clips=(self.random.choice(ids),)), "voice"
        )

    def clear_desk(self) -> None:
        self.session.transfer.clear_desk()

    def map(self) -> None:
        self.session.maps.fit(self.random.choice(["h", "m", "z"]), perplexity=self.random.choice([2.0, 5.0]))

    def train(self) -> None:
        from engine.api import RunSpec, presets

        preset = presets()["quick"]
        spec = RunSpec(
            dataclasses.replace(preset.train, minutes=self.random.choice([0.05, 0.2])),
            preset.model,
            clips=tuple(clip.ref() for clip in self.session.model.encoded()),
            name="random",
        )
        self.window.places.show("training")
        self.session.runs.start(spec)

    def stop_training(self) -> None:
        job = self.random.choice(self.session.link.training_jobs())
        self.random.choice([job.pause, job.resume, job.stop_and_keep, job.cancel])()

    def cancel(self) -> None:
        jobs = [job for job in self.session.link.active() if not job.background]
        if jobs:
            self.random.choice(jobs).cancel()

    def undo(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.command("edit.undo")

    def redo(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.command("edit.redo")

    def play_take(self) -> None:
        which = self.random.choice(["original", "reconstruction", "transformed"])
        self.session.takes.play(self.random.choice(self.session.takes.items), which)
        self.rest(0.3)
        self.command("playback.next_version")

    def star(self) -> None:
        self.session.takes.star(self.random.randrange(len(self.session.takes.items)), self.random.random() < 0.5)

    def rename(self) -> None:
        self.session.takes.rename(
            self.random.randrange(len(self.session.takes.items)), f"take {self.random.random():.3f}"
        )

    def remove_take(self) -> None:
        self.session.takes.remove(self.random.randrange(len(self.session.takes.items)))

    def save_take(self) -> None:
        suffix = self.random.choice([".wav", ".flac"])
        self.session.recipes.save_take(
            self.random.randrange(len(self.session.takes.items)), self.folder / f"take{suffix}"
        )

    def drag_out(self) -> None:
        """What another program would get."""
        takes = self.window.desk.takes
        takes.choose(self.random.choice(self.session.takes.items))
        for url in takes.files().urls():
            if Path(url.toLocalFile()).stat().st_size == 0:
                self._trouble(f"an empty file is dragged out: {url.toLocalFile()}")

    def render_again(self) -> None:
        self.session.recipes.render_again(self.random.randrange(len(self.session.takes.items)))

    def recipe_to_desk(self) -> None:
        self.session.recipes.put_on_desk(self.session.recipes.of(self.random.choice(self.session.takes.items)))

    def look_at_take(self) -> None:
        from studio.dialogs.compare_takes import CompareTakes
        from studio.dialogs.take_recipe import TakeRecipe

        self.look_at(
            TakeRecipe(
                self.session.recipes,
                self.session.messages,
                self.random.choice(self.session.takes.items),
                self.window,
            )
        )
        self.look_at(
            CompareTakes(self.session.takes, self.session.recipes, self.session.takes.items[:4], self.window)
        )

    def look_at_preferences(self) -> None:
        from studio.dialogs.preferences.dialog import SHORTCUTS, PreferencesDialog

        page = self.random.randrange(SHORTCUTS + 1)
        self.look_at(
            PreferencesDialog(self.session, self.studio.preferences, self.window.shortcuts, page, self.window)
        )

    def look_at(self, dialog: QWidget) -> None:
        dialog.show()
        self.rest(0.3)
        dialog.close()

    def change_colours(self) -> None:
        from studio.services import theme

        theme.choose(self.application, self.random.choice(theme.SCHEMES))

    def press_keys(self) -> None:
        """Menus of what is shown: zoom, loop, versions, panels."""
        names = [n for n in self.window.menus.actions if n.startswith(("view.", "playback.", "map.", "window."))]
        name = self.random.choice(names)
        self.latest.append(name)
        self.command(name)

    def export(self) -> None:
        self.session.exports.embeddings(self.folder / "embeddings.csv", "h")

    def save(self) -> None:
        self.window.projects.save()

    def reopen(self) -> None:
        """Save, leave and come back, as after closing the window."""
        projects = sorted(p for p in self.folder.glob("*.triptych") if (p / "project.json").is_file())
        if projects:
            if self.session.context.named:
                self._wait_for_saving()
            self.window.projects.open_path(self.random.choice(projects))

    def begin_anew(self) -> None:
        self.window.projects.new()

    def command(self, name: str) -> None:
        """What a menu does: only what can be chosen is."""
        if (action := self.window.menus.actions[name]).isEnabled():
            action.trigger()

    def rest(self, seconds: float) -> None:
        self._hands.pause(seconds)

    def _wait_for_saving(self) -> None:
        saved: list[bool] = []
        self.session.project.saved.connect(saved.append)
        self.session.project.save()
        self._hands.wait(lambda: bool(saved), PATIENCE_S, "the project was not saved")
        self.session.project.saved.disconnect(saved.append)

    def act(self) -> None:
        weights, actions = zip(*self.actions(), strict=True)
        action = self.random.choices(actions, weights)[0]
        name = action.__name__  # type: ignore[attr-defined]
        self.latest.append(name)
        self.ticks.doing = name
        try:
            action()
        except Exception:  # noqa: BLE001 - whatever an action raises is what this looks for
            self._trouble(traceback.format_exc())
        self.done[name] += 1
        self.rest(self.random.choice([0.02, 0.1, 0.4]))
        self._look_at_takes()

    def _look_at_takes(self) -> None:
        sounds = [take.transformed for take in self.session.takes.items]
        if len(set(sounds)) < len(sounds):
            self._trouble(f"two takes have one sound: {sorted(sounds)}")
        if missing := [sound for sound in sounds if not Path(sound).is_file()]:
            self._trouble(f"a take has no sound: {missing}")

    def settle(self) -> float:
        """End what is under way and empty the project; memory of the window's process, in MB."""
        self.ticks.doing = "settle"
        for job in self.session.link.training_jobs():
            job.cancel()
        self._hands.wait(lambda: not self.session.link.training_jobs(), PATIENCE_S, "a training did not end")
        if self.session.context.named:
            self._wait_for_saving()
        for _ in range(2):  # from a saved project to what was never saved, from there to nothing
            if self.session.context.named or self.session.project.modified:
                self.session.project.new()
        self._hands.wait(lambda: not self.session.link.active(), PATIENCE_S, "jobs did not end")
        self.session.link.forget_ended()
        self.rest(1.0)
        gc.collect()
        self.rest(0.5)
        return memory_mb()

    def close(self) -> None:
        self.ticks.stop()
        self.window.close()
        self.studio.close()
        self.rest(0.2)


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    session = RandomSession(options.seed, options.recordings, folder)
    begun, pressed = time.monotonic(), pressure_s()
    for share in (0.2, 1.0):
        while time.monotonic() - begun < share * options.seconds and len(session.troubles) < options.most_troubles:
            session.act()
        held = session.settle()
        if share < 1.0:
            first = held
            print(f"memory at the start: {first:.0f} MB", flush=True)
    worker = session.session.link.worker_pid
    wanted = (pressure_s() - pressed) / (time.monotonic() - begun)
    by_clock = wanted < BUSY
    stalls = sorted(session.ticks.worst, key=lambda one: -one.lasted_ms(by_clock=by_clock))
    worst_ms = max((one.lasted_ms(by_clock=by_clock) for one in stalls), default=0.0)
    report = {
        "seed": options.seed,
        "seconds": round(time.monotonic() - begun, 1),
        "actions": sum(session.done.values()),
        "done": dict(session.done.most_common()),
        "memory_mb": [round(first, 1), round(held, 1)],
        "worker_mb": round(memory_mb(worker), 1) if worker else None,
        "processors_wanted_by_others": round(wanted, 2),
        "stalls_judged_by": "the clock" if by_clock else "what the window's thread computed",
        "worst_stall_ms": round(worst_ms),
        "longest_stalls": [str(stall) for stall in stalls[:8]],
        "troubles": session.troubles,
        "ok": not session.troubles and held - first <= options.leak_mb and worst_ms <= options.stall_ms,
    }
    session.close()
    return report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.random_session", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recordings", type=Path, default=Path(__file__).parents[2] / "resources" / "example")
    parser.add_argument("--leak-mb", type=float, default=50.0)
    parser.add_argument("--stall-ms", type=float, default=200.0)
    parser.add_argument("--most-troubles", type=int, default=10, help="give up after so many")
    parser.add_argument("--json", type=Path, help="where the report is left")
    options = parser.parse_args(arguments)
    faulthandler.enable()  # a crash tells where
    with tempfile.TemporaryDirectory(prefix="triptych-random-") as name:
        os.environ["TRIPTYCH_HOME"] = str(Path(name) / "home")
        report = run(options, Path(name))
    words = json.dumps(report, indent=1, ensure_ascii=False)
    print(words, flush=True)
    if options.json:
        options.json.write_text(words, "utf-8")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
