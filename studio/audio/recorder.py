"""Recorder of a microphone: it measures all the time, counts down, writes a file, and never loses what was said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QTimer, Signal

from studio.audio.microphone import AudioInput, input_names, open_input, watch_inputs

SHORTEST_S = 0.2  # the engine finds no syllable in less
SILENT = 1e-5  # a muted microphone sends zeros, a working one at least its noise
CLIPPED = 0.999


class Recorder(QObject):
    """One microphone, one recording at a time.

    Args:
        second_ms: how long a second of the countdown lasts.

    Signals:
        heard(float, float): RMS and largest magnitude of the last samples, 0 ... 1, about 50 times a second.
        state_changed(str): "idle", "counting" or "recording".
        counted(int): seconds left until it begins.
        lasted(float): seconds recorded so far.
        finished(str, str): the file written, and a remark on it in words ("" if all is well).
        failed(str, str): what happened, what to do; what was recorded until then is kept where possible.
        inputs_changed(list), input_changed(str): microphones there are; the one in use ("" = none).
    """

    heard = Signal(float, float)
    state_changed = Signal(str)
    counted = Signal(int)
    lasted = Signal(float)
    finished = Signal(str, str)
    failed = Signal(str, str)
    inputs_changed = Signal(list)
    input_changed = Signal(str)

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        open_input: Callable[[str], AudioInput] = open_input,
        second_ms: int = 1000,
    ) -> None:
        super().__init__(parent)
        self._open = open_input
        self._input: AudioInput | None = None
        self.device = ""  # the microphone asked for; "" is the system's default
        self._watching = False
        self.state = "idle"
        self._path = Path()
        self._file: Any = None
        self._samples = 0
        self._peak = 0.0
        self._clipped = 0
        self._left_s = 0
        self._hearing = False  # samples come
        self._count = QTimer(self)
        self._count.setInterval(second_ms)
        self._count.timeout.connect(self._count_down)

    @property
    def input_name(self) -> str:
        return "" if self._input is None else self._input.name

    @property
    def note(self) -> str:
        """Why nothing can be recorded; "" when it can."""
        return "" if self._input is None else self._input.note

    def open(self, device: str = "") -> None:
        """Listen to that microphone, or the system's default: `heard` gives its level from now on."""
        self.device = device
        self._reopen()
        if not self._watching and self._open is open_input:
            self._watching = True
            watch_inputs(self._inputs_changed, self)
        self.inputs_changed.emit(input_names() if self._open is open_input else [])

    def close(self) -> None:
        """Keep what is being recorded, and stop hearing."""
        self.stop()
        self._let_go()

    def record(self, path: str | Path, countdown_s: int = 0) -> None:
        """Record into a WAV file, after a countdown; the file appears when it is finished."""
        if self.state != "idle" or self._input is None or not self._input.name:
            return
        self._path = Path(path)
        self._left_s = countdown_s
        self._set_state("counting")
        if countdown_s > 0:
            self.counted.emit(countdown_s)
            self._count.start()
        elif self._hearing:
            self._begin()

    def stop(self) -> None:
        """End the recording and keep it; during the countdown nothing comes of it."""
        if self.state == "counting":
            self._count.stop()
            self._set_state("idle")
        elif self.state == "recording":
            self._finish()

    def discard(self) -> None:
        """End the recording and drop it."""
        if self.state == "recording":
            self._close_file()
            self._partial.unlink(missing_ok=True)
            self._set_state("idle")
        else:
            self.stop()

    @property
    def _partial(self) -> Path:
        return self._path.with_name(f".{self._path.name}.part")

    def _reopen(self) -> None:
        self._let_go()
        self._input = self._open(self.device)
        self._input.setParent(self)
        self._input.received.connect(self._take)
        self._input.lost.connect(self._lost)
        self._input.start()
        self.input_changed.emit(self._input.name)

    def _let_go(self) -> None:
        if self._input is not None:
            self._input.stop()
            self._input.received.disconnect(self._take)
            self._input.deleteLater()
            self._input = None
            self._hearing = False

    def _inputs_changed(self) -> None:
        names = input_names()
        self.inputs_changed.emit(names)
        wanted_is_back = self.device in names and self.input_name != self.device
        if self.state == "idle" and self._input is not None and (self.input_name not in names or wanted_is_back):
            self._reopen()

    def _lost(self, what: str) -> None:
        had = self._samples if self.state == "recording" else 0
        self.stop()
        hint = self.tr("What was recorded until then is kept.") if had else self.tr("Connect it again.")
        self.failed.emit(what, hint)
        self._reopen()

    def _count_down(self) -> None:
        self._left_s -= 1
        if self._left_s > 0:
            self.counted.emit(self._left_s)
            return
        self._count.stop()
        if self._hearing:
            self._begin()

    def _begin(self) -> None:
        import soundfile  # late: it loads a system library

        assert self._input is not None
        self._count.stop()
        self._samples, self._peak, self._clipped = 0, 0.0, 0
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = soundfile.SoundFile(
                str(self._partial), "w", self._input.rate_hz, 1, subtype="PCM_24", format="WAV"
            )
        except (OSError, soundfile.SoundFileError) as error:
            self._fail(error)
            return
        self._rate_hz = self._input.rate_hz
        self._set_state("recording")
        self.lasted.emit(0.0)

    def _take(self, samples: npt.NDArray[np.float32]) -> None:
        peak = float(np.abs(samples).max(initial=0.0))
        rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
        self.heard.emit(rms, peak)
        self._hearing = True
        if self.state == "counting" and self._left_s <= 0:
            self._begin()  # a device just opened takes its time: nothing is recorded before samples come
        if self.state != "recording":
            return
        import soundfile

        self._peak = max(self._peak, peak)
        self._clipped += int((np.abs(samples) >= CLIPPED).sum())
        try:
            self._file.write(samples)
        except (OSError, soundfile.SoundFileError) as error:
            self._fail(error)
            return
        self._samples += len(samples)
        self.lasted.emit(self._samples / self._rate_hz)

    def _finish(self) -> None:
        self._close_file()
        self._set_state("idle")
        if self._samples < SHORTEST_S * self._rate_hz:
            self._partial.unlink(missing_ok=True)
            self.failed.emit(
                self.tr("The recording is too short."), self.tr("Record at least {0} s.").format(SHORTEST_S)
            )
            return
        if self._peak < SILENT:
            self._partial.unlink(missing_ok=True)
            self.failed.emit(
                self.tr("Nothing but silence was recorded."),
                self.tr("Is the microphone muted? Look whether the level moves while you speak."),
            )
            return
        try:
            self._partial.replace(self._path)
        except OSError as error:
            self._fail(error)
            return
        remark = self.tr("It was too loud in places: lower the microphone's level.") if self._clipped > 3 else ""
        self.finished.emit(str(self._path), remark)

    def _fail(self, error: Exception) -> None:
        self._close_file()
        self._set_state("idle")
        reason = getattr(error, "strerror", None) or str(error)
        self.failed.emit(
            self.tr("{0} cannot be written: {1}").format(self._path, reason),
            self.tr("Free some space, or save the project elsewhere. What was recorded lies in {0}.").format(
                self._partial
            ),
        )

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)
