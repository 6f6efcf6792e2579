"""Make the model that comes with the program: resources/starter.triptych.safetensors.

    .venv/bin/python packaging/make_starter.py --librispeech DIR [--minutes 10] [--run RUN_DIR]

DIR holds the splits train-clean-5 and, if there, train-clean-100, and SPEAKERS.TXT. The voices
in HELD_OUT are left out, so that tests.bench.transfer_quality measures on voices the model has never heard.
With --run, a run trained before by this script is taken as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine import checkpoint, training  # noqa: E402
from engine.api import Control, Event, Progress, RunSpec, presets  # noqa: E402
from engine.resources import STARTER_MODEL  # noqa: E402

HELD_OUT = frozenset(["1088", "2416", "3242", "332", "460", "1970", "19", "163", "118", "226"])
CREDIT = (
    "Trained on LibriSpeech (V. Panayotov, G. Chen, D. Povey, S. Khudanpur: LibriSpeech: an ASR corpus based on "
    "public domain audio books, ICASSP 2015), licence CC BY 4.0."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--librispeech", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--run", type=Path, metavar="RUN_DIR")
    wanted = parser.parse_args()
    if wanted.run is not None:
        pack(wanted.run)
        return
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "starter"
        preset = presets()["transfer"]
        RunSpec(
            dataclasses.replace(preset.train, minutes=wanted.minutes),
            preset.model,
            folders=tuple(str(path) for path in corpus(wanted.librispeech)),
        ).write(run)
        training.train(run, tell, lambda: Control.RUN)
        pack(run)


def corpus(librispeech: Path) -> list[Path]:
    """The training voices: a folder each of train-clean-5, and train-clean-100 as a whole."""
    few = [path for path in sorted((librispeech / "train-clean-5").iterdir()) if path.name not in HELD_OUT]
    many = librispeech / "train-clean-100"
    return [*few, *([many] if many.is_dir() else [])]


def tell(event: Event) -> None:
    if isinstance(event, Progress) and event.fraction is not None:
        print(f"\r{event.fraction:4.0%}  {event.message}", end="", file=sys.stderr)


def pack(run: Path) -> None:
    """Put the run's best model into resources, with credit to its data."""
    best = checkpoint.load(run / training.BEST)
    provenance = best.provenance | {
        "run": "starter",
        "credit": CREDIT,
        "held_out_speakers": sorted(HELD_OUT, key=int),
        "made_by": "packaging/make_starter.py",
    }
    target = ROOT / "resources" / STARTER_MODEL
    checkpoint.save(target, best.model, best.audio, best.train, provenance, best.extra)
    print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
