"""Exports: every format holds the same numbers, spreadsheets run nothing, and a file is whole or absent."""

from __future__ import annotations

import csv
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from engine.api import (
    AudioSpec,
    Cancelled,
    ClipRef,
    Control,
    EngineError,
    Event,
    Export,
    ExportDone,
    ExportError,
    Note,
)
from engine.export import latents_file
from engine.export import latents_table as exporting

NASTY = '=HYPERLINK("x"), 😀\nline'


def keep_on() -> Control:
    return Control.RUN


def stored(folder: Path, seed: int, seconds: float = 2.5, model_hash: str = "abc") -> str:
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    frames = round(seconds * 64)
    np.save(folder / "h.npy", random.normal(size=4).astype(np.float32))
    np.save(folder / "m.npy", random.normal(size=(-(-frames // 64), 4)).astype(np.float32))
    np.save(folder / "z.npy", random.normal(size=(frames, 4)).astype(np.float16))
    meta = {
        "clip_id": folder.name,
        "folder": str(folder),
        "duration_s": seconds,
        "source_rate_hz": 16000,
        "channels": 1,
        "gain_db": 0.0,
        "frames": frames,
        "seconds": 3,
        "f0_median_hz": None,
        "model_hash": model_hash,
        "audio": AudioSpec().to_dict(),
    }
    (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
    return str(folder)


@pytest.fixture
def clips(tmp_path: Path) -> tuple[tuple[ClipRef, str], ...]:
    return (
        (ClipRef("one", "/home/me/one.wav", {"speaker": "Ann", "mood": "-1"}), stored(tmp_path / "a", 0)),
        (ClipRef("two", f"/home/me/{NASTY}.wav", {"speaker": "@Bo", "clip": "x"}), stored(tmp_path / "b", 1, 1.0)),
    )


def export(
    clips: tuple[tuple[ClipRef, str], ...],
    out: Path,
    latent: str = "h",
    report: Callable[[Event], None] = lambda event: None,
    control: Callable[[], Control] = keep_on,
) -> ExportDone:
    return exporting.export(Export(clips, str(out), latent), report, control)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_of_h_has_a_row_a_clip_with_its_labels(
    clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path
) -> None:
    done = export(clips, tmp_path / "out.csv")
    first, second = rows_of(tmp_path / "out.csv")
    assert list(first) == [
        "clip",
        "file",
        "speaker",
        "label_clip",
        "mood",
        "duration_s",
        "h_000",
        "h_001",
        "h_002",
        "h_003",
    ]
    assert (first["clip"], first["file"], first["speaker"]) == ("one", "one.wav", "Ann")
    np.testing.assert_allclose(
        [float(first[f"h_00{d}"]) for d in range(4)], np.load(tmp_path / "a" / "h.npy"), rtol=1e-6
    )
    assert float(second["duration_s"]) == 1.0
    assert done.rows == 2
    assert done.files == (str(tmp_path / "out.csv"), str(tmp_path / "out.json"))


def test_text_cells_cannot_run_in_a_spreadsheet_and_numbers_stay_numbers(
    clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path
) -> None:
    export(clips, tmp_path / "out.csv")
    first, second = rows_of(tmp_path / "out.csv")
    assert second["file"] == f"'{NASTY}.wav"
    assert second["speaker"] == "'@Bo"
    assert first["mood"] == "'-1"
    numbers = [float(row[f"h_00{d}"]) for row in (first, second) for d in range(4)]
    assert min(numbers) < 0


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_start_of_a_formula_is_made_safe(start: str) -> None:
    assert exporting.safe_cell(start + "1") == "'" + start + "1"
    assert exporting.safe_cell("1" + start) == "1" + start


def test_seconds_carry_their_times(clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path) -> None:
    export(clips, tmp_path / "out.csv", "m")
    rows = rows_of(tmp_path / "out.csv")
    assert [row["second"] for row in rows] == ["0", "1", "2", "0"]
    assert [(float(row["start_s"]), float(row["end_s"])) for row in rows[:3]] == [
        (0.0, 1.0),
        (1.0, 2.0),
        (2.0, 2.5),
    ]


def test_frames_carry_their_times(clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path) -> None:
    assert export(clips, tmp_path / "out.csv", "z").rows == 160 + 64
    rows = rows_of(tmp_path / "out.csv")
    assert (rows[5]["frame"], float(rows[5]["time_s"])) == ("5", 5 / 64)
    np.testing.assert_allclose(float(rows[5]["z_002"]), np.load(tmp_path / "a" / "z.npy")[5, 2], rtol=1e-6)


def test_all_writes_three_files_each_with_a_sidecar(clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path) -> None:
    done = export(clips, tmp_path / "out.npz", "all")
    assert [Path(f).name for f in done.files] == [
        "out-h.npz",
        "out-h.json",
        "out-m.npz",
        "out-m.json",
        "out-z.npz",
        "out-z.json",
    ]
    assert done.rows == 2 + 4 + 224


@pytest.mark.parametrize("latent", ["h", "m", "z"])
@pytest.mark.parametrize("suffix", [".csv", ".npz", ".parquet"])
def test_every_format_gives_back_the_same_rows(
    clips: tuple[tuple[ClipRef, str], ...],
    tmp_path: Path,
    suffix: str,
    latent: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "ROWS_AT_ONCE", 50)  # several blocks
    out = tmp_path / f"out{suffix}"
    export(clips, out, latent)
    held = latents_file.read(out, latent)
    expected = [np.atleast_2d(np.load(tmp_path / name / f"{latent}.npy")).astype(np.float32) for name in "ab"]
    np.testing.assert_allclose(held.values, np.concatenate(expected), rtol=1e-6)
    assert held.ids == ("one",) * len(expected[0]) + ("two",) * len(expected[1])
    if latent != "h":
        assert held.index.tolist() == [*range(len(expected[0])), *range(len(expected[1]))]
    assert held.columns["speaker"][-1] == "@Bo"
    assert held.columns["file"][-1] == f"{NASTY}.wav"
    assert held.model_hash == "abc"


def test_parquet_columns_have_kinds(clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path) -> None:
    export(clips, tmp_path / "out.parquet", "m")
    schema = pyarrow.parquet.read_schema(tmp_path / "out.parquet")
    assert str(schema.field("second").type) == "int32"
    assert str(schema.field("m_000").type) == "float"
    assert str(schema.field("speaker").type) == "string"


def test_the_sidecar_names_model_units_and_rows_and_no_path(
    clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path
) -> None:
    export(clips, tmp_path / "out.csv", "m")
    text = (tmp_path / "out.json").read_text("utf-8")
    sidecar = json.loads(text)
    assert sidecar["model_hash"] == "abc"
    assert sidecar["rows"] == 4
    assert "seconds" in sidecar["columns"]["start_s"]
    assert sidecar["audio"] == AudioSpec().to_dict()
    assert str(tmp_path) not in text
    assert "/home/me" not in text


def test_clips_without_latents_are_left_out_and_named(
    clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path
) -> None:
    events: list[Event] = []
    done = export(
        (*clips, (ClipRef("three", "three.wav"), str(tmp_path / "none"))), tmp_path / "o.csv", "h", events.append
    )
    assert done.rows == 2
    assert any(isinstance(event, Note) and "1 clips hold no h" in event.what for event in events)


def test_what_cannot_be_exported_is_refused_in_words(
    clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="format"):
        export(clips, tmp_path / "out.xls")
    with pytest.raises(ExportError, match="None of the 1 clips"):
        export(((clips[0][0], str(tmp_path / "none")),), tmp_path / "out.csv")
    with pytest.raises(ExportError, match="different models"):
        export((*clips, (ClipRef("x", "x"), stored(tmp_path / "c", 2, model_hash="other"))), tmp_path / "out.csv")
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(ExportError, match="is a folder"):
        export(clips, tmp_path / "dir.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".parquet"])
def test_a_full_disk_keeps_the_file_that_was_there(
    clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / "place" / f"out{suffix}"
    out.parent.mkdir()
    out.write_text("before", "utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(ExportError, match="cannot be written") as caught:
            export(clips, out, "z")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.hint
    assert out.read_text("utf-8") == "before"
    assert os.listdir(out.parent) == [out.name]


@pytest.mark.parametrize("wish", [Control.CANCEL, Control.STOP])
def test_cancel_leaves_no_file(clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path, wish: Control) -> None:
    with pytest.raises(Cancelled):
        export(clips, tmp_path / "place" / "out.csv", "h", control=lambda: wish)
    assert os.listdir(tmp_path / "place") == []


def refused(path: Path, content: str | bytes, match: str) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EngineError, match=match) as caught:
        latents_file.read(path)
    assert caught.value.hint


def test_a_csv_that_is_no_export_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    refused(path, "", "no columns")
    refused(path, "a,b\n1,2\n", "no columns")
    refused(path, "h_000\n1\n", "clip is missing")
    refused(path, "clip,h_000\n", "no rows")
    refused(path, "clip,h_000\na,1\nb,zwei\n", "row 2 .* not a number")
    refused(path, "clip,h_000\na,nan\n", "not a finite number")
    refused(path, "clip,h_000\na,1,5\n", "3 cells")
    refused(path, "clip,h_000,m_000\na,1,5\n", "mixes")
    refused(path, "clip,h_000,h_000\na,1,5\n", "twice")
    refused(path, "clip,h_000\n" + "x" * 200_000 + ",1\n", "field larger")
    refused(path, b"\xff\xfe\x00clip,h_000\n", "not a file of latents")
    refused(path, "clip,second,m_000\na,x,1\n", "not a file of latents")


def test_other_files_are_refused_in_words(tmp_path: Path) -> None:
    refused(tmp_path / "x.npz", b"no zip", "not a file of latents")
    refused(tmp_path / "x.parquet", b"no parquet", "not a file of latents")
    refused(tmp_path / "x.txt", b"text", "no CSV, NPZ or Parquet")
    np.savez(tmp_path / "y.npz", values=np.zeros((2, 2)), row_clip=np.array([0, 9]), clip=np.array(["a"]))
    with pytest.raises(EngineError, match="beyond the clips"):
        latents_file.read(tmp_path / "y.npz")
    np.savez(tmp_path / "p.npz", values=np.array([{}], object), row_clip=np.zeros(1, int))
    with pytest.raises(EngineError, match="not a file of latents"):
        latents_file.read(tmp_path / "p.npz")
    for name in ("gone.csv", "gone.npz", "gone.parquet"):
        with pytest.raises(EngineError, match="cannot be read"):
            latents_file.read(tmp_path / name)


def test_the_latent_asked_for_must_be_there(clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path) -> None:
    export(clips, tmp_path / "out.csv", "m")
    with pytest.raises(EngineError, match="holds m, not h"):
        latents_file.read(tmp_path / "out.csv", "h")
    assert latents_file.read(tmp_path / "out.csv").latent == "m"


def test_a_file_too_large_for_a_map_is_refused(
    clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latents_file, "MOST_BYTES", 100)
    for suffix in (".csv", ".npz", ".parquet"):
        export(clips, tmp_path / f"out{suffix}", "z")
        with pytest.raises(EngineError, match="too large"):
            latents_file.read(tmp_path / f"out{suffix}")


def test_a_latent_that_does_not_exist_is_refused(clips: tuple[tuple[ClipRef, str], ...], tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no latent called 'q'"):
        export(clips, tmp_path / "out.csv", "q")
