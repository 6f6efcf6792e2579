"""Maps: any number of points, the same for the same seed, obedient, and open to later clips."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from engine.api import (
    Cancelled,
    Control,
    EngineError,
    Event,
    FitMap,
    MapPoints,
    Note,
    Partial,
    PlaceOnMap,
    Progress,
    SpecError,
)
from engine.maps import layout as mapping

Clips = tuple[tuple[str, str], ...]
Store = Callable[..., Clips]


def store(root: Path, h: np.ndarray, *, model_hash: str = "abc", first: int = 0, **arrays: np.ndarray) -> Clips:
    """Clip folders that hold the rows of h, and the same m and z in every one."""
    clips = []
    for number, row in enumerate(h, start=first):
        folder = root / f"clip{number}"
        folder.mkdir(parents=True)
        np.save(folder / "h.npy", row.astype(np.float32))
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        meta = {
            "clip_id": folder.name,
            "folder": str(folder),
            "duration_s": 1.0,
            "source_rate_hz": 16000,
            "channels": 1,
            "gain_db": 0.0,
            "frames": 64,
            "seconds": 1,
            "f0_median_hz": None,
            "model_hash": model_hash,
        }
        (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
        clips.append((folder.name, str(folder)))
    return tuple(clips)


def three_groups(per_group: int = 20, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = 10 * random.normal(size=(3, 16))
    return np.concatenate([c + random.normal(size=(per_group, 16)) for c in centres])


def silently(event: Event) -> None:
    del event


def keep_on() -> Control:
    return Control.RUN


@pytest.fixture(autouse=True)
def _no_map_yet() -> None:
    mapping.fitted_maps().clear()


def test_groups_stay_groups(tmp_path: Path) -> None:
    result = mapping.fit(FitMap(store(tmp_path, three_groups())), silently, keep_on)
    assert result.final
    assert result.xy.shape == (60, 2)
    assert result.settings["iterations"] == FitMap(()).iterations
    assert result.settings["model_hash"] == "abc"
    xy = result.xy.reshape(3, 20, 2)
    centres = xy.mean(axis=1)
    widest = max(np.linalg.norm(xy[g] - centres[g], axis=-1).max() for g in range(3))
    nearest = min(np.linalg.norm(centres[a] - centres[b]) for a in range(3) for b in range(a))
    assert nearest > 2 * widest


def test_the_same_seed_gives_the_same_map_and_another_seed_is_named(tmp_path: Path) -> None:
    clips = store(tmp_path, three_groups())
    first, second = (mapping.fit(FitMap(clips, seed=3, iterations=100), silently, keep_on) for _ in range(2))
    np.testing.assert_array_equal(first.xy, second.xy)
    assert first.settings["seed"] == 3


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 11])
def test_few_points_make_a_map(tmp_path: Path, count: int) -> None:
    events: list[Event] = []
    result = mapping.fit(FitMap(store(tmp_path, three_groups()[:count])), events.append, keep_on)
    assert result.xy.shape == (count, 2)
    assert np.isfinite(result.xy).all()
    assert len({tuple(p) for p in result.xy.tolist()}) == count
    notes = [event for event in events if isinstance(event, Note)]
    assert len(notes) == 1
    assert all(note.hint for note in notes)
    assert (result.settings["perplexity"] or 0) < 30


@pytest.mark.parametrize("count", [2, 3, 8, 40])
def test_equal_points_make_a_map(tmp_path: Path, count: int) -> None:
    result = mapping.fit(FitMap(store(tmp_path, np.ones((count, 16)))), silently, keep_on)
    assert np.isfinite(result.xy).all()


def test_layouts_come_while_the_map_is_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "LAYOUT_INTERVAL_S", 0.0)
    events: list[Event] = []
    mapping.fit(FitMap(store(tmp_path, three_groups()), iterations=50), events.append, keep_on)
    layouts = [e.value for e in events if isinstance(e, Partial) and isinstance(e.value, MapPoints)]
    assert len(layouts) >= 5
    assert not any(layout.final for layout in layouts)
    assert not np.array_equal(layouts[0].xy, layouts[-1].xy)
    fractions = [e.fraction for e in events if isinstance(e, Progress) and e.fraction is not None]
    assert fractions == sorted(fractions)


def stop_after(looks: int, wanted: Control = Control.STOP) -> Callable[[], Control]:
    seen = iter(range(looks))
    return lambda: wanted if next(seen, None) is None else Control.RUN


def test_stop_keeps_the_layout_and_the_map_goes_on_from_it(tmp_path: Path) -> None:
    clips = store(tmp_path, three_groups())
    stopped = mapping.fit(FitMap(clips, iterations=500), silently, stop_after(20))
    assert 0 < stopped.settings["iterations"] < 500
    assert stopped.final
    on = mapping.fit(FitMap(clips, iterations=100, go_on=True), silently, keep_on)
    assert on.settings["iterations"] == stopped.settings["iterations"] + 100
    assert on.settings["kl_divergence"] < stopped.settings["kl_divergence"]


def test_its_products_wait_for_no_other_thread() -> None:
    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    seen: set[int] = set()

    def control() -> Control:
        seen.update(threads())
        return Control.RUN

    values = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    points = mapping.Points(tuple(map(str, range(20))), np.zeros(20, np.int32), values, 20, "abc")
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        mapping.fit_points(FitMap((), iterations=5), points, silently, control)
        assert threads() == before
    assert 2 in before
    assert seen == {1}


def test_cancel_raises(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        mapping.fit(FitMap(store(tmp_path, three_groups())), silently, stop_after(3, Control.CANCEL))


def test_new_clips_land_by_their_neighbours_and_no_point_moves(tmp_path: Path) -> None:
    fitted = mapping.fit(FitMap(store(tmp_path, three_groups())), silently, keep_on)
    new = store(tmp_path, three_groups(21)[[20, 41, 62]], first=100)
    before = mapping.fitted_maps()["h"].tsne_map.xy
    placed = mapping.place(PlaceOnMap(new), silently, keep_on)
    np.testing.assert_array_equal(mapping.fitted_maps()["h"].tsne_map.xy, before)
    assert placed.ids == tuple(clip for clip, _ in new)
    nearest = np.linalg.norm(placed.xy[:, None] - fitted.xy[None], axis=-1).argmin(axis=1) // 20
    own = three_groups(21)[[20, 41, 62]]
    expected = np.linalg.norm(own[:, None] - three_groups()[None], axis=-1).argmin(axis=1) // 20
    np.testing.assert_array_equal(nearest, expected)


def test_a_map_of_an_earlier_process_takes_new_clips_in_as_the_one_that_fitted_it_would(
    tmp_path: Path,
) -> None:
    clips = store(tmp_path, three_groups())
    fitted = mapping.fit(FitMap(clips), silently, keep_on)
    new = store(tmp_path, three_groups(21)[[20, 41, 62]], first=100)
    here = mapping.place(PlaceOnMap(new), silently, keep_on)
    mapping.fitted_maps().clear()
    there = mapping.place(PlaceOnMap(new, onto=fitted, of=clips), silently, keep_on)
    np.testing.assert_allclose(there.xy, here.xy, atol=1e-3)
    again = mapping.fit(FitMap(clips, iterations=20, go_on=True), silently, keep_on)
    assert again.settings["iterations"] == 20  # what was only taken up does not go on


def test_a_map_some_of_whose_clips_are_gone_takes_nothing_in(tmp_path: Path) -> None:
    clips = store(tmp_path, three_groups())
    fitted = mapping.fit(FitMap(clips, iterations=10), silently, keep_on)
    mapping.fitted_maps().clear()
    with pytest.raises(EngineError, match="not analysed any more"):
        mapping.place(PlaceOnMap(clips[:1], onto=fitted, of=clips[5:]), silently, keep_on)


def test_a_larger_map_takes_new_clips_in_without_moving(tmp_path: Path) -> None:
    """Above a few thousand points openTSNE's own way of placing shifts the map first."""
    clips = store(tmp_path, three_groups(600))
    fitted = mapping.fit(FitMap(clips, iterations=60), silently, keep_on)
    placed = mapping.place(PlaceOnMap(store(tmp_path, three_groups(600)[[5]], first=5000)), silently, keep_on)
    np.testing.assert_array_equal(mapping.fitted_maps()["h"].tsne_map.xy, fitted.xy)
    assert np.linalg.norm(placed.xy[0] - fitted.xy[5]) < 0.2 * np.ptp(fitted.xy)


@pytest.mark.parametrize("looks", [1, 2, 3, 5, 8])
def test_cancel_is_obeyed_in_every_step_and_stop_keeps_what_there_is(tmp_path: Path, looks: int) -> None:
    clips = store(tmp_path, three_groups())
    with pytest.raises(Cancelled):
        mapping.fit(FitMap(clips), silently, stop_after(looks, Control.CANCEL))
    kept = mapping.fit(FitMap(clips), silently, stop_after(looks, Control.STOP))
    assert np.isfinite(kept.xy).all()
    assert kept.settings["iterations"] < FitMap(()).iterations


def test_the_first_layout_is_there_before_the_first_neighbour_is_found(tmp_path: Path) -> None:
    events: list[Event] = []
    mapping.fit(FitMap(store(tmp_path, three_groups()), iterations=10), events.append, keep_on)
    first = next(i for i, e in enumerate(events) if isinstance(e, Partial))
    searched = [i for i, e in enumerate(events) if isinstance(e, Progress) and "neighbours" in e.message]
    assert first < min(searched)


def test_a_finished_map_says_how_far_it_can_be_trusted(tmp_path: Path) -> None:
    result = mapping.fit(FitMap(store(tmp_path, three_groups())), silently, keep_on)
    assert 0.3 < result.settings["neighbours_kept"] <= 1.0
    assert 0.9 < result.settings["trustworthiness"] <= 1.0
    assert result.settings["score_neighbours"] == 10


def test_a_clip_can_be_placed_on_a_map_of_two(tmp_path: Path) -> None:
    mapping.fit(FitMap(store(tmp_path, three_groups()[:2])), silently, keep_on)
    placed = mapping.place(PlaceOnMap(store(tmp_path, three_groups()[2:3], first=9)), silently, keep_on)
    assert placed.xy.shape == (1, 2)


def test_seconds_and_frames_are_points_with_an_index_and_frames_are_thinned_evenly(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    clips = store(
        tmp_path,
        three_groups()[:2],
        m=random.normal(size=(3, 16)).astype(np.float32),
        z=random.normal(size=(100, 16)).astype(np.float16),
    )
    seconds = mapping.fit(FitMap(clips, latent="m", iterations=20), silently, keep_on)
    assert seconds.index.tolist() == [0, 1, 2, 0, 1, 2]
    assert seconds.ids == ("clip0",) * 3 + ("clip1",) * 3
    frames = mapping.fit(FitMap(clips, latent="z", iterations=20, most_points=50), silently, keep_on)
    assert frames.index.tolist() == list(range(0, 100, 4)) * 2


def test_clips_of_two_models_are_refused(tmp_path: Path) -> None:
    clips = store(tmp_path, three_groups()[:3]) + store(tmp_path, three_groups()[:3], first=3, model_hash="other")
    with pytest.raises(EngineError, match="different models"):
        mapping.fit(FitMap(clips), silently, keep_on)


def test_clips_without_latents_are_left_out_and_named(tmp_path: Path) -> None:
    clips = (*store(tmp_path, three_groups()), ("gone", str(tmp_path / "gone")))
    events: list[Event] = []
    result = mapping.fit(FitMap(clips, iterations=10), events.append, keep_on)
    assert len(result.ids) == 60
    assert any(isinstance(e, Note) and e.what.startswith("1 clips") for e in events)
    with pytest.raises(EngineError, match="None of the 1 clips"):
        mapping.fit(FitMap(clips[-1:]), silently, keep_on)


@pytest.mark.parametrize(
    ("name", "value"), [("metric", "taxi"), ("perplexity", 0.0), ("pca", 1), ("latent", "q"), ("iterations", 0)]
)
def test_a_setting_out_of_range_is_named(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(SpecError) as caught:
        mapping.fit(FitMap(store(tmp_path, three_groups()[:6]), **{name: value}), silently, keep_on)  # type: ignore[arg-type]
    assert caught.value.name == name


def test_placing_needs_a_map(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no map"):
        mapping.place(PlaceOnMap(store(tmp_path, three_groups()[:1])), silently, keep_on)
