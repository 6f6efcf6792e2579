"""Frames of many recordings, read from memory-mapped files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.corpus.cache.frames import Frames
from engine.corpus.cache.mapped import mapped, prefetched


def test_frames_of_several_packs_read_like_one_array() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.random((50, 3)).astype(np.float16), rng.random((20, 3)).astype(np.float16)]
    stretches = [(0, 30, 20), (1, 0, 5), (0, 0, 7), (1, 10, 10), (0, 30, 20)]
    frames = Frames(arrays, stretches)
    whole = np.concatenate([arrays[which][first : first + rows] for which, first, rows in stretches])
    assert frames.shape == whole.shape
    assert (frames.nbytes, frames.dtype, len(frames)) == (whole.nbytes, whole.dtype, len(whole))
    assert np.array_equal(frames, whole)
    for _ in range(200):
        start, stop, step = int(rng.integers(-5, 65)), int(rng.integers(-5, 70)), int(rng.integers(1, 9))
        assert np.array_equal(frames[start:stop:step], whole[start:stop:step])
    assert np.shares_memory(frames[2:18], arrays[0])  # within one stretch nothing is copied


def test_pieces_of_a_file_are_prefetched_and_read_as_they_are(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5000, 16)).astype(np.float16)
    values.tofile(tmp_path / "pack")
    array = mapped(tmp_path / "pack", np.float16, values.shape)
    for piece in (slice(0, 3), slice(4000, 5000), slice(17, 4999, 7), slice(9, 9), slice(0, 5000)):
        assert np.array_equal(prefetched(array[piece]), values[piece])
        assert np.shares_memory(prefetched(array[piece]), array) or piece.start == piece.stop
    in_memory = values[3:9]
    assert prefetched(in_memory) is in_memory
