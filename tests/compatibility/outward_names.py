"""The names that others rely on, as the version at hand has them: commands, columns, keys of its files."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
import engine_door
import numpy as np
import opening
import pyarrow.parquet

from engine.api import Train

COMMANDS = ("studio", "train", "analyse", "map", "transfer", "probe", "get", "cache", "reproduce", "info")
SAVED = "mine.triptych"
TIMESCALE = "models/timescale.triptych.safetensors"
_ID = re.compile(r"[0-9a-f]{8,}|\d+")  # of a recording, an audition, a step


def of_this_version(folder: Path) -> dict[str, list[str]]:
    """Every section's names, sorted. What writes them works below `folder`, on what version 0.1.0 left."""
    old = folder / "old"
    shutil.copytree(cases.DATA, old)
    found: dict[str, set[str]] = {}
    for command in COMMANDS:
        found[f"triptych {command}"] = _options(command)
    found |= _of_tables(old, folder) | _of_transfer(old, folder) | _of_run(old, folder) | _of_project(old, folder)
    return {section: sorted(names) for section, names in found.items()}


# The command line.
def _options(command: str) -> set[str]:
    """Options, their choices, and what is given by its place."""
    _, text = _printed(command, "--help")
    usage, _, rest = text.partition("\n\n")
    names = set(re.findall(r"^ {2,}(?:-\w, )?(--[\w-]+)", rest, re.M))
    names |= set(re.findall(r", (--[\w-]+)", "\n".join(re.findall(r"^ {2}-.*", rest, re.M))))
    for option, choices in re.findall(r"(--[\w-]+) \{([^}]*)\}", " ".join(usage.split())):
        names |= {f"{option} {choice.strip()}" for choice in choices.split(",")}
    positional = re.search(r"^positional arguments:\n((?: .*\n?)+)", rest, re.M)
    names |= set(re.findall(r"^ {2}(\S+)", positional[1], re.M)) if positional else set()
    return names


def _printed(*words: object) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            status = engine_door.command(*words)
        except SystemExit as end:  # argparse ends so after --help
            status = int(end.code or 0)
    return status, out.getvalue()


def _facts(*words: object) -> dict[str, Any]:
    status, text = _printed(*words, "--json")
    assert status == 0, text
    facts: dict[str, Any] = json.loads(text.splitlines()[-1])
    return facts


# Tables of latents and of maps.
def _of_tables(old: Path, folder: Path) -> dict[str, set[str]]:
    found = {}
    clips, model = sorted((old / "clips").iterdir()), old / TIMESCALE
    out = folder / "tables"
    out.mkdir()
    found["analyse --json"] = _keys(
        _facts("analyse", *clips, "--out", out / "t.csv", "--latent", "all", "--model", model)
    )
    for latent in "hmz":
        with (out / f"t-{latent}.csv").open(encoding="utf-8", newline="") as file:
            found[f"CSV of {latent}"] = set(next(csv.reader(file)))
        found[f"sidecar of {latent}"] = _keys(json.loads((out / f"t-{latent}.json").read_text("utf-8")))
    for suffix in ("npz", "parquet"):
        _facts("analyse", clips[0], "--out", out / f"t.{suffix}", "--latent", "m", "--model", model)
    with np.load(out / "t.npz", allow_pickle=False) as arrays:
        found["NPZ of m"] = set(arrays.files)
    found["Parquet of m"] = set(pyarrow.parquet.read_schema(out / "t.parquet").names)
    points = out / "points.csv"
    found["map --json"] = _keys(_facts("map", out / "t-m.csv", "--out", points, "--perplexity", 2))
    with points.open(encoding="utf-8", newline="") as file:
        found["CSV of a map"] = set(next(csv.reader(file)))
    found["info --json"] = _keys(_facts("info", model))
    return found


def _of_transfer(old: Path, folder: Path) -> dict[str, set[str]]:
    anna, emil = old / "clips" / "anna_excited.flac", old / "clips" / "emil_sad.flac"
    words = ("transfer", anna, "--voice", emil, "--out", folder / "take.wav", "--model", old / TIMESCALE)
    return {"transfer --json": _keys(_facts(*words))}


# A run and its models.
def _of_run(old: Path, folder: Path) -> dict[str, set[str]]:
    run = folder / "a-run"
    cases.tiny_run(old / "clips", "timescale", epochs=2, checkpoints=2).write(run)
    engine_door.perform(Train(str(run)))
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    return {
        "files of a run": _files(run),
        "spec.json": _keys(json.loads((run / "spec.json").read_text("utf-8"))),
        "log.jsonl": {f"{line['event']}: {name}" for line in lines for name in _keys(line)},
        "checkpoints/list.json": _keys(json.loads((run / "checkpoints" / "list.json").read_text("utf-8"))),
        "a model's metadata": _metadata(run / "last.triptych.safetensors"),
    }


def _metadata(file: Path) -> set[str]:
    """Keys of the header of a safetensors file, and of the JSON texts among its values."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        metadata = json.loads(stream.read(length))["__metadata__"]
    found = set(metadata)
    for name, text in metadata.items():
        with contextlib.suppress(ValueError):
            found |= {f"{name}.{key}" for key in _keys(json.loads(text))}
    return found


# A project, saved by this version.
def _of_project(old: Path, folder: Path) -> dict[str, set[str]]:
    with opening.session_of(folder / "data") as session:
        opening.open_project(session, old / SAVED)
        recipe = opening.recipe_of_take(session, 0)
        opening.save_as(session, folder / "again.triptych")
    saved = folder / "again.triptych"
    return {
        "project.json": _keys(json.loads((saved / "project.json").read_text("utf-8"))),
        "files of a project": {name for name in _files(saved) if not name.startswith(("runs/", "."))},
        "meta.json": _keys(json.loads(next((saved / "analysis").glob("*/meta.json")).read_text("utf-8"))),
        "a recipe": _keys(json.loads(recipe)),
        "results.json": _keys(json.loads(next(saved.glob("runs/*/auditions/results.json")).read_text("utf-8"))),
    }


def _files(folder: Path) -> set[str]:
    """Names of files below a folder; what names a recording, a take or a step is <id>."""
    places = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return {re.sub(r"anna_calm-\d+", "<take>", re.sub(r"[0-9a-f]{8,}", "<id>", place)) for place in places}


def _keys(values: Any) -> set[str]:
    """Paths of all keys: a.b for what lies in a dictionary, a[] for what lies in a list, <id> for an identifier."""
    return set(_walk(values, ""))


def _walk(values: Any, above: str) -> Iterator[str]:
    if isinstance(values, dict):
        for key, value in values.items():
            name = "<id>" if _ID.fullmatch(str(key)) else str(key)
            yield f"{above}{name}"
            yield from _walk(value, f"{above}{name}.")
    elif isinstance(values, list):
        for value in values:
            yield from _walk(value, f"{above.removesuffix('.')}[].")
