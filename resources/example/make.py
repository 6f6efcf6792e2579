"""Make the example recordings: synthetic voices by espeak-ng whose every factor is known.

    .venv/bin/python resources/example/make.py [FOLDER]

Needs the program espeak-ng (on Debian and Ubuntu: apt-get install espeak-ng). Eight voices, three styles and six
sentences give 144 clips and labels.csv; without FOLDER they replace those beside this file. The same espeak-ng
makes the same files again, byte for byte.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import resample_poly

from engine.api.specs import AudioSpec
from engine.audio import f0_tracker as pitch

RATE_HZ = 16_000
MARGIN_S = 0.05  # silence kept before and after the words

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Voice:
    """A speaker. low_hz, high_hz: the pitch range in the calm style; formants: their place beside espeak's own."""

    name: str
    gender: str
    low_hz: float
    high_hz: float
    formants: float
    roughness: int  # 0 to 7
    breath: int  # 0 to 100


@dataclass(frozen=True)
class Style:
    """A way of speaking, the same for every voice."""

    emotion: str
    pitch: float  # factor on the whole range
    liveliness: float  # factor on the distance, in octaves, between the ends of the range
    rate_wpm: int
    amplitude: int  # of 200; 100 is espeak's own


VOICES = (
    Voice("anna", "female", 196.0, 268.0, 1.15, 0, 2),
    Voice("berta", "female", 158.0, 214.0, 1.09, 3, 0),
    Voice("clara", "female", 228.0, 320.0, 1.22, 1, 4),
    Voice("dora", "female", 176.0, 226.0, 1.18, 2, 8),
    Voice("emil", "male", 98.0, 134.0, 0.96, 1, 0),
    Voice("felix", "male", 126.0, 176.0, 1.02, 0, 3),
    Voice("georg", "male", 76.0, 104.0, 0.88, 4, 0),
    Voice("hugo", "male", 110.0, 144.0, 0.91, 2, 6),
)

STYLES = (
    Style("calm", 1.0, 1.0, 165, 45),
    Style("excited", 1.25, 1.9, 200, 75),
    Style("sad", 0.9, 0.35, 140, 28),
)

SENTENCES = (
    "The train is late again.",
    "Nobody told me about it.",
    "We are going home today.",
    "Your brother found the keys.",
    "I never wanted to leave.",
    "Look at the blue water.",
)


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        _lend_espeak_data(Path(data))
        rows = list(_make_all(folder, Path(data)))
    with open(folder / "labels.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    total_mb = sum(path.stat().st_size for path in folder.glob("*.flac")) / 1e6
    print(f"{len(rows)} clips, {total_mb:.2f} MB, in {folder}")
    return 0


def _make_all(folder: Path, data: Path) -> Iterator[dict[str, str | int | float]]:
    for voice in VOICES:
        for style in STYLES:
            low_hz, high_hz = _pitch_range_hz(voice, style)
            _write_variant(data, voice, low_hz, high_hz)
            for number, text in enumerate(SENTENCES, start=1):
                name = f"{voice.name}_{style.emotion}_{number}.flac"
                samples = _speak(data, style, text)
                soundfile.write(folder / name, samples, RATE_HZ, subtype="PCM_16", compression_level=1.0)
                yield {
                    "file": name,
                    "speaker": voice.name,
                    "gender": voice.gender,
                    "emotion": style.emotion,
                    "text": text,
                    "pitch_hz": round(_median_pitch_hz(samples), 1),
                    "pitch_low_hz": round(low_hz, 1),
                    "pitch_high_hz": round(high_hz, 1),
                    "formants": voice.formants,
                    "roughness": voice.roughness,
                    "breath": voice.breath,
                    "rate_wpm": style.rate_wpm,
                    "amplitude": style.amplitude,
                }


def _pitch_range_hz(voice: Voice, style: Style) -> tuple[float, float]:
    """The ends of the range, spread about its geometric middle."""
    middle_hz = style.pitch * (voice.low_hz * voice.high_hz) ** 0.5
    half = (voice.high_hz / voice.low_hz) ** (style.liveliness / 2)
    return middle_hz / half, middle_hz * half


def _lend_espeak_data(folder: Path) -> None:
    """A copy of espeak-ng's data, by links, that has room for a voice of ours."""
    told = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    original = Path(told.split("Data at:")[1].strip())
    variants = folder / "espeak-ng-data" / "voices" / "!v"
    variants.mkdir(parents=True)
    for entry in original.iterdir():
        if entry.name != "voices":
            os.symlink(entry, folder / "espeak-ng-data" / entry.name)


def _write_variant(data: Path, voice: Voice, low_hz: float, high_hz: float) -> None:
    scale = round(100 * voice.formants)
    lines = [
        "language variant",
        "name example",
        f"gender {voice.gender}",
        f"pitch {round(low_hz)} {round(high_hz)}",
        f"roughness {voice.roughness}",
        *(f"formant {number} {scale} 100 100" for number in range(9)),
        *([f"breath {' '.join([str(voice.breath)] * 8)}"] if voice.breath else []),
    ]
    variant = data / "espeak-ng-data" / "voices" / "!v" / "example"
    variant.write_text("\n".join(lines) + "\n", "utf-8")


def _speak(data: Path, style: Style, text: str) -> Samples:
    command = [
        "espeak-ng",
        f"--path={data}",
        "-v",
        "en-us+example",
        "-p",
        "50",
        "-s",
        str(style.rate_wpm),
        "-a",
        str(style.amplitude),
        "--stdout",
        text,
    ]
    spoken, rate_hz = soundfile.read(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
    samples: Samples = resample_poly(spoken, RATE_HZ, rate_hz)
    loud = np.flatnonzero(np.abs(samples) > 1e-3)
    margin = round(MARGIN_S * RATE_HZ)
    return np.pad(samples[loud[0] : loud[-1] + 1], margin)


def _median_pitch_hz(samples: Samples) -> float:
    return float(np.nanmedian(pitch.track(samples, RATE_HZ, AudioSpec())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
