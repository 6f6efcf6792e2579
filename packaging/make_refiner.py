"""Train the vocoder's refiner that comes with the program: resources/refiner.triptych.safetensors.

    .venv/bin/python packaging/make_refiner.py --librispeech DIR [--minutes 20]

It sees what the starter model decodes of the voices that the starter was trained on (packaging/make_starter.py
leaves the same ones out), beside the recordings. The loss is the mean distance of log-magnitudes above a floor, and
of magnitudes to the power of 0.3, which weighs bins about as they are heard.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads ruin each other

import numpy as np  # noqa: E402
import torch  # noqa: E402
from make_starter import CREDIT, corpus, tell  # noqa: E402

from engine.analysis import analyse  # noqa: E402
from engine.api import Analyse, ClipRef, Control, StoredClip  # noqa: E402
from engine.api.specs import AudioSpec  # noqa: E402
from engine.audio.mel import MelFrontEnd  # noqa: E402
from engine.audio.vocoders import refiner  # noqa: E402
from engine.model import checkpoint  # noqa: E402
from engine.runtime.resources import REFINER, STARTER_MODEL  # noqa: E402
from engine.transfer.renderer import Renderer  # noqa: E402

SEED = 0
BATCH, FRAMES = 32, 64  # pieces of a second
RATE, WARM_STEPS = 1e-3, 200
FLOOR = 0.02  # magnitude: what is weaker need not be told from silence
POWER, POWER_WEIGHT = 0.3, 2.0


@dataclass(frozen=True)
class Pair:
    """A clip: log_mel (frames, bands) as decoded, f0 (frames,) Hz; rough, wanted log-magnitudes (frames, bins)."""

    log_mel: torch.Tensor
    f0: torch.Tensor
    rough: torch.Tensor
    wanted: torch.Tensor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--librispeech", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=1)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    starter = ROOT / "resources" / STARTER_MODEL
    voices = corpus(wanted.librispeech)
    files = [path for voice in voices for path in sorted(voice.rglob("*.flac"))]
    with tempfile.TemporaryDirectory() as folder:
        pairs = decoded(files, starter, Path(folder))
    network, steps = train(pairs, wanted.minutes)
    provenance = {
        "credit": CREDIT,
        "voices": [voice.name for voice in voices],
        "data": hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest(),
        "decoded_by": checkpoint.inspect(starter).hash,
        "seed": SEED,
        "steps": steps,
        "minutes": wanted.minutes,
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {wanted.threads} threads",
        "made_by": "packaging/make_refiner.py",
    }
    target = ROOT / "resources" / REFINER
    refiner.save(target, network, provenance)
    print(f"\n{target.name}: {target.stat().st_size / 1e6:.1f} MB, {steps} steps")


def decoded(files: list[Path], starter: Path, folder: Path) -> list[Pair]:
    """What the starter decodes of every clip with the clip's own latents, beside the clip."""
    refs = tuple(ClipRef(path.stem, str(path)) for path in files)
    analyse.analyse(Analyse(refs, str(folder), str(starter), "cpu"), tell, lambda: Control.RUN)
    model = checkpoint.load(starter)
    front_end = MelFrontEnd(model.audio)
    pairs = []
    for number, path in enumerate(files):
        print(f"\r{number}/{len(files)} decoded", end="", file=sys.stderr)
        renderer = Renderer(model, StoredClip(str(folder / path.stem)), torch.device("cpu"))
        log_mel = renderer.decoder.own(lambda: Control.RUN).mel
        frames = len(log_mel)
        magnitude = front_end.stft(renderer.recording()).abs().T[:frames]
        if frames > FRAMES:
            pairs.append(
                Pair(
                    log_mel.half(),
                    torch.from_numpy(renderer.decoder.source_f0[:frames]).nan_to_num(0.0),
                    refiner.rough(front_end, log_mel).half(),
                    magnitude.clamp_min(refiner.SMALLEST).log().half(),
                )
            )
    return pairs


def train(pairs: list[Pair], minutes: float) -> tuple[refiner.Refiner, int]:
    """The network after `minutes` of AdamW on random pieces; and its steps."""
    torch.manual_seed(SEED)
    draws = np.random.default_rng(SEED)
    network = refiner.Refiner(AudioSpec())
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=1e-3)
    lengths = np.array([len(pair.log_mel) for pair in pairs])
    began, steps, seen = time.monotonic(), 0, 0.0
    while (done := (time.monotonic() - began) / (60.0 * minutes)) < 1.0:
        rate = RATE * min(1.0, (steps + 1) / WARM_STEPS) * (0.02 + 0.49 * (1.0 + math.cos(math.pi * done)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        chosen = [pairs[i] for i in draws.choice(len(pairs), BATCH, p=lengths / lengths.sum())]
        starts = [int(draws.integers(0, len(pair.log_mel) - FRAMES)) for pair in chosen]
        log_mel, f0, rough, wanted = (
            torch.stack([part[first : first + FRAMES] for part, first in zip(parts, starts, strict=True)]).float()
            for parts in zip(*((pair.log_mel, pair.f0, pair.rough, pair.wanted) for pair in chosen), strict=True)
        )
        with torch.autocast("cpu", torch.bfloat16):
            refined = network(log_mel, f0, rough)
        loss = distance(refined, wanted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        steps += 1
        seen += float(loss.detach())
        if steps % 100 == 0:
            print(
                f"\rstep {steps}: loss {seen / 100:.4f}, unrefined {distance(rough, wanted):.4f}", file=sys.stderr
            )
            seen = 0.0
    return network.eval(), steps


def distance(refined: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The loss, of log-magnitudes of one shape."""
    refined = refined.float()
    in_logs = ((refined.exp() + FLOOR).log() - (wanted.exp() + FLOOR).log()).abs().mean()
    heard, meant = (POWER * refined).exp(), (POWER * wanted).exp()
    return in_logs + POWER_WEIGHT * (heard - meant).abs().mean() / meant.mean()


if __name__ == "__main__":
    main()
