"""The mel cache: building it with one process and with several, opening it again, after a move, and its memory.

    python -m tests.bench.corpus_speed [--corpus LibriSpeech/train-clean-5] [--processes 2] [--clips 20000]

Every build is done in a process of its own with an empty cache. Without --corpus the example voices serve. The many
short clips are a second of noise each, all different.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from tests.bench.measuring import Row, arguments, milliseconds, peak_mib, tell  # isort: skip

import numpy as np
import soundfile

from engine.api import Control
from engine.api.specs import AudioSpec
from engine.corpus.cache.feature_cache import build
from engine.corpus.scanning import scan

EXAMPLE = Path(__file__).resolve().parents[2] / "resources" / "example"
RATE_HZ = 16_000


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--corpus", type=Path, default=EXAMPLE)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--clips", type=int, default=20_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows = of_a_corpus(wanted.corpus, wanted.processes, folder) + of_many_clips(wanted.clips, folder)
    tell("Corpus", rows, wanted.json)


def of_a_corpus(corpus: Path, processes: int, folder: Path) -> list[Row]:
    one = built(corpus, folder / "one", 1)
    several = built(corpus, folder / "several", processes)
    again = built(corpus, folder / "several", 1)
    hours = one["seconds_of_speech"] / 3600.0
    return [
        Row(
            f"Mel cache built by {processes} processes",
            one["wall_s"] / several["wall_s"],
            "x",
            baseline="one process",
            ours=f"{several['wall_s']:.1f} s",
            theirs=f"{one['wall_s']:.1f} s",
            note=f"{hours:.2f} hours of speech; by processor seconds {one['cpu_s']:.1f} and {several['cpu_s']:.1f}",
        ),
        Row(
            "Opened again",
            one["wall_s"] / again["wall_s"],
            "x",
            goal=100.0,
            baseline="the first build",
            ours=milliseconds(again["wall_s"]),
            theirs=f"{one['wall_s']:.1f} s",
        ),
    ]


def of_many_clips(count: int, folder: Path) -> list[Row]:
    corpus = folder / "short"
    corpus.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        soundfile.write(corpus / f"{number:06}.wav", rng.uniform(-0.5, 0.5, RATE_HZ), RATE_HZ, "PCM_16")
    few = folder / "few"
    few.mkdir()
    for number in range(100):
        shutil.copy(corpus / f"{number:06}.wav", few)
    small = built(few, folder / "small", 1)
    large, again = built(corpus, folder / "large", 0), built(corpus, folder / "large", 1)
    moved = folder / "moved"
    shutil.copytree(corpus, moved)  # other paths, other times, the same contents
    elsewhere = built(moved, folder / "large", 1)
    return [
        Row(
            f"Memory of {count} clips of 1 s",
            large["peak_mib"] - small["peak_mib"],
            "MiB",
            goal=100.0,
            better="lower",
            baseline="100 clips",
            ours=f"{large['peak_mib']:.0f} MiB",
            theirs=f"{small['peak_mib']:.0f} MiB",
            note=f"built in {large['wall_s']:.0f} s",
        ),
        Row(
            f"{count} clips opened again",
            large["cpu_s"] / again["cpu_s"],
            "x",
            goal=100.0,
            baseline="the first build, processor seconds",
            ours=milliseconds(again["cpu_s"]),
            theirs=f"{large['cpu_s']:.1f} s",
            note=f"peak {again['peak_mib']:.0f} MiB",
        ),
        Row(
            f"{count} clips moved and touched",
            large["cpu_s"] / elsewhere["cpu_s"],
            "x",
            goal=20.0,
            baseline="the first build, processor seconds",
            ours=milliseconds(elsewhere["cpu_s"]),
            theirs=f"{large['cpu_s']:.1f} s",
            note="found by content, not computed again",
        ),
    ]


def built(corpus: Path, cache: Path, processes: int) -> dict[str, float]:
    """One build in a process of its own; 0 processes: as many as the program chooses."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_build, args=(theirs, str(corpus), str(cache), processes))
    child.start()
    facts: dict[str, float] = ours.recv()
    child.join()
    return facts


def _build(pipe: object, corpus: str, cache: str, processes: int) -> None:
    manifest = scan([corpus], [], lambda: Control.RUN)
    began, cpu = time.perf_counter(), _cpu_s()
    held = build(manifest, AudioSpec(), Path(cache), lambda event: None, lambda: Control.RUN, processes or None)
    pipe.send(  # type: ignore[attr-defined]
        {
            "wall_s": time.perf_counter() - began,
            "cpu_s": _cpu_s() - cpu,
            "peak_mib": peak_mib(),
            "seconds_of_speech": len(held.mel) / AudioSpec().frames_per_second,
        }
    )


def _cpu_s() -> float:
    """Processor seconds of this process and of the children that have ended."""
    ours, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main()
