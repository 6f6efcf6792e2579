"""A man given a woman's voice beside her own reading of the same sentence, and the other way about.

    python -m tests.bench.parallel_voices --model MODEL --arctic DIR [--sentences 12] [--rendering model|natural]

CMU ARCTIC's bdl and slt read the same sentences and were never trained on. The target is the mean h (and m) of five
OTHER sentences of the target's. After dynamic time warping (librosa; benchmark only), in dB:

    to the target's reading    mel-cepstral, level left out: does the sound come closer to what she would say?
    content distance           the product's measure (each clip's mean cepstrum taken out), for its scale: how far
                               apart are two people who say the very same words?

Prints a table, writes JSON with --json.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from engine.api import RENDERINGS, StoredClip
from engine.transfer import take_evidence
from tests.bench.takes import analysed, latents, take_of

VOICES = ("bdl", "slt")
GIVEN = 5  # sentences that the target's latents are the mean of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--arctic", required=True, type=Path)
    parser.add_argument("--sentences", type=int, default=12)
    parser.add_argument("--rendering", choices=RENDERINGS, default="model")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(wanted.model, wanted.arctic, wanted.sentences, wanted.rendering, Path(folder))
    table = {}
    print(f"{wanted.rendering:<44}{'to the target reading it':>26}{'content distance':>20}")
    for what, pairs in rows.items():
        to_target, content = np.array(pairs).T
        table[what] = {"sentences": len(pairs), "to target": to_target.mean(), "content": content.mean()}
        print(f"{what:<44}{to_target.mean():>26.2f}{content.mean():>20.2f}")
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(table, indent=1), "utf-8")


def measure(
    model: str, arctic: Path, sentences: int, rendering: str, folder: Path
) -> dict[str, list[tuple[float, float]]]:
    """By sound, for every sentence: the distance to the target's own reading, and the content distance.

    The content distance is the result's to the source; of the source itself, the one to the target's reading.
    """
    files = {voice: sorted(arctic.glob(f"*{voice}*/*.flac")) for voice in VOICES}
    numbers = range(GIVEN, min(GIVEN + sentences, len(files[VOICES[0]])))
    wanted = {f"{voice}{i}": files[voice][i] for voice in VOICES for i in (*range(GIVEN), *numbers)}
    clips = analysed(wanted, model, folder / "clips")
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for source, target in (VOICES, VOICES[::-1]):
        given = latents(*(clips[f"{target}{i}"] for i in range(GIVEN)))
        for i in numbers:
            spoken, hers = clips[f"{source}{i}"], clips[f"{target}{i}"]
            another = clips[f"{source}{i + 1 if i + 1 in numbers else GIVEN}"]
            rows["the source itself"].append((apart(spoken, hers), apart(spoken, hers, timbre=False)))
            rows["the source saying something else"].append(
                (apart(another, hers), apart(another, spoken, timbre=False))
            )
            for what, emotion in (("h given", ()), ("h and m given", given)):
                take = take_of(spoken, model, folder / "takes", voice=given, emotion=emotion, rendering=rendering)
                heard = {} if emotion else {"reconstruction only": StoredClip(take.control_folder)}
                heard[what] = StoredClip(take.transformed_folder)
                for name, sound in heard.items():
                    rows[name].append((apart(sound, hers), apart(sound, spoken, timbre=False)))
    return rows


def apart(one: StoredClip, other: StoredClip, timbre: bool = True) -> float:
    """Mel-cepstral distance in dB along the best path; with or without the clips' mean cepstra."""
    from librosa.sequence import dtw

    mels = [np.array(clip.array("mel"), np.float32) for clip in (one, other)]
    a, b = (take_evidence.mel_cepstra(mel) for mel in mels)
    if not timbre:
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    cost, path = dtw(a.T, b.T, metric="euclidean")
    return float(cost[-1, -1] / len(path) * 20.0 / math.log(10.0) / math.sqrt(mels[0].shape[1]))


if __name__ == "__main__":
    main()
