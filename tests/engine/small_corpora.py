"""Small corpora of tones, and the feature cache of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from engine.api import Control
from engine.api.specs import AudioSpec
from engine.corpus.cache.feature_cache import MelCache, build
from engine.corpus.scanning import scan

SPEC = AudioSpec()
Tone = Callable[..., np.ndarray]


def run() -> Control:
    return Control.RUN


def ignore(event: object) -> None:
    """A report no one reads."""


def voices(folder: Path, tone: Tone, seconds: tuple[float, ...]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, length in enumerate(seconds):
        paths.append(folder / f"clip{i}.wav")
        soundfile.write(paths[-1], tone(120.0 + 30 * i, length), 16_000)
    return paths


def cached(
    folder: Path, control: Callable[[], Control] = run, to: str = "cache", processes: int | None = None
) -> MelCache:
    return build(scan([str(folder)], [], run), SPEC, folder.parent / to, ignore, control, processes)
