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
import torch

from engine import analysis, audio, evidence, transfer
from engine.api import RENDERINGS, Analyse, ClipRef, Control, LatentRef, StoredClip, Transfer
from engine.mel import MelFrontEnd
from engine.specs import AudioSpec

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
    refs = tuple(
        ClipRef(f"{voice}{i}", str(files[voice][i])) for voice in VOICES for i in (*range(GIVEN), *numbers)
    )
    analysis.analyse(Analyse(refs, str(folder / "clips"), model, "cpu"), lambda event: None, lambda: Control.RUN)
    stored = {ref.id: StoredClip(str(folder / "clips" / ref.id)) for ref in refs}
    front_end = MelFrontEnd(AudioSpec())

    def heard(path: str | Path) -> np.ndarray:
        recording = audio.read(str(path), front_end.spec)
        samples = recording.samples * np.float32(audio.amplitude(recording.gain_db))
        return front_end.log_mel(torch.from_numpy(samples)).numpy()

    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for source, target in (VOICES, VOICES[::-1]):
        given = tuple(LatentRef(stored[f"{target}{i}"].folder) for i in range(GIVEN))
        for i in numbers:
            spoken, wanted = heard(files[source][i]), heard(files[target][i])
            another = heard(files[source][i + 1 if i + 1 in numbers else GIVEN])
            rows["the source itself"].append((apart(spoken, wanted), apart(spoken, wanted, timbre=False)))
            rows["the source saying something else"].append(
                (apart(another, wanted), apart(another, spoken, timbre=False))
            )
            for what, emotion in (("h given", ()), ("h and m given", given)):
                take = transfer.render(
                    Transfer(
                        stored[f"{source}{i}"].folder, model, str(folder / "takes"), "take",
                        voice=given, emotion=emotion, rendering=rendering,
                    ),
                    lambda event: None,
                    lambda: Control.RUN,
                )  # fmt: skip
                if not emotion:
                    control = heard(take.control)
                    rows["reconstruction only"].append(
                        (apart(control, wanted), apart(control, spoken, timbre=False))
                    )
                result = heard(take.transformed)
                rows[what].append((apart(result, wanted), apart(result, spoken, timbre=False)))
    return rows


def apart(one: np.ndarray, other: np.ndarray, timbre: bool = True) -> float:
    """Mel-cepstral distance in dB along the best path; with or without the clips' mean cepstra."""
    from librosa.sequence import dtw

    a, b = evidence.mel_cepstra(one), evidence.mel_cepstra(other)
    if not timbre:
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    cost, path = dtw(a.T, b.T, metric="euclidean")
    return float(cost[-1, -1] / len(path) * 20.0 / math.log(10.0) / math.sqrt(one.shape[1]))


if __name__ == "__main__":
    main()
