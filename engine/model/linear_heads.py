"""Linear readings of a latent that travel in a model file: who speaks so (gender of h), how it is said (of m).

A head is one linear layer from h (a clip) or m (a second) to the log odds of some classes, or to one number. It is
trained after the model, on labelled recordings, and lies among the checkpoint's extra tensors:

    head.<name>.weight   float32 (outputs, latent)
    head.<name>.bias     float32 (outputs,)
    head.<name>.facts    uint8: JSON with the latent's letter, the classes (none: a number) and the tested score
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.api.errors import CheckpointError

_PREFIX = "head."
_MOST_FACTS = 100_000  # bytes


@dataclass(frozen=True)
class Head:
    """One linear reading. weight: (outputs, latent); bias: (outputs,).

    reads: "h" or "m". classes: names of the outputs; empty where the one output is a number (arousal, valence).
    tested: what is known of how well it reads: a measure's name and its score on held-out speakers.
    """

    name: str
    reads: str
    classes: tuple[str, ...]
    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    tested: Mapping[str, float] = field(default_factory=dict, hash=False)

    def posteriors(self, latent: npt.ArrayLike | Tensor) -> npt.NDArray[np.float64]:
        """Probabilities of the classes: (..., latent) -> (..., classes)."""
        logits = self._outputs(latent)
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares: npt.NDArray[np.float64] = odds / odds.sum(axis=-1, keepdims=True)
        return shares

    def posterior(self, latent: npt.ArrayLike | Tensor) -> dict[str, float]:
        """Probability of each class for one latent (latent,)."""
        return dict(zip(self.classes, self.posteriors(latent).tolist(), strict=True))

    def value(self, latent: npt.ArrayLike | Tensor) -> npt.NDArray[np.float64]:
        """The number read: (..., latent) -> (...)."""
        number: npt.NDArray[np.float64] = self._outputs(latent)[..., 0]
        return number

    def _outputs(self, latent: npt.ArrayLike | Tensor) -> npt.NDArray[np.float64]:
        if isinstance(latent, Tensor):
            latent = latent.detach().float().cpu().numpy()
        outputs: npt.NDArray[np.float64] = np.asarray(latent, np.float64) @ self.weight.T + self.bias
        return outputs


def as_tensors(heads: Mapping[str, Head]) -> dict[str, Tensor]:
    """The heads as extra tensors of a checkpoint: add them to its others."""
    tensors: dict[str, Tensor] = {}
    for name, head in heads.items():
        facts = json.dumps({"reads": head.reads, "classes": list(head.classes), "tested": dict(head.tested)})
        tensors[f"{_PREFIX}{name}.weight"] = torch.from_numpy(np.array(head.weight, np.float32))
        tensors[f"{_PREFIX}{name}.bias"] = torch.from_numpy(np.array(head.bias, np.float32))
        tensors[f"{_PREFIX}{name}.facts"] = torch.frombuffer(bytearray(facts.encode()), dtype=torch.uint8).clone()
    return tensors


def read(extra: Mapping[str, Tensor], latent: int) -> dict[str, Head]:
    """The heads among a checkpoint's extra tensors, by name; empty where there are none.

    Args:
        latent: dimensions of the model's h and m.

    Raises:
        CheckpointError: one is damaged or does not fit the model.
    """
    names = {key.removeprefix(_PREFIX).rsplit(".", 1)[0] for key in extra if key.startswith(_PREFIX)}
    return {name: _read(extra, name, latent) for name in sorted(names)}


def _read(extra: Mapping[str, Tensor], name: str, latent: int) -> Head:
    try:
        weight, bias, raw = (extra[f"{_PREFIX}{name}.{part}"].cpu() for part in ("weight", "bias", "facts"))
        if raw.dtype != torch.uint8 or raw.ndim != 1 or len(raw) > _MOST_FACTS:
            raise ValueError("its facts are no text")
        facts: dict[str, Any] = json.loads(bytes(raw.tolist()))
        classes = tuple(str(c) for c in facts["classes"])
        outputs = len(classes) or 1
        if weight.shape != (outputs, latent) or bias.shape != (outputs,) or facts["reads"] not in ("h", "m"):
            raise ValueError("its sizes do not fit")
        if not (weight.is_floating_point() and bias.is_floating_point()):
            raise ValueError("its weights are no numbers")
        if not (bool(torch.isfinite(weight).all()) and bool(torch.isfinite(bias).all())):
            raise ValueError("its weights are not finite")
        tested = {str(k): float(v) for k, v in facts.get("tested", {}).items()}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"The reading {name!r} stored in the model is damaged ({error}).", "Copy or download the model again."
        ) from error
    return Head(name, facts["reads"], classes, weight.float().numpy(), bias.float().numpy(), tested)
