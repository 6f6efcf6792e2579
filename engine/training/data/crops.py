"""Crops: which pieces of the corpus training sees, in which order, and how they become batches.

An epoch has as many crops as the corpus has seconds divided by the crop's. Its crops and their order follow from
the seed and the epoch's number alone, so the position in the data is one number: how many crops were taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.api.errors import TrainingError
from engine.corpus.cache.feature_cache import MelCache
from engine.model.timescale.inputs import Batch

_VALIDATION = 2**31  # an "epoch" number that training never reaches

Crops = npt.NDArray[np.int64]  # (crops, 3): start of the piece, start of another piece of the same clip, frames


@dataclass(frozen=True)
class Stretch:
    """Frames [start, start + frames) of the cache to take crops from: a whole recording or part of one."""

    start: int
    frames: int


@dataclass(frozen=True)
class Division:
    """The corpus divided for training; entries are indices of the cache's recordings that train."""

    training: tuple[Stretch, ...]
    validation: tuple[Stretch, ...]
    entries: tuple[int, ...]
    note: str = ""


def divide(cache: MelCache, validation_share: float, seed: int, shortest_frames: int) -> Division:
    """Hold whole recordings out; of a corpus of one recording, its last part.

    Raises:
        TrainingError: the only recording is too short to be divided.
    """
    train, held = cache.manifest.split(validation_share, seed)

    def stretch(index: int) -> Stretch:
        entry = cache.entries[index]
        return Stretch(entry.start, entry.frames)

    if held:
        return Division(tuple(map(stretch, train)), tuple(map(stretch, held)), train)
    whole = stretch(0)
    last = max(shortest_frames, round(whole.frames * validation_share))
    if whole.frames - last < shortest_frames:
        raise TrainingError(
            "The corpus is one recording, too short to keep a part of it for validation.",
            "Add recordings, or use a longer one.",
        )
    first = whole.frames - last
    return Division(
        (Stretch(whole.start, first),),
        (Stretch(whole.start + first, last),),
        train,
        "The corpus is one recording, so validation uses its last part and says little of other recordings.",
    )


class CropOrder:
    """An endless, seeded stream of crops; nothing in it depends on what was taken before."""

    def __init__(self, stretches: tuple[Stretch, ...], crop_frames: int, seed: int) -> None:
        self._starts = np.array([s.start for s in stretches], np.int64)
        self._frames = np.array([s.frames for s in stretches], np.int64)
        self._crop = crop_frames
        self._seed = seed
        self._epoch = -1
        self._crops: Crops = np.zeros((0, 3), np.int64)
        self.per_epoch = max(1, round(int(self._frames.sum()) / crop_frames))

    def take(self, position: int, count: int) -> Crops:
        """Crops number `position` and the next ones, (count, 3), across the ends of epochs."""
        parts = []
        while count > 0:
            epoch, within = divmod(position, self.per_epoch)
            if epoch != self._epoch:
                self._epoch, self._crops = epoch, self._drawn(epoch)
            parts.append(self._crops[within : within + count])
            position += len(parts[-1])
            count -= len(parts[-1])
        return np.concatenate(parts)

    def held_out(self, most: int) -> Crops:
        """The same crops at every call, at most `most`."""
        return self._drawn(_VALIDATION)[:most]

    def _drawn(self, epoch: int) -> Crops:
        rng = np.random.default_rng([self._seed, epoch])
        # One point in each of equal parts of the corpus: every recording gets its share in every epoch.
        points = (np.arange(self.per_epoch) + rng.random(self.per_epoch)) / self.per_epoch
        ends = np.cumsum(self._frames)
        which = np.minimum(np.searchsorted(ends, points * ends[-1], side="right"), len(ends) - 1)
        room = np.maximum(self._frames[which] - self._crop, 0)
        start = _draw(rng, room + 1)
        other = self._elsewhere(rng, start, room)
        base = self._starts[which]
        crops = np.stack((base + start, base + other, np.minimum(self._frames[which], self._crop)), axis=1)
        return rng.permutation(crops)

    def _elsewhere(self, rng: np.random.Generator, start: Crops, room: Crops) -> Crops:
        """A start of another piece: apart from the first where the clip is long enough, else as far as it goes."""
        before = np.maximum(start - self._crop + 1, 0)
        after = np.maximum(room - start - self._crop + 1, 0)
        pick = _draw(rng, np.maximum(before + after, 1))
        apart = np.where(pick < before, pick, start + self._crop + pick - before)
        farthest = np.where(start * 2 > room, 0, room)
        return np.where(before + after > 0, apart, farthest)


class SpeakerNumbers:
    """Which speaker a crop is of, as a number: the corpus's named speakers in the order of their names."""

    def __init__(self, cache: MelCache) -> None:
        names = sorted(
            {e.utterance.labels.speaker for e in cache.entries if e.utterance.labels.speaker is not None}
        )
        numbers = {name: number for number, name in enumerate(names)}
        self._starts = np.array([entry.start for entry in cache.entries], np.int64)
        self._numbers = np.array([numbers.get(e.utterance.labels.speaker or "", -1) for e in cache.entries])

    def of(self, crops: Crops, device: torch.device) -> torch.Tensor:
        """(crops,) a number each, -1 where the speaker has no name."""
        entry = np.searchsorted(self._starts, crops[:, 0], side="right") - 1
        return placed(self._numbers[entry], device)


def placed(values: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """A copy on a device; to a graphics card through pinned memory, so that it runs beside the step before."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def gather(
    cache: MelCache, crops: Crops, device: torch.device, longest: int | None = None
) -> tuple[Batch, torch.Tensor | None]:
    """The batch of some crops on `device`, and its lengths, or None when no crop is shorter than the batch.

    Args:
        longest: frames that the batch is padded to, where these crops are a part of a larger one.
    """
    frames = longest or int(crops[:, 2].max())
    size, bands = len(crops), cache.mel.shape[1]
    mel = np.zeros((size, frames, bands), np.float16)
    other = np.zeros_like(mel)
    f0 = np.full((size, frames), np.nan, np.float32)
    other_f0 = np.full_like(f0, np.nan)
    for row, (start, elsewhere, length) in enumerate(crops.tolist()):
        mel[row, :length] = cache.mel[start : start + length]
        other[row, :length] = cache.mel[elsewhere : elsewhere + length]
        f0[row, :length] = cache.f0[start : start + length]
        other_f0[row, :length] = cache.f0[elsewhere : elsewhere + length]

    lengths = placed(crops[:, 2].copy(), device)
    batch = Batch(
        mel=placed(mel, device).float(),
        f0=placed(f0, device),
        other=placed(other, device).float(),
        other_f0=placed(other_f0, device),
        lengths=lengths,
    )
    return batch, None if int(crops[:, 2].min()) == frames else lengths


def _draw(rng: np.random.Generator, below: Crops) -> Crops:
    """A whole number from 0 to below - 1, each with its own `below`."""
    drawn: Crops = np.minimum((rng.random(len(below)) * below).astype(np.int64), below - 1)
    return drawn
