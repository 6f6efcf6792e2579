"""Corpora: scanning, the division for validation, the mel cache, the order of crops."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.api import ClipRef, Control
from engine.api.errors import Cancelled, CorpusError, TrainingError
from engine.api.specs import AudioSpec
from engine.corpus.cache.feature_cache import MelCache, build
from engine.corpus.manifest import Manifest, Utterance
from engine.corpus.scanning import scan
from engine.training.data.crops import CropOrder, Stretch, divide, gather

SPEC = AudioSpec()
Tone = Callable[..., np.ndarray]


def run() -> Control:
    return Control.RUN


def ignore(event: object) -> None:
    """A report no one reads."""


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    return path


def voices(folder: Path, tone: Tone, seconds: tuple[float, ...]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, length in enumerate(seconds):
        paths.append(folder / f"clip{i}.wav")
        soundfile.write(paths[-1], tone(120.0 + 30 * i, length), 16_000)
    return paths


def cached(folder: Path, control: Callable[[], Control] = run) -> MelCache:
    return build(scan([str(folder)], [], run), SPEC, folder.parent / "cache", ignore, control)


def test_a_scan_finds_all_layouts_and_says_what_it_skipped(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    touch(root / "anna" / "1.wav")
    touch(root / "bert" / "1.WAV")
    touch(root / "actors" / "03-01-05-01-01-01-02.wav")
    touch(root / "anna" / "notes.txt")
    touch(root / ".hidden" / "1.wav")
    (root / "anna" / "empty.wav").touch()
    (root / "anna" / "gone.wav").symlink_to(root / "nowhere.wav")
    manifest = scan([str(root)], [ClipRef("x", str(root / "anna" / "1.wav"))], run)
    assert [(u.name, u.labels.speaker) for u in manifest.utterances] == [
        ("actors/03-01-05-01-01-01-02.wav", "actor 02"),
        ("anna/1.wav", "anna"),
        ("bert/1.WAV", "bert"),
    ]
    why = {Path(item.path).name: item.why for item in manifest.skipped}
    assert "empty" in why["empty.wav"]
    assert "found" in why["gone.wav"]
    assert "already" not in why.get("notes.txt", "")
    assert manifest.speakers == 3


def test_a_file_reached_twice_counts_once(tmp_path: Path) -> None:
    path = touch(tmp_path / "a" / "1.wav")
    other = tmp_path / "a" / "2.wav"
    other.symlink_to(path)
    manifest = scan([str(tmp_path / "a")], [], run)
    assert len(manifest.utterances) == 1
    assert "already" in manifest.skipped[0].why


def test_single_clips_bring_their_labels(tmp_path: Path) -> None:
    path = touch(tmp_path / "03-01-05-01-01-01-02.wav")
    given = {"speaker": "Eve", "emotion": "", "colour": "red"}
    manifest = scan([], [ClipRef("1", str(path), given)], run)
    assert manifest.utterances[0].labels.speaker == "Eve"
    assert manifest.utterances[0].labels.emotion == "angry"


def test_a_missing_folder_and_a_corpus_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not there"):
        scan([str(tmp_path / "none")], [], run)
    touch(tmp_path / "texts" / "a.txt")
    with pytest.raises(CorpusError, match="no recording"):
        scan([str(tmp_path / "texts")], [], run)


def test_a_scan_can_be_cancelled(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        scan([str(tmp_path)], [], lambda: Control.CANCEL)


def test_the_real_corpora_are_read_as_their_readme_says(recordings: Path) -> None:
    five = scan([str(recordings / "LibriSpeech" / "train-clean-5")], [], run)
    assert (len(five.utterances), five.speakers, five.skipped) == (337, 20, ())
    genders = {u.labels.speaker: u.labels.gender for u in five.utterances}
    assert sorted(genders.values()) == ["female"] * 11 + ["male"] * 9
    assert all(u.labels.text for u in five.utterances)
    assert len({u.labels.session for u in five.utterances}) == 20
    acted = scan([str(recordings / "ravdess")], [], run)
    assert (len(acted.utterances), acted.speakers) == (480, 16)
    assert len({u.labels.emotion for u in acted.utterances}) == 8


def manifest_of(*names: str, root: str = "/c") -> Manifest:
    return Manifest(tuple(Utterance(f"{root}/{name}", name) for name in names))


def test_whole_utterances_are_held_out_by_name_whatever_their_order_and_place() -> None:
    names = [f"{i}.wav" for i in range(50)]
    there, back = manifest_of(*names), manifest_of(*reversed(names), root="/elsewhere")
    train, held = there.split(0.2, seed=3)
    assert len(held) == 10
    assert sorted((*train, *held)) == list(range(50))
    assert {there.utterances[i].name for i in held} == {back.utterances[i].name for i in back.split(0.2, seed=3)[1]}
    assert there.split(0.2, seed=4) != there.split(0.2, seed=3)


def test_at_least_one_utterance_is_on_each_side() -> None:
    assert [len(part) for part in manifest_of("a", "b").split(0.01, 0)] == [1, 1]
    assert [len(part) for part in manifest_of("a", "b", "c").split(0.5, 0)] == [1, 2]
    assert manifest_of("a").split(0.1, 0) == ((0,), ())


def test_one_recording_is_divided_in_time_and_a_note_says_so(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (2.0,))
    cache = cached(tmp_path / "corpus")
    division = divide(cache, 0.25, 0, 13)
    assert division.training == (Stretch(0, 96),)
    assert division.validation == (Stretch(96, 32),)
    assert "last part" in division.note


def test_one_recording_too_short_to_divide_is_refused(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.3,))
    with pytest.raises(TrainingError, match="too short"):
        divide(cached(tmp_path / "corpus"), 0.25, 0, 13)


STRETCHES = (Stretch(0, 1000), Stretch(1000, 40), Stretch(1040, 300), Stretch(1340, 128))


def test_every_crop_lies_within_one_stretch_and_its_other_piece_too() -> None:
    crops = CropOrder(STRETCHES, 128, seed=0).take(0, 500)
    for start, other, frames in crops.tolist():
        (home,) = (s for s in STRETCHES if s.start <= start < s.start + s.frames)
        assert frames == min(128, home.frames)
        assert start + frames <= home.start + home.frames
        assert home.start <= other
        assert other + frames <= home.start + home.frames
        if home.frames == 1000:
            assert abs(other - start) >= 128
        if home.frames == 300:
            assert abs(other - start) >= 86  # as far as it goes


def test_an_epoch_visits_every_part_in_proportion_to_its_length() -> None:
    order = CropOrder(STRETCHES, 128, seed=0)
    assert order.per_epoch == round(1468 / 128)
    starts = order.take(0, 100 * order.per_epoch)[:, 0]
    assert (starts < 1000).mean() == pytest.approx(1000 / 1468, abs=0.02)


def test_the_order_depends_on_the_seed_and_the_position_alone() -> None:
    a, b = CropOrder(STRETCHES, 128, seed=5), CropOrder(STRETCHES, 128, seed=5)
    whole = a.take(0, 40)
    assert np.array_equal(whole[17:], b.take(17, 23))
    assert np.array_equal(whole[:17], b.take(0, 17))
    assert not np.array_equal(whole, CropOrder(STRETCHES, 128, seed=6).take(0, 40))
    assert np.array_equal(a.held_out(5), b.held_out(5))


def test_a_batch_of_clips_of_different_lengths_is_padded_and_says_so(tmp_path: Path, tone: Tone) -> None:
    voices(tmp_path / "corpus", tone, (0.5, 2.0))
    cache = cached(tmp_path / "corpus")
    batch, lengths = gather(cache, np.array([[0, 0, 32], [32, 60, 64]]), torch.device("cpu"))
    assert batch.mel.shape == batch.other.shape == (2, 64, 140)
    assert lengths is not None
    assert lengths.tolist() == batch.lengths.tolist() == [32, 64]
    assert bool((batch.mel[0, 32:] == 0).all())
    assert bool(batch.f0[0, 32:].isnan().all())
    np.testing.assert_array_equal(batch.mel[1].numpy(), cache.mel[32:96].astype(np.float32))
    _, none = gather(cache, np.array([[32, 60, 64]]), torch.device("cpu"))
    assert none is None


def test_a_manifest_cannot_be_changed_by_its_readers() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        manifest_of("a").utterances[0].name = "b"  # type: ignore[misc]
