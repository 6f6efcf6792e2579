"""What each lever of the transfer recipe is worth: one changed at a time, trained alike, judged alike.

    python -m tests.bench.transfer_ablation --librispeech DIR [--minutes 3] [--only base,kernel-3] [--json FILE]

Trains the preset `transfer` and its variants on the voices of DIR that are not held out, each for the same minutes
on the same machine, and measures them on the held-out voices with tests.bench.transfer_quality (rendering `model`,
one target of either gender for every source). Short trainings: the differences count, not the values.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.api import Control, RunSpec, presets
from engine.api.specs import TrainSpec
from engine.model.aux_vae import AuxVAE
from engine.model.objective import Terms
from engine.model.timescale import normaliser
from engine.model.timescale.inputs import NetworkInputs
from engine.training import loop, step
from tests.bench.transfer_quality import Bench, find_clips, summary

HELD_OUT = ("1088", "2416", "3242", "332", "460", "1970", "19", "163", "118", "226")
SWAP_WEIGHT = 0.1
SHOWN = ("control like source", "control STOI", "control PESQ", "F0 share", "nearer target", "STOI")


@dataclass(frozen=True)
class Variant:
    """One change of the preset. around: what else is different while it trains and is measured."""

    why: str
    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    around: Callable[[], Any] | None = None


@contextmanager
def swapped_pairs() -> Iterator[None]:
    """The predictor of h must find in z the h that was given to a clip, where it is another clip's."""
    original = step.terms

    def terms(model: AuxVAE, inputs: NetworkInputs, spec: TrainSpec, **more: Any) -> Terms:
        found = original(model, inputs, spec, **more)
        lengths = more.get("lengths")
        mask = None if lengths is None else torch.arange(inputs.frame.shape[1])[None] < lengths[:, None]
        latents = model.encode(inputs, lengths=lengths)
        others = latents.h_value.detach().roll(1, 0)
        z = model.posterior_z(model.scaled(inputs.frame, mask), others, latents.m_value, mask).mean
        swapped = model.predict_h(z, mask).log_prob(others).sum(dim=-1).mean()
        return dataclasses.replace(found, total=found.total + SWAP_WEIGHT * swapped / others.shape[1])

    step.terms = terms
    try:
        yield
    finally:
        step.terms = original


@contextmanager
def tone_left_in() -> Iterator[None]:
    """Loudness and tilt of the seconds stay in the input of the local network."""
    before = normaliser.PRIOR_SECOND_FRAMES
    normaliser.PRIOR_SECOND_FRAMES = 1e9
    try:
        yield
    finally:
        normaliser.PRIOR_SECOND_FRAMES = before


VARIANTS = {
    "base": Variant("the preset transfer"),
    "plain": Variant(
        "the paper's recipe: x is the input of every network", model={"views": "plain"}, train={"contrast": 0.0}
    ),
    "no-sounds": Variant("one mean spectrum instead of one for each acoustic class", model={"sounds": 0}),
    "sounds-64": Variant("twice as many acoustic classes", model={"sounds": 64}),
    "kernel-3": Variant("local network and decoder get neighbours", model={"local_kernel": 3, "decoder_kernel": 3}),
    "latent-512": Variant("wider h, m and z", model={"latent": 512}),
    "absolute": Variant("a sharper reconstruction: Laplace", train={"reconstruction": "absolute"}),
    "z-weight": Variant("a real weight on z: alpha 1 instead of 0.01", train={"alpha": 1.0}),
    "no-contrast": Variant("nothing that tells clips apart by h", train={"contrast": 0.0}),
    "swapped-pairs": Variant("consistency of swapped pairs through the predictor of h", around=swapped_pairs),
    "tone-left-in": Variant("loudness and tilt of the seconds stay with z", around=tone_left_in),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--librispeech", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--only", default=",".join(VARIANTS), help="comma-separated")
    parser.add_argument("--leave-out", default="", help="more voices not to train on, comma-separated")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    left_out = {*HELD_OUT, *wanted.leave_out.split(",")}
    splits = [path for path in sorted(wanted.librispeech.glob("train-clean-*")) if path.is_dir()]
    folders = [path for split in splits for path in sorted(split.iterdir()) if path.name not in left_out]
    clips = find_clips(splits, list(HELD_OUT))
    results: dict[str, dict[str, Any]] = {}
    for name in wanted.only.split(","):
        variant = VARIANTS[name]
        with tempfile.TemporaryDirectory() as folder:
            results[name] = try_out(variant, folders, clips, wanted.minutes, Path(folder))
        print_row(name, results[name])
        if wanted.json is not None:
            wanted.json.write_text(json.dumps(results, indent=1), "utf-8")


def try_out(
    variant: Variant, folders: list[Path], clips: dict[Any, list[Path]], minutes: float, folder: Path
) -> dict[str, Any]:
    """Train the variant and measure it: values by kind of pair and column."""
    preset = presets()["transfer"]
    run = folder / "run"
    RunSpec(
        dataclasses.replace(preset.train, minutes=minutes, **variant.train),
        dataclasses.replace(preset.model, **variant.model),
        folders=tuple(map(str, folders)),
    ).write(run)
    with (variant.around or _as_it_is)():
        done = loop.train(run, lambda event: None, lambda: Control.RUN)
        measured = Bench(done.model, clips, 1, folder).measure("model")
    table = {kind: summary(rows) for kind, rows in measured.items()}
    return {"why": variant.why, "steps": done.steps, "error": done.validation["error"], **table}


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


def print_row(name: str, result: dict[str, Any]) -> None:
    across, within = result["across gender, h"], result["within gender, h"]
    values = [
        f"{column} {np.ravel(across[column])[len(np.ravel(across[column])) // 2]:.2f}"
        for column in SHOWN
        if column in across
    ]
    print(
        f"{name:<14} steps {result['steps']:>5} error {result['error']:.3f}  {', '.join(values)}; "
        f"within gender {within['nearer target']:.2f}  ({result['why']})",
        file=sys.stdout,
        flush=True,
    )


if __name__ == "__main__":
    main()
