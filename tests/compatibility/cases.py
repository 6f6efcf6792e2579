"""What is computed for `v0_1/numbers.npz`, and again by test_numbers: clips, transfers and their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from engine.api import ClipRef, LatentRef, ModelSpec, RunSpec, SecondEdit, StoredClip, TrainSpec, Transfer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "resources" / "example"
STARTER = ROOT / "resources" / "starter.triptych.safetensors"
DATA = Path(__file__).resolve().parent / "v0_1"
CLIPS = (
    "anna_calm_1",
    "anna_excited_2",
    "berta_sad_3",
    "clara_excited_4",
    "dora_calm_5",
    "emil_sad_1",
    "felix_excited_2",
    "georg_calm_3",
    "hugo_sad_4",
    "hugo_excited_5",
)
JOINED = ("anna_calm_3", "anna_calm_4", "anna_calm_5")  # five seconds of one voice: the source of the transfers
SOURCE = "anna_joined"
KEPT_Z = 4  # every fourth frame of z is kept
ENVELOPE_S = 0.1

Arrays = dict[str, npt.NDArray[Any]]


def paths() -> dict[str, Path]:
    """The ten recordings by name."""
    return {name: EXAMPLE / f"{name}.flac" for name in CLIPS}


def write_source(folder: Path) -> Path:
    """The source of the transfers as a WAV file, joined of three example clips."""
    path = folder / f"{SOURCE}.wav"
    soundfile.write(path, np.concatenate([soundfile.read(EXAMPLE / f"{n}.flac")[0] for n in JOINED]), 16_000)
    return path


def transfers(folders: dict[str, str], out_dir: Path) -> dict[str, Transfer]:
    """Four transfers of the source: h across gender, m, both, and both with a second edit."""
    voice = (LatentRef(folders["emil_sad_1"]), LatentRef(folders["georg_calm_3"], weight=0.5))
    emotion = (LatentRef(folders["hugo_excited_5"]),)
    edit = SecondEdit((1, 2, 3), (LatentRef(folders["clara_excited_4"]),), 0.8, fade_in_s=1.0)
    given: dict[str, dict[str, Any]] = {
        "h": {"voice": voice},
        "m": {"emotion": emotion},
        "both": {"voice": voice, "emotion": emotion, "strength": 0.9, "strength_m": 1.2},
        "edited": {"voice": voice, "edits": (edit,)},
    }
    return {
        name: Transfer(folders[SOURCE], str(STARTER), str(out_dir), name, device="cpu", **values)
        for name, values in given.items()
    }


def lay_out(kept: Arrays, name: str, folder: Path) -> StoredClip:
    """An analysed clip's folder from what was kept of it, all but peaks and z."""
    clip = StoredClip(str(folder / name))
    (folder / name).mkdir()
    (folder / name / "meta.json").write_text(str(kept[f"{name}/meta"]), "utf-8")
    for array in ("mel", "f0", "h", "m"):
        np.save(folder / name / f"{array}.npy", kept[f"{name}/{array}"])
    if name == SOURCE:
        np.save(folder / name / "audio.npy", soundfile.read(write_source(folder), dtype="float32")[0])
    return clip


def envelope_db(path: str) -> npt.NDArray[np.float32]:
    """RMS level of every tenth of a second of a sound, in dB re full scale, not below -60."""
    samples, rate_hz = soundfile.read(path)
    size = round(ENVELOPE_S * rate_hz)
    pieces = samples[: len(samples) // size * size].reshape(-1, size)
    return (10.0 * np.log10(np.maximum((pieces**2).mean(axis=1), 1e-6))).astype(np.float32)


def tiny_run(clips: Path, kind: str, **train: Any) -> RunSpec:
    """A run of a second on the recordings in a folder. kind: plain, timescale, or a system of comparison."""
    own = kind in ("plain", "timescale")
    model = ModelSpec(
        latent=8,
        global_channels=(8, 8, 8),
        medium_channels=(8, 8, 8),
        local_channels=(12, 12),
        decoder_channels=(12, 12),
        predictor_m_channels=(12,),
        predictor_h_channels=(12,),
        views="timescale" if kind == "timescale" else "plain",
        system="two-auxiliary" if own else kind,
        speakers=3 if kind == "supervised" else 0,
        sounds=4,
    )
    values: dict[str, Any] = {"preset": "paper" if kind == "plain" else "quick", "epochs": 4, "contrast": 0.5}
    values |= {"learning_rate": 1e-3, "batch_size": 2, "crop_s": 0.5, "validation_share": 0.25}
    values |= {"device": "cpu", "threads": 1, "checkpoints": 0, "seed": 7}
    refs = tuple(
        ClipRef(file.stem, str(file), {"speaker": file.stem.split("_")[0]}) for file in sorted(clips.iterdir())
    )
    return RunSpec(TrainSpec(**values | train), model, clips=refs, name=kind)
