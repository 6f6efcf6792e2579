"""How training's data path scales: seconds of speech per second against batch and corpus size, and the memory.

    python -m tests.bench.scaling_speed [--largest 100000] [--json FILE]

Corpora of 10 to 100 000 clips of four seconds are made up as the cache lies on disk (zeros in sparse files: their
size is real, their content is not). What is measured is the whole way of a batch: drawing crops, gathering them
from the mapped cache, and the step of a small model. Flat is good.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.measuring import Apart, Row, arguments, interleaved, peak_mib, tell  # isort: skip

import numpy as np
import torch

from engine.api.presets import presets
from engine.api.specs import AudioSpec
from engine.corpus.cache.feature_cache import Entry, MelCache
from engine.corpus.cache.frames import Frames
from engine.corpus.cache.mapped import mapped
from engine.corpus.manifest import Manifest, Utterance
from engine.model.aux_vae import AuxVAE
from engine.runtime.devices import bfloat16_pays
from engine.training.data.crops import CropOrder, Stretch, gather
from engine.training.step import Step

CLIP_FRAMES = 256
AUDIO = AudioSpec()


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--largest", type=int, default=100_000, help="clips of the largest corpus")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    with tempfile.TemporaryDirectory() as folder:
        sizes = [size for size in (10, 100, 1_000, 10_000, 100_000) if size <= wanted.largest]
        corpora = [corpus(Path(folder), size) for size in sizes]
        rows = [*corpus_sizes(corpora, sizes), memory(sizes, wanted.threads), *batch_sizes(corpora[-1])]
    tell("Scaling", rows, wanted.json)


def corpus(folder: Path, clips: int) -> MelCache:
    frames = clips * CLIP_FRAMES
    paths = [folder / f"{clips}.mel", folder / f"{clips}.f0"]
    for path, size in zip(paths, (frames * AUDIO.bands * 2, frames * 4), strict=True):
        with path.open("wb") as file:
            file.truncate(size)
    utterances = tuple(Utterance(f"/made/up/{number}.flac", f"{number}.flac") for number in range(clips))
    stretches = [(0, number * CLIP_FRAMES, CLIP_FRAMES) for number in range(clips)]
    return MelCache(
        key="made-up",
        mel=Frames([mapped(paths[0], np.float16, (frames, AUDIO.bands))], stretches),
        f0=Frames([mapped(paths[1], np.float32, (frames,))], stretches),
        entries=tuple(Entry(one, number * CLIP_FRAMES, CLIP_FRAMES) for number, one in enumerate(utterances)),
        manifest=Manifest(utterances, ()),
        remarks=(),
    )


class Steps:
    """`count` steps of the starter model over one corpus with one batch size."""

    def __init__(self, cache: MelCache, batch_size: int, count: int) -> None:
        preset = presets()["quick"]
        self._cache, self._size, self._count = cache, batch_size, count
        frames = round(preset.train.crop_s * AUDIO.frames_per_second)
        stretches = tuple(Stretch(entry.start, entry.frames) for entry in cache.entries)
        self._order = CropOrder(stretches, frames, 0)
        self._generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        model = AuxVAE(preset.model)
        self._step = Step(model, preset.train, AUDIO, bfloat16_pays("cpu"))
        self._optimiser = torch.optim.Adam(model.parameters(), fused=True)
        self._at = 0
        self.speech_s = batch_size * count * preset.train.crop_s

    def __call__(self) -> None:
        cpu = torch.device("cpu")
        for _ in range(self._count):
            batch, lengths = gather(self._cache, self._order.take(self._at, self._size), cpu)
            self._at += self._size
            self._step(batch, lengths, None, self._generator).loss.backward()
            self._optimiser.step()
            self._optimiser.zero_grad()


def corpus_sizes(corpora: list[MelCache], sizes: list[int]) -> list[Row]:
    actions = [Steps(cache, 20, 4) for cache in corpora]
    timings = interleaved(actions, rounds=3)
    speeds = [action.speech_s / timing.cpu_s for action, timing in zip(actions, timings, strict=True)]
    told = ", ".join(f"{size}: {speed:.0f}" for size, speed in zip(sizes, speeds, strict=True))
    return [
        Row(
            f"Speed with {sizes[-1]} clips",
            speeds[-1] / speeds[0],
            "x",
            goal=0.9,
            baseline=f"{sizes[0]} clips, processor seconds",
            ours=f"s of speech per processor second by clips: {told}",
        ),
    ]


class Held:
    """A few steps over a corpus of `clips`, in a process of its own; facts say the most memory it held."""

    def __init__(self, clips: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            steps = Steps(corpus(Path(folder), clips), 20, 4)
            steps()
            steps()
        self.facts = {"peak_mib": peak_mib()}

    def __call__(self) -> None: ...


def memory(sizes: list[int], threads: int) -> Row:
    sides = [Apart(Held, clips, threads=threads) for clips in (sizes[0], sizes[-1])]
    few, many = (side.facts["peak_mib"] for side in sides)
    for side in sides:
        side.end()
    return Row(
        f"Memory with {sizes[-1]} clips",
        many - few,
        "MiB",
        goal=150.0,
        better="lower",
        baseline=f"{sizes[0]} clips",
        ours=f"peak {many:.0f} MiB",
        theirs=f"peak {few:.0f} MiB",
        note="more: the list of the recordings and of their places",
    )


def batch_sizes(cache: MelCache) -> list[Row]:
    sizes = (5, 10, 20, 40, 80)
    actions = [Steps(cache, size, 80 // size) for size in sizes]
    timings = interleaved(actions, rounds=3)
    speeds = [action.speech_s / timing.cpu_s for action, timing in zip(actions, timings, strict=True)]
    told = ", ".join(f"{size}: {speed:.0f}" for size, speed in zip(sizes, speeds, strict=True))
    return [
        Row(
            "Speed with batches of 80",
            speeds[-1] / speeds[2],
            "x",
            goal=0.9,
            baseline="batches of 20",
            ours=f"s of speech per processor second by batch: {told}",
        )
    ]


if __name__ == "__main__":
    main()
