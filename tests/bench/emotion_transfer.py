"""What the m of an angry or sad clip does to a neutral one, beside the control.

    python -m tests.bench.emotion_transfer --model MODEL --ravdess DIR [--actors 16] [--rendering model|natural]

RAVDESS's actors were never trained on. Every actor's neutral clip is given the m of a clip with strong emotion,
once of the same actor and once of the next; the words differ (the corpus has two sentences). Measured on the sound,
as a share of the distance from source to target: loudness, range and tilt; and by Resemblyzer (pip install
resemblyzer; benchmark only) whether the voice stays the source's. Prints a table, writes JSON with --json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile

from engine.api import RENDERINGS, Evidence, StoredClip
from engine.api.specs import AudioSpec
from engine.transfer import take_evidence
from tests.bench.takes import analysed, latents, take_of

EMOTIONS = {"angry": "05", "sad": "04"}
MEASURES = {"loudness": "level_dbfs", "F0 range": "f0_range_semitones", "tilt": "tilt_db_per_octave"}
# A share of a smaller distance than listeners notice says nothing.
LEAST = {"loudness": 3.0, "F0 range": 2.0, "tilt": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--ravdess", required=True, type=Path)
    parser.add_argument("--actors", type=int, default=16)
    parser.add_argument("--rendering", choices=RENDERINGS, default="model")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(wanted.model, wanted.ravdess, wanted.actors, wanted.rendering, Path(folder))
    table: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{wanted.rendering:<26}{'pairs':>6}{'control':>22}{'m given':>22}")
    for kind, values in rows.items():
        table[kind] = {}
        for name, pairs in values.items():
            control, given = np.array(pairs).T
            table[kind][name] = {
                "pairs": len(pairs),
                "control": float(np.median(control)),
                "given": float(np.median(given)),
            }
            print(f"{kind + ', ' + name:<26}{len(pairs):>6}{quartiles(control):>22}{quartiles(given):>22}")
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(table, indent=1), "utf-8")


def quartiles(values: np.ndarray) -> str:
    low, middle, high = np.percentile(values, (25, 50, 75))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def measure(
    model: str, corpus: Path, actors: int, rendering: str, folder: Path
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """(control, given) by kind of pair and measure."""
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)

    def voice(samples: np.ndarray) -> np.ndarray:
        return encoder.embed_utterance(preprocess_wav(np.asarray(samples, np.float32), 16_000))

    def path(actor: int, emotion: str, strong: bool, sentence: int) -> Path:
        name = f"03-01-{emotion}-0{2 if strong else 1}-0{sentence}-01-{actor:02d}.flac"
        return next(corpus.rglob(name))

    refs = {}
    for actor in range(1, actors + 1):
        refs[f"{actor}-neutral"] = path(actor, "01", False, 1)
        for emotion, code in EMOTIONS.items():
            refs[f"{actor}-{emotion}"] = path(actor, code, True, 2)
    clips = analysed(refs, model, folder)
    rows: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for actor in range(1, actors + 1):
        source = clips[f"{actor}-neutral"]
        for emotion in EMOTIONS:
            for kind, reference in (("own", actor), ("another's", actor % actors + 1)):
                target = clips[f"{reference}-{emotion}"]
                take = take_of(source, model, folder / "takes", emotion=latents(target), rendering=rendering)
                was, wanted = of_clip(source), of_clip(target)
                for name, attribute in MEASURES.items():
                    distance = wanted[name] - was[name]
                    if abs(distance) >= LEAST[name]:
                        rows[f"{kind} {emotion}"][name].append(
                            (
                                (number(take.control_evidence, attribute) - was[name]) / distance,
                                (number(take.evidence, attribute) - was[name]) / distance,
                            )
                        )
                if kind != "own":
                    original, control, result, other = (
                        voice(samples)
                        for samples in (
                            source.array("audio"),
                            soundfile.read(take.control)[0],
                            soundfile.read(take.transformed)[0],
                            target.array("audio"),
                        )
                    )
                    rows[f"{kind} {emotion}"]["nearer the giver"].append(
                        (float(control @ other > control @ original), float(result @ other > result @ original))
                    )
    return rows


def of_clip(clip: StoredClip) -> dict[str, float]:
    f0, mel = np.array(clip.array("f0")), np.array(clip.array("mel"), np.float32)
    return {
        "loudness": take_evidence.level_dbfs(clip.array("audio")),
        "F0 range": take_evidence.range_semitones(f0) or float("nan"),
        "tilt": take_evidence.tilt_db_per_octave(mel, f0, AudioSpec()) or float("nan"),
    }


def number(of: Evidence, attribute: str) -> float:
    value = getattr(of, attribute)
    return float("nan") if value is None else float(value)


if __name__ == "__main__":
    main()
