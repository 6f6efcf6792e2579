"""Sound source for the loudspeaker: several sounds of one length behind one moving position, free of clicks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FADE_S = 0.005
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Segment:
    """From output sample `produced` on, the sound is at `position`, and moves on if `moving`."""

    produced: int
    position: int
    moving: bool


class SoundSource:
    """Reads one of several mono sounds, with seek, switch, loop and pause as 5 ms crossfades.

    The output calls `read` for as much as it wants; the player calls the rest, on the same thread. The output
    runs ahead of the ear by its buffer, so the source remembers what it produced: `position_at` turns the
    output's own count of played samples into a position in the sound, right across seeks and loops.

    Args:
        sounds: name -> float32 (samples,); lengths may differ by a little, the shorter end in silence.
        rate_hz: sampling rate of all of them.
        gains: name -> factor to play it with; 1 where nothing is said.
    """

    def __init__(
        self, sounds: Mapping[str, Samples], rate_hz: int, gains: Mapping[str, float] | None = None
    ) -> None:
        if not sounds:
            raise ValueError("a source needs at least one sound")
        self.rate_hz = rate_hz
        self._sounds = dict(sounds)
        self._gains = dict(gains or {})
        self._name = next(iter(sounds))
        self._position = 0
        self._start, self._stop = 0, self.samples
        self._loop = False
        self._moving = False
        self._volume = self._volume_reached = 1.0
        self._fade = max(1, round(FADE_S * rate_hz))
        self._risen = 0  # samples of the fade-in already produced
        self._tail: Samples = np.zeros(0, np.float32)  # what is still to sound of the position just left
        self._produced = 0
        self._segments = [_Segment(0, 0, False)]
        self.ended_at: int | None = None  # produced count at which the range came to its end
        self.silent_at: int | None = None  # produced count from which on a pause has faded to zeros

    @property
    def samples(self) -> int:
        return max(len(sound) for sound in self._sounds.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sounds)

    @property
    def name(self) -> str:
        return self._name

    @property
    def produced(self) -> int:
        """Samples handed out since the output started, silence included."""
        return self._produced

    @property
    def moving(self) -> bool:
        return self._moving

    def position_at(self, played: int) -> int:
        """The sample of the sound that is heard when the output has played `played` samples."""
        index = bisect_right(self._segments, played, key=lambda segment: segment.produced) - 1
        segment = self._segments[max(0, index)]
        return min(self.samples, segment.position + (played - segment.produced if segment.moving else 0))

    def output_started(self) -> None:
        """A new output counts its samples from zero."""
        self._produced = 0
        self._segments = []
        self.ended_at = self.silent_at = None
        self._mark()

    def play(self) -> None:
        if not self._moving:
            self._moving = True
            self._risen = 0
            self.ended_at = self.silent_at = None
            self._mark()

    def pause(self) -> None:
        if self._moving:
            self._leave()
            self._moving = False
            self._mark()

    def seek(self, position: int) -> None:
        self._leave()
        self._position = int(np.clip(position, 0, self.samples))
        self._mark()

    def switch(self, name: str) -> None:
        """Go on with another sound at the same position."""
        if name != self._name:
            self._leave()
            self._name = name

    def replace(self, sounds: Mapping[str, Samples], gains: Mapping[str, float] | None = None) -> None:
        """New sounds at the same position; the one heard keeps its name if it still exists."""
        if not sounds:
            raise ValueError("a source needs at least one sound")
        self._leave()
        self._sounds = dict(sounds)
        self._gains = dict(gains or {})
        if self._name not in self._sounds:
            self._name = next(iter(self._sounds))
        self.set_range(0, self.samples, loop=self._loop)

    def set_range(self, start: int, stop: int, *, loop: bool) -> None:
        """Play only [start, stop); at its end begin again (loop) or stop."""
        self._start = int(np.clip(start, 0, self.samples))
        self._stop = int(np.clip(stop, self._start, self.samples))
        self._loop = loop and self._stop > self._start
        if not self._start <= self._position < self._stop:
            self.seek(self._start)

    def set_volume(self, volume: float) -> None:
        """0 = silence, 1 = as recorded; heard from the next block on, ramped."""
        self._volume = float(np.clip(volume, 0.0, 1.0))

    def read(self, count: int) -> Samples:
        """The next `count` samples, float32 within -1..1; zeros while paused and after the end."""
        out = np.zeros(count, np.float32)
        done = 0
        while done < count and self._moving:
            if self._position >= self._stop:
                self._turn(done)
                continue
            step = min(count - done, self._stop - self._position)
            out[done : done + step] += self._rising(self._raw(self._position, step))
            self._add_tail(out, done, step)
            self._position += step
            done += step
        if done < count:
            self._add_tail(out, done, count - done)
        self._produced += count
        if self.silent_at is None and not self._moving and not len(self._tail):
            self.silent_at = self._produced
        if self._volume != 1.0 or self._volume_reached != 1.0:
            out *= np.linspace(self._volume_reached, self._volume, count, dtype=np.float32)
            self._volume_reached = self._volume
        return np.clip(out, -1.0, 1.0, out=out)

    def _turn(self, done: int) -> None:
        """The range has come to its end in the middle of a block: begin again, or stop there."""
        self._leave()
        self._position = self._start
        if not self._loop:
            self._moving = False
            self.ended_at = self._produced + done
        self._mark(done)

    def _raw(self, start: int, count: int) -> Samples:
        sound = self._sounds[self._name]
        piece = np.asarray(sound[start : start + count], np.float32)
        if len(piece) < count:
            piece = np.concatenate([piece, np.zeros(count - len(piece), np.float32)])
        return piece * np.float32(self._gains.get(self._name, 1.0))

    def _rising(self, piece: Samples) -> Samples:
        if self._risen >= self._fade:
            return piece
        ramp = np.minimum(1.0, (np.arange(len(piece), dtype=np.float32) + self._risen + 0.5) / self._fade)
        self._risen += len(piece)
        return np.asarray(piece * ramp, np.float32)

    def _leave(self) -> None:
        """Keep a falling piece of what sounds now, and let what follows rise."""
        if self._moving:
            level = min(1.0, self._risen / self._fade)
            falling = np.linspace(level, 0.0, self._fade, endpoint=False, dtype=np.float32)
            tail = self._raw(self._position, self._fade) * falling
            tail[: len(self._tail)] += self._tail
            self._tail = tail
        self._risen = 0

    def _add_tail(self, out: Samples, at: int, count: int) -> None:
        if len(self._tail):
            piece, self._tail = self._tail[:count], self._tail[count:]
            out[at : at + len(piece)] += piece

    def _mark(self, ahead: int = 0) -> None:
        self._segments.append(_Segment(self._produced + ahead, self._position, self._moving))
        if len(self._segments) > 4096:  # an hour of a one-second loop; only the last ones can still be heard
            del self._segments[:2048]
