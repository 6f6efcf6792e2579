"""Training on the processor: seconds of speech trained per second, beside a step as the authors' code takes it.

    python -m tests.bench.training_speed [--turns 4] [--json FILE]

Baseline: Conv1d over (batch, channel, time) in float32, h and m drawn at every frame, both predictors run at every
frame, 43 frames a second, batch 32, 4-second pieces, the paper's channel sizes, Adam. Ours: the preset `paper` with
both kinds of network inputs (plain, timescale), 64 frames a second, the same seconds of speech in a step, the
trainer's precision; its predictors at every frame too, or on the means of z (ModelSpec.predictors_read).
Sizes of the starter model are measured too. Both sides run on made-up mels: only time is measured here. A turn is
some steps in a row, as in training, where the weights of the step before are still in the cache.
"""

from __future__ import annotations

import dataclasses

from tests.bench.measuring import Apart, Row, Timing, arguments, milliseconds, taking_turns, tell  # isort: skip

import torch
from torch import Tensor, nn

from engine.api.presets import presets
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model.aux_vae import AuxVAE
from engine.model.timescale.inputs import Batch
from engine.runtime.devices import bfloat16_pays
from engine.training.step import Step

FRAMES_A_SECOND = 43.07  # 22 050 Hz, hop 512
GOALS = (2.0, 3.0)  # predictors at every frame, predictors on the means of z; in bfloat16
IN_A_ROW = 4  # steps a turn


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--turns", type=int, default=4, help=f"turns of {IN_A_ROW} steps of each kind")
    wanted = parser.parse_args()
    half = bfloat16_pays("cpu")
    kind = "bfloat16" if half else "float32"
    uses = (
        ("paper", "plain", half, "frames"),
        ("paper", "plain", half, "means"),
        ("paper", "timescale", half, "means"),
        ("paper", "plain", False, "frames"),
        ("transfer", "timescale", half, "frames"),
        ("transfer", "timescale", False, "frames"),
    )
    sides = [Apart(OurSteps, *use, threads=wanted.threads) for use in uses]
    sides.append(Apart(AuthorsSteps, threads=wanted.threads))
    *ours, starter, starter_exact, authors = taking_turns(sides, wanted.turns)
    speech_s = sides[0].facts["speech_s"]
    plainly = "Conv1d, float32, predictors at every frame"
    names = (
        f"the paper's step in {kind}, predictors at every frame",
        f"the same, predictors on the means of z in {kind}",
        f"the same with timescale inputs in {kind}",
        "the paper's step in float32, predictors at every frame",
    )
    rows = [
        Row(
            f"Training: {name}",
            authors.wall_s / timing.wall_s,
            "x",
            goal=GOALS[number] if half and number < 2 else None,
            baseline=plainly,
            ours=described(speech_s, timing),
            theirs=described(speech_s, authors),
            note=f"{authors.cpu_s / timing.cpu_s:.1f} times by processor seconds",
        )
        for number, (name, timing) in enumerate(zip(names, ours, strict=True))
    ]
    rows.append(
        Row(
            f"Training: the starter model's step in {kind}",
            starter_exact.wall_s / starter.wall_s,
            "x",
            baseline="the same in float32",
            ours=described(sides[4].facts["speech_s"], starter),
            theirs=described(sides[4].facts["speech_s"], starter_exact),
        )
    )
    weights = {"ours": sides[0].facts["weights"], "baseline": sides[-1].facts["weights"]}
    tell("Training on the processor", rows, wanted.json, weights=weights)


def described(speech_s: float, timing: Timing) -> str:
    step_s = timing.wall_s / IN_A_ROW
    return f"{speech_s / step_s:.0f} s of speech a second, {milliseconds(step_s)} a step"


class OurSteps:
    """Steps as engine.training takes them, on a batch that is already in memory."""

    def __init__(self, preset: str, inputs: str, half: bool, predictors_read: str) -> None:
        chosen = presets()[preset]
        train = chosen.train
        spec = dataclasses.replace(chosen.model, views=inputs, predictors_read=predictors_read)
        self._generator = torch.Generator().manual_seed(0)
        audio = AudioSpec()
        frames = round(train.crop_s * audio.frames_per_second)
        shape = (train.batch_size, frames)
        f0 = 100.0 + 100.0 * torch.rand(shape)
        f0[torch.rand(shape) < 0.4] = torch.nan
        mel, other = ((torch.randn(*shape, spec.bands) * 2.0 - 5.0).half().float() for _ in range(2))
        self._batch = Batch(mel, f0, other, f0.flip(1), torch.full((train.batch_size,), frames))
        torch.manual_seed(0)
        self.model = AuxVAE(spec)
        self.facts = facts(self.model, train)
        self._optimiser = torch.optim.Adam(self.model.parameters(), lr=train.learning_rate, fused=True)
        self._step = Step(self.model, train, audio, half)

    def __call__(self) -> None:
        for _ in range(IN_A_ROW):
            self._step(self._batch, None, None, self._generator).loss.backward()
            self._optimiser.step()
            self._optimiser.zero_grad()


def facts(model: nn.Module, train: TrainSpec) -> dict[str, float]:
    weights = sum(parameter.numel() for parameter in model.parameters())
    return {"speech_s": train.batch_size * train.crop_s, "weights": weights}


def block(inputs: int, outputs: int, kernel: int, norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.Tanh()]
    return [*layers, nn.BatchNorm1d(outputs)] if norm else layers


def network(
    inputs: int, channels: tuple[int, ...], outputs: int, kernel: int = 1, norm: bool = True
) -> nn.Sequential:
    sizes = (inputs, *channels)
    layers = [layer for a, b in zip(sizes, channels, strict=False) for layer in block(a, b, kernel, norm)]
    return nn.Sequential(*layers, nn.Conv1d(channels[-1], outputs, 1))


class AuthorsModel(nn.Module):
    """The six networks, everything at every frame, (batch, channel, time)."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        two = 2 * spec.latent
        self.of_h = network(spec.bands, spec.global_channels, two, 3)
        self.of_m = network(spec.bands + spec.latent, spec.medium_channels, two, 3)
        self.of_z = network(spec.bands + two, spec.local_channels, two)
        self.decoder = network(spec.latent, spec.decoder_channels, spec.bands)
        self.predict_m = network(two, spec.predictor_m_channels, two, norm=False)
        self.predict_h = network(spec.latent, spec.predictor_h_channels, two, norm=False)

    def forward(self, x: Tensor, window: int) -> Tensor:
        """Minus equation 5 of x (batch, bands, frames)."""
        frames = x.shape[-1]
        h = self.of_h(x).mean(dim=-1, keepdim=True).expand(-1, -1, frames)
        h_value = draw(h)
        per_frame = self.of_m(torch.cat((x, h_value), dim=1))
        m = torch.cat(
            [piece.mean(dim=-1, keepdim=True).expand_as(piece) for piece in per_frame.split(window, dim=-1)], dim=-1
        )
        m_value = draw(m)
        z = self.of_z(torch.cat((x, m_value, h_value), dim=1))
        z_value = draw(z)
        reconstruction = -(self.decoder(z_value) - x).square().sum(dim=1).mean() / 2.0
        total = reconstruction + 0.01 * (log_normal(z_value, torch.zeros_like(z)) + entropy(z))
        total = total + 0.01 * (
            log_normal(m_value, self.predict_m(torch.cat((h_value, z_value), dim=1))) + entropy(m)
        )
        return -(total + 0.01 * (log_normal(h_value, self.predict_h(z_value)) + entropy(h)))


def draw(gaussian: Tensor) -> Tensor:
    mean, log_variance = gaussian.chunk(2, dim=1)
    return mean + torch.exp(log_variance / 2.0) * torch.randn_like(mean)


def log_normal(value: Tensor, gaussian: Tensor) -> Tensor:
    mean, log_variance = gaussian.chunk(2, dim=1)
    return -(log_variance + (value - mean).square() * torch.exp(-log_variance)).mean() / 2.0


def entropy(gaussian: Tensor) -> Tensor:
    return gaussian.chunk(2, dim=1)[1].mean() / 2.0


class AuthorsSteps:
    """Batch 32, four seconds, float32, at 43 frames a second: as plain as can be."""

    def __init__(self) -> None:
        spec, train = ModelSpec(), presets()["paper"].train
        torch.manual_seed(0)
        self._x = torch.randn(train.batch_size, spec.bands, round(train.crop_s * FRAMES_A_SECOND) + 5)
        self._window = round(FRAMES_A_SECOND)
        self.model = AuthorsModel(spec)
        self.facts = facts(self.model, train)
        self._optimiser = torch.optim.Adam(self.model.parameters(), lr=train.learning_rate)

    def __call__(self) -> None:
        for _ in range(IN_A_ROW):
            loss = self.model(self._x, self._window)
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()


if __name__ == "__main__":
    main()
