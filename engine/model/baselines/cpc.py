"""Contrastive predictive coding (van den Oord, Li, Vinyals 2018), of a size that trains on two cores.

A strided encoder turns the spectrogram into z at 32 steps a second, a GRU turns the past of z into a context c, and
from c at step t a linear map for each of the next twelve steps picks the true z among those of other steps and of
other clips (InfoNCE). The original encodes the waveform at 100 steps a second; here the input is the mel
spectrogram that is the input of all systems of the table. Speaker ID is read from the time mean of c, as there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.api.specs import ModelSpec, TrainSpec
from engine.model.baselines.base import System, only_total
from engine.model.modules import frame_mask
from engine.model.objective import Terms
from engine.model.streaming import InputsOf
from engine.model.timescale.inputs import NetworkInputs

STEPS_AHEAD = 12
STRIDE = 2  # frames a step
KERNEL = 4  # frames of the strided layer
ANCHORS = 12  # steps a clip from which is predicted, in one batch


class ContrastivePredictiveCoding(System):
    """Encoder, GRU and twelve predictions. The objective is the mean InfoNCE, in nats; `error` is the share picked
    wrong."""

    latents = ("c", "z")

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec, "local_channels")
        sizes = (spec.bands, *spec.local_channels)
        kernels = [3] * (len(sizes) - 2) + [KERNEL]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(a, b, kernel, stride=STRIDE if kernel == KERNEL else 1, padding=1)
            for a, b, kernel in zip(sizes, sizes[1:], kernels, strict=False)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in spec.local_channels)
        self.context = nn.GRU(sizes[-1], spec.latent, batch_first=True)
        self.ahead = nn.ModuleList(nn.Linear(spec.latent, sizes[-1], bias=False) for _ in range(STEPS_AHEAD))

    def encoded(self, features: Tensor) -> Tensor:
        """(batch, frames, bands) -> (batch, steps, channels); a step is STRIDE frames."""
        x = features
        if x.shape[1] < KERNEL:
            x = functional.pad(x, (0, 0, 0, KERNEL - x.shape[1]))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = functional.relu(norm(convolution(x.transpose(1, 2)).transpose(1, 2)))
        return x

    def terms(
        self,
        inputs: NetworkInputs,
        spec: TrainSpec,
        *,
        lengths: Tensor | None,
        generator: torch.Generator | None,
        speakers: Tensor | None,
    ) -> Terms:
        mask = frame_mask(lengths, inputs.frame.shape[1])
        # On a processor both lose by bfloat16: convolutions of this kind are several times slower in it.
        with torch.autocast(inputs.frame.device.type, enabled=False):
            z = self.encoded(self.scaled(inputs.frame, mask))
            c: Tensor = self.context(z)[0]
        batch, steps, _ = z.shape
        real = torch.full((batch,), steps, device=z.device) if lengths is None else lengths // STRIDE
        room = (real - STEPS_AHEAD).clamp(min=0)  # steps with twelve after them
        drawn = torch.rand((batch, ANCHORS), generator=generator, device=z.device)
        at = (drawn * room[:, None]).long()
        usable = (room > 0)[:, None].expand(-1, ANCHORS).reshape(-1)
        clip = torch.arange(batch, device=z.device)[:, None]
        past = c[clip, at].reshape(batch * ANCHORS, -1)[usable]
        if len(past) < 2:  # pieces too short to look ahead in: nothing is learnt from them
            return only_total(0.0 * c.sum())
        numbers = torch.arange(len(past), device=z.device)
        total, wrong = z.new_zeros(()), z.new_zeros(())
        for step, prediction in enumerate(self.ahead, start=1):
            true = z[clip, (at + step).clamp(max=steps - 1)].reshape(batch * ANCHORS, -1)[usable]
            # The others' true steps are the negatives: of other clips, and of this clip at other times.
            scores = prediction(past).float() @ true.T
            total = total - functional.cross_entropy(scores, numbers)
            wrong = wrong + (scores.argmax(dim=1) != numbers).float().mean()
        return only_total(total / STEPS_AHEAD, error=wrong / STEPS_AHEAD)

    def vectors(self, inputs_of: InputsOf, frames: int, chunk: int) -> dict[str, Tensor]:
        # The context runs on from chunk to chunk; chunks are even, so that steps fall on the same frames.
        chunk += chunk % STRIDE
        state: Tensor | None = None
        totals: dict[str, Tensor] = {}
        steps = 0
        for start in range(0, frames, chunk):
            piece = inputs_of(start, min(frames, start + chunk))
            z = self.encoded(self.scaled(piece.frame))
            c, state = self.context(z, state)
            steps += z.shape[1]
            for name, value in (("c", c), ("z", z)):
                part = value[0].double().sum(dim=0)
                totals[name] = totals[name] + part if name in totals else part
        return {name: (total / steps).float() for name, total in totals.items()}
