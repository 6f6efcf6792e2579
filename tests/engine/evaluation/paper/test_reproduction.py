"""The paper's experiments on a handful of synthetic voices: what is divided, resumed, refused and written."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import multiprocessing
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.api import Cancelled, Control, CorpusError, EngineError, Progress, Reproduce, RunSpec, SpecError
from engine.api.specs import ModelSpec
from engine.corpus.manifest import Labels, Manifest, Utterance
from engine.evaluation.paper import external_models, figures, measure, plan, published_numbers, run, units
from engine.evaluation.paper.measure import Measured
from engine.evaluation.paper.tables import Sheets
from engine.evaluation.probes.examples import Example, Table
from engine.model import checkpoint
from engine.training.setup import fresh_model


def utterance(speaker: str, number: int, gender: str = "female", emotion: str | None = None) -> Utterance:
    labels = Labels(speaker=speaker, gender=gender, emotion=emotion)
    return Utterance(f"/c/{speaker}/{number}.flac", f"{speaker}/{number}.flac", labels)


def corpus(several: int = 10, single: int = 20, acted: int = 3) -> Manifest:
    rows = [utterance(f"s{i}", n, "female" if i % 2 else "male") for i in range(several) for n in range(8)]
    rows += [utterance(f"o{i}", 0, "female" if i % 2 else "male") for i in range(single)]
    rows += [utterance(f"a{i}", n, emotion=e) for i in range(acted) for n, e in enumerate(("sad", "happy"))]
    return Manifest(tuple(rows))


def test_no_held_out_voice_and_no_acted_clip_is_ever_trained_on() -> None:
    parts = plan.divide(corpus(), (), 0)
    trained = {u.labels.speaker for u in parts.training}
    assert not trained & set(parts.held_out_speakers)
    assert not trained & {u.labels.speaker for u in parts.emotions}
    assert {u.labels.speaker for u in parts.held_out} == set(parts.held_out_speakers)


def test_the_lot_is_the_same_at_every_call_and_takes_as_many_women_as_men() -> None:
    parts = plan.divide(corpus(), (), 0)
    assert parts == plan.divide(corpus(), (), 0)
    assert parts.held_out_speakers != plan.divide(corpus(), (), 1).held_out_speakers
    several = [name for name in parts.held_out_speakers if name.startswith("s")]
    assert len(several) == 4
    assert sum(int(name[1:]) % 2 for name in several) == 2


def test_wanted_voices_are_held_out_and_no_others() -> None:
    assert plan.divide(corpus(), ("s1", "o3"), 0).held_out_speakers == ("o3", "s1")
    with pytest.raises(CorpusError, match="no speaker nobody"):
        plan.divide(corpus(), ("nobody",), 0)


def test_a_given_model_is_measured_on_the_voices_it_never_heard() -> None:
    heard = frozenset({f"s{i}" for i in range(6)} | {f"o{i}" for i in range(18)})
    parts = plan.divide(corpus(), (), 0, heard)
    assert set(parts.held_out_speakers) == {"s6", "s7", "s8", "s9", "o18", "o19"}
    assert {u.labels.speaker for u in parts.training} == heard
    assert plan.divide(corpus(), ("s1",), 0, heard).held_out_speakers == ("s1",)


def test_a_model_that_heard_all_or_none_of_the_voices_leaves_them_to_the_lot() -> None:
    lot = plan.divide(corpus(), (), 0)
    everyone = frozenset(u.labels.speaker or "" for u in corpus().utterances)
    assert plan.divide(corpus(), (), 0, everyone) == lot
    assert plan.divide(corpus(), (), 0, frozenset({"somebody else"})) == lot


def test_acted_speech_alone_is_divided_by_its_own_voices() -> None:
    parts = plan.divide(corpus(0, 0, 12), (), 0)
    assert parts.emotions == parts.held_out
    assert not {u.labels.speaker for u in parts.training} & {u.labels.speaker for u in parts.emotions}


def test_where_no_voice_has_several_clips_some_are_held_out_all_the_same() -> None:
    assert len(plan.divide(corpus(0, 10, 3), (), 0).held_out_speakers) == 4


def test_too_few_voices_are_refused_in_words() -> None:
    with pytest.raises(CorpusError, match="at least two must be left"):
        plan.divide(corpus(1, 0, 3), (), 0)


def test_the_second_stage_divides_actors_and_tests_each_once() -> None:
    parts = plan.divide(corpus(acted=7), (), 0)
    first, second = plan.sides(parts.emotions, 0)
    assert (first.training, first.tested) == (second.tested, second.training)
    assert set(first.training) | set(first.tested) == set(parts.emotions)
    assert not {u.labels.speaker for u in first.training} & {u.labels.speaker for u in first.tested}
    assert plan.sides(parts.emotions, 0) == (first, second)
    women = [u for side in (first, second) for u in side.training if u.labels.gender == "female"]
    assert len(women) == len(parts.emotions)
    assert plan.sides(plan.divide(corpus(acted=3), (), 0).emotions, 0) == ()


def test_the_second_stage_keeps_to_a_corpus_s_own_parts() -> None:
    def predicted(number: int, split: str) -> Utterance:
        labels = Labels(speaker=f"a{number}", emotion="sad", split=split)
        return Utterance(f"/c/{number}.flac", f"{number}.flac", labels)

    clips = [predicted(n, split) for n, split in enumerate(("train", "test", "validation", "Train"))]
    (side,) = plan.sides(clips, 0)
    assert [u.labels.speaker for u in side.training] == ["a0", "a3"]
    assert [u.labels.speaker for u in side.tested] == ["a1"]


def test_the_paper_size_is_the_papers_schedule_for_every_system() -> None:
    for model, train in plan.systems("paper", 251, "cpu", 0).values():
        assert (train.epochs, train.learning_rate, train.batch_size, train.minutes) == (40, 1e-4, 32, None)
        assert model.latent == 512
        assert model.global_channels == (128, 256, 512)
    small = plan.systems("small", 10, "cpu", 0)
    assert sum(train.minutes or 99 for _, train in small.values()) < 12
    assert {model.system for model, _ in small.values()} == {
        "two-auxiliary",
        "one-auxiliary",
        "vae",
        "cpc",
        "supervised",
    }
    with pytest.raises(SpecError, match="no size called"):
        plan.systems("huge", 2, "cpu", 0)


def test_a_folder_keeps_to_its_plan(tmp_path: Path) -> None:
    plan.keep_to(tmp_path, {"size": "small", "held_out": ("a", "b")})
    plan.keep_to(tmp_path, {"size": "small", "held_out": ("a", "b")})
    with pytest.raises(EngineError, match="other settings"):
        plan.keep_to(tmp_path, {"size": "paper", "held_out": ("a", "b")})
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(EngineError, match="other settings"):
        plan.keep_to(tmp_path, {"size": "small", "held_out": ("a", "b")})


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every system with a few hundred weights and two epochs; no judges from the registry."""
    real = plan.systems

    def systems(*arguments: Any) -> dict[str, Any]:
        shape = {
            "latent": 8,
            "global_channels": (12,),
            "medium_channels": (12,),
            "local_channels": (16,),
            "decoder_channels": (16,),
            "predictor_m_channels": (8,),
            "predictor_h_channels": (8,),
        }
        return {
            name: (
                dataclasses.replace(model, **shape),
                dataclasses.replace(train, minutes=None, epochs=1, crop_s=1.0, threads=1),
            )
            for name, (model, train) in real(*arguments).items()
        }

    monkeypatch.setattr(plan, "systems", systems)
    monkeypatch.setitem(run._SEEDS, "small", 1)
    monkeypatch.setattr(external_models, "PACKAGES", {"A judge": "a_package_that_nobody_has"})
    monkeypatch.setattr(units, "_processes", lambda count: 1)  # which alone knows of these changes


@pytest.fixture(scope="module")
def voices(example_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five clips each of the eight synthetic voices, with their table."""
    folder = tmp_path_factory.mktemp("reproduction") / "voices"
    folder.mkdir()
    names = []
    for voice in ("anna", "berta", "clara", "dora", "emil", "felix", "georg", "hugo"):
        for clip in sorted(example_set.glob(f"{voice}_*.flac"))[::4]:
            (folder / clip.name).write_bytes(clip.read_bytes())
            names.append(clip.name)
    lines = (example_set / "labels.csv").read_text("utf-8").splitlines()
    kept = [lines[0], *(line for line in lines[1:] if any(name in line for name in names))]
    (folder / "labels.csv").write_text("\n".join(kept) + "\n", "utf-8")
    return folder


@pytest.fixture
def reading_and_acted(voices: Path, tmp_path: Path) -> tuple[str, str]:
    """The synthetic voices again, as readers without emotions; of four of them the emotional clips."""
    clips = sorted(voices.glob("*.flac"))
    lines = (voices / "labels.csv").read_text("utf-8").splitlines()
    reading, acted = tmp_path / "reading", tmp_path / "acted"
    for folder in (reading, acted):
        folder.mkdir()
    emotion = lines[0].split(",").index("emotion")
    read_rows, acted_rows = [lines[0]], [lines[0]]
    for number, line in enumerate(lines[1:]):
        cells = line.split(",")
        actor = cells[1] in ("anna", "berta", "emil", "felix")
        home, rows = (acted, acted_rows) if actor else (reading, read_rows)
        clip = next(c for c in clips if c.name == cells[0])
        (home / clip.name).write_bytes(clip.read_bytes())
        cells[emotion] = ("sad", "happy")[number % 2] if actor else ""
        rows.append(",".join(cells))
    (reading / "labels.csv").write_text("\n".join(read_rows) + "\n", "utf-8")
    (acted / "labels.csv").write_text("\n".join(acted_rows) + "\n", "utf-8")
    return str(reading), str(acted)


def reproduce(request: Reproduce, control: Any = lambda: Control.RUN) -> tuple[Any, list[object]]:
    predicted: list[object] = []
    return run.reproduce(request, predicted.append, control), predicted


@pytest.mark.usefixtures("tiny")
@pytest.mark.timeout(300)
def test_a_report_is_whole_killed_runs_go_on_and_what_is_missing_says_why(
    voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Reproduce((str(voices),), str(tmp_path / "report"), device="cpu")

    # Cancelled in the middle of the third system.
    seen: list[str] = []

    def report(event: object) -> None:
        if isinstance(event, Progress):
            seen.append(event.message)

    third = plan.TITLES["one-auxiliary"]
    with pytest.raises(Cancelled):
        run.reproduce(
            request, report, lambda: Control.CANCEL if any(third in m for m in seen[:-2]) else Control.RUN
        )
    runs = tmp_path / "report" / "work" / "runs"
    stamp = (runs / "timescale" / "log.jsonl").read_bytes()

    done, predicted = reproduce(request)
    assert (runs / "timescale" / "log.jsonl").read_bytes() == stamp  # trained once
    fractions = [e.fraction for e in predicted if isinstance(e, Progress) and e.fraction is not None]
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(fractions))

    out = tmp_path / "report"
    for name in ("table1", "table2", "table3", "gender", "emotion", "probe-matrix"):
        assert (out / f"{name}.csv").stat().st_size > 100
        assert r"\toprule" in (out / f"{name}.tex").read_text("utf-8")
    for name in ("figure2", "figure3", "curves", "probe-matrix"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (out / f"{name}.pdf").read_bytes().startswith(b"%PDF")

    rows = list(csv.reader((out / "table1.csv").read_text("utf-8").splitlines()))
    cells = {(row[0], row[1]): row for row in rows if len(row) > 3}
    ours = cells[plan.TITLES["timescale"], "h"]
    assert ours[2] == ""  # the paper's number stands beside the paper's model alone
    assert cells[plan.TITLES["two-auxiliary"], "h"][2] == "99.86 ± 0.05 %"
    assert re.fullmatch(r"\d+\.\d % \(\d+\.\d to \d+\.\d %\)", ours[3])
    assert (plan.TITLES["cpc"], "c") in cells
    assert (plan.TITLES["supervised"], "h") in cells
    judge = cells["A judge", ""]
    assert judge[3] == "not run [2]"
    notes = " ".join(row[0] for row in rows if len(row) == 1)
    assert "[2] A judge: The package a_package_that_nobody_has is not installed." in notes

    page = (out / "index.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 4
    text = re.sub(r"base64,[^\"]*", "", page.split("</style>")[1])  # the pictures' letters may happen to spell it
    assert "http" not in text.replace("https://", "")
    assert "0.36961" in page  # the slip, footnoted
    assert any("a_package_that_nobody_has" in reason for reason in done.missing)
    assert "What could not be run" in page

    # Again: nothing is trained, encoded or probed.
    monkeypatch.setattr(measure, "measure", None)
    monkeypatch.setattr(
        "engine.training.loop.train", lambda *a: json.loads('{"stopped": false}') and _done(runs, a[0])
    )
    assert set(measured(request).measured) == {*plan.TITLES, units.FLOORS}

    with pytest.raises(EngineError, match="other settings"):
        reproduce(dataclasses.replace(request, seed=5))


def _done(runs: Path, folder: Path) -> Any:
    class Done:
        stopped = False
        model = str(folder / "best.triptych.safetensors")

    return Done()


@pytest.mark.usefixtures("tiny")
@pytest.mark.timeout(300)
def test_models_are_trained_further_on_emotional_speech_and_measured_before_and_after(
    reading_and_acted: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_SMALL_MINUTES", {"timescale": 1.0, "two-auxiliary": 1.0})
    monkeypatch.setattr(external_models, "PACKAGES", {})
    monkeypatch.setattr(plan, "second_stage", lambda size, name, train: dataclasses.replace(train, epochs=2))

    out = tmp_path / "report"
    done, _ = reproduce(Reproduce(reading_and_acted, str(out), device="cpu"))
    rows = list(csv.reader((out / "second-stage.csv").read_text("utf-8").splitlines()))
    cells = {(row[0], row[1]): row[2:] for row in rows if len(row) > 3}
    for system in plan.SECOND_STAGE:
        for name in ("h", "m", "z"):
            before, after = cells[plan.TITLES[system], name][:2]
            assert re.match(r"\d+\.\d % \(", before)
            assert re.match(r"\d+\.\d % \(", after)
    assert not any("Second stage" in reason and "emotion" in reason for reason in done.missing)
    trained = [
        json.loads((out / "work" / "runs" / plan.file_name(f"timescale, {half}") / "spec.json").read_text("utf-8"))
        for half in ("first half", "second half")
    ]
    heard = [{clip["labels"]["speaker"] for clip in spec["clips"]} for spec in trained]
    assert heard[0] | heard[1] == {"anna", "berta", "emil", "felix"}
    assert not heard[0] & heard[1]
    assert all("timescale" in spec["from_model"] for spec in trained)

    # Again: what was measured stands.
    monkeypatch.setattr(measure, "measure_sides", None)
    monkeypatch.setattr(measure, "measure", None)
    again, _ = reproduce(Reproduce(reading_and_acted, str(out), device="cpu"))
    assert again.missing == done.missing


@pytest.fixture
def untrained(tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that leave the weights they begin with; those of CPC do not fit their model."""

    def train(folder: Path, *_: object) -> Any:
        spec = RunSpec.read(folder)
        network: Any = fresh_model(spec)[0]
        if spec.model.system == "cpc":
            other = dataclasses.replace(spec.model, local_channels=(20,))
            network = SimpleNamespace(spec=other, state_dict=network.state_dict)
        checkpoint.save(folder / "best.triptych.safetensors", network, spec.audio, spec.train, {})
        return _done(folder, folder)

    monkeypatch.setattr("engine.training.loop.train", train)
    monkeypatch.setattr(external_models, "PACKAGES", {})


def measured(request: Reproduce, report: Any = lambda event: None, control: Any = lambda: Control.RUN) -> Any:
    work = run.Reproduction(request, report, control)
    work.train()
    work.train_further()
    work.measure()
    return work


def numbers(request: Reproduce) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (Path(request.out) / "work" / "measured").glob("*.json")}


@pytest.mark.usefixtures("untrained")
@pytest.mark.timeout(300)
def test_two_processes_measure_what_one_does_and_say_what_fails(
    reading_and_acted: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Reproduce(reading_and_acted, str(tmp_path / "one"), device="cpu")
    two = dataclasses.replace(one, out=str(tmp_path / "two"))
    alone = measured(one)
    monkeypatch.setattr(units, "_processes", lambda count: min(2, count))
    predicted: list[Any] = []
    beside = measured(two, predicted.append)
    assert len(numbers(one)) == 10  # five systems, the floors and four stages; CPC is missing
    assert numbers(one) == numbers(two)
    points = [
        figures.kept_points(out / "work" / "measured" / "figure2.npz") for out in map(Path, (one.out, two.out))
    ]
    assert np.array_equal(points[0].h, points[1].h)
    assert (beside.measured, beside.before, beside.after) == (alone.measured, alone.before, alone.after)
    assert beside.why.keys() == alone.why.keys()
    assert all("do not fit the model" in work.why["cpc"] for work in (alone, beside))
    progress = [event for event in predicted if isinstance(event, Progress)]
    assert all(b.fraction >= a.fraction for a, b in itertools.pairwise(progress))
    assert any(event.message.count(": ") == 2 and "; " in event.message for event in progress)


@pytest.mark.usefixtures("untrained")
@pytest.mark.timeout(300)
def test_a_process_that_is_killed_costs_its_system_alone_and_a_cancel_is_gone_on_from(
    voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "_processes", lambda count: min(2, count))
    request = Reproduce((str(voices),), str(tmp_path / "report"), device="cpu")
    victims: list[Any] = []

    def kill(event: object) -> None:
        both_work = isinstance(event, Progress) and event.message.count(": ") == 2
        if both_work and not victims:
            victims.append(multiprocessing.active_children()[0])
            victims[0].kill()

    work = measured(request, kill)
    lost = [name for name, why in work.why.items() if "ended the process (code -9)" in why]
    assert len(lost) == 1
    assert set(work.measured) == {*plan.TITLES, units.FLOORS} - {*lost, "cpc"}
    assert multiprocessing.active_children() == []

    for file in (Path(request.out) / "work" / "measured").iterdir():
        file.unlink()
    stopped: list[float] = []

    def control() -> Control:
        if not numbers(request):
            return Control.RUN
        stopped.append(time.monotonic())
        return Control.STOP

    with pytest.raises(Cancelled):
        measured(request, control=control)
    assert time.monotonic() - stopped[0] < 2.0
    assert multiprocessing.active_children() == []
    kept = numbers(request)
    handed_out: set[str] = set()
    truly = units.measure

    def watched(todo: Any, ground: Any, *more: Any) -> None:
        handed_out.update(ground.file(unit).name for unit in todo)
        truly(todo, ground, *more)

    monkeypatch.setattr(units, "measure", watched)
    monkeypatch.setattr(units, "_processes", lambda count: 1)  # which starts no more processes
    again = measured(request)
    assert set(again.measured) == {*plan.TITLES, units.FLOORS} - {"cpc"}
    assert kept.items() <= numbers(request).items()
    assert kept
    assert not handed_out & kept.keys()


def test_a_corpus_with_its_own_parts_is_tested_by_them() -> None:
    examples = tuple(
        Example(f"c{i}", f"c{i}", f"v{i}", f"v{i}", {"split": split, "arousal": "0.5"})
        for i, split in enumerate(("train", "train", "validation", "test"))
    )
    table = Table(examples, {"h": np.zeros((4, 2), np.float32)})
    material = measure.by_split(table)
    assert [e.clip for e in material.table.examples] == ["c0", "c1"]
    assert material.test is not None
    assert [e.clip for e in material.test.examples] == ["c3"]
    assert measure.by_split(table.only(np.array([True, True, False, False]))).test is None


def test_measurements_of_another_model_or_half_a_file_are_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    measure.save(Measured({}, "abc", ("h",)), file)
    assert measure.load(file, "abc") == Measured({}, "abc", ("h",))
    assert measure.load(file, "other") is None
    file.write_text(file.read_text("utf-8")[:-10], "utf-8")
    assert measure.load(file, "abc") is None


def test_figure_2_takes_as_many_women_as_men() -> None:
    genders = {"a": "female", "b": "female", "c": "female", "d": "male"}
    examples = tuple(
        Example(f"{s}{n}", f"{s}{n}", s, s, {"gender": g}) for s, g in genders.items() for n in range(4)
    )
    values = np.zeros((16, 3), np.float32)
    points = figures.chosen(Table(examples, {"h": values, "m": values}))
    assert set(points.speakers) == {"a", "d"}
    with pytest.raises(EngineError, match="not a woman and a man"):
        figures.chosen(Table(examples[:12], {"h": values[:12], "m": values[:12]}))


def test_the_papers_numbers_stand_as_printed_and_the_slip_is_named() -> None:
    assert published_numbers.SPEAKER["two-auxiliary", "m"] == (98.30, 0.20)
    assert published_numbers.EMOTION["valence", "m"][0] == published_numbers.PRINTED_AROUSAL_OF_M
    table = Sheets({}, {}, (), {}, {}).table3()
    row = next(row for row in table.rows if row[0] == "The paper's m")
    assert row[1] == "0.3531 [1]"
    assert "0.36961" in table.notes[1] or "0.36961" in table.notes[0]


def test_a_system_that_failed_leaves_cells_that_say_why() -> None:
    sheets = Sheets({}, {"cpc": "The memory ran out."}, (), {}, {})
    table = sheets.table1()
    row = next(row for row in table.rows if row[0] == plan.TITLES["cpc"])
    mark = re.search(r"\[(\d+)\]", row[3])
    assert mark is not None
    assert f"[{mark[1]}] {plan.TITLES['cpc']}: The memory ran out." in table.notes
    assert any("The memory ran out." in reason for reason in sheets.missing)


def test_models_of_every_system_have_the_same_bands() -> None:
    assert {m.bands for m, _ in plan.systems("small", 4, "cpu", 0).values()} == {ModelSpec().bands}
