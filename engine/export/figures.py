"""Figures for papers, with matplotlib and nothing of its global state: maps and mel spectrograms as PNG, SVG, PDF.

Always light, whatever the window's theme; text stays text and axes stay lines in vector formats.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from engine.api import ControlSignal, Figure, FigureDone, MapPoints, Report, StoredClip
from engine.api.atomic_files import placed_whole
from engine.api.errors import ExportError
from engine.api.specs import AudioSpec

SUFFIXES = (".png", ".svg", ".pdf")
CM_PER_INCH = 2.54
PNG_DPI = 300
# Okabe & Ito 2008: eight colours that the common kinds of colour blindness tell apart; then other shapes, too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h")
NO_LABEL = "unlabelled"
NO_LABEL_COLOUR = "#B0B0B0"
# Beyond this many dots a vector file is slower to open than its pixels.
MOST_VECTOR_POINTS = 20_000
MOST_COLUMNS = 3000  # of a mel image: finer than any printer
TICKS_HZ = (125, 500, 1000, 2000, 3000, 4000, 6000, 12_000)
STYLE = {
    "font.size": 8.0,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "svg.fonttype": "none",
    "svg.hashsalt": "triptych",
    "pdf.fonttype": 42,
    "axes.linewidth": 0.6,
    "savefig.dpi": PNG_DPI,
}


def draw_job(request: Figure, report: Report, control: ControlSignal) -> FigureDone:
    """Perform a request to draw; see `draw`."""
    return draw(request)


def draw(request: Figure) -> FigureDone:
    """Draw a map (request.points) or mel panels (request.folders) into one file.

    Raises:
        ExportError: no such format, nothing to draw, labels that do not fit, or the file cannot be written.
    """
    out = Path(request.out)
    if out.suffix.lower() not in SUFFIXES:
        raise ExportError(f"{out.name} does not say which format to draw.", f"End it in {', '.join(SUFFIXES)}.")
    for centimetres, how in ((request.width_cm, "wide"), (request.height_cm, "high")):
        if centimetres is not None and not 2.0 <= centimetres <= 100.0:
            raise ExportError(f"A figure cannot be {centimetres:g} cm {how}.", "Choose 2 to 100 cm.")
    if not 3.0 <= request.font_pt <= 36.0:
        raise ExportError(f"Letters cannot be {request.font_pt:g} points high.", "Choose 3 to 36 points.")
    with matplotlib.rc_context(style() | _font(request)):
        if request.points is not None:
            canvas, facts = _map(request, request.points)
        elif request.folders:
            canvas, facts = _mels(request)
        else:
            raise ExportError("There is nothing to draw.", "Draw a map first, or choose clips.")
        FigureCanvasAgg(canvas)
        with placed_whole(out) as temporary:
            canvas.savefig(temporary, facecolor="white", metadata=metadata(out.suffix.lower(), facts))
    return FigureDone(str(out))


def style() -> dict[Any, Any]:
    """matplotlib's defaults with ours over them, so that no one's matplotlibrc changes a figure."""
    defaults = {n: v for n, v in matplotlib.rcParamsDefault.items() if n not in ("backend", "backend_fallback")}
    return defaults | STYLE


def _font(request: Figure) -> dict[str, Any]:
    """The font asked for.

    Raises:
        ExportError: this machine has none of that name that matplotlib can read.
    """
    style: dict[str, Any] = {"font.size": request.font_pt}
    if request.font:
        try:
            font_manager.findfont(request.font, fallback_to_default=False)
        except ValueError as error:
            raise ExportError(
                f"There is no font {request.font!r} that figures can be set in.", "Choose another font."
            ) from error
        style["font.family"] = request.font
    return style


def metadata(suffix: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Where the figure comes from, in the words of each format; no dates and no paths."""
    program = f"Triptych {importlib.metadata.version('triptych')}"
    text = json.dumps(facts, sort_keys=True)
    if suffix == ".png":
        return {"Software": program, "Description": text}
    if suffix == ".svg":
        return {"Creator": program, "Description": text, "Date": None}
    return {"Creator": program, "Subject": text, "CreationDate": None}


def _map(request: Figure, points: MapPoints) -> tuple[Canvas, dict[str, Any]]:
    count = len(points.ids)
    labels = request.colours or ("",) * count
    if len(labels) != count:
        raise ExportError(f"There are {len(labels)} labels for {count} points.", "Give one label a point.")
    width = request.width_cm / CM_PER_INCH
    values = _as_numbers(labels)
    classes = [] if values is not None else _classes(labels)
    small = 0.875 * request.font_pt
    columns, legend_height = _legend_room(classes, width, small)
    height = request.height_cm / CM_PER_INCH if request.height_cm else width * 0.8 + legend_height
    canvas = Canvas(figsize=(width, height), layout="constrained")
    axes: Axes = canvas.add_subplot()
    size = min(16.0, max(1.0, 4000.0 / max(1, count)))
    raster = count > MOST_VECTOR_POINTS
    if values is not None:
        dots = axes.scatter(
            points.xy[:, 0], points.xy[:, 1], c=values, s=size, cmap="viridis", linewidths=0, rasterized=raster
        )
        canvas.colorbar(dots, ax=axes, label=request.colour_name, shrink=0.8)
    else:
        _classed(axes, points.xy, labels, classes, size, raster)
        if len(classes) > 1 or classes != [NO_LABEL]:
            canvas.legend(
                loc="outside lower center",
                ncols=columns,
                title=request.colour_name or None,
                frameon=False,
                fontsize=small,
                title_fontsize=small,
                markerscale=max(1.0, math.sqrt(16.0 / size)),
                handletextpad=0.2,
                columnspacing=1.0,
            )
    axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
    axes.margins(0.04)
    axes.set_title(_caption(points), fontsize=request.font_pt, wrap=True)
    facts = {"map of": points.latent, "points": count, "colour": request.colour_name, **points.settings}
    return canvas, facts


def _caption(points: MapPoints) -> str:
    settings = points.settings
    parts = [f"{settings.get('method', 't-SNE')} of {points.latent}", f"{len(points.ids)} points"]
    if settings.get("perplexity"):
        parts.append(f"perplexity {settings['perplexity']:.3g}")
    parts += [f"{name} {settings[name]}" for name in ("metric", "seed") if settings.get(name) is not None]
    if settings.get("model_hash"):
        parts.append(f"model {str(settings['model_hash'])[:8]}")
    if settings.get("neighbours_kept") is not None:
        parts.append(f"{settings['neighbours_kept']:.0%} of {settings['score_neighbours']} nearest neighbours kept")
    return ", ".join(parts)


def _as_numbers(labels: Sequence[str]) -> npt.NDArray[np.float64] | None:
    """Labels as values for a colour scale, if they are decimal numbers: whole ones name classes (speaker 1088)."""
    if not any("." in label for label in labels):
        return None
    try:
        return np.array([float(label) if label else np.nan for label in labels])
    except ValueError:
        return None


def _classes(labels: Sequence[str]) -> list[str]:
    """Every class once, numbers in their order, the unlabelled last."""

    def order(label: str) -> tuple[int, float, str]:
        return (0, float(label), "") if label.isdecimal() else (1, 0.0, label.casefold())

    named = sorted({label for label in labels if label}, key=order)
    return named + ([NO_LABEL] if "" in labels else [])


def _classed(
    axes: Axes, xy: npt.NDArray[np.float32], labels: Sequence[str], classes: list[str], size: float, raster: bool
) -> None:
    names = np.array([label or NO_LABEL for label in labels])
    for number, name in enumerate(classes):
        at = names == name
        colour = NO_LABEL_COLOUR if name == NO_LABEL else COLOURS[number % len(COLOURS)]
        shape, round_ = (number // len(COLOURS)) % len(MARKERS), number // (len(COLOURS) * len(MARKERS))
        # Once colours and shapes are used up, the same again as outlines, then as bolder ones.
        axes.scatter(
            xy[at, 0],
            xy[at, 1],
            s=size,
            marker=MARKERS[shape],
            facecolors="none" if round_ else colour,
            edgecolors=colour,
            linewidths=0.4 * round_,
            label=_shown(name),
            zorder=1 if name == NO_LABEL else 2,
            rasterized=raster,
        )


def _shown(label: str) -> str:
    """A label as matplotlib will print it: no mathematics, no hiding of names that begin with a line."""
    text = " ".join(label.split()).replace("$", r"\$")
    text = text if len(text) <= 40 else text[:39] + "…"
    return "\u200b" + text if text.startswith("_") else text


def _legend_room(classes: list[str], width: float, size_pt: float) -> tuple[int, float]:
    """Columns and height in inches of a legend below the map, in letters of this size."""
    longest = max((len(_shown(name)) for name in classes), default=0)
    scale = size_pt / 7.0
    columns = max(1, min(len(classes), int(width / (0.35 + 0.065 * scale * longest))))
    return columns, scale * (0.16 * math.ceil(len(classes) / columns) + (0.3 if classes else 0.0))


def _mels(request: Figure) -> tuple[Canvas, dict[str, Any]]:
    if request.titles and len(request.titles) != len(request.folders):
        raise ExportError(
            f"There are {len(request.titles)} titles for {len(request.folders)} clips.", "Give one title a clip."
        )
    width = request.width_cm / CM_PER_INCH
    height = request.height_cm / CM_PER_INCH if request.height_cm else 0.4 + 1.7 * len(request.folders)
    canvas = Canvas(figsize=(width, height), layout="constrained")
    panels = canvas.subplots(len(request.folders), 1, squeeze=False)[:, 0]
    hashes = []
    images = []
    for number, (axes, folder) in enumerate(zip(panels, request.folders, strict=True)):
        clip = StoredClip(folder)
        try:
            meta, mel = clip.meta(), clip.array("mel")
        except (OSError, ValueError, TypeError) as error:
            raise ExportError("A clip to draw has not been analysed.", "Analyse it first.") from error
        spec = AudioSpec.from_dict(meta.audio)
        images.append(_mel(axes, mel, spec))
        if request.titles:
            axes.set_title(_shown(request.titles[number]), fontsize=8, loc="left")
        if number == len(request.folders) - 1:
            axes.set_xlabel("time in s")
        hashes.append(meta.model_hash)
    # One scale for all panels, so that they can be compared.
    low = min(float(image.get_array().min()) for image in images)
    high = max(float(image.get_array().max()) for image in images)
    for image in images:
        image.set_clim(max(low, high - 80.0), high)
    canvas.colorbar(images[0], ax=list(panels), label="amplitude in dB", pad=0.01, aspect=20 * len(panels))
    return canvas, {"mel spectrograms": len(panels), "audio": spec.to_dict(), "model_hash": hashes[0]}


def _mel(axes: Axes, mel: npt.NDArray[np.float16], spec: AudioSpec) -> Any:
    group = -(-len(mel) // MOST_COLUMNS)
    starts = np.arange(0, len(mel), group)
    columns = np.maximum.reduceat(mel, starts, axis=0).astype(np.float32)
    # Frame i is centred on its time; a pixel reaches half a frame to both sides.
    frame_s = 1.0 / spec.frames_per_second
    extent = (-0.5 * frame_s, (len(columns) * group - 0.5) * frame_s, -0.5, spec.bands - 0.5)
    image = axes.imshow(
        columns.T * (20.0 / math.log(10.0)),
        origin="lower",
        aspect="auto",
        extent=extent,
        interpolation="nearest",
        cmap="magma",
    )
    axes.set_xlim(0.0, max(frame_s, (len(mel) - 1) * frame_s))
    centres = spec.band_centres_hz()
    ticks = [hz for hz in TICKS_HZ if centres[0] <= hz <= centres[-1]]
    axes.set_yticks([float(spec.band_of_hz(hz)) for hz in ticks], [str(hz) for hz in ticks])
    axes.set_ylabel("Hz, at band centres")
    return image
