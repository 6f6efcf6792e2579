"""Picture the real window in every state that a person comes across, to be looked at.

    .venv/bin/python tests/flows/picture_window.py FOLDER [--size 1280x720] [--scale 1] [--scheme light dark]
        [--only clip take ...] [--recordings DIR_OR_FILE ...]

On a display of that size (in device-independent pixels; Xvfb) the real program with its real worker imports
real speech, renders, maps, trains and measures. Of each state FOLDER/STATE-SCHEME.png shows the whole display.
README's window.png is take-dark.png of --size 1600x1000 --only map take, with 24 readings of LibriSpeech.
--only takes names of states (see `States`); what they need is done, what they do not need is left out. Without
--recordings it is the example voices.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import desktop  # noqa: E402

if TYPE_CHECKING:
    from PySide6.QtCore import QMimeData
    from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

    from studio.domain.drag_payload import Payload
    from studio.engine_link.job import Job

PATIENCE_S = 600.0
SETTLE_S = 0.6  # what was just shown is drawn a moment later
TRAIN_MIN, KEEP_MIN = 3.0, 0.1
CHECKPOINTS_SEEN = 3
NARROW_PX = 340  # a dock at the side of the window

Shown = Iterator[None]


class States:
    """The window, brought from state to state; a public method a state, pictured at each of its yields."""

    def __init__(
        self, folder: Path, home: Path, recordings: list[Path], schemes: list[str], *, audible: bool
    ) -> None:
        from PySide6.QtWidgets import QApplication, QMessageBox

        from studio.app import Studio, catch_exceptions
        from studio.selftest import synthetic_input
        from studio.services import theme

        self._folder, self._home, self._recordings, self._schemes = folder, home, recordings, schemes
        self._hands = synthetic_input
        self._name = ""
        self._app = QApplication(["triptych"])
        theme.apply(self._app)
        self._studio = Studio()
        self._session, self._window = self._studio.session, self._studio.window
        catch_exceptions(self._studio.messages)
        # A question would wait for an answer; here it is pictured instead, and closed.
        QMessageBox.exec = lambda box: self._question(box)  # type: ignore[method-assign,assignment,return-value]
        self._window.desk.play_when_ready.setChecked(audible)  # else the transport says that there is no sound
        self._studio.open([])
        self._wait(lambda: self._session.model.info is not None, "no model was opened")

    def empty(self) -> Shown:
        yield

    def importing(self) -> Shown:
        self._session.imports.add_files(self._recordings)
        self._wait(
            lambda: any(c.state == "ready" for c in self._session.library.clips.values()), "nothing was analysed"
        )
        yield

    def unreadable(self) -> Shown:
        """A file that is no recording."""
        self._analyse()
        file = self._home / "notes.wav"
        file.write_text("no sound at all", "utf-8")
        self._session.imports.add_files([file])
        self._wait(lambda: self._named(file.name).state == "failed", "a text was analysed")
        self._session.library.set_current(self._named(file.name).id)
        yield
        self._session.library.remove([self._named(file.name).id])

    def filtered(self) -> Shown:
        self._analyse()
        self._window.library.filter.setText("nobody of this name")
        yield
        self._window.library.filter.clear()

    def files_over(self) -> Shown:
        """Files are dragged over the window."""
        from PySide6.QtCore import QMimeData, QUrl

        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in self._recordings[:3]])
        yield from self._hover(self._window, mime)

    def clip(self) -> Shown:
        self._session.library.set_current(self._longest)
        yield

    def lane(self) -> Shown:
        """Two seconds are selected, two others edited."""
        self._session.library.set_current(self._longest)
        self._session.second_edits.give(self._longest, [4, 5], self._payload(self._analyse()[0]), rule="mean")
        self._window.lane.lane.select([1, 2])
        yield
        self._session.second_edits.restore_all(self._longest)
        self._window.lane.lane.select([])

    def linear(self) -> Shown:
        """The sound's own spectrum, with every line over it."""
        self._session.library.set_current(self._longest)
        commands = self._window.clip_view.view.commands
        for name in ("linear", "show_intensity"):
            commands[name].trigger()
        self._idle()
        yield
        for name in ("linear", "show_intensity"):
            commands[name].trigger()

    def voice_over(self) -> Shown:
        """A speaker is dragged over the picture."""
        from studio.domain import drag_payload

        self._session.library.set_current(self._longest)
        mime = drag_payload.to_mime(self._payload(self._analyse()[0]), self._session.context.uuid)
        yield from self._hover(self._window.clip_view.view, mime)

    def desk(self) -> Shown:
        self._session.transfer.clear_desk()
        self._window.places.show("desk")
        yield

    def take(self) -> Shown:
        self._render()
        yield

    def mixture(self) -> Shown:
        """Two voices, an emotion and an edit of seconds."""
        self._render()
        session = self._session
        session.transfer.add_voice(self._payload(self._analyse()[-1]))
        session.transfer.add_emotion(self._payload(self._analyse()[1]))
        session.second_edits.give(
            session.transfer.setup.source or "", [1, 2], self._payload(self._analyse()[0]), rule="mean"
        )
        self._idle()
        yield
        session.second_edits.restore_all(session.transfer.setup.source or "")

    def batch(self) -> Shown:
        self._render()
        self._session.batch.render([clip.id for clip in self._analyse()[:3]])
        self._window.desk.results.setCurrentWidget(self._window.desk.batch)
        self._idle()
        yield
        self._window.desk.results.setCurrentWidget(self._window.desk.takes)

    def narrow(self) -> Shown:
        """The desk at the side of the window."""
        from PySide6.QtCore import Qt

        self._render()
        dock = self._window.docks["desk"]
        for name in ("map", "training", "dashboard", "jobs", "history"):
            self._window.docks[name].hide()
        self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        self._window.resizeDocks([dock], [NARROW_PX], Qt.Orientation.Horizontal)
        yield
        self._window.places.reset()

    def difference(self) -> Shown:
        self._render()
        self._window.clip_view.view.commands["difference"].trigger()
        yield
        self._window.clip_view.view.commands["difference"].trigger()

    def compare(self) -> Shown:
        from studio.dialogs.compare_takes import CompareTakes

        self._render()
        yield from self._dialog(
            CompareTakes(self._session.takes, self._session.recipes, self._session.takes.items[-3:], self._window)
        )

    def recipe(self) -> Shown:
        from studio.dialogs.take_recipe import TakeRecipe

        self._render()
        yield from self._dialog(
            TakeRecipe(self._session.recipes, self._session.messages, self._session.takes.items[-1], self._window)
        )

    def no_map(self) -> Shown:
        self._analyse()
        self._window.places.show("map")
        yield

    def map(self) -> Shown:
        self._map("h")
        self._window.map_view.show_latent("h")
        yield

    def place(self) -> Shown:
        """A pin, with a search beside it."""
        self._map("h")
        view = self._window.map_view
        view.show_latent("h")
        view.finder.search("03-01")
        view.pins_and_paths.pin_here()
        yield
        view.finder.search("")
        view.pane.set_pin(None)

    def maps(self) -> Shown:
        """All three, as wide as the window allows."""
        for latent in ("h", "m", "z"):
            self._map(latent)
        self._window.map_view.show_latent("all")
        yield
        self._window.map_view.show_latent("h")

    def form(self) -> Shown:
        self._analyse()
        self._window.places.show("training")
        self._window.training.pages.setCurrentIndex(0)
        yield

    def training(self) -> Shown:
        self._show_run(self._window.training.curves.objective)
        yield

    def probes(self) -> Shown:
        self._show_run(self._window.training.curves.probes)
        yield

    def audition(self) -> Shown:
        self._show_run(self._window.training.audition)
        yield

    def no_dashboard(self) -> Shown:
        self._analyse()
        self._window.places.show("dashboard")
        yield

    def dashboard(self) -> Shown:
        self._analyse()
        self._window.places.show("dashboard")
        self._session.probes.run()
        self._wait(lambda: self._session.probes.board.done, "the probes did not end")
        yield

    def jobs(self) -> Shown:
        self._analyse()
        self._window.places.show("jobs")
        yield

    def history(self) -> Shown:
        self._render()
        self._window.places.show("history")
        yield
        self._window.places.show("desk")

    def preferences(self) -> Shown:
        """Every page."""
        from studio.dialogs.preferences.dialog import SHORTCUTS, PreferencesDialog

        for page in range(SHORTCUTS + 1):
            parts = (self._session, self._studio.preferences, self._window.shortcuts)
            yield from self._dialog(PreferencesDialog(*parts, page, self._window))

    def record(self) -> Shown:
        from studio.dialogs.record import RecordDialog

        yield from self._dialog(RecordDialog(self._session, self._studio.preferences, self._window))

    def corpus(self) -> Shown:
        from studio.dialogs.get_corpus import GetCorpusDialog

        yield from self._dialog(GetCorpusDialog(str(self._home), self._window))

    def columns(self) -> Shown:
        """A table of labels whose columns are to be named."""
        from studio.dialogs.table_columns import TableDialog

        table = self._home / "labels.csv"
        rows = [f"{path.name},{number % 3},calm" for number, path in enumerate(self._recordings[:5])]
        table.write_text("\n".join(["what,who,how", *rows]), "utf-8")
        yield from self._dialog(TableDialog(self._session.imports, str(table), self._window))

    def figure(self) -> Shown:
        from studio.dialogs.export_figure import ExportFigureDialog

        yield from self._dialog(ExportFigureDialog(self._studio.preferences, self._window))

    def about(self) -> Shown:
        from studio.dialogs.about import AboutDialog

        yield from self._dialog(AboutDialog(self._window))

    def error(self) -> Shown:
        """The worker dies at its work."""
        self._analyse()
        worker = self._studio.link.worker_pid
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        self._wait(self._window.banner.isVisible, "nobody told that the worker died")
        yield
        self._window.banner_bar.hide()

    def recovery(self) -> Shown:
        """A project that was not closed properly is opened."""
        self._analyse()
        project = self._home / "My voices.triptych"
        saved: list[bool] = []
        self._session.project.saved.connect(saved.append)
        self._session.project.save_as(project)
        self._wait(lambda: bool(saved), "the project was not saved")
        autosave = project / "project.autosave.json"
        autosave.write_bytes((project / "project.json").read_bytes())
        self._window.projects.ask_to_recover(project)
        autosave.unlink(missing_ok=True)
        yield from ()

    def _analyse(self) -> list[Any]:
        """All recordings, analysed, in the order of their pitch."""
        session = self._session
        if not session.library.clips:
            session.imports.add_files(self._recordings)
        self._wait(
            lambda: len(session.model.encoded()) > 1 and len(session.model.encoded()) == len(session.library.clips),
            "not every recording was analysed",
        )
        return sorted(session.model.encoded(), key=lambda clip: clip.f0_median_hz or 0.0)

    @property
    def _longest(self) -> str:
        clip: str = max(self._analyse(), key=lambda clip: clip.duration_s or 0.0).id
        return clip

    def _render(self) -> None:
        """The deepest voice with the highest given to it."""
        low, *_, high = self._analyse()
        self._window.places.show("desk")
        self._session.transfer.clear_desk()
        self._session.transfer.set_source(low.id)
        self._session.library.set_current(low.id)
        self._session.transfer.add_voice(self._payload(high))
        self._wait(lambda: bool(self._session.takes.items), "no take came back")
        self._idle()
        self._window.clip_view.player.pause()
        self._window.clip_view.player.switch("transformed")

    def _map(self, latent: str) -> None:
        self._window.places.show("map")
        if latent not in self._session.maps.points:
            most = (len(self._analyse()) - 1) / 3  # what so few points allow
            self._finish(self._session.maps.fit(latent, perplexity=min(8.0, most)))

    def _train(self) -> None:
        """Begin a run that trains, and wait for checkpoints to be heard."""
        from engine.api import RunSpec, presets

        if self._session.runs.records:
            return
        self._render()
        session, preset = self._session, presets()["quick"]
        session.auditions.add_clips([self._longest])
        session.auditions.add_setup()
        session.auditions.add_clips([self._analyse()[1].id])
        train = dataclasses.replace(
            preset.train, minutes=TRAIN_MIN, checkpoint_minutes=KEEP_MIN, batch_size=8, crop_s=1.0, threads=1
        )
        clips = tuple(clip.ref() for clip in self._analyse())
        assert session.runs.start(RunSpec(train, preset.model, clips=clips, name="voices")) is not None
        record = session.runs.records[-1]
        self._wait(lambda: len(record.heard.probes) >= CHECKPOINTS_SEEN, "no checkpoint was heard")

    def _show_run(self, page: QWidget) -> None:
        self._train()
        training = self._window.training
        self._window.places.show("training")
        training.pages.setCurrentIndex(1)
        training.watched.setCurrentWidget(page)

    def _payload(self, clip: Any) -> Payload:
        """Everything of a recording's speaker, or the recording."""
        from studio.domain.drag_payload import Payload

        found = self._window.library.drags.of_speaker(clip.id)
        return Payload("clips", (clip.id,)) if found is None else found

    def _named(self, name: str) -> Any:
        return next(clip for clip in self._session.library.clips.values() if clip.name == name)

    def _hover(self, target: QWidget, mime: QMimeData) -> Shown:
        """Something is held over the middle of a widget, then carried away."""
        from PySide6.QtCore import QCoreApplication, Qt
        from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent

        at = target.mapTo(self._window, target.rect().center())
        copy, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        handle = self._window.windowHandle()
        QCoreApplication.sendEvent(handle, QDragEnterEvent(at, copy, mime, left, plain))
        QCoreApplication.sendEvent(handle, QDragMoveEvent(at, copy, mime, left, plain))
        yield
        QCoreApplication.sendEvent(handle, QDragLeaveEvent())

    def _dialog(self, dialog: QDialog) -> Shown:
        dialog.show()
        dialog.raise_()
        yield
        dialog.close()

    def _question(self, box: QMessageBox) -> int:
        box.show()
        self.picture()
        box.close()
        return 0

    def _finish(self, job: Job | None) -> None:
        assert job is not None
        self._wait(lambda: job.ended, f"“{job.title}” did not end")

    def _idle(self) -> None:
        """Short work, such as a take, is done; a training goes on."""
        self._hands.pause(SETTLE_S)
        busy = self._studio.link.active
        trains = self._studio.link.training_jobs
        self._wait(
            lambda: all(job in trains() or job.background for job in busy()), "the worker did not come to rest"
        )

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        self._hands.wait(condition, PATIENCE_S, otherwise)

    def show(self, names: list[str]) -> None:
        """Go through these states, each in every scheme."""
        for name in names:
            self._name, self._count = name, 0
            for _ in getattr(self, name)():
                self.picture()

    def picture(self) -> None:
        """What the display shows now, in every scheme."""
        from studio.dialogs.preferences.appearance_page import PREFERENCE
        from studio.services import theme

        self._count += 1
        name = self._name if self._count == 1 else f"{self._name}{self._count}"
        for scheme in self._schemes:
            self._studio.preferences.set(PREFERENCE, scheme)
            theme.choose(self._app, scheme)
            self._hands.pause(SETTLE_S)
            file = self._folder / f"{name}-{scheme}.png"
            if not self._app.primaryScreen().grabWindow(0).save(str(file)):
                raise OSError(f"{file} could not be written")
            print(file, flush=True)

    def close(self) -> None:
        for job in self._studio.link.active():
            job.cancel()
        self._wait(lambda: not self._studio.link.training_jobs(), "the training did not end")
        self._session.project.discard_changes()
        self._window.close()
        self._studio.close()


def state_names() -> list[str]:
    """In the order in which a person comes across them."""
    return [name for name, made in vars(States).items() if not name.startswith("_") and name not in _NO_STATES]


_NO_STATES = ("show", "picture", "close")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--scheme", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    parser.add_argument("--only", nargs="+", default=state_names(), choices=state_names())
    parser.add_argument("--recordings", nargs="+", type=Path)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    width, height = (wanted.scale * int(part) for part in wanted.size.split("x"))
    recordings = wanted.recordings or sorted((ROOT / "resources" / "example").glob("*_[12].flac"))
    audible = all(shutil.which(tool) for tool in desktop.SOUND_NEEDS)
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        name = stack.enter_context(desktop.display(width, height))
        os.environ |= {"DISPLAY": name, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": str(wanted.scale)}
        os.environ["TRIPTYCH_HOME"] = home
        if audible:
            os.environ |= stack.enter_context(desktop.silent_sound(Path(home)))
        files = [path.resolve() for path in recordings]
        states = States(wanted.folder, Path(home), files, wanted.scheme, audible=audible)
        states.show(wanted.only)
        states.close()


if __name__ == "__main__":
    main()
