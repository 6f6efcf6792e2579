"""Log-mel as an image: the loudest frame of every column, in time to be drawn."""

from __future__ import annotations

import time

import numpy as np
import pytest

from engine.api import AudioSpec
from studio.plots.mel_image import DB_PER_NEPER, MelImage

SPEC = AudioSpec()


def marked_mel(frames: int = 640, frame: int = 320, band: int = 70) -> np.ndarray:
    mel = np.full((frames, SPEC.bands), -8.0, np.float16)
    mel[frame, band] = -1.0
    return mel


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("most", [640, 200, 30, 7])
def test_the_loudest_frame_survives_any_shrinking(kind: type, most: int) -> None:
    picture, first, each = MelImage(marked_mel().astype(kind)).columns(0, 640, most)
    assert picture.shape[0] == SPEC.bands
    assert picture.shape[1] <= most + 1
    assert picture[70, (320 - first) // each] == pytest.approx(-1.0 * DB_PER_NEPER, rel=1e-3)
    assert np.isclose(picture, -8.0 * DB_PER_NEPER, rtol=1e-3).sum() == picture.size - 1


def test_loud_values_above_zero_keep_their_order_in_half_precision() -> None:
    mel = np.array([[-3.0], [2.5], [0.5], [-0.5]], np.float16)
    picture, _, _ = MelImage(mel).columns(0, 4, 1)
    assert picture[0, 0] == pytest.approx(2.5 * DB_PER_NEPER, rel=1e-3)


def test_an_hour_is_drawn_while_one_blinks(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    mel = MelImage(np.tile(rng.normal(-6, 2, (6400, 140)).astype(np.float16), (36, 1)))
    mel.columns(0, 230_400, 1400)
    began = time.perf_counter()
    mel.columns(0, 230_400, 1400)
    assert time.perf_counter() - began < 0.1
