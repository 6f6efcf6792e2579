"""Recordings and analysed clips made for a benchmark from the example voices that come with the project."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import soundfile

from engine.api import ClipAnalysed, ClipRef
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE

EXAMPLE = Path(__file__).resolve().parents[2] / "resources" / "example"
RATE_HZ = 16_000


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """Made-up speech of a length, float32 at 16 kHz: example clips in a random order, one after the other."""
    rng = np.random.default_rng(seed)
    files = sorted(EXAMPLE.glob("*.flac"))
    pieces: list[np.ndarray] = []
    while sum(map(len, pieces)) < seconds * RATE_HZ:
        pieces.append(soundfile.read(files[rng.integers(len(files))], dtype="float32")[0])
    return np.concatenate(pieces)[: round(seconds * RATE_HZ)]


def write_clips(folder: Path, lengths_s: list[float]) -> tuple[ClipRef, ...]:
    """A FLAC file of each length."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for number, seconds in enumerate(lengths_s):
        path = folder / f"clip{number}.flac"
        soundfile.write(path, speech(seconds, number), RATE_HZ)
        clips.append(ClipRef(f"clip{number}", str(path)))
    return tuple(clips)


def write_long(path: Path, seconds: float) -> None:
    """One long FLAC file, written minute by minute."""
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, "PCM_16", format="FLAC") as file:
        for minute in range(round(seconds / 60.0)):
            file.write(speech(60.0, minute))


def full_size_model(folder: Path, views: str = "timescale") -> str:
    """A model of the paper's sizes with untrained weights: as slow as a trained one."""
    path = folder / f"{views}.triptych.safetensors"
    model = AuxVAE(dataclasses.replace(ModelSpec(), views=views))
    checkpoint.save(path, model, AudioSpec(), TrainSpec(), {"made": "for a benchmark"})
    return str(path)


def analysed_folders(folder: Path, count: int, latent: int = 512) -> tuple[tuple[ClipRef, str], ...]:
    """Folders as analysis leaves them, with made-up h and labels and nothing else."""
    rng = np.random.default_rng(0)
    clips = []
    for number in range(count):
        clip = ClipRef(f"c{number:06}", f"/corpus/clip{number:06}.flac", {"speaker": f"s{number % 251}"})
        place = folder / clip.id
        place.mkdir(parents=True)
        np.save(place / "h.npy", rng.standard_normal(latent, np.float32))
        meta = ClipAnalysed(
            clip.id, str(place), 4.0, RATE_HZ, 1, 0.0, 256, 4, 120.0, "made-up", audio=AudioSpec().to_dict()
        )
        (place / "meta.json").write_text(json.dumps(dataclasses.asdict(meta)), "utf-8")
        clips.append((clip, str(place)))
    return tuple(clips)
