"""Figures 2 and 3 of the paper, the training curves and the probe matrix, each as PNG and PDF."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from engine.analysis import analyse
from engine.api import Analyse, ClipRef, ControlSignal, Figure, FitMap, LatentRef, Report, Transfer
from engine.api.atomic_files import placed_whole
from engine.api.errors import EngineError
from engine.evaluation.paper.plan import TITLES
from engine.evaluation.probes.examples import Table
from engine.export import figures
from engine.maps import layout
from engine.transfer import transfer_job

FORMATS = (".png", ".pdf")
SPEAKERS = 8  # of figure 2, half women and half men
_MARKERS = {"female": "o", "male": "^", "": "s"}


@dataclass(frozen=True)
class Points:
    """What figure 2 is drawn from: h and the time mean of m of held-out clips."""

    h: npt.NDArray[np.float32]
    m: npt.NDArray[np.float32]
    speakers: tuple[str, ...]
    genders: tuple[str, ...]


def chosen(held: Table) -> Points:
    """The clips of up to eight held-out speakers, as many women as men, those with the most clips.

    Raises:
        EngineError: there are no two speakers of each gender, or the vectors have no h and m.
    """
    if not {"h", "m"} <= held.values.keys():
        raise EngineError("The model gives no h and m.", "Take one that does.")
    counts: dict[str, dict[str, int]] = {"female": {}, "male": {}}
    for e in held.examples:
        if (gender := e.labels.get("gender", "")) in counts:
            counts[gender][e.speaker] = counts[gender].get(e.speaker, 0) + 1
    several = {g: sorted((s for s in c if c[s] > 2), key=lambda s: (-c[s], s)) for g, c in counts.items()}
    half = min(SPEAKERS // 2, *(len(names) for names in several.values()))
    if half < 1:
        raise EngineError(
            "Among the held-out speakers there is not a woman and a man with three clips each.",
            "Hold other speakers out (--hold-out).",
        )
    wanted = {name for names in several.values() for name in names[:half]}
    at = [i for i, e in enumerate(held.examples) if e.speaker in wanted]
    return Points(
        held.values["h"][at],
        held.values["m"][at],
        tuple(held.examples[i].speaker for i in at),
        tuple(held.examples[i].labels.get("gender", "") for i in at),
    )


def figure2(points: Points, seed: int, report: Report, control: ControlSignal, stem: Path) -> tuple[Path, ...]:
    """t-SNE of h and of m, coloured by gender and by speaker: four panels."""
    ids = tuple(map(str, range(len(points.speakers))))
    perplexity = min(30.0, max(2.0, (len(ids) - 1) / 3.0 - 1.0))
    layouts = {}
    for latent in ("h", "m"):
        request = FitMap((), latent, perplexity=perplexity, seed=seed)
        values = points.h if latent == "h" else points.m
        found = layout.fit_points(
            request, layout.Points(ids, np.zeros(len(ids), np.int32), values, len(ids), ""), report, control
        )
        layouts[latent] = found.xy
    with matplotlib.rc_context(figures.style()):
        canvas = Canvas(figsize=(16.0 / figures.CM_PER_INCH, 15.0 / figures.CM_PER_INCH), layout="constrained")
        panels = canvas.subplots(2, 2)
        names = sorted(set(points.speakers))
        for row, (latent, xy) in zip(panels, layouts.items(), strict=True):
            for axes, by in zip(row, ("gender", "speaker"), strict=True):
                groups = points.genders if by == "gender" else points.speakers
                for number, name in enumerate(sorted(set(groups))):
                    at = np.array([group == name for group in groups])
                    gender = points.genders[int(np.flatnonzero(at)[0])]
                    axes.scatter(
                        xy[at, 0],
                        xy[at, 1],
                        s=12,
                        lw=0,
                        label=name,
                        marker=_MARKERS.get(gender, "s"),
                        color=figures.COLOURS[number % len(figures.COLOURS)],
                    )
                axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
                axes.set_title(f"{latent}, by {by}", fontsize=8, loc="left")
                if latent == "h":
                    axes.legend(fontsize=6, frameon=False, ncols=2, loc="best", handletextpad=0.1)
        canvas.suptitle(
            f"t-SNE of {len(ids)} held-out clips, {len(names)} speakers, perplexity {perplexity:.0f}, seed {seed}",
            fontsize=8,
        )
        return _written(canvas, stem, {"figure": 2, "clips": len(ids), "perplexity": perplexity, "seed": seed})


def figure3(
    man: str, woman: str, model: str, folder: Path, device: str, report: Report, control: ControlSignal, stem: Path
) -> tuple[Path, ...]:
    """A man's clip, its reconstruction, and the same given the h of a woman's clip."""
    clips = (ClipRef("man", man), ClipRef("woman", woman))
    analyse.analyse(Analyse(clips, str(folder), model, device), report, control)
    take = transfer_job.render(
        Transfer(
            source=str(folder / "man"),
            model=model,
            out_dir=str(folder),
            name="figure3",
            voice=(LatentRef(str(folder / "woman")),),
            device=device,
        ),
        report,
        control,
    )
    predicted = ["a man’s clip", "reconstruction, his own h", "given a woman’s h"]
    hertz = [take.source_f0_hz, take.control_evidence.f0_median_hz, take.evidence.f0_median_hz]
    titles = tuple(
        name if hz is None else f"{name}: {hz:.0f} Hz" for name, hz in zip(predicted, hertz, strict=True)
    )
    request = Figure("", folders=(str(folder / "man"), take.control_folder, take.transformed_folder), titles=titles)
    files = []
    for suffix in FORMATS:
        figures.draw(Figure(str(stem.with_suffix(suffix)), folders=request.folders, titles=request.titles))
        files.append(stem.with_suffix(suffix))
    return tuple(files)


def curves(runs: Mapping[str, Path], stem: Path) -> tuple[Path, ...]:
    """The objective of every run against its steps, on training and held-out pieces.

    Raises:
        EngineError: no run has left a curve.
    """
    found = {name: _points(folder) for name, folder in runs.items()}
    found = {name: points for name, points in found.items() if points["train"]}
    if not found:
        raise EngineError("No run has left a training curve.", "Train the systems first.")
    with matplotlib.rc_context(figures.style()):
        columns = min(3, len(found))
        rows = -(-len(found) // columns)
        canvas = Canvas(
            figsize=(17.0 / figures.CM_PER_INCH, rows * 4.6 / figures.CM_PER_INCH), layout="constrained"
        )
        panels = canvas.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, points) in zip(panels, found.items(), strict=False):
            for split, colour, width in (("train", "#0072B2", 0.8), ("validation", "#D55E00", 1.2)):
                steps, totals = zip(*points[split], strict=True) if points[split] else ((), ())
                axes.plot(steps, totals, color=colour, lw=width, label=split)
            # The first steps are far below all others and would flatten the rest.
            settled = [total for split in points for _, total in points[split][len(points[split]) // 20 :]]
            low, high = min(settled), max(settled)
            axes.set_ylim(low - 0.05 * (high - low + 1e-6), high + 0.05 * (high - low + 1e-6))
            axes.set_title(TITLES.get(name, name), fontsize=7, loc="left")
            axes.set_xlabel("step", fontsize=7)
            axes.grid(lw=0.3, color="#DDDDDD")
        for axes in panels[len(found) :]:
            axes.set_axis_off()
        canvas.supylabel("objective, in nats (higher is better)", fontsize=7)
        panels[0].legend(fontsize=6, frameon=False)
        return _written(canvas, stem, {"curves": list(found)})


def _points(folder: Path) -> dict[str, list[tuple[int, float]]]:
    points: dict[str, list[tuple[int, float]]] = {"train": [], "validation": []}
    try:
        lines = (folder / "log.jsonl").read_text("utf-8").splitlines()
    except OSError:
        return points
    for text in lines:
        try:
            line = json.loads(text)
            if line["event"] in points:
                points[line["event"]].append((int(line["step"]), float(line["terms"]["total"])))
        except (ValueError, KeyError, TypeError):
            continue  # half a line of a run that was killed
    return points


def _written(canvas: Canvas, stem: Path, facts: dict[str, object]) -> tuple[Path, ...]:
    FigureCanvasAgg(canvas)
    files = []
    for suffix in FORMATS:
        file = stem.with_suffix(suffix)
        with placed_whole(file) as temporary:
            canvas.savefig(temporary, facecolor="white", metadata=figures.metadata(suffix, facts))
        files.append(file)
    return tuple(files)


def keep_points(points: Points, file: Path) -> None:
    """For a resume, that need not encode again."""
    with placed_whole(file) as temporary:
        np.savez(
            temporary, h=points.h, m=points.m, speakers=np.array(points.speakers), genders=np.array(points.genders)
        )


def kept_points(file: Path) -> Points:
    with np.load(file, allow_pickle=False) as held:
        return Points(held["h"], held["m"], tuple(held["speakers"].tolist()), tuple(held["genders"].tolist()))
