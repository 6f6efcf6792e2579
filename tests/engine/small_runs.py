"""What tests of training share: a small model, a short run of it, and who watches and steers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.api import ClipRef, Control, Note, Partial, RunSpec, TrainPoint
from engine.api.specs import ModelSpec, TrainSpec
from engine.model import checkpoint
from engine.training import loop

MODEL = ModelSpec(
    latent=8,
    global_channels=(16, 16, 16),
    medium_channels=(16, 16, 16),
    local_channels=(24, 24),
    decoder_channels=(24, 24, 24),
    predictor_m_channels=(24,),
    predictor_h_channels=(24,),
)
TRAIN = TrainSpec(
    learning_rate=3e-3,  # so that some fifteen steps lower the error of any held-out clip
    schedule="cosine",
    batch_size=4,
    crop_s=0.5,
    epochs=3,
    validation_share=0.25,
    device="cpu",
    threads=1,
)


class Watcher:
    """Report and steer of one run: keeps the events; `wish` is asked at each look of the loop, one a step."""

    def __init__(self, wish: Callable[[int], Control] = lambda look: Control.RUN) -> None:
        self.events: list[Any] = []
        self._wish = wish
        self._looks = 0

    def report(self, event: object) -> None:
        self.events.append(event)

    def control(self) -> Control:
        if not self.points("validation"):  # the corpus is still being read
            return Control.RUN
        self._looks += 1
        return self._wish(self._looks)

    def points(self, split: str) -> list[TrainPoint]:
        return [point for point in self.values(TrainPoint) if point.split == split]

    def values(self, kind: type) -> list[Any]:
        """What was told on the way of one kind."""
        partials = [event.value for event in self.events if isinstance(event, Partial)]
        return [value for value in partials if isinstance(value, kind)]

    def notes(self) -> list[str]:
        return [event.what for event in self.events if isinstance(event, Note)]


def run_spec(clips: list[Path], train: TrainSpec = TRAIN, **more: Any) -> RunSpec:
    refs = tuple(ClipRef(str(i), str(path), {"speaker": path.parent.name}) for i, path in enumerate(clips))
    return RunSpec(train=train, model=more.pop("model", MODEL), clips=refs, **more)


def go(folder: Path, watcher: Watcher | None = None) -> Any:
    watcher = watcher or Watcher()
    return loop.train(folder, watcher.report, watcher.control)


def changed(**values: Any) -> TrainSpec:
    return dataclasses.replace(TRAIN, **values)


def weights(path: Path | str) -> dict[str, torch.Tensor]:
    return checkpoint.load(path).model.state_dict()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
