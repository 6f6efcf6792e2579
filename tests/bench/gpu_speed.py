"""Training on a graphics card: the paper's 40 epochs over 100 hours, projected from measured steps.

    python -m tests.bench.gpu_speed [--hours 100] [--batch 256] [--json FILE]
    python -m tests.bench.gpu_speed --dry-run        every line of it on a processor, in a minute; no figure counts

The corpus is made up (times do not depend on its content). Three ways are measured: pieces gathered in the card's
memory, as training does where the corpus fits; the same with compiled networks (`compiled` in TrainSpec); pieces
that come through pinned memory. Products are bfloat16, Adam is fused. Reported are TFLOP/s of the matrix products,
their share of 990, the dense bfloat16 peak of an H100 or H200, how a step divides into gathering, inputs, networks
and optimiser, and how the card's time divides into products, other kernels and waiting for work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.measuring import Row, arguments, tell  # isort: skip

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from engine.api.presets import presets
from engine.api.specs import AudioSpec
from engine.corpus.cache.feature_cache import MelCache
from engine.corpus.manifest import Manifest
from engine.model.aux_vae import AuxVAE
from engine.model.modules import Trunk
from engine.model.objective import terms
from engine.model.timescale.inputs import Batch, for_training
from engine.training.compilation import compile_trunks
from engine.training.data.crops import CropOrder, Stretch, gather
from engine.training.data.gpu_corpus import ResidentCorpus

EPOCHS, HOURS, GOAL_MIN, PEAK_TFLOPS = 40, 100.0, 10.0, 990.0
PARTS = ("gathering", "inputs", "networks", "optimiser")
PRODUCTS = ("gemm", "cutlass", "nvjet", "cublas", "mm", "linear")  # in the names of kernels that multiply matrices
WHAT = f"Training on one GPU: {EPOCHS} epochs over {HOURS:.0f} hours, the paper's sizes"
WARM_STEPS = 10
AUDIO, PRESET = AudioSpec(), presets()["paper"]
CROP = round(PRESET.train.crop_s * AUDIO.frames_per_second)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--batch", type=int, default=256, help="pieces of four seconds a step")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--dry-run", action="store_true", help="run it all on a processor")
    wanted = parser.parse_args()
    title = "Training on a graphics card"
    if wanted.dry_run:
        rows = measured(torch.device("cpu"), hours=0.1, batch_size=2, steps=1, warm=0)
        tell(f"{title}: a dry run on a processor, whose figures say nothing", rows, wanted.json)
    elif not torch.cuda.is_available():
        rows = [Row(WHAT, None, "min", goal=GOAL_MIN, better="lower", note="unmeasured: no CUDA device here")]
        tell(title, rows, wanted.json)
    else:
        rows = measured(torch.device("cuda"), wanted.hours, wanted.batch, wanted.steps, WARM_STEPS)
        tell(title, rows, wanted.json, device=torch.cuda.get_device_name())


def made_up(hours: float) -> MelCache:
    frames = round(3600.0 * hours * AUDIO.frames_per_second)
    mel = np.broadcast_to(np.linspace(-8.0, -3.0, AUDIO.bands, dtype=np.float16), (frames, AUDIO.bands))
    return MelCache("made-up", mel, np.broadcast_to(np.float32(120.0), (frames,)), (), Manifest((), ()), ())


@dataclass(frozen=True)
class Measured:
    """Seconds of a step, and of its parts when each is waited for; `kernels` says how the device's time divides."""

    step_s: float
    parts_s: dict[str, float]
    kernels: str


class Training:
    """Steps as engine.training takes them, from one source of batches.

    Args:
        batches: the batch of step number n.
    """

    def __init__(self, device: torch.device, batches: Callable[[int], tuple[Batch, torch.Tensor | None]]) -> None:
        torch.manual_seed(0)
        self._device, self._batches = device, batches
        self.model = AuxVAE(PRESET.model).to(device)
        self._optimiser = torch.optim.Adam(self.model.parameters(), fused=True)
        self._generator = torch.Generator(device).manual_seed(0)
        self._number = 0

    def step(self, mark: Callable[[], None] = lambda: None) -> None:
        """mark() is called before each of PARTS, and after the last."""
        mark()
        batch, lengths = self._batches(self._number)
        self._number += 1
        mark()
        with torch.no_grad():
            inputs = for_training(batch, self.model.spec, self._generator, AUDIO, self.model.average)
        mark()
        with torch.autocast(self._device.type, torch.bfloat16):
            got = terms(self.model, inputs, PRESET.train, lengths=lengths, generator=self._generator)
        self._optimiser.zero_grad()
        got.loss.backward()
        mark()
        self._optimiser.step()
        mark()

    def measured(self, steps: int, warm: int) -> Measured:
        for _ in range(warm):
            self.step()
        began = self._settled()
        for _ in range(steps):
            self.step()
        step_s = (self._settled() - began) / steps
        marks: list[float] = []
        for _ in range(max(1, steps // 5)):
            self.step(lambda: marks.append(self._settled()))
        parts = np.diff(np.reshape(marks, (-1, len(PARTS) + 1)), axis=1).mean(axis=0)
        return Measured(step_s, dict(zip(PARTS, parts.tolist(), strict=True)), self._kernels())

    def _kernels(self) -> str:
        """How the device's time divides in three steps, in words."""
        on_card = self._device.type == "cuda"
        with profile(activities=[ProfilerActivity.CUDA if on_card else ProfilerActivity.CPU]) as found:
            began = self._settled()
            for _ in range(3):
                self.step()
            whole = self._settled() - began
        products = others = 0.0
        for item in found.key_averages():
            seconds = (item.self_device_time_total if on_card else item.self_cpu_time_total) / 1e6
            if any(name in item.key.lower() for name in PRODUCTS):
                products += seconds
            else:
                others += seconds
        shares = {"products": products, "other kernels": others, "waiting": max(0.0, whole - products - others)}
        return ", ".join(f"{name} {100.0 * seconds / whole:.0f} %" for name, seconds in shares.items())

    def _settled(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def measured(device: torch.device, hours: float, batch_size: int, steps: int, warm: int) -> list[Row]:
    cache = made_up(hours)
    clip = 12 * 64
    order = CropOrder(tuple(Stretch(first, clip) for first in range(0, len(cache.mel) - clip, clip)), CROP, 0)
    resident = ResidentCorpus(cache, device)
    held = Training(device, lambda n: resident.gather(order.take(n * batch_size, batch_size)))
    rows = described(WHAT, held.measured(steps, warm), held.model, batch_size, GOAL_MIN)
    why = compile_trunks(held.model, held.step)
    if why is None:
        rows += described("The same, compiled", held.measured(steps, warm), held.model, batch_size, GOAL_MIN)
    else:
        rows.append(Row("The same, compiled", None, "min", note=why))
    streamed = Training(device, lambda n: gather(cache, order.take(n * batch_size, batch_size), device))
    what = "The same, pieces through pinned memory"
    return rows + described(what, streamed.measured(steps, warm), streamed.model, batch_size, None)


def described(what: str, found: Measured, model: AuxVAE, batch_size: int, goal: float | None) -> list[Row]:
    steps = EPOCHS * 3600.0 * HOURS / PRESET.train.crop_s / batch_size
    tflops = 6.0 * frame_weights(model) * batch_size * CROP / found.step_s / 1e12
    apart = sum(found.parts_s.values())
    shares = ", ".join(f"{part} {100.0 * seconds / apart:.0f} %" for part, seconds in found.parts_s.items())
    speech = f"{batch_size * PRESET.train.crop_s / found.step_s:.0f} s of speech a second, batch {batch_size}"
    return [
        Row(what, steps * found.step_s / 60.0, "min", goal=goal, better="lower", ours=speech),
        Row("TFLOP/s of its products", tflops, "TFLOP/s", ours=f"{100.0 * tflops / PEAK_TFLOPS:.2g} % of 990"),
        Row("Where its step goes", 1000.0 * found.step_s, "ms", ours=f"{shares}; of the device: {found.kernels}"),
    ]


def frame_weights(model: AuxVAE) -> int:
    """Weights of the products that are taken at every frame."""
    count = 0
    for trunk in (module for module in model.modules() if isinstance(module, Trunk)):
        count += sum(layer.frame.weight.numel() for layer in trunk.layers)
    return count + model.local_head.linear.weight.numel() + model.decoder_head.weight.numel()


if __name__ == "__main__":
    main()
