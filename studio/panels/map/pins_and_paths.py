"""Pins and paths of the maps: rendered on the current recording and played, used as references, saved."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.api import MorphDone
from studio.domain.drag_payload import Payload
from studio.engine_link.job import Job
from studio.panels.map.captions import latent_name
from studio.panels.map.listening import Audition
from studio.panels.map.pane import MapPane
from studio.panels.map.pin_bar import PinBar
from studio.plots.scatter.plane import tour
from studio.session.session import Session

NAMED = 3  # of those a pin is the mean of


class PinsAndPaths(QObject):
    """The pin or path of the active map, with the bar below the map that plays, saves and hands it on."""

    def __init__(self, session: Session, audition: Audition, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._audition = audition
        self._pane: MapPane | None = None
        self._job: Job | None = None
        self._made: MorphDone | None = None
        self._made_of: MapPane | None = None
        self.bar = PinBar()
        self.bar.play_wanted.connect(self.hear)
        self.bar.stopped.connect(self.stop)
        self.bar.reference_wanted.connect(self.give)
        self.bar.saved.connect(self.save)
        self.bar.closed.connect(self.take_away)
        self.bar.steps_changed.connect(self._set_steps)
        audition.step_changed.connect(self._show_step)
        audition.ended.connect(self._show_work)
        audition.began.connect(self._show_work)

    @property
    def playing(self) -> bool:
        """Whether a morph sounds."""
        return self._audition.sounding and self._audition.playing_morph

    def pin_here(self) -> None:
        """Put the pin on the point the keys are at, else into the middle of the map."""
        pane = self._pane
        if pane is None:
            return
        view = pane.scatter
        if view.focus >= 0:
            pane.set_pin((float(view.xy[view.focus, 0]), float(view.xy[view.focus, 1])))
        elif pane.table is not None:
            middle = view.box.viewRect().center()
            pane.set_pin((middle.x(), middle.y()))

    def path_through_selection(self) -> None:
        """A path through the selected points, by the shortest hops: what the path tool draws, without a mouse."""
        pane = self._pane
        if pane is None:
            return
        chosen = np.flatnonzero(pane.scatter.selection())
        if len(chosen) < 2:
            self._session.messages.say(
                self.tr("A path needs at least two selected points."), self.tr("Select some first.")
            )
            return
        pane.set_path(tour(pane.scatter.xy[chosen].astype(float)))

    def show_pane(self, pane: MapPane) -> None:
        """The map that is meant, or its pin or path, has changed."""
        if self._pane is not None and (pane.pin is not None or pane.path is not None) and pane is self._pane:
            self._made = None  # what was made is no longer what is shown
        self._pane = pane
        if pane.path is not None:
            self.bar.show_path(self._path_words(pane), may_hear=pane.latent != "z")
        elif pane.pin is not None:
            self.bar.show_pin(self._pin_words(pane), self.give_words())
        else:
            self.bar.hide()
        self._show_work()

    def payload(self) -> Payload | None:
        """The pin as it is dragged to the transfer."""
        pane = self._pane
        if pane is None or pane.pin is None:
            return None
        name = self.tr("Pin on the map of {0}").format(latent_name(pane.latent))
        return pane.latents.payload_of_mean(pane.mean_at(pane.pin), name)

    def give_words(self) -> str:
        """What using the pin as a reference is called; "" where that cannot be."""
        if self._pane is None or self._pane.pin is None or self._pane.latent == "z":
            return ""
        return self.tr("Give as voice (h)") if self._pane.latent == "h" else self.tr("Give as emotion (m)")

    def give(self) -> None:
        """Use the pin as a reference of the transfer."""
        if (payload := self.payload()) is None or self._pane is None:
            self._session.messages.say(
                self.tr("There is no pin to give."),
                self.tr("Put one on the map of voice (h) or emotion (m) with the pin tool."),
            )
            return
        if self._pane.latent == "h":
            self._session.transfer.add_voice(payload)
        else:
            self._session.transfer.add_emotion(payload)

    def hear(self) -> None:
        """Render the current recording at the pin, or along the path, and play it when it is there."""
        pane = self._pane
        if pane is None or pane.latent == "z" or (pane.pin is None and pane.path is None):
            self._session.messages.say(
                self.tr("There is nothing to hear yet."),
                self.tr("Put a pin on the map of voice (h) or emotion (m), or draw a path."),
            )
            return
        if self._made is not None:
            self._audition.play_morph(self._made)
            return
        xy = pane.steps() if pane.path is not None else np.array([pane.pin])
        steps = [pane.latents.refs_of_mean(pane.mean_at((float(x), float(y)))) for x, y in xy]
        if not all(steps):
            return
        job = self._session.morphs.render(pane.latent, steps)
        if job is None:
            return
        self._job, self._made_of = job, pane
        job.progress.connect(self.bar.show_progress)
        job.done.connect(self._rendered)
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(lambda *_result: self._ended(job))
        self._show_work()

    def stop(self) -> None:
        """End the sound, or its making; the steps made so far are kept."""
        if self._job is not None:
            self._job.stop_and_keep()
        self._audition.stop()

    def save(self) -> None:
        """Keep the sound last made as a file of the user's."""
        if self._made is None:
            return
        path, _ = QFileDialog.getSaveFileName(
            self.bar, self.tr("Save the sound"), "morph.wav", self.tr("Sound (*.wav)")
        )
        if path:
            self.save_as(path)

    def save_as(self, path: str) -> None:
        if self._made is None:
            return
        target = Path(path) if path.lower().endswith(".wav") else Path(f"{path}.wav")
        temporary = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(self._made.path, temporary)
            temporary.replace(target)
        except OSError as error:
            self._session.messages.say(
                self.tr("{0} cannot be written: {1}.").format(target, error.strerror or error),
                self.tr("Choose another place, or free some space."),
                level="error",
            )
            return
        self._session.messages.say(self.tr("Saved {0}").format(target))

    def take_away(self) -> None:
        if self._pane is None:
            return
        if self._pane.path is not None:
            self._pane.set_path(None)
        else:
            self._pane.set_pin(None)

    def _rendered(self, made: MorphDone) -> None:
        if self._made_of is self._pane:
            self._made = made
            self._audition.play_morph(made)
            self._show_work()

    def _ended(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            self._show_work()

    def _show_work(self) -> None:
        self.bar.show_work(self._job, sounding=self.playing, saved=self._made is not None)

    def _show_step(self, step: int) -> None:
        if self._made_of is not None:
            self._made_of.scatter.marks.set_heard(step if step >= 0 else None)

    def _set_steps(self, count: int) -> None:
        if self._pane is not None:
            self._pane.path_steps = count
            self._pane.set_path(self._pane.path)

    def _pin_words(self, pane: MapPane) -> str:
        assert pane.pin is not None
        mean = pane.mean_at(pane.pin)
        named = [f"{pane.describe(key)} {weight:.0%}" for key, weight in mean[:NAMED]]
        rest = len(mean) - len(named)
        words = self.tr("Pin: the barycentre of the {0} nearest points of {1}: {2}").format(
            len(mean), latent_name(pane.latent), "; ".join(named)
        )
        if rest > 0:
            words += self.tr("; {0} more").format(rest)
        if pane.latent == "z":
            words += self.tr(". Content (z) is what is said: it cannot be given to another recording.")
        return words

    def _path_words(self, pane: MapPane) -> str:
        if pane.latent == "z":
            return self.tr(
                "A path on the map of content (z) cannot be heard: it is what is said. Draw one on the map of "
                "voice (h) or emotion (m)."
            )
        source = self._session.library.clips.get(
            self._session.transfer.setup.source or self._session.library.current or ""
        )
        name = source.name if source is not None else self.tr("the current recording")
        return self.tr("Path: {0}, the barycentre of the {1} nearest points of {2} at each of {3} steps").format(
            name, pane.neighbours, latent_name(pane.latent), pane.path_steps
        )
