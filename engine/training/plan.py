"""Plan of a run: how many crops it takes, when it validates, its learning rate, and how long it still needs."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

from engine.api.specs import TrainSpec
from engine.training.state import RunProgress

_WARM_STEPS, _MEASURED_STEPS, _MEASURED_S = 3, 20, 5.0
_MOST_VALIDATIONS = 20
_VALIDATION_SHARE = 0.15  # of a time budget, at most
_COSINE_END = 0.05


class Clock:
    """Seconds spent training, over all sessions of a run.

    Args:
        before: seconds of the sessions before this one.
    """

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
    """Crops a second in this session, once its first steps, which are slower, are over; pauses do not count."""

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


class Plan:
    """The plan of one run; what is decided is stored in its progress, so that a resumed run keeps to it.

    validation_s: how long the last validation took.

    Args:
        per_epoch: crops an epoch.
    """

    def __init__(self, train: TrainSpec, per_epoch: int, progress: RunProgress) -> None:
        self._train, self._per_epoch = train, per_epoch
        self.clock = Clock(progress.seconds)
        self._speed = Speed(self.clock, progress.step, progress.crops)
        self.validation_s = 0.0

    def update(self, progress: RunProgress) -> bool:
        """Decide how many crops the run takes; call before each step. Returns whether the plan changed.

        Epochs decide at once. A time budget needs the speed of the first steps; these may mislead, so the plan is
        corrected at each quarter of the budget.
        """
        self._speed.look(progress.step, progress.crops)
        train = self._train
        whole = train.epochs * self._per_epoch
        if train.minutes is None:
            return progress.planned_crops is None and self._keep(progress, whole, _MOST_VALIDATIONS)
        budget_s, seconds = 60.0 * train.minutes, self.clock.seconds
        affordable = int(_VALIDATION_SHARE * budget_s / max(self.validation_s, 1e-3))
        validations = min(_MOST_VALIDATIONS, max(2, affordable))
        quarter = min(3, int(4.0 * seconds / budget_s))
        if progress.planned_crops is None and self._speed.known(progress.step):
            seconds += validations * self.validation_s
        elif progress.planned_crops is None or quarter <= progress.plan_quarter:
            return False
        progress.plan_quarter = quarter
        left = int(max(0.0, budget_s - seconds) * self._speed.crops_a_second(progress.crops))
        return self._keep(progress, min(whole, progress.crops + max(progress.batch_size, left)), validations)

    def learning_rate(self, progress: RunProgress) -> float:
        """Adam's step size at this point of the run."""
        if self._train.schedule == "constant":
            return self._train.learning_rate
        cosine = (1.0 + math.cos(math.pi * progress.fraction)) / 2.0
        return self._train.learning_rate * (_COSINE_END + (1.0 - _COSINE_END) * cosine)

    def epochs(self, progress: RunProgress) -> float:
        """Passes over the corpus so far."""
        return progress.crops / self._per_epoch

    def eta_s(self, progress: RunProgress) -> float | None:
        """Seconds the run still needs; None before that can be said."""
        speed = self._speed.crops_a_second(progress.crops)
        if progress.planned_crops is None or not speed:
            return None
        return (progress.planned_crops - progress.crops) / speed

    def _keep(self, progress: RunProgress, crops: int, validations: int) -> bool:
        progress.planned_crops = crops
        between = max(crops // 100, min(self._per_epoch, crops // validations))
        progress.validate_every = max(progress.batch_size, between)
        return True
