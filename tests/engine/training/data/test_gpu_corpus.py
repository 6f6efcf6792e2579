"""A corpus held on the device gives the very batches that the cache on the disk gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import Control
from engine.api.specs import AudioSpec
from engine.corpus.cache.feature_cache import build
from engine.corpus.scanning import scan
from engine.training.data.crops import CropOrder, Stretch, gather
from engine.training.data.gpu_corpus import ResidentCorpus, fits

CPU = torch.device("cpu")


def keep_on() -> Control:
    return Control.RUN


@pytest.mark.parametrize("crop_frames", [16, 64, 400])
def test_crops_gathered_on_the_device_equal_those_from_the_disk(
    speech: list[Path], tmp_path: Path, crop_frames: int
) -> None:
    manifest = scan([str(path) for path in speech], [], keep_on)
    cache = build(manifest, AudioSpec(), tmp_path, lambda event: None, keep_on, 1)
    order = CropOrder(tuple(Stretch(entry.start, entry.frames) for entry in cache.entries), crop_frames, 0)
    resident = ResidentCorpus(cache, CPU)
    for position in (0, 5, 9):
        crops = order.take(position, 7)
        batch, lengths = resident.gather(crops)
        expected, wanted = gather(cache, crops, CPU)
        for name in ("mel", "f0", "other", "other_f0", "lengths"):
            torch.testing.assert_close(
                getattr(batch, name), getattr(expected, name), equal_nan=True, rtol=0, atol=0
            )
        assert (lengths is None) == (wanted is None)
        assert lengths is None or torch.equal(lengths, wanted)


def test_a_padded_crop_holds_silence_without_voice(speech: list[Path], tmp_path: Path) -> None:
    cache = build(scan([str(speech[0])], [], keep_on), AudioSpec(), tmp_path, lambda event: None, keep_on, 1)
    batch, lengths = ResidentCorpus(cache, CPU).gather(np.array([[0, 8, 32], [16, 0, 64]]))
    assert lengths is not None
    assert bool((batch.mel[0, 32:] == 0).all())
    assert bool(torch.isnan(batch.f0[0, 32:]).all())


def test_only_a_graphics_card_holds_a_corpus(speech: list[Path], tmp_path: Path) -> None:
    cache = build(scan([str(speech[0])], [], keep_on), AudioSpec(), tmp_path, lambda event: None, keep_on, 1)
    assert not fits(cache, CPU)
