"""Hearing a run's checkpoints: what is rendered and measured of each, and all that can come in between."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from small_runs import MODEL, changed, go, run_spec

from engine.analysis import analyse
from engine.api import (
    Analyse,
    Audition,
    AuditionDone,
    AuditionItem,
    AuditionSound,
    CheckpointProbes,
    ClipRef,
    Control,
    KeptCheckpoint,
    LatentRef,
    Partial,
    Progress,
    SecondEdit,
    StoredClip,
    Transfer,
    checkpoints_of,
    heard_of,
)
from engine.api.auditions import CHECKPOINTS, LIST, RESULTS, SOUNDS, step_name
from engine.api.errors import Cancelled, CheckpointError, EngineError
from engine.corpus import cache
from engine.evaluation import audition_job
from engine.evaluation.probes import checkpoints as probes
from engine.evaluation.probes.examples import Example, Table
from engine.training.checkpoints import BEST, KeptCheckpoints
from engine.training.data import probe_set
from engine.transfer import transfer_job

REBUILT, GIVEN, EDITED = "rebuilt", "given", "edited"


def run() -> Control:
    return Control.RUN


class Stage:
    """A run with checkpoints, recordings analysed without any model, and three things to hear."""

    def __init__(self, folder: Path, clips: list[Path]) -> None:
        self.run_dir = folder / "run"
        self.events: list[Any] = []
        self.refs = tuple(ClipRef(f"clip{i}", str(path)) for i, path in enumerate(clips))
        analyse.analyse(Analyse(self.refs, str(folder / "clips"), device="cpu"), lambda event: None, run)
        self.clips = [str(folder / "clips" / ref.id) for ref in self.refs]
        source, reference = self.clips[0], self.clips[2]
        edit = SecondEdit((0,), (LatentRef(reference, 0),))
        self.items = tuple(
            AuditionItem(name, f"item {name}", Transfer(source, "", "", "", device="cpu", **given))
            for name, given in (
                (REBUILT, {}),
                (GIVEN, {"voice": (LatentRef(reference),), "strength": 0.8}),
                (EDITED, {"edits": (edit,)}),
            )
        )

    @property
    def kept(self) -> list[KeptCheckpoint]:
        return [kept for kept in checkpoints_of(self.run_dir) if kept.held]

    def hear(
        self, *items: AuditionItem, steps: tuple[int, ...] | None = None, control: Callable[[], Control] = run
    ) -> AuditionDone:
        self.events = []
        wanted = tuple(kept.step for kept in self.kept) if steps is None else steps
        return audition_job.audition(Audition(str(self.run_dir), wanted, items, "cpu"), self.events.append, control)

    def predicted(self, kind: type) -> list[Any]:
        values = [event.value for event in self.events if isinstance(event, Partial)]
        return [value for value in values if isinstance(value, kind)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIPTYCH_HOME", str(folder / "home"))
        run_spec(speech, changed(epochs=4, checkpoints=3)).write(folder / "run")
        go(folder / "run")
    return folder / "run"


@pytest.fixture
def stage(tmp_path: Path, speech: list[Path], trained: Path) -> Stage:
    shutil.copytree(trained, tmp_path / "run")
    return Stage(tmp_path, speech)


def test_every_item_is_rendered_with_every_checkpoint(stage: Stage) -> None:
    done = stage.hear(*stage.items)
    assert len(stage.kept) >= 2
    assert done.made == len(stage.kept) * (len(stage.items) + 1)
    heard = heard_of(stage.run_dir, stage.kept)
    assert heard.sounds.keys() == {(kept.step, item.id) for kept in stage.kept for item in stage.items}
    recording = StoredClip(stage.clips[0]).array("audio")
    for sound in heard.sounds.values():
        stored = StoredClip(sound.folder)
        written, rate_hz = soundfile.read(sound.sound, dtype="float32")
        assert stored.array("audio").shape == recording.shape == written.shape
        assert np.abs(written - stored.array("audio")).max() < 1e-3
        assert stored.array("mel").shape == (len(stored.array("f0")), 140)
        assert sound.lufs == pytest.approx(sound.original_lufs, abs=3.0)
        assert rate_hz == 16_000
    assert {(s.step, s.item) for s in stage.predicted(AuditionSound)} == heard.sounds.keys()
    assert not (stage.run_dir / SOUNDS / ".work").exists()
    fractions = [event.fraction for event in stage.events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert 0.5 < fractions[-1] <= 1.0


def test_a_sound_is_what_a_transfer_with_that_checkpoint_gives(stage: Stage, tmp_path: Path) -> None:
    _, given, edited = stage.items
    stage.hear(given, edited)
    for kept in stage.kept:
        out = tmp_path / f"by-hand-{kept.step}"
        for ref in stage.refs:  # each alone: a batch of several rounds otherwise, and Griffin-Lim enlarges that
            analyse.analyse(Analyse((ref,), str(out), kept.path, "cpu"), lambda event: None, run)
        for item in (given, edited):
            there = {folder: str(out / Path(folder).name) for folder in stage.clips}
            request = audition_job.with_folders(item.transfer, there.__getitem__)
            request = dataclasses.replace(request, model=kept.path, out_dir=str(out), name=item.id)
            take = transfer_job.render(request, lambda event: None, run)
            sound = heard_of(stage.run_dir, stage.kept).sounds[kept.step, item.id]
            by_hand = StoredClip(take.transformed_folder).array("audio")
            np.testing.assert_allclose(StoredClip(sound.folder).array("audio"), by_hand, atol=1e-5)


def test_checkpoints_differ_and_items_differ(stage: Stage) -> None:
    stage.hear(*stage.items)
    sounds = [StoredClip(s.folder).array("audio") for s in heard_of(stage.run_dir, stage.kept).sounds.values()]
    for i, first in enumerate(sounds):
        assert not any(np.array_equal(first, other) for other in sounds[:i])


def test_what_is_there_is_kept_and_only_the_rest_is_made(stage: Stage) -> None:
    first, second, _ = stage.items
    stage.hear(first)
    before = {p: p.stat().st_mtime_ns for p in (stage.run_dir / SOUNDS).rglob("*.npy")}
    assert stage.hear(first).made == 0
    assert stage.hear(first, second).made == len(stage.kept)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_the_library_s_own_analyses_and_the_cache_stay_as_they_are(stage: Stage) -> None:
    def files(folder: Path) -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}

    clips, kept_clips = Path(stage.clips[0]).parent, cache.location.cache_dir() / "clips"
    before = files(clips), files(kept_clips)
    stage.hear(*stage.items)
    assert (files(clips), files(kept_clips)) == before


def test_an_item_whose_recording_is_gone_says_so_and_the_others_are_heard(stage: Stage) -> None:
    shutil.rmtree(stage.clips[2])
    rebuilt, given, _ = stage.items
    step = stage.kept[0].step
    stage.hear(rebuilt, given, steps=(step,))
    sounds = heard_of(stage.run_dir, stage.kept).sounds
    assert sounds[step, REBUILT].trouble is None
    assert sounds[step, GIVEN].trouble is not None
    assert "not analysed any more" in sounds[step, GIVEN].trouble[0]
    assert stage.hear(rebuilt, given, steps=(step,)).made == 1, "what failed is tried again when it is asked for"


def test_another_front_end_is_told(stage: Stage) -> None:
    meta = Path(stage.clips[0]) / "meta.json"
    values = json.loads(meta.read_text())
    values["audio"]["level_dbfs"] = -30.0
    meta.write_text(json.dumps(values))
    stage.hear(stage.items[0], steps=(stage.kept[0].step,))
    (sound,) = stage.predicted(AuditionSound)
    assert "another front end" in sound.trouble[0]


def test_a_system_of_comparison_is_probed_and_has_no_sounds(tmp_path: Path, speech: list[Path]) -> None:
    model = dataclasses.replace(MODEL, system="vae", views="plain")
    run_spec(speech, changed(epochs=1, checkpoints=2), model=model).write(tmp_path / "run")
    go(tmp_path / "run")
    stage = Stage(tmp_path, speech)
    stage.hear(stage.items[0])
    assert {sound.trouble for sound in stage.predicted(AuditionSound)} == {audition_job.MUTE}
    assert len(stage.predicted(CheckpointProbes)) == len(stage.kept)


def test_cancelling_keeps_what_is_done(stage: Stage) -> None:
    def control() -> Control:
        return Control.CANCEL if stage.predicted(AuditionSound) else Control.RUN

    with pytest.raises(Cancelled):
        stage.hear(*stage.items, control=control)
    assert len(heard_of(stage.run_dir, stage.kept).sounds) == 1
    assert not (stage.run_dir / SOUNDS / ".work").exists()
    stage.hear(*stage.items)
    assert len(heard_of(stage.run_dir, stage.kept).sounds) == len(stage.kept) * len(stage.items)


def test_stopping_ends_between_two_sounds(stage: Stage) -> None:
    stage.hear(*stage.items, control=lambda: Control.STOP if stage.predicted(AuditionSound) else Control.RUN)
    assert len(stage.predicted(AuditionSound)) == 1


def test_a_checkpoint_that_makes_room_meanwhile_is_passed_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = stage.kept
    render = transfer_job.render

    def raced(*arguments: Any) -> Any:
        Path(first.path).unlink(missing_ok=True)  # as the run does
        return render(*arguments)

    monkeypatch.setattr(transfer_job, "render", raced)
    analyse._load_model.cache_clear()
    monkeypatch.setattr(analyse, "_load_model", analyse._load_model.__wrapped__)
    stage.hear(stage.items[1])
    steps = {step for step, _ in heard_of(stage.run_dir, checkpoints_of(stage.run_dir)).sounds}
    assert steps == {kept.step for kept in others}


def test_a_damaged_checkpoint_is_told(stage: Stage) -> None:
    Path(stage.kept[0].path).write_bytes(b"not a model")
    with pytest.raises(CheckpointError):
        stage.hear(stage.items[0])


def test_what_was_heard_of_a_step_that_was_trained_again_does_not_count(stage: Stage) -> None:
    stage.hear(stage.items[0])
    listed = stage.run_dir / CHECKPOINTS / LIST
    values = json.loads(listed.read_text())
    again = stage.kept[-1].step
    values["checkpoints"][-1]["hash"] = "other"
    listed.write_text(json.dumps(values))
    heard = heard_of(stage.run_dir, checkpoints_of(stage.run_dir))
    assert again not in heard.probes
    assert {step for step, _ in heard.sounds} == {kept.step for kept in stage.kept} - {again}


def test_a_result_of_a_checkpoint_that_is_another_by_now_is_dropped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = stage.kept[-1]
    render = transfer_job.render

    def raced(*arguments: Any) -> Any:
        take = render(*arguments)
        KeptCheckpoints(stage.run_dir, most=3).rewind(last.step - 1)  # the run was killed and goes on
        return take

    monkeypatch.setattr(transfer_job, "render", raced)
    stage.hear(stage.items[1], steps=(last.step,))
    assert not stage.predicted(AuditionSound) or last.step not in {
        step for step, _ in heard_of(stage.run_dir, checkpoints_of(stage.run_dir)).sounds
    }
    assert last.step not in {kept.step for kept in stage.kept}
    assert not (stage.run_dir / SOUNDS / step_name(last.step)).exists(), "no sound is left that nothing lists"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "triptych-auditions", "version": 1}', '{"format": "other", "version": 1}']
)
def test_damaged_results_are_made_again(stage: Stage, text: str) -> None:
    stage.hear(stage.items[0])
    (stage.run_dir / SOUNDS / RESULTS).write_text(text)
    assert not heard_of(stage.run_dir, stage.kept).sounds
    assert stage.hear(stage.items[0]).made == 2 * len(stage.kept)


def test_an_item_cannot_name_a_folder_elsewhere(stage: Stage) -> None:
    stage.hear(stage.items[0])
    results = stage.run_dir / SOUNDS / RESULTS
    results.write_text(results.read_text().replace(f'"{REBUILT}"', '"../../elsewhere"'))
    assert not heard_of(stage.run_dir, stage.kept).sounds


def test_a_run_that_moves_takes_its_sounds_along(stage: Stage, tmp_path: Path) -> None:
    stage.hear(stage.items[0])
    stage.run_dir.rename(tmp_path / "moved")
    kept = checkpoints_of(tmp_path / "moved")
    assert all(Path(one.path).parent.parent == tmp_path / "moved" for one in kept if one.held)
    sounds = heard_of(tmp_path / "moved", kept).sounds
    assert sounds
    assert all(StoredClip(sound.folder).has("audio") for sound in sounds.values())


def test_every_checkpoint_is_probed_and_what_cannot_be_says_why(stage: Stage) -> None:
    stage.hear()
    heard = heard_of(stage.run_dir, stage.kept)
    assert heard.probes.keys() == {kept.step for kept in stage.kept}
    for found in heard.probes.values():
        assert "no labels for gender" in found.missing["gender"]
        assert "1 can be tested for speaker" in found.missing["speaker"], "one clip is held out"
    (stage.run_dir / SOUNDS / RESULTS).unlink()
    (stage.run_dir / probe_set.FILE).unlink()
    stage.hear()
    assert "set no clips apart" in stage.predicted(CheckpointProbes)[0].missing["speaker"]


def corpus(speakers: int = 8, clips: int = 6, *, held: int = 2) -> tuple[Table, np.ndarray]:
    """h tells speaker and gender, m tells arousal and emotion; the last `held` clips of a speaker are held out."""
    rng = np.random.default_rng(0)
    voice = rng.normal(size=(speakers, 16))
    voice[:, 0] = np.where(np.arange(speakers) % 2, 3.0, -3.0)
    examples, h, m, apart = [], [], [], []
    for speaker in range(speakers):
        for clip in range(clips):
            arousal = float(rng.uniform(0.0, 1.0))
            name = f"{speaker}-{clip}"
            labels = {
                "speaker": f"s{speaker}",
                "gender": "female" if speaker % 2 else "male",
                "arousal": f"{arousal:.4f}",
                "emotion": "angry" if arousal > 0.5 else "sad",
            }
            examples.append(Example(name, name, f"s{speaker}", f"s{speaker}", labels))
            h.append(voice[speaker] + 0.1 * rng.normal(size=16))
            m.append(np.concatenate(([12.0 * arousal], 0.3 * rng.normal(size=15))))
            apart.append(clip >= clips - held)
    values = {"h": np.array(h, np.float32), "m": np.array(m, np.float32)}
    return Table(tuple(examples), values), np.array(apart)


def test_latents_that_tell_are_found_to_tell() -> None:
    table, held_out = corpus()
    found = {task: probes.reading(table, held_out, task) for task in ("speaker", "gender", "emotion", "arousal")}
    assert {task: one.clips for task, one in found.items()} == dict.fromkeys(found, 16)
    assert found["speaker"].score > 0.95
    assert found["gender"].score > 0.95
    assert found["emotion"].score > 0.8
    assert found["arousal"].score > 0.7
    assert found["speaker"].chance == pytest.approx(1 / 8)
    assert found["gender"].chance == pytest.approx(0.5)
    assert found["arousal"].chance == 0.0


def test_latents_that_tell_nothing_are_at_chance() -> None:
    table, held_out = corpus(speakers=12, clips=10, held=4)
    rng = np.random.default_rng(1)
    noise = {name: rng.normal(size=values.shape).astype(np.float32) for name, values in table.values.items()}
    table = dataclasses.replace(table, values=noise)
    assert probes.reading(table, held_out, "speaker").score < 0.3
    assert abs(probes.reading(table, held_out, "gender").score - 0.5) < 0.25
    assert abs(probes.reading(table, held_out, "arousal").score) < 0.35


def test_no_speaker_of_a_tested_clip_taught_the_probe_of_gender() -> None:
    """h that tells the speaker and no gender scores no better than guessing, though every speaker was heard."""
    table, held_out = corpus(speakers=16)
    h = np.array(table.values["h"])
    h[:, 0] = 0.0
    scores = probes.reading(dataclasses.replace(table, values={**table.values, "h": h}), held_out, "gender")
    assert scores.score < 0.8


def test_copies_of_tested_clips_teach_nothing() -> None:
    table, held_out = corpus(speakers=2, clips=4, held=2)
    copies = tuple(
        dataclasses.replace(example, content=table.examples[i + 2].content) if not held_out[i] else example
        for i, example in enumerate(table.examples)
    )
    with pytest.raises(EngineError, match="can be tested for speaker"):
        probes.reading(dataclasses.replace(table, examples=copies), held_out, "speaker")


def test_one_speaker_of_each_gender_cannot_tell_gender() -> None:
    table, held_out = corpus(speakers=2)
    with pytest.raises(EngineError, match="only one speaker"):
        probes.reading(table, held_out, "gender")


def test_a_label_that_is_no_number_is_no_arousal() -> None:
    table, held_out = corpus()
    named = tuple(dataclasses.replace(e, labels={**e.labels, "arousal": "high"}) for e in table.examples)
    with pytest.raises(EngineError, match="no labels for arousal"):
        probes.reading(dataclasses.replace(table, examples=named), held_out, "arousal")


def test_training_goes_on_exactly_while_it_is_heard(tmp_path: Path, speech: list[Path]) -> None:
    """What an audition writes lies in the run's folder, and the run never looks at it."""
    from small_runs import Watcher, same, weights

    for name in ("whole", "heard"):
        run_spec(speech, changed(epochs=4, checkpoints=3)).write(tmp_path / name)
    whole = go(tmp_path / "whole")
    go(tmp_path / "heard", Watcher(lambda look: Control.STOP if look > 6 else Control.RUN))
    stage = Stage(tmp_path, speech)
    stage.run_dir = tmp_path / "heard"
    stage.hear(*stage.items)
    resumed = go(tmp_path / "heard")
    assert same(weights(resumed.last), weights(whole.last))
    assert BEST in {path.name for path in (tmp_path / "heard").iterdir()}
