"""Compilation of the networks by torch.compile, where that works; where it does not, the reason in words.

What is compiled are the trunks: products with all that lies between them, which on a graphics card would travel
through memory each by itself. Names and numbers of the weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import nn

from engine.api import Progress
from engine.api.errors import TrainingError
from engine.model.modules import Trunk
from engine.training.recovery import BeforeStep

if TYPE_CHECKING:
    from engine.training.setup import Run


def compile_networks(run: Run) -> None:
    """Compile the networks of a run, with its next step as a trial that leaves nothing behind.

    Raises:
        TrainingError: they cannot be compiled here, and other processes may have gone on; alone, the run goes on
            without, and a note says so.
    """

    def trial() -> None:
        run.model.train()
        crops = run.batches.crops(run.progress.crops, run.progress.batch_size)
        rows, context = run.processes.share(len(crops))
        batch, lengths, speakers = run.batches.gather(crops, rows)
        terms = run.training_step(batch, lengths, speakers, run.generator, context)
        terms.loss.backward()

    run.recorder.report(Progress(None, "Compiling the networks"))
    before = BeforeStep(run.model, run.generator)
    why = compile_trunks(run.model, trial)
    before.restore()
    run.optimiser.zero_grad(set_to_none=True)
    if why is None:
        return
    what = f"The networks cannot be compiled here ({why})."
    if run.processes.count > 1:
        raise TrainingError(what, "Start a run with compiled off.")
    run.recorder.note(what, "The run goes on without; on a card it is slower, and nothing else changes.")


def compile_trunks(model: nn.Module, trial: Callable[[], None]) -> str | None:
    """Compile a model's trunks in place.

    Args:
        trial: uses the model, forwards and backwards: only then is anything compiled.

    Returns:
        None, or why it cannot be done here; the model is then as it was.
    """
    trunks = [module for module in model.modules() if isinstance(module, Trunk)]
    try:
        for trunk in trunks:
            trunk.compile()
        trial()
    except RuntimeError as error:  # dynamo's and inductor's errors, and what a missing C compiler makes of them
        for trunk in trunks:
            trunk._compiled_call_impl = None  # the only way back that torch has
        return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return None
