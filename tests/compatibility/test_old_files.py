"""What version 0.1.0 wrote opens: models, a stopped run, projects, sounds with recipes, tables, settings."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import cases
import engine_door
import numpy as np
import opening
import pytest
import soundfile
from pytestqt.qtbot import QtBot

from engine.api import Inspect, ModelInfo, ReadRecipes, RecipesRead, StoredClip, Take

FACTS: dict[str, Any] = json.loads((cases.DATA / "files.json").read_text("utf-8"))
SAVED = FACTS["projects"]["saved"]
PLACE = "/made-by-0.1.0"  # stands in the files for the folder in which they were made
SAME = 1e-4
SAME_DB = 1.0
OWN = ("plain", "timescale")  # models with h, m and z; the others are systems of comparison


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of what version 0.1.0 left, in another place than it was made in."""
    return Path(shutil.copytree(cases.DATA, tmp_path / "old"))


def assert_kept(before: Any, now: Any, where: str = "") -> None:
    """What was there is there, and numbers are what they were; more may have come."""
    if isinstance(before, dict):
        assert before.keys() <= now.keys(), f"{where}: missing {sorted(before.keys() - now.keys())}"
        for key, value in before.items():
            assert_kept(value, now[key], f"{where}.{key}")
    elif isinstance(before, list):
        assert len(before) == len(now), where
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            assert_kept(one, other, f"{where}[{number}]")
    elif isinstance(before, float):
        assert now == pytest.approx(before, rel=1e-5, abs=1e-6), where
    else:
        assert now == before, where


# Models.
@pytest.mark.parametrize("kind", sorted(FACTS["models"]))
def test_a_model_says_what_it_is(kind: str) -> None:
    info, _ = engine_door.perform(Inspect(str(cases.DATA / "models" / f"{kind}.triptych.safetensors")))
    assert isinstance(info, ModelInfo)
    assert_kept(FACTS["models"][kind], vars(info))


@pytest.mark.parametrize("kind", sorted(FACTS["models"]))
def test_a_model_computes_the_same(kind: str, tmp_path: Path) -> None:
    model = cases.DATA / "models" / f"{kind}.triptych.safetensors"
    with np.load(cases.DATA / "numbers.npz") as kept, np.load(cases.DATA / "models.npz") as latents:
        clip = cases.lay_out(dict(kept), cases.CLIPS[0], tmp_path)
        before = {name.partition("/")[2]: latents[name] for name in latents.files if name.startswith(f"{kind}/")}
    if kind in OWN:
        now: Any = dict(zip("hmz", engine_door.encoded(clip, model), strict=True))
    else:
        now = engine_door.system_vectors(clip, model)
    assert now.keys() == before.keys()
    for latent, values in before.items():
        assert now[latent].shape == values.shape
        assert np.abs(now[latent] - values).max() <= SAME, latent


def test_readings_that_a_model_carries_are_read(tmp_path: Path) -> None:
    clip_id, clip = next(iter(SAVED["clips"].items()))
    model = cases.DATA / "models" / "timescale.triptych.safetensors"
    now = engine_door.analysed({clip_id: cases.DATA / "clips" / clip["file"]}, tmp_path, model)[clip_id]
    before = StoredClip(str(cases.DATA / "mine.triptych" / "analysis" / clip_id))
    assert now.meta().model_hash == before.meta().model_hash
    assert np.allclose(now.array("arousal"), before.array("arousal"), atol=1e-3)


# A run that was stopped in the middle.
def test_a_stopped_run_goes_on_to_its_end(old: Path) -> None:
    run = old / "mine.triptych" / "runs" / "stopped"
    spec = run / "spec.json"
    spec.write_text(spec.read_text("utf-8").replace(PLACE, str(old)), "utf-8")
    before = _log(run)
    assert engine_door.command("train", run, "--resume", "--json") == 0
    after = _log(run)
    assert after[: len(before)] == before
    new = after[len(before) :]
    stopped_at = FACTS["run"]["steps"]
    planned = next(line["crops"] for line in before if line["event"] == "plan")
    assert new[-1]["event"] == "done"
    assert new[-1]["step"] > stopped_at
    assert new[-1]["step"] * 2 == pytest.approx(planned, abs=2)  # two pieces a step
    points = [line for line in new if line["event"] == "validation"]
    assert [point["step"] > stopped_at for point in points] == [True] * len(points)
    # It goes on from its weights: this term fell from -1.32 to -1.75 so far, and is not at its beginning again.
    last = [line["terms"]["prior_z"] for line in before if line["event"] == "validation"][-1]
    assert points[0]["terms"]["prior_z"] == pytest.approx(last, abs=0.2)
    kept = json.loads((run / "checkpoints" / "list.json").read_text("utf-8"))["checkpoints"]
    steps = [one["step"] for one in kept]
    assert {step for step, *_ in SAVED["runs"][0]["checkpoints"]} < set(steps)
    for name in ("best", "last"):
        info, _ = engine_door.perform(Inspect(str(run / f"{name}.triptych.safetensors")))
        assert isinstance(info, ModelInfo)


def _log(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]


# Projects.
def test_a_saved_project_holds_what_it_held(qtbot: QtBot, old: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with opening.session_of(tmp_path / "data", said) as session:
        opening.open_project(session, old / "mine.triptych")
        assert_kept(SAVED, opening.contents(session))
    assert said == ["Opened mine"]


def test_changes_that_were_never_saved_are_recovered(qtbot: QtBot, old: Path, tmp_path: Path) -> None:
    project = old / "mine.triptych"
    shutil.copyfile(old / "crashed.autosave.json", project / "project.autosave.json")
    crashed = FACTS["projects"]["crashed"]
    assert crashed["takes"][1]["name"] == "renamed after saving"
    with opening.session_of(tmp_path / "data") as session:
        assert opening.was_not_closed(session, project)
        opening.open_project(session, project, recover=True)
        assert_kept(crashed, opening.contents(session))


def test_work_without_a_project_is_there_again(qtbot: QtBot, old: Path) -> None:
    with opening.session_of(old / "unsaved" / "data") as session:
        opening.restore(session)
        assert_kept(FACTS["projects"]["unsaved"], opening.contents(session))


def test_a_project_saved_again_holds_the_same(qtbot: QtBot, old: Path, tmp_path: Path) -> None:
    with opening.session_of(tmp_path / "data") as session:
        opening.open_project(session, old / "mine.triptych")
        opening.save_as(session, tmp_path / "again.triptych")
    with opening.session_of(tmp_path / "more data") as session:
        opening.open_project(session, tmp_path / "again.triptych")
        assert_kept(SAVED | {"title": "again"}, opening.contents(session))


def test_the_program_opens_the_project_and_renders_a_take_again(qtbot: QtBot, old: Path) -> None:
    with opening.studio() as program:
        opening.open_project(program.session, old / "mine.triptych")
        opening.wait_until_encoded(program.session, len(SAVED["clips"]))
        take = opening.render_again(program.session, 0)
        _assert_like_the_take(take, old)


# Sounds that say how they were made.
@pytest.mark.parametrize("name", ["take.wav", "take.flac"])
def test_a_recipe_in_a_sound_renders(name: str, qtbot: QtBot, old: Path, tmp_path: Path) -> None:
    sound = old / "sounds" / name
    read, _ = engine_door.perform(ReadRecipes((str(sound), str(old / "clips" / "emil_sad.flac"))))
    assert isinstance(read, RecipesRead)
    ((path, recipe),) = read.recipes
    assert path == str(sound)
    assert_kept(SAVED["takes"][0]["recipe"], json.loads(recipe))
    model = old / "models" / "timescale.triptych.safetensors"
    with opening.session_of(tmp_path / "data") as session:
        opening.open_project(session, old / "mine.triptych")
        request = opening.request_of(session, recipe, model, tmp_path / "takes")
    take, _ = engine_door.rendered(request)
    assert take.name == SAVED["takes"][0]["name"]
    _assert_like_the_take(take, old)


def _assert_like_the_take(take: Take, old: Path) -> None:
    """It is made of the same as the project's first take, and sounds alike."""
    before = SAVED["takes"][0]
    assert take.model_hash == before["model_hash"]
    assert [take.strength, take.strength_m] == before["strengths"]
    assert [len(take.voice), len(take.emotion), len(take.edits)] == [2, 0, 1]
    sound = str(old / "mine.triptych" / "takes" / "anna_calm-1" / "anna_calm-1.wav")
    assert np.abs(cases.envelope_db(take.transformed) - cases.envelope_db(sound)).max() <= SAME_DB
    assert soundfile.info(take.transformed).duration == soundfile.info(sound).duration


# Tables of latents.
@pytest.mark.parametrize("name", ["csv-m.csv", "csv-z.csv", "npz-z.npz", "parquet-z.parquet"])
def test_a_table_of_latents_is_laid_out(name: str, tmp_path: Path) -> None:
    table, points = cases.DATA / "exports" / name, tmp_path / "points.csv"
    assert engine_door.command("map", table, "--out", points, "--perplexity", 2, "--latent", table.stem[-1]) == 0
    with points.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sidecar = json.loads(table.with_suffix(".json").read_text("utf-8"))
    assert len(rows) == sidecar["rows"]
    assert {row["clip"] for row in rows} == set(SAVED["clips"])
    assert {row["file"] for row in rows} == {clip["file"] for clip in SAVED["clips"].values()}
    assert {row["speaker"] for row in rows} == {"anna", "emil", "georg"}


# Settings.
def test_settings_and_keys_are_those_that_were_chosen(qtbot: QtBot, triptych_home: Path) -> None:
    settings = triptych_home / "settings" / "settings.ini"
    settings.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(cases.DATA / "settings.ini", settings)
    chosen = FACTS["projects"]["settings"]
    with opening.studio() as program:
        now = opening.settings_in_use(program)
    before = {name: value for name, value in chosen["preferences"].items() if name in now}
    assert len(before) == 7
    assert_kept(before | {"shortcuts": chosen["shortcuts"]}, now)
    assert now["shortcuts"]["edit.undo"] == "Ctrl+Z"
    assert os.environ["TRIPTYCH_HOME"] == str(triptych_home)
