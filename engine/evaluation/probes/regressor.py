"""The paper's emotion regressor: one hidden layer of 1024, ReLU, dropout 0.2, one number out; one model a property.

Trained on the squared error or on 1 - CCC. The CCC of a whole training side is taken at every step, not averaged
over batches of 32 as in the authors' code, because an average of small batches' CCC is another quantity. Dropout is
off when it tells.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engine.runtime.devices import bfloat16_pays

HIDDEN = 1024
DROPOUT = 0.2
_FURTHEST = 5.0  # deviations from the mean that an input can lie
_DROPPED_BYTES = round(256 * DROPOUT)
STEPS = 80
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2  # decoupled (AdamW): 512 inputs and some hundred clips would be learnt by heart
LOSSES = ("MSE", "CCC")


def fit_and_predict(
    train: npt.NDArray[np.floating],
    targets: npt.NDArray[np.floating],
    test: npt.NDArray[np.floating],
    loss: str,
    seed: int,
) -> npt.NDArray[np.float64]:
    """Train on (rows, dimensions) with (rows,) targets; the (rows,) predictions for `test`.

    Vectors and targets are standardised by the training side.

    Args:
        loss: "MSE" or "CCC".
    """
    if loss not in LOSSES:
        raise ValueError(f"no loss called {loss!r}")
    centre, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    middle, spread = float(np.mean(targets)), max(float(np.std(targets)), 1e-6)

    def seen(rows: npt.NDArray[np.floating]) -> Tensor:
        # Numbers that are zero in nearly every clip must not drown all else in the first clip where they are not.
        return torch.from_numpy(np.clip((rows - centre) / scale, -_FURTHEST, _FURTHEST).astype(np.float32))

    x = seen(train)
    y = torch.from_numpy(((targets - middle) / spread).astype(np.float32))
    half = bfloat16_pays("cpu")  # as models are trained; what is told comes of float32
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hidden, out = nn.Linear(x.shape[1], HIDDEN), nn.Linear(HIDDEN, 1)
        weights = [*hidden.parameters(), *out.parameters()]
        optimiser = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
        for _ in range(STEPS):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                inner = hidden(x)
            output = out(_dropped(torch.relu(inner.float())))[:, 0]
            error = (output - y).square().mean() if loss == "MSE" else 1.0 - _ccc(y, output)
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
        with torch.no_grad():
            answers = out(torch.relu(hidden(seen(test))))[:, 0]
    predicted: npt.NDArray[np.float64] = answers.numpy().astype(np.float64) * spread + middle
    return predicted


def _dropped(values: Tensor) -> Tensor:
    """Dropout with a byte of chance for each value: eight of a draw, which torch's own dropout takes one by one."""
    chance = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
    kept = chance.view(torch.uint8)[: values.numel()].view(values.shape) >= _DROPPED_BYTES
    return values * (kept.float() / (1.0 - _DROPPED_BYTES / 256.0))


def _ccc(y: Tensor, p: Tensor) -> Tensor:
    covariance = ((y - y.mean()) * (p - p.mean())).mean()
    spread = y.var(correction=0) + p.var(correction=0) + (y.mean() - p.mean()).square()
    return 2.0 * covariance / spread.clamp(min=1e-8)
