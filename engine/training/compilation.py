"""The networks compiled by torch.compile, where that works; where it does not, the reason in words.

What is compiled are the trunks: products with all that lies between them, which on a graphics card would travel
through memory each by itself. Names and numbers of the weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from engine.model.modules import Trunk


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
