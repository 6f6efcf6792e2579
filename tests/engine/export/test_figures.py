"""Figures: every format, any number of classes, true ticks, and where they come from in the file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from engine.api import AudioSpec, ExportError, Figure, MapPoints
from engine.api.specs import AudioSpec as Spec
from engine.export import figures


def points(count: int) -> MapPoints:
    random = np.random.default_rng(0)
    return MapPoints(
        "h",
        tuple(f"c{n}" for n in range(count)),
        np.zeros(count, np.int32),
        random.normal(size=(count, 2)).astype(np.float32),
        {"method": "t-SNE", "perplexity": 30.0, "seed": 4, "metric": "cosine", "model_hash": "0123456789abcdef"},
    )


def stored(folder: Path, frames: int = 128, band: int = 70) -> str:
    folder.mkdir()
    mel = np.full((frames, 140), -11.5, np.float16)
    mel[:, band] = 0.0
    np.save(folder / "mel.npy", mel)
    meta = {
        "clip_id": "c",
        "folder": str(folder),
        "duration_s": frames / 64,
        "source_rate_hz": 16000,
        "channels": 1,
        "gain_db": 0.0,
        "frames": frames,
        "seconds": 2,
        "f0_median_hz": None,
        "model_hash": "abc",
        "audio": AudioSpec().to_dict(),
    }
    (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
    return str(folder)


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_map_is_drawn_in_every_format_with_where_it_comes_from(tmp_path: Path, suffix: str, start: bytes) -> None:
    out = tmp_path / f"map{suffix}"
    done = figures.draw(Figure(str(out), points(20), ("a", "b") * 10, "speaker"))
    content = out.read_bytes()
    assert done.file == str(out)
    assert content.startswith(start)
    assert b"0123456789abcdef" in content
    assert b"Triptych" in content
    assert str(tmp_path).encode() not in content


def test_the_width_is_what_was_asked_for(tmp_path: Path) -> None:
    figures.draw(Figure(str(tmp_path / "map.png"), points(5), width_cm=10.0))
    image = imread(tmp_path / "map.png")
    assert image.shape[1] == pytest.approx(10.0 / 2.54 * figures.PNG_DPI, abs=1)


@pytest.mark.parametrize("classes", [1, 8, 9, 251])
def test_any_number_of_classes_has_a_legend_that_tells_them_apart(tmp_path: Path, classes: int) -> None:
    labels = tuple(f"speaker {n:03d}" for n in range(classes)) * 2
    out = tmp_path / "map.svg"
    figures.draw(Figure(str(out), points(len(labels)), labels, "speaker"))
    text = out.read_text("utf-8")
    assert all(f">speaker {n:03d}<" in text for n in range(classes))
    looks = {
        (n % len(figures.COLOURS), n // len(figures.COLOURS) % len(figures.MARKERS), n // 96)
        for n in range(classes)
    }
    assert len(looks) == classes


def test_whole_numbers_are_classes_and_decimal_ones_a_colour_scale(tmp_path: Path) -> None:
    figures.draw(Figure(str(tmp_path / "classes.svg"), points(30), ("1088", "19", "26") * 10, "speaker"))
    figures.draw(Figure(str(tmp_path / "scale.svg"), points(30), tuple(f"{n / 10}" for n in range(30)), "arousal"))
    classes = (tmp_path / "classes.svg").read_text("utf-8")
    order = [classes.index(f">{name}<") for name in ("19", "26", "1088")]
    assert order == sorted(order)
    assert ">2.9<" not in (tmp_path / "scale.svg").read_text("utf-8")


def test_labels_are_shown_as_they_are(tmp_path: Path) -> None:
    labels = ("_hidden", "$x^2$", "two\nlines", "", "ok")
    figures.draw(Figure(str(tmp_path / "map.svg"), points(5), labels, "tag"))
    text = (tmp_path / "map.svg").read_text("utf-8")
    for shown in ("_hidden", "$x^2$", "two lines", "unlabelled", "ok"):
        assert re.search(f">\u200b?{re.escape(shown)}<", text), shown


def test_mel_panels_have_ticks_at_band_centres_and_seconds(tmp_path: Path) -> None:
    canvas, _ = figures._mels(Figure("x.png", folders=(stored(tmp_path / "a"),), titles=("before",)))
    axes = canvas.axes[0]
    centres = Spec().band_centres_hz()
    for position, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True):
        assert np.interp(position, np.arange(140), centres) == pytest.approx(float(label.get_text()), abs=0.5)
    low, high = axes.get_xlim()
    assert (low, high) == (0.0, 127 / 64)
    assert axes.images[0].get_array().argmax(axis=0).tolist() == [70] * 128


def test_panels_share_one_scale(tmp_path: Path) -> None:
    out = tmp_path / "mels.pdf"
    folders = (stored(tmp_path / "a"), stored(tmp_path / "b", frames=10_000))
    figures.draw(Figure(str(out), folders=folders, titles=("a", "b")))
    canvas, _ = figures._mels(Figure("x.png", folders=folders))
    assert canvas.axes[0].images[0].get_clim() == canvas.axes[1].images[0].get_clim()
    assert canvas.axes[1].images[0].get_array().shape[1] <= figures.MOST_COLUMNS


def test_matplotlibs_global_settings_are_left_alone(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    figures.draw(Figure(str(tmp_path / "map.png"), points(3)))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    "request_",
    [
        Figure("map.gif", points(3)),
        Figure("map.png"),
        Figure("map.png", points(3), ("a",)),
        Figure("map.png", points(3), width_cm=0.0),
        Figure("map.png", folders=("nowhere",)),
        Figure("map.png", folders=("nowhere",), titles=("a", "b")),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(
    request_: Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError) as caught:
        figures.draw(request_)
    assert caught.value.hint
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == []


def test_a_figure_has_the_size_in_centimetres_and_the_font_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "map.png"
    figures.draw(Figure(str(out), points(20), ("a", "b") * 10, "speaker", width_cm=8.0, height_cm=6.0, font_pt=6.0))
    height, width = imread(out).shape[:2]
    assert (width, height) == pytest.approx((8.0 / 2.54 * 300, 6.0 / 2.54 * 300), abs=2)
    svg = tmp_path / "map.svg"
    figures.draw(Figure(str(svg), points(5), font="STIXGeneral", font_pt=11.0))
    assert "STIXGeneral" in svg.read_text("utf-8")
    assert "11px" in svg.read_text("utf-8")


def test_a_font_that_is_not_there_and_sizes_beyond_paper_are_refused(tmp_path: Path) -> None:
    out = str(tmp_path / "map.pdf")
    for wrong in ({"font": "No Such Font 17"}, {"font_pt": 1.0}, {"height_cm": 0.5}, {"width_cm": 500.0}):
        with pytest.raises(ExportError):
            figures.draw(Figure(out, points(5), **wrong))  # type: ignore[arg-type]


def test_the_caption_says_how_many_neighbours_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "map.svg"
    scored = points(5)
    scored.settings.update(neighbours_kept=0.62, score_neighbours=10)
    figures.draw(Figure(str(out), scored))
    assert "62% of 10 nearest neighbours kept" in out.read_text("utf-8")
