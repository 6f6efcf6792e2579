"""Training on a graphics card: the paper's 40 epochs over 100 hours, projected from measured steps.

    python -m tests.bench.gpu_speed [--hours 100] [--json FILE]

The corpus is made up (times do not depend on its content) and held in the card's memory, crops are gathered there,
products are bfloat16, Adam is fused: what engine.training does on CUDA. Reported are seconds of speech a second,
TFLOP/s of the matrix products and their share of 990, the dense bfloat16 peak of an H100 or H200, and how the step
divides into gathering, views, networks and optimiser. Without a CUDA device the table says: not measured.
"""

from __future__ import annotations

import time

from tests.bench.measuring import Row, arguments, tell  # isort: skip

import numpy as np
import torch

from engine.corpus.crops import CropOrder, Stretch
from engine.corpus.manifest import Manifest
from engine.corpus.melcache import MelCache
from engine.corpus.resident import ResidentCorpus
from engine.model import AuxVAE
from engine.objective import terms
from engine.specs import AudioSpec, presets
from engine.views import for_training

EPOCHS, GOAL_MIN, PEAK_TFLOPS = 40, 10.0, 990.0
PARTS = ("gathering", "views", "networks", "optimiser")
WHAT = f"Training on one GPU: {EPOCHS} epochs over 100 hours, the paper's sizes"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=100.0)
    parser.add_argument("--batch", type=int, default=256, help="pieces of four seconds a step")
    parser.add_argument("--steps", type=int, default=100)
    wanted = parser.parse_args()
    if not torch.cuda.is_available():
        rows = [Row(WHAT, None, "min", goal=GOAL_MIN, better="lower", note="no CUDA device here")]
        tell("Training on a graphics card", rows, wanted.json)
        return
    rows = measured(wanted.hours, wanted.batch, wanted.steps)
    tell("Training on a graphics card", rows, wanted.json, device=torch.cuda.get_device_name())


def made_up(hours: float, audio: AudioSpec) -> MelCache:
    frames = round(3600.0 * hours * audio.frames_per_second)
    mel = np.broadcast_to(np.linspace(-8.0, -3.0, audio.bands, dtype=np.float16), (frames, audio.bands))
    return MelCache("made-up", mel, np.broadcast_to(np.float32(120.0), (frames,)), (), Manifest((), ()), ())


def measured(hours: float, batch_size: int, steps: int) -> list[Row]:
    device, audio, preset = torch.device("cuda"), AudioSpec(), presets()["paper"]
    corpus = ResidentCorpus(made_up(hours, audio), device)
    frames = round(3600.0 * hours * audio.frames_per_second)
    crop = round(preset.train.crop_s * audio.frames_per_second)
    clip = 12 * 64
    stretches = tuple(Stretch(first, clip) for first in range(0, frames - clip, clip))
    order = CropOrder(stretches, crop, 0)
    model = AuxVAE(preset.model).to(device)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    generator = torch.Generator(device).manual_seed(0)
    spent = dict.fromkeys(PARTS, 0.0)

    def step(number: int, apart: bool) -> None:
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(5)]
        marks[0].record()
        batch, lengths = corpus.gather(order.take(number * batch_size, batch_size))
        marks[1].record()
        with torch.no_grad():
            views = for_training(batch, model.spec, generator, audio, model.average)
        marks[2].record()
        with torch.autocast("cuda", torch.bfloat16):
            got = terms(model, views, preset.train, lengths=lengths, generator=generator)
        optimiser.zero_grad()
        got.loss.backward()
        marks[3].record()
        optimiser.step()
        marks[4].record()
        if apart:
            torch.cuda.synchronize()
            for part, first, last in zip(PARTS, marks, marks[1:], strict=True):
                spent[part] += first.elapsed_time(last) / 1000.0

    for number in range(10):
        step(number, apart=False)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for number in range(steps):
        step(number, apart=False)
    torch.cuda.synchronize()
    step_s = (time.perf_counter() - began) / steps
    for number in range(20):
        step(number, apart=True)
    tflops = 6.0 * frame_weights(model) * batch_size * crop / step_s / 1e12
    crops = EPOCHS * 3600.0 * 100.0 / preset.train.crop_s
    whole = sum(spent.values())
    shares = ", ".join(f"{part} {100 * seconds / whole:.0f} %" for part, seconds in spent.items())
    return [
        Row(
            WHAT, crops / batch_size * step_s / 60.0, "min", goal=GOAL_MIN, better="lower",
            ours=f"{batch_size * preset.train.crop_s / step_s:.0f} s of speech a second, batch {batch_size}",
        ),
        Row("TFLOP/s of its matrix products", tflops, "TFLOP/s", ours=f"{100 * tflops / PEAK_TFLOPS:.0f} % of 990"),
        Row("Where a step's time goes", 1000.0 * step_s, "ms", ours=shares),
    ]  # fmt: skip


def frame_weights(model: AuxVAE) -> int:
    """Weights of the products that are taken at every frame."""
    count = 0
    for trunk in (
        model.global_trunk, model.medium_trunk, model.local_trunk, model.decoder_trunk, model.predictor_m_trunk,
        model.predictor_h_trunk,
    ):  # fmt: skip
        count += sum(layer.frame.weight.numel() for layer in trunk.layers)
    return count + model.local_head.linear.weight.numel() + model.decoder_head.weight.numel()


if __name__ == "__main__":
    main()
