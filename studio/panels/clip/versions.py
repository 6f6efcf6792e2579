"""The versions of a recording that are compared: the original and, of a take, its control and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.api import AuditionSound, StoredClip, Take
from studio.audio.loudness import matching_gains

# As the player and its keys name them, and as a take's measurements do.
NAMES = {"original": "original", "reconstruction": "control", "transformed": "transformed"}

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Version:
    """One sound with its pictures; arrays are memory-mapped.

    audio: (samples,) mono. peaks: (blocks, 2), lowest and highest of every 256 samples; None if not stored.
    """

    stored: StoredClip
    audio: Array
    peaks: Array | None

    @property
    def peak(self) -> float:
        """The largest magnitude of a sample."""
        values = self.audio if self.peaks is None else self.peaks
        return float(np.abs(values).max(initial=0.0))


def versions_of(folder: str, take: Take | None) -> dict[str, Version]:
    """What can be seen and played of an analysed clip, the original first.

    Raises:
        OSError, ValueError: something of it is missing or damaged.
    """
    versions = {"original": _stored(StoredClip(folder))}
    if take is not None:
        versions["reconstruction"] = _rendered(take.control_folder, take.control)
        versions["transformed"] = _rendered(take.transformed_folder, take.transformed)
    return versions


def versions_of_checkpoints(folder: str, sounds: Mapping[str, AuditionSound]) -> dict[str, Version]:
    """A recording, and by name what the checkpoints of a run make of it or give it.

    Raises:
        OSError, ValueError: something of it is missing or damaged.
    """
    rendered = {name: _stored(StoredClip(sound.folder)) for name, sound in sounds.items()}
    return {"original": _stored(StoredClip(folder)), **rendered}


def gains_of_checkpoints(versions: dict[str, Version], sounds: Mapping[str, AuditionSound]) -> dict[str, float]:
    """The factors that bring them to one loudness, as it was measured when they were rendered."""
    lufs = {name: sound.lufs for name, sound in sounds.items() if sound.lufs is not None}
    originals = [sound.original_lufs for sound in sounds.values() if sound.original_lufs is not None]
    if originals:
        lufs["original"] = originals[0]
    return matching_gains(lufs, {name: version.peak for name, version in versions.items()})


def gains_of(versions: dict[str, Version], take: Take | None) -> dict[str, float]:
    """The factors that bring the versions to one loudness, as it was measured with the take."""
    measured = {} if take is None else take.loudness_lufs
    lufs = {name: measured[NAMES[name]] for name in versions if NAMES[name] in measured}
    return matching_gains(lufs, {name: version.peak for name, version in versions.items()})


def take_is_there(take: Take) -> bool:
    """Whether the sounds of a take still exist."""
    return Path(take.transformed).is_file() and Path(take.control).is_file()


def _stored(clip: StoredClip) -> Version:
    return Version(clip, clip.array("audio"), clip.array("peaks"))


def _rendered(folder: str, wav: str) -> Version:
    clip = StoredClip(folder)
    if clip.has("audio") and clip.has("peaks"):
        return _stored(clip)
    import soundfile  # late: it loads a system library, and only takes of earlier versions need it

    try:
        sound, _rate = soundfile.read(wav, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise ValueError(str(error)) from error
    return Version(clip, np.ascontiguousarray(sound.mean(axis=1), np.float32), None)
