"""Recordings, and what analysis leaves of them on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.api.stored_values import converted


@dataclass(frozen=True)
class ClipRef:
    """One recording of the user: an identifier that never changes, its file and what is known of it.

    labels: free text by name; "speaker", "gender", "emotion" are the ones the engine itself reads.
    """

    id: str
    path: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredClip:
    """What analysis left on disk for one clip, in one folder. Arrays are memory-mapped when read.

    meta.json   everything below in the dataclass ClipAnalysed
    audio.npy   float32 (samples,)        mono at the spec's rate, at the source's own level
    peaks.npy   float32 (blocks, 2)       lowest and highest sample of every 256
    mel.npy     float16 (frames, bands)   log-mel amplitude after level normalisation (natural log)
    f0.npy      float32 (frames,)         Hz, NaN where unvoiced
    h.npy       float32 (latent,)         mean of q(h|x)               only when a model was given
    m.npy       float32 (seconds, latent) mean of q(m|h,x)             only when a model was given
    arousal.npy float32 (seconds,)        read from m, 0 (calm) to 1   only when the model carries such a reading
    valence.npy float32 (seconds,)        read from m, -1 to 1         only when the model carries such a reading
    z.npy       float16 (frames, latent)  mean of q(z|h,m,x)           only when a model was given
    spectrum.npy   float16 (frames, bins) log amplitude re full scale (natural log)   only after a Picture
    spectrum4.npy, spectrum16.npy         its loudest of every 4 and 16 frames        only after a Picture
    intensity.npy  float32 (frames,)      RMS level in dBFS                           only after a Picture
    """

    folder: str

    def array(self, name: str) -> npt.NDArray[Any]:
        """Read one array, memory-mapped, read-only; pickled content is refused."""
        loaded: npt.NDArray[Any] = np.load(Path(self.folder) / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return loaded

    def has(self, name: str) -> bool:
        return (Path(self.folder) / f"{name}.npy").is_file()

    def meta(self) -> ClipAnalysed:
        """What meta.json says.

        Raises:
            OSError: it cannot be read. ValueError: it is damaged.
        """
        return converted(json.loads((Path(self.folder) / "meta.json").read_text("utf-8")), ClipAnalysed)


def unfinished(out_dir: Path, clip_id: str) -> Path:
    """Where an analysis is written until it is whole; then it stands in out_dir / clip_id."""
    return out_dir / f".{clip_id}.partial"


@dataclass(frozen=True)
class Analyse:
    """Read clips, compute mel and F0 and, with a model, h, m and z, each into out_dir/<id>.

    Reports a Partial(ClipAnalysed | ClipFailed) per clip; one bad clip never stops the others.
    """

    clips: tuple[ClipRef, ...]
    out_dir: str
    model: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class ClipAnalysed:
    """One clip is analysed; the arrays are in `folder` (see StoredClip)."""

    clip_id: str
    folder: str
    duration_s: float
    source_rate_hz: int
    channels: int
    gain_db: float  # added by level normalisation; subtract it to return to the source's level
    frames: int
    seconds: int  # windows of m
    f0_median_hz: float | None
    model_hash: str | None
    notes: tuple[str, ...] = ()
    audio: dict[str, Any] = field(default_factory=dict)  # AudioSpec.to_dict() of the front end that made mel and f0
    source_key: str = ""  # of the file and the front end: equal keys, equal audio, mel and f0


@dataclass(frozen=True)
class ClipFailed:
    clip_id: str
    path: str
    what: str
    hint: str


@dataclass(frozen=True)
class AnalyseDone:
    clips: int
    failed: int
    audio_s: float
    seconds: float
    device: str


@dataclass(frozen=True)
class Picture:
    """Compute what the folders of stored sounds lack of intensity and, if asked for, of the linear spectrogram."""

    folders: tuple[str, ...]
    spectrum: bool = False


@dataclass(frozen=True)
class PictureDone:
    folders: tuple[str, ...]
