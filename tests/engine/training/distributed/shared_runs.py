"""What each of two processes does in test_processes.py: shared steps and whole runs, started once by torchrun.

    shared_runs.py FOLDER    FOLDER/steps.json holds the settings of the steps; FOLDER/NAME/spec.json the runs

The first process leaves what it found in FOLDER/found.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from engine.api import Control
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model.aux_vae import AuxVAE
from engine.model.objective import TERM_NAMES
from engine.model.timescale.inputs import Batch
from engine.training.distributed.processes import Processes, joined
from engine.training.loop import run_loop
from engine.training.setup import prepare
from engine.training.state import STATE_FILES
from engine.training.step import Step, stacked

STOPPED_AT = 4  # of the looks of the second process in the run that it stops


def step_of(processes: Processes, spec: ModelSpec, train: TrainSpec) -> dict[str, torch.Tensor]:
    """Terms, gradients and buffers of one step over five crops, one of them short."""
    torch.manual_seed(0)
    model = AuxVAE(spec)
    model.set_scaling(torch.full((spec.bands,), -5.0), torch.tensor(1.5))
    mel, other = 1.5 * torch.randn(2, 5, 96, spec.bands) - 5.0
    f0, other_f0 = torch.where(torch.rand(2, 5, 96) < 0.6, 120.0 + 60.0 * torch.rand(2, 5, 96), torch.nan)
    lengths = torch.tensor([96, 96, 96, 96, 70])
    generator = torch.Generator().manual_seed(1)
    step = processes.distributed(Step(model, train, AudioSpec(), bfloat16=False))
    rows, context = processes.share(5)
    batch = Batch(*(values[rows] for values in (mel, f0, other, other_f0, lengths)))
    terms = step(batch, lengths[rows], None, generator, context)
    (terms.loss * processes.count).backward()
    found = dict(zip(TERM_NAMES, processes.sum(stacked(terms)), strict=True))
    return {
        **{f"term {name}": value for name, value in found.items()},
        **{f"gradient {name}": value.grad for name, value in model.named_parameters() if value.grad is not None},
        **{f"buffer {name}": value for name, value in model.named_buffers()},
        "draws": generator.get_state().float(),
    }


def apart(processes: Processes, spec: ModelSpec, train: TrainSpec) -> dict[str, Any]:
    """How far a shared step is from one process's."""
    together, alone = step_of(processes, spec, train), step_of(Processes(), spec, train)
    assert together.keys() == alone.keys()
    largest = max(float(value.abs().max()) for name, value in alone.items() if name.startswith("gradient"))

    def size(name: str, value: torch.Tensor) -> float:
        return largest if name.startswith("gradient") else max(1.0, float(value.abs().max()))

    differences = {
        name: float((together[name] - value).abs().max()) / size(name, value)
        for name, value in alone.items()
        if not name.endswith("num_batches_tracked")
    }
    return {"count": processes.count, "largest": largest, "apart": differences}


def whole_run(processes: Processes, run_dir: Path) -> int:
    """Train; a run called "stopped" is stopped by the second process alone. Returns the last step."""
    looks = 0
    ready = False

    def control() -> Control:
        nonlocal looks
        looks += ready
        stop = run_dir.name == "stopped" and processes.number == 1 and looks > STOPPED_AT
        return Control.STOP if stop else Control.RUN

    own = run_dir if processes.first else Path("/nowhere")  # another machine need not have the folder
    with processes.folder(own, ("spec.json", *STATE_FILES)) as folder:
        run = prepare(folder, lambda event: None, control, processes)
        ready = True
        return run_loop(run, control).steps


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with joined() as processes:
        steps = [
            apart(processes, ModelSpec.from_dict(model), TrainSpec.from_dict(train))
            for model, train in json.loads((folder / "steps.json").read_text())
        ]
        runs = {name: whole_run(processes, folder / name) for name in ("plain", "timescale", "stopped")}
        if processes.first:
            (folder / "found.json").write_text(json.dumps({"steps": steps, "runs": runs}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
