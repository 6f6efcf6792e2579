"""How well h and m change a voice, beside the control: the table of the README.

    python -m tests.bench.transfer_quality --model MODEL --corpus LIBRISPEECH_SPLIT [--speakers 1088,2416,...]

The speakers must not have been trained on. Every one's first clip is the source; the target is the mean h (and m)
of up to five other clips of another speaker, across and within gender. The judges are not ours: Resemblyzer's
speaker encoder and STOI (pip install resemblyzer pystoi; benchmark only). Prints a table, writes JSON with --json.

The control keeps the pitch level and mean spectrum that were measured on the source, so its F0 share says nothing
of h. The last line does: the source given its own h and m like a stranger's, its levels read back from them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
import torch

from engine import analysis, transfer, vocoder
from engine.api import Analyse, ClipRef, Control, LatentRef, StoredClip, Transfer
from engine.corpus.librispeech import LibriSpeech
from engine.specs import AudioSpec

CLIP_S = (5.0, 15.0)
CLIPS = 6
COLUMNS = (
    "control F0 share", "F0 share", "control like source", "control like target", "like source", "like target",
    "control nearer target", "nearer target", "control STOI", "control content dB", "content dB",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--corpus", required=True, type=Path, help="a LibriSpeech split")
    parser.add_argument("--speakers", default="", help="comma-separated; all of the split if not given")
    parser.add_argument("--targets", type=int, default=3, help="targets of every source, across gender")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    clips = find_clips(wanted.corpus, [name for name in wanted.speakers.split(",") if name])
    with tempfile.TemporaryDirectory() as folder:
        results, told_back = measure(wanted.model, clips, wanted.targets, Path(folder))
    table = {kind: summary(np.array(rows)) for kind, rows in results.items()}
    width = max(map(len, COLUMNS)) + 2
    print(" " * width + "".join(f"{kind:>26}" for kind in table))
    for column in ("pairs", *COLUMNS):
        print(f"{column:<{width}}" + "".join(f"{told(values[column]):>26}" for values in table.values()))
    away, similarity, clearness = np.array(told_back).T
    print(
        f"own h and m, levels read back: {np.median(away):.2f} semitones off (median; at most {away.max():.2f}), "
        f"like source {similarity.mean():.3f}, STOI {clearness.mean():.3f}, {len(away)} voices"
    )
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(table, indent=1), "utf-8")


def told(value: float | list[float]) -> str:
    if isinstance(value, list):
        return f"{value[1]:.2f} ({value[0]:.2f} to {value[2]:.2f})"
    return f"{value:.3g}"


def summary(rows: np.ndarray) -> dict[str, float | list[float]]:
    """Quartiles of the shares of the F0 distance, means of the rest."""
    values: dict[str, float | list[float]] = {"pairs": float(len(rows))}
    for i, column in enumerate(COLUMNS):
        known = rows[:, i][np.isfinite(rows[:, i])]
        values[column] = np.percentile(known, (25, 50, 75)).tolist() if "share" in column else float(known.mean())
    return values


def find_clips(corpus: Path, speakers: list[str]) -> dict[tuple[str, str], list[Path]]:
    """Clips of (speaker, gender), between 5 and 15 seconds, at least three each."""
    layout = LibriSpeech()
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted(corpus.rglob("*.flac")):
        labels = layout.labels(path)
        if labels is None or labels.speaker is None or labels.gender is None:
            continue
        if speakers and labels.speaker not in speakers:
            continue
        key = (labels.speaker, labels.gender)
        if len(found[key]) < CLIPS and CLIP_S[0] < soundfile.info(path).duration < CLIP_S[1]:
            found[key].append(path)
    return {key: paths for key, paths in found.items() if len(paths) >= 3}


def measure(
    model: str, clips: dict[tuple[str, str], list[Path]], targets: int, folder: Path
) -> tuple[dict[str, list[list[float]]], list[tuple[float, float, float]]]:
    """Rows of COLUMNS by kind of pair; and of each source with its own latents: semitones off, similarity, STOI."""
    from pystoi import stoi
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)

    def voice(samples: np.ndarray) -> np.ndarray:
        return encoder.embed_utterance(preprocess_wav(np.asarray(samples, np.float32), 16_000))

    refs = tuple(
        ClipRef(f"{key[0]}_{i}", str(path)) for key, paths in clips.items() for i, path in enumerate(paths)
    )
    analysis.analyse(Analyse(refs, str(folder / "clips"), model, "cpu"), lambda event: None, lambda: Control.RUN)

    def stored(key: tuple[str, str], i: int) -> StoredClip:
        return StoredClip(str(folder / "clips" / f"{key[0]}_{i}"))

    voices = {}
    for key, paths in clips.items():
        mean = np.mean([voice(stored(key, i).array("audio")) for i in range(1, len(paths))], axis=0)
        voices[key] = mean / np.linalg.norm(mean)
    rows: dict[str, list[list[float]]] = defaultdict(list)
    told_back: list[tuple[float, float, float]] = []
    for source in clips:
        across = [key for key in clips if key[1] != source[1]][:targets]
        within = [key for key in clips if key[1] == source[1] and key != source][:2]
        clip = stored(source, 0)
        wave = torch.from_numpy(np.array(clip.array("audio")) * 10 ** (clip.meta().gain_db / 20))
        mel = torch.from_numpy(np.array(clip.array("mel"), np.float32))
        vocoded = vocoder.synthesise(mel, AudioSpec(), samples=len(wave), phase_of=wave).numpy()
        itself = (LatentRef(clip.folder),)
        take = transfer.render(
            Transfer(
                clip.folder, model, str(folder / "takes"), f"{source[0]}-itself", voice=itself, emotion=itself
            ),
            lambda event: None,
            lambda: Control.RUN,
        )
        original, heard = (soundfile.read(path, dtype="float32")[0] for path in (take.original, take.transformed))
        told_back.append(
            (
                abs(number(take.evidence.f0_shift_semitones)),
                float(voice(original) @ voice(heard)),
                float(stoi(vocoded, heard, 16_000)),
            )
        )
        for kind, others in (("across", across), ("within", within)):
            for target in others:
                given = tuple(LatentRef(stored(target, i).folder) for i in range(1, len(clips[target])))
                for what, emotion in (("h", ()), ("h and m", given)):
                    take = transfer.render(
                        Transfer(
                            clip.folder, model, str(folder / "takes"), f"{source[0]}-{target[0]}-{len(emotion)}",
                            voice=given, emotion=emotion,
                        ),
                        lambda event: None,
                        lambda: Control.RUN,
                    )  # fmt: skip
                    original, control, result = (
                        voice(soundfile.read(path, dtype="float32")[0])
                        for path in (take.original, take.control, take.transformed)
                    )
                    heard = soundfile.read(take.control, dtype="float32")[0]
                    at = voices[target]
                    rows[f"{kind} gender, {what}"].append(
                        [
                            number(take.control_evidence.f0_share),
                            number(take.evidence.f0_share),
                            float(control @ original),
                            float(control @ at),
                            float(result @ original),
                            float(result @ at),
                            float(control @ at > control @ original),
                            float(result @ at > result @ original),
                            float(stoi(vocoded, heard, 16_000)),
                            number(take.control_evidence.content_distance_db),
                            number(take.evidence.content_distance_db),
                        ]
                    )
    return rows, told_back


def number(value: float | None) -> float:
    return float("nan") if value is None else value


if __name__ == "__main__":
    main()
