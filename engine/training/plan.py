"""How long a run has trained and how fast it goes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

_WARM_STEPS, _MEASURED_STEPS, _MEASURED_S = 3, 20, 5.0


class Clock:
    """Seconds spent training, over all sessions of a run."""

    def __init__(self, before: float) -> None:
        self._began = time.monotonic() - before

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Time inside does not count."""
        stopped = time.monotonic()
        yield
        self._began += time.monotonic() - stopped


class Speed:
    """Pieces a second in this session, once its first steps, which are slower, are over. Pauses do not count."""

    def __init__(self, clock: Clock, step: int, crops: int) -> None:
        self._clock = clock
        self._warm_at = step + _WARM_STEPS
        self._from = (step, crops, clock.seconds)

    def look(self, step: int, crops: int) -> None:
        """Call before each step."""
        if step == self._warm_at:
            self._from = (step, crops, self._clock.seconds)

    def known(self, step: int) -> bool:
        """Whether there were steps enough to say."""
        first, _, since = self._from
        steps, seconds = step - first, self._clock.seconds - since
        return step > self._warm_at and (steps >= _MEASURED_STEPS or seconds > _MEASURED_S)

    def crops_a_second(self, crops: int) -> float:
        """The mean speed so far; 0 before there is any."""
        _, before, since = self._from
        return (crops - before) / max(self._clock.seconds - since, 1e-9)
