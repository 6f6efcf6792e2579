"""Make the model that comes with the program: resources/starter.triptych.safetensors.

    .venv/bin/python packaging/make_starter.py --librispeech DIR [--minutes 30] [--run RUN_DIR]

DIR holds the splits train-clean-5 and, if there, train-clean-100, and SPEAKERS.TXT. Some voices are left out
(`is_held_out`), so that tests.bench.transfer_quality measures on voices the model has never heard. It carries
a reading of the gender from h, fitted on the same voices. With --run, a run begun before is gone on with.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.api import Control, Event, ProbeCorpus, Progress, RunSpec, presets  # noqa: E402
from engine.evaluation.probes.job import keep_heads  # noqa: E402
from engine.model import checkpoint  # noqa: E402
from engine.runtime.resources import STARTER_MODEL  # noqa: E402
from engine.training import loop  # noqa: E402
from engine.training.checkpoints import BEST  # noqa: E402

HELD_OUT = frozenset(["3526", "5789", "7859", "6848", "7367", "8629"])  # of train-clean-5: three women, three men
VOCODER = "refined"  # trained on what the starter decodes: packaging/make_refiner.py
CREDIT = (
    "Trained on LibriSpeech (V. Panayotov, G. Chen, D. Povey, S. Khudanpur: LibriSpeech: an ASR corpus based on "
    "public domain audio books, ICASSP 2015), licence CC BY 4.0."
)


def is_held_out(speaker: str, split: str) -> bool:
    """Whether this voice tests the model instead of training it; of train-clean-100 every tenth does."""
    return speaker in HELD_OUT if split == "train-clean-5" else int(speaker) % 10 == 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--librispeech", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--run", type=Path, metavar="RUN_DIR", help="where to train; else in a temporary folder")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = wanted.run or Path(folder) / "starter"
        voices = corpus(wanted.librispeech)
        if not (run / "spec.json").exists():
            preset = presets()["transfer"]
            train = dataclasses.replace(preset.train, minutes=wanted.minutes)
            RunSpec(train, preset.model, folders=tuple(map(str, voices)), name="starter").write(run)
        loop.train(run, tell, lambda: Control.RUN)
        pack(run, voices)


def corpus(librispeech: Path) -> list[Path]:
    """The training voices, a folder each."""
    splits = [path for name in ("train-clean-5", "train-clean-100") if (path := librispeech / name).is_dir()]
    return [
        voice
        for split in splits
        for voice in sorted(split.iterdir())
        if voice.is_dir() and not is_held_out(voice.name, split.name)
    ]


def tell(event: Event) -> None:
    if isinstance(event, Progress) and event.fraction is not None:
        print(f"\r{event.fraction:4.0%}  {event.message}", end="", file=sys.stderr)


def pack(run: Path, voices: list[Path]) -> None:
    """Put the run's best model into resources, with credit to its data and a reading of the gender."""
    best = checkpoint.load(run / BEST)
    provenance = best.provenance | {
        "credit": CREDIT,
        "voices": [voice.name for voice in voices],
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "made_by": "packaging/make_starter.py",
    }
    target = ROOT / "resources" / STARTER_MODEL
    checkpoint.save(target, best.model, best.audio, best.train, provenance, best.extra, VOCODER)
    named = ProbeCorpus(folders=tuple(map(str, voices)))
    read = keep_heads(("gender",), named, str(target), str(target), None, tell, lambda: Control.RUN)
    print(f"\n{target.name}: {target.stat().st_size / 1e6:.1f} MB; {read}")


if __name__ == "__main__":
    main()
