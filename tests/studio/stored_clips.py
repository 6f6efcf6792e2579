"""What tests of the clip view share: clips with an analysis on disk, and takes of them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import soundfile
from PySide6.QtWidgets import QLabel

from engine.api import AudioSpec, ClipAnalysed, Evidence, Take
from studio.domain.clip import Clip
from studio.panels.clip.panel import ClipViewPanel
from studio.session.session import Session

RATE = 16_000
SECONDS = 3.0


def store(folder: Path, clip_id: str, hz: float = 200.0) -> str:
    """An analysed clip as the engine leaves it: a tone."""
    folder.mkdir(parents=True)
    samples = round(SECONDS * RATE)
    audio = (0.2 * np.sin(2 * np.pi * hz * np.arange(samples) / RATE)).astype(np.float32)
    frames = samples // 250
    mel = np.full((frames, 140), -9.0, np.float16)
    mel[:, 10] = -2.0
    blocks = audio[: samples // 256 * 256].reshape(-1, 256)
    np.save(folder / "audio.npy", audio)
    np.save(folder / "peaks.npy", np.stack([blocks.min(axis=1), blocks.max(axis=1)], axis=1))
    np.save(folder / "mel.npy", mel)
    np.save(folder / "f0.npy", np.full(frames, hz, np.float32))
    meta = ClipAnalysed(
        clip_id, str(folder), SECONDS, 44_100, 2, 3.0, frames, 3, hz, None, ("2 of 2 channels mixed",)
    )
    meta = replace(meta, audio=AudioSpec().to_dict())
    (folder / "meta.json").write_text(json.dumps(asdict(meta)))
    return str(folder)


def take_of(folder: str, where: Path, hz: float) -> Take:
    """A finished transfer of the clip in `folder`."""
    where.mkdir()
    for name in ("control", "transformed"):
        tone = 0.1 * np.sin(2 * np.pi * hz * np.arange(round(SECONDS * RATE)) / RATE)
        soundfile.write(where / f"{name}.wav", tone, RATE)
    none = Evidence(None, None, None, None, None, None, -26.0)
    return Take(
        name="take",
        source=folder,
        original=str(where / "control.wav"),
        control=str(where / "control.wav"),
        transformed=str(where / "transformed.wav"),
        strength=1.0,
        voice=(),
        emotion=(),
        rule="",
        source_f0_hz=200.0,
        target_f0_hz=hz,
        control_evidence=none,
        evidence=none,
        model_hash="x",
        seconds=0.1,
        transformed_folder=store(where / "t", "t", hz),
        control_folder=store(where / "c", "c", 200.0),
    )


def add(session: Session, tmp_path: Path, clip_id: str = "a", **more: object) -> Clip:
    clip = Clip(id=clip_id, path=f"/recordings/{clip_id}.wav", name=f"{clip_id}.wav")
    clip.state = "ready"
    clip.folder = store(tmp_path / clip_id, clip_id)
    clip.labels = {"speaker": "anna", "gender": "female"}
    for name, value in more.items():
        setattr(clip, name, value)
    session.library.insert([clip])
    return clip


def words(panel: ClipViewPanel, name: str) -> str:
    label = panel.findChild(QLabel, name)
    assert label is not None
    return label.text() if label.isVisible() else ""
