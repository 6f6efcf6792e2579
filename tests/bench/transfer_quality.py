"""How well h and m change a voice, beside the control: the table in resources/help/science.md.

    python -m tests.bench.transfer_quality --model MODEL --corpus LIBRISPEECH_SPLIT... [--speakers 5789,7859,...]

The speakers must not have been trained on. Every one's first clip is the source (--sources: more of them); the
target is the mean h (and m) of up to five clips of another speaker, across and within gender. A speaker of one clip
alone is source only.
The judges are not ours: Resemblyzer's speaker encoder, STOI and PESQ (pip install resemblyzer pystoi pesq;
benchmark only). Both renderings are measured, each beside its own control. Prints a table, writes JSON with --json.

The control keeps the levels that were measured on the source, so its F0 share says nothing of h. The column "own h
and m, read back" does: the source given its own h and m like a stranger's. With --words a speech recogniser that is
not ours (pip install pocketsphinx; benchmark only) says how many words of the transcript it no longer understands.
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

from engine.api import (
    OWN_VOCODER,
    RENDERINGS,
    VOCODERS,
    LatentRef,
    StoredClip,
    Take,
)
from engine.api.specs import AudioSpec
from engine.audio.vocoders.griffin_lim import GriffinLim
from engine.corpus.layouts.librispeech import LibriSpeech
from tests.bench.takes import analysed, latents, take_of
from tests.bench.words import Recogniser

CLIP_S = (4.0, 16.5)
CLIPS = 6
RATE_HZ = 16_000
# Quartiles are printed of these, means of the others.
BY_QUARTILES = ("F0 share", "control F0 share")

Key = tuple[str, str]  # speaker, gender


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--corpus", required=True, nargs="+", type=Path, help="LibriSpeech splits")
    parser.add_argument("--speakers", default="", help="comma-separated; all of the splits if not given")
    parser.add_argument("--sources", type=int, default=1, help="clips of every speaker that are given a voice")
    parser.add_argument("--targets", type=int, default=3, help="targets of every source, of either gender")
    parser.add_argument("--renderings", nargs="+", choices=RENDERINGS, default=list(RENDERINGS))
    parser.add_argument("--vocoder", choices=(OWN_VOCODER, *VOCODERS), default=OWN_VOCODER)
    parser.add_argument("--words", action="store_true", help="ask a speech recogniser, too")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    clips = find_clips(wanted.corpus, [name for name in wanted.speakers.split(",") if name])
    tables = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(wanted.model, clips, wanted.targets, Path(folder), wanted.vocoder, wanted.words)
        for rendering in wanted.renderings:
            results = bench.measure(rendering, wanted.sources)
            tables[rendering] = {kind: summary(rows) for kind, rows in results.items()}
            show(rendering, tables[rendering])
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(tables, indent=1), "utf-8")


def show(rendering: str, table: dict[str, dict[str, float | list[float]]]) -> None:
    columns = list(dict.fromkeys(column for values in table.values() for column in values))
    width = max(map(len, columns)) + 2
    print(f"\n{rendering:<{width}}" + "".join(f"{kind:>24}" for kind in table))
    for column in columns:
        print(f"{column:<{width}}" + "".join(f"{told(values.get(column)):>24}" for values in table.values()))


def told(value: float | list[float] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return f"{value[1]:.2f} ({value[0]:.2f} to {value[2]:.2f})"
    return f"{value:.3g}"


def summary(rows: list[dict[str, float]]) -> dict[str, float | list[float]]:
    """Quartiles of the shares of the F0 distance, means of the rest."""
    values: dict[str, float | list[float]] = {"pairs": float(len(rows))}
    for column in dict.fromkeys(column for row in rows for column in row):  # some clips have no transcript
        known = np.array([row.get(column, np.nan) for row in rows])
        known = known[np.isfinite(known)]
        if len(known):
            quartiles = np.percentile(known, (25, 50, 75)).tolist()
            values[column] = quartiles if column in BY_QUARTILES else float(known.mean())
    return values


def find_clips(corpora: list[Path], speakers: list[str]) -> dict[Key, list[Path]]:
    """Up to CLIPS clips of each (speaker, gender), of a length within CLIP_S."""
    layout = LibriSpeech()
    found: dict[Key, list[Path]] = defaultdict(list)
    for path in sorted(path for corpus in corpora for path in corpus.rglob("*.flac")):
        labels = layout.labels(path)
        if labels is None or labels.speaker is None or labels.gender is None:
            continue
        if speakers and labels.speaker not in speakers:
            continue
        key = (labels.speaker, labels.gender)
        if len(found[key]) < CLIPS and CLIP_S[0] < soundfile.info(path).duration < CLIP_S[1]:
            found[key].append(path)
    return {key: paths for key, paths in found.items() if paths}


class Bench:
    """Analyses the clips once; `measure` then makes and judges every pair's transfers with one rendering."""

    def __init__(
        self,
        model: str,
        clips: dict[Key, list[Path]],
        targets: int,
        folder: Path,
        vocoder: str = OWN_VOCODER,
        words: bool = False,
    ) -> None:
        from resemblyzer import VoiceEncoder

        self._vocoder = vocoder
        self._recogniser = Recogniser() if words else None
        self._encoder = VoiceEncoder("cpu", verbose=False)
        self._model, self._clips, self._folder, self._targets = model, clips, folder, targets
        files = {f"{key[0]}_{i}": path for key, paths in clips.items() for i, path in enumerate(paths)}
        self._analysed = analysed(files, model, folder / "clips")
        self._voices = {}
        for key, paths in clips.items():
            if len(paths) > 2:
                mean = np.mean(
                    [self._voice(self._stored(key, i).array("audio")) for i in range(1, len(paths))], axis=0
                )
                self._voices[key] = mean / np.linalg.norm(mean)

    def measure(self, rendering: str, sources: int = 1) -> dict[str, list[dict[str, float]]]:
        """Rows by kind of pair, up to `sources` clips of every speaker."""
        rows: dict[str, list[dict[str, float]]] = defaultdict(list)
        chosen_clips = [(key, i) for i in range(sources) for key, paths in self._clips.items() if i < len(paths)]
        for number, (source, which) in enumerate(chosen_clips):
            clip = self._stored(source, which)
            vocoded, original = self._vocoded(clip), self._voice(clip.array("audio"))
            itself = latents(clip)
            take = self._take(clip, rendering, itself, itself)
            labels = LibriSpeech().labels(self._clips[source][which])
            spoken = "" if labels is None or labels.text is None else labels.text
            rows["own h and m, read back"].append(
                self._row(take, source[1], vocoded, original, None)
                | {"semitones off": abs(number_or_nan(take.evidence.f0_shift_semitones))}
                | self._words_wrong(spoken, take)
                | self._words_wrong_before(spoken, clip, vocoded)
            )
            for kind in ("across", "within"):
                others = [
                    key for key in self._voices if (key[1] != source[1]) == (kind == "across") and key != source
                ]
                chosen = [others[(number + i) % len(others)] for i in range(min(self._targets, len(others)))]
                for target in chosen:
                    given = latents(*(self._stored(target, i) for i in range(1, len(self._clips[target]))))
                    for what, emotion in (("h", ()), ("h, m", given)):
                        take = self._take(clip, rendering, given, emotion)
                        rows[f"{kind} gender, {what}"].append(
                            self._row(take, source[1], vocoded, original, self._voices[target])
                            | self._words_wrong(spoken, take)
                        )
        return rows

    def _take(
        self, clip: StoredClip, rendering: str, voice: tuple[LatentRef, ...], emotion: tuple[LatentRef, ...]
    ) -> Take:
        return take_of(
            clip,
            self._model,
            self._folder / "takes",
            voice=voice,
            emotion=emotion,
            rendering=rendering,
            vocoder=self._vocoder,
        )

    def _row(
        self, take: Take, gender: str, vocoded: np.ndarray, original: np.ndarray, target: np.ndarray | None
    ) -> dict[str, float]:
        from pesq import pesq
        from pystoi import stoi

        sounds = [soundfile.read(path, dtype="float32")[0] for path in (take.control, take.transformed)]
        control, result = (self._voice(sound) for sound in sounds)
        row = {
            "control F0 share": number_or_nan(take.control_evidence.f0_share),
            "F0 share": number_or_nan(take.evidence.f0_share),
            "control like source": float(control @ original),
            "like source": float(result @ original),
            "control STOI": float(stoi(vocoded, sounds[0], RATE_HZ)),
            "control PESQ": float(pesq(RATE_HZ, vocoded, sounds[0], "wb")),
            "STOI": float(stoi(vocoded, sounds[1], RATE_HZ)),
            "control content dB": number_or_nan(take.control_evidence.content_distance_db),
            "content dB": number_or_nan(take.evidence.content_distance_db),
            "control reads as the other gender": flipped(take.control_evidence.gender, gender),
            "reads as the other gender": flipped(take.evidence.gender, gender),
        }
        if target is not None:
            row |= {
                "control like target": float(control @ target),
                "like target": float(result @ target),
                "control nearer target": float(control @ target > control @ original),
                "nearer target": float(result @ target > result @ original),
            }
        return row

    def _words_wrong(self, text: str, take: Take) -> dict[str, float]:
        if self._recogniser is None or not text:
            return {}
        control, result = (soundfile.read(path)[0] for path in (take.control, take.transformed))
        return {
            "control words wrong": self._recogniser.errors(control, text),
            "words wrong": self._recogniser.errors(result, text),
        }

    def _words_wrong_before(self, text: str, clip: StoredClip, vocoded: np.ndarray) -> dict[str, float]:
        if self._recogniser is None or not text:
            return {}
        return {
            "recording words wrong": self._recogniser.errors(np.array(clip.array("audio")), text),
            "vocoded words wrong": self._recogniser.errors(vocoded, text),
        }

    def _vocoded(self, clip: StoredClip) -> np.ndarray:
        """The source through the vocoder alone: the best that any model's mel could sound."""
        wave = torch.from_numpy(np.array(clip.array("audio")) * 10 ** (clip.meta().gain_db / 20))
        mel = torch.from_numpy(np.array(clip.array("mel"), np.float32))
        return GriffinLim(AudioSpec()).synthesise(mel, samples=len(wave), phase_of=wave).numpy()

    def _stored(self, key: Key, i: int) -> StoredClip:
        return self._analysed[f"{key[0]}_{i}"]

    def _voice(self, samples: np.ndarray) -> np.ndarray:
        from resemblyzer import preprocess_wav

        return self._encoder.embed_utterance(preprocess_wav(np.asarray(samples, np.float32), RATE_HZ))


def flipped(female: float | None, gender: str) -> float:
    """1 where the model's own reading of h hears the other gender than the source's, 0 where not."""
    return float("nan") if female is None else float((female > 0.5) != (gender == "female"))


def number_or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


if __name__ == "__main__":
    main()
