"""Hearing checkpoints: one entry of the audition set, as each checkpoint of a run renders it, flipped in place."""

from __future__ import annotations

from PySide6.QtCore import Signal

from studio.domain import recipes
from studio.domain.audition_set import Hearing
from studio.project.project_folder import Moved
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part
from studio.session.training.auditions import Auditions
from studio.session.training.training_runs import Runs


class CheckpointListening(Part):
    """What the player flips between while a run is compared with itself.

    hearing: the sounds, None while the player plays what it plays usually. heard_step: of the one that is heard.

    Signals:
        changed(): `hearing` is another.
        step_changed(): `heard_step` is another.
        play_requested(name): a sound of `hearing`, from its beginning.
        flip_requested(name): the same, at the time that is heard.
    """

    changed = Signal()
    step_changed = Signal()
    play_requested = Signal(str)
    flip_requested = Signal(str)

    def __init__(self, context: Context, library: Library, runs: Runs, auditions: Auditions) -> None:
        super().__init__(context)
        self._context, self._library = context, library
        self._runs, self._auditions = runs, auditions
        self.hearing: Hearing | None = None
        self.heard_step: int | None = None
        runs.checkpoint_kept.connect(lambda _run_dir: self._renew())
        runs.removing.connect(self._leave_run)
        auditions.changed.connect(self._renew)
        library.current_changed.connect(self._leave)

    def clear(self) -> None:
        self.stop()

    def relocate(self, moved: Moved) -> None:
        self.stop()

    def play(self, run_dir: str, entry_id: str, step: int | None = None) -> bool:
        """Play an entry as the checkpoint of a step renders it (None: the newest); False if there is no sound."""
        hearing = self._hearing_of(run_dir, entry_id)
        if hearing is None or not hearing.sounds:
            return False
        wanted = next((sound for sound in hearing.sounds if sound.step == step), hearing.sounds[-1])
        source = self._library.clip_in(hearing.source)
        if source is None or (step is not None and wanted.step != step):
            return False
        self._library.set_current(source.id)
        self.hearing, self.heard_step = hearing, wanted.step
        self.changed.emit()
        self.play_requested.emit(hearing.name_of(wanted.step))
        return True

    def flip(self, by: int) -> None:
        """Go on at the same place with the checkpoint before (-1) or after (1) the one heard."""
        if self.hearing is None or not self.hearing.sounds:
            self._context.messages.say(
                self.tr("No checkpoint is being heard."),
                self.tr("Choose an audition and a checkpoint in the training panel, and play it."),
            )
            return
        steps = [sound.step for sound in self.hearing.sounds]
        if self.heard_step in steps:
            index = min(max(steps.index(self.heard_step) + by, 0), len(steps) - 1)
        else:  # the recording itself is heard
            index = len(steps) - 1 if by < 0 else 0
        self.flip_requested.emit(self.hearing.name_of(steps[index]))

    def note_heard(self, name: str) -> None:
        """The player has gone over to this sound."""
        if self.hearing is not None:
            sound = self.hearing.by_name().get(name)
            step = None if sound is None else sound.step
            if step != self.heard_step:
                self.heard_step = step
                self.step_changed.emit()

    def stop(self) -> None:
        """The player goes back to what it plays usually."""
        if self.hearing is not None:
            self.hearing, self.heard_step = None, None
            self.changed.emit()
            self.step_changed.emit()

    def _hearing_of(self, run_dir: str, entry_id: str) -> Hearing | None:
        record = self._runs.find(run_dir)
        entry = next((entry for entry in self._auditions.entries if entry.id == entry_id), None)
        if record is None or entry is None:
            return None
        source = recipes.find(entry.recipe, self._library.clips).source
        folder = None if source is None else self._library.clips[source].folder
        if folder is None:
            return None
        held = {kept.step for kept in record.checkpoints if kept.held}
        sounds = [s for (_, item), s in record.heard.sounds.items() if item == entry_id and not s.trouble]
        there = sorted((s for s in sounds if s.step in held), key=lambda sound: sound.step)
        return Hearing(run_dir, entry_id, folder, tuple(there))

    def _renew(self) -> None:
        """Checkpoints have come or gone: the player gets them under the playhead."""
        if self.hearing is None:
            return
        now, heard = self._hearing_of(self.hearing.run_dir, self.hearing.entry), self.heard_step
        if now is None or not now.sounds:
            self.stop()
        elif now != self.hearing:
            self.hearing = now
            self.changed.emit()
            steps = [sound.step for sound in now.sounds]
            if heard is not None and heard not in steps:  # it made room: the next one takes its place
                nearest = min(steps, key=lambda step: (abs(step - heard), step))
                self.flip_requested.emit(now.name_of(nearest))

    def _leave(self, _clip_id: str) -> None:
        current = self._library.clips.get(self._library.current or "")
        if self.hearing is not None and (current is None or current.folder != self.hearing.source):
            self.stop()

    def _leave_run(self, run_dir: str) -> None:
        if self.hearing is not None and self.hearing.run_dir == run_dir:
            self.stop()
