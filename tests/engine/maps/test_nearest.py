"""Who is near in the latent space."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.api import Control, EngineError, FindNearest, LatentRef, SpecError
from engine.maps import nearest

Clips = tuple[tuple[str, str], ...]


def silently(_event: object) -> None:
    return


def keep_on() -> Control:
    return Control.RUN


@pytest.fixture(autouse=True)
def _nothing_searched() -> None:
    nearest.last_searched().clear()


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    """Ten clips whose h is their number, with three seconds of m each: number + second / 10."""
    made = []
    for number in range(10):
        folder = tmp_path / f"clip{number}"
        folder.mkdir()
        np.save(folder / "h.npy", np.array([number, 1.0], np.float32))
        np.save(folder / "m.npy", np.array([[number + second / 10, 1.0] for second in range(3)], np.float32))
        meta = {
            "clip_id": folder.name,
            "folder": str(folder),
            "duration_s": 3.0,
            "source_rate_hz": 16000,
            "channels": 1,
            "gain_db": 0.0,
            "frames": 192,
            "seconds": 3,
            "f0_median_hz": None,
            "model_hash": "abc",
        }
        (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
        made.append((folder.name, str(folder)))
    return tuple(made)


def test_the_nearest_come_first_and_a_clip_is_not_its_own_neighbour(clips: Clips) -> None:
    found = nearest.find(FindNearest(clips, (LatentRef(clips[4][1]),), count=3), silently, keep_on)
    assert set(found.ids[:2]) == {"clip3", "clip5"}
    assert found.distances == pytest.approx((1.0, 1.0, 2.0))


def test_seconds_are_found_by_clip_and_second(clips: Clips) -> None:
    request = FindNearest(clips, (LatentRef(clips[4][1], 1),), latent="m", count=2)
    found = nearest.find(request, silently, keep_on)
    assert set(zip(found.ids, found.index, strict=True)) == {("clip4", 0), ("clip4", 2)}


def test_a_mean_of_several_has_them_among_its_neighbours(clips: Clips) -> None:
    query = (LatentRef(clips[2][1], weight=3.0), LatentRef(clips[6][1], weight=1.0))
    found = nearest.find(FindNearest(clips, query, count=1), silently, keep_on)
    assert found.ids == ("clip3",)
    assert found.distances == pytest.approx((0.0,), abs=1e-5)


def test_more_are_asked_for_than_there_are(clips: Clips) -> None:
    found = nearest.find(FindNearest(clips, (LatentRef(clips[0][1]),), count=99), silently, keep_on)
    assert len(found.ids) == 9


def test_the_latents_are_read_once_for_many_questions(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    nearest.find(FindNearest(clips, (LatentRef(clips[0][1]),)), silently, keep_on)
    monkeypatch.setattr(nearest, "stack", lambda *_: pytest.fail("read again"))
    found = nearest.find(FindNearest(clips, (LatentRef(clips[9][1]),)), silently, keep_on)
    assert found.ids[0] == "clip8"


def test_what_cannot_be_asked_is_refused_in_words(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="metric"):
        nearest.find(FindNearest(clips, (LatentRef(clips[0][1]),), metric="taxi"), silently, keep_on)
    with pytest.raises(SpecError, match="Nothing"):
        nearest.find(FindNearest(clips, ()), silently, keep_on)
    with pytest.raises(EngineError, match="not analysed"):
        nearest.find(FindNearest(clips, (LatentRef(str(tmp_path / "gone")),)), silently, keep_on)
    with pytest.raises(EngineError, match="not analysed"):
        nearest.find(FindNearest(clips, (LatentRef(clips[0][1], 7),), latent="m"), silently, keep_on)
