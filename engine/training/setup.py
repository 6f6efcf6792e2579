"""The model a run begins with: fresh weights from the seed, or those of the model it is fine-tuned from."""

from __future__ import annotations

import torch

from engine.api import FIRST_VOCODER, RunSpec
from engine.api.errors import TrainingError
from engine.api.specs import ModelSpec
from engine.model import checkpoint
from engine.model.baselines import Network, build

# What a model may differ in from the one it is fine-tuned from: what it hears, not its shape.
_FREE_TO_DIFFER = frozenset({"reference_hz"})


def fresh_model(run: RunSpec) -> tuple[Network, str | None, str]:
    """The model, its parent's content hash where it is fine-tuned, and the vocoder it is to be heard through.

    Draws none of the caller's random numbers.

    Raises:
        CheckpointError: the parent cannot be read.
        TrainingError: the parent has other sizes or another audio front end.
    """
    if run.from_model is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.train.seed)
            return build(run.model), None, FIRST_VOCODER
    parent = checkpoint.load_system(run.from_model)
    if parent.audio != run.audio:
        raise TrainingError(
            "The model to go on from was trained with another audio front end.",
            "Use its audio settings for this run.",
        )
    if differing := _differences(parent.model.spec, run.model):
        raise TrainingError(
            f"The model to go on from has other sizes ({', '.join(differing)}).",
            "Use its model settings for this run, or start from fresh weights.",
        )
    model = build(run.model)
    model.load_state_dict(parent.model.state_dict())
    return model, parent.hash, parent.vocoder


def _differences(a: ModelSpec, b: ModelSpec) -> list[str]:
    theirs, ours = a.to_dict(), b.to_dict()
    return [name for name in ours if ours[name] != theirs[name] and name not in _FREE_TO_DIFFER]
