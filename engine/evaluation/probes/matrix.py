"""The probe matrix for people: tasks by latents, as a sheet, and as a figure with intervals and controls."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from engine.api import ControlSignal, ExportDone, ExportProbes, ProbeResult, ProbeScore, Report
from engine.api.atomic_files import placed_whole
from engine.api.errors import ExportError
from engine.evaluation.probes.examples import FLOORS
from engine.export import figures
from engine.export.text_tables import Sheet, to_csv, to_latex

SUFFIXES = (".csv", ".tex", *figures.SUFFIXES)
TITLES = {
    "speaker": "Speaker",
    "verify": "Verification",
    "gender": "Gender",
    "emotion": "Emotion",
    "arousal": "Arousal",
    "valence": "Valence",
}
NAMES = {"mel": "mel floor", "mfcc": "MFCC floor"}
_ROW_CM = 0.55
_ACCENT, _FLOOR = "#0072B2", "#767676"


def export(request: ExportProbes, report: Report, control: ControlSignal) -> ExportDone:
    """Write the matrix as CSV, LaTeX or a figure, by the suffix.

    Raises:
        ExportError: no such format, nothing measured yet, or the file cannot be written.
    """
    out = Path(request.out)
    if out.suffix.lower() not in SUFFIXES:
        raise ExportError(f"{out.name} does not say which format to write.", f"End it in {', '.join(SUFFIXES)}.")
    if not any(result.scores for result in request.results):
        raise ExportError("Nothing has been probed yet.", "Run the probes, then export.")
    suffix = out.suffix.lower()
    table = sheet(request.results, request.about)
    with placed_whole(out) as temporary:
        if suffix == ".csv":
            temporary.write_text(to_csv(table), "utf-8", newline="")
        elif suffix == ".tex":
            temporary.write_text(to_latex(table), "utf-8")
        else:
            draw(request.results, temporary, request.about)
    return ExportDone((str(out),), len(table.rows))


def sheet(results: Sequence[ProbeResult], about: str = "") -> Sheet:
    """A row for each task and what was probed: score, interval, control, number of clips, other measures."""
    rows = []
    notes = []
    for result in results:
        for name, score in result.scores.items():
            rows.append(
                (
                    TITLES[result.task],
                    NAMES.get(name, name),
                    result.measure,
                    result.protocol,
                    shown(result.task, score.score),
                    interval(result.task, score),
                    shown(result.task, score.shuffled),
                    str(score.n),
                    "; ".join(f"{what} {number(value)}" for what, value in score.also.items()),
                )
            )
        if result.failed:
            rows.append((TITLES[result.task], "", result.measure, "", "not run", "", "", "", ""))
            notes.append(f"{TITLES[result.task]}: {result.failed}")
        notes += [f"{TITLES[result.task]}: {note}" for note in result.notes]
    columns = (
        "task",
        "read from",
        "measure",
        "split",
        "score",
        "95 % interval",
        "shuffled labels",
        "clips",
        "also",
    )
    return Sheet(
        "probe-matrix", f"What h, m and z tell{f': {about}' if about else ''}", columns, tuple(rows), tuple(notes)
    )


def beside(result: ProbeResult, floors: ProbeResult | None) -> ProbeResult:
    """The result with the floors' scores, measured apart, after its own."""
    if floors is None or not result.scores:
        return result
    return dataclasses.replace(result, scores=result.scores | floors.scores)


def shown(task: str, value: float) -> str:
    """A score as it is printed: CCC with three digits, all else in percent."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if task in ("arousal", "valence") else f"{100.0 * value:.1f} %"


def interval(task: str, score: ProbeScore) -> str:
    """Its interval, or a dash where there is none."""
    if not (math.isfinite(score.low) and math.isfinite(score.high)):
        return "–"
    if task in ("arousal", "valence"):
        return f"{score.low:.3f} to {score.high:.3f}"
    return f"{100.0 * score.low:.1f} to {100.0 * score.high:.1f} %"


def number(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.0f}" if value >= 2.0 else f"{value:.3f}"


def draw(results: Sequence[ProbeResult], out: Path, about: str = "", width_cm: float = 17.0) -> None:
    """A panel a task: scores as dots with their intervals, the control as a cross, floors in grey."""
    measured = [result for result in results if result.scores]
    columns = min(3, len(measured))
    rows = -(-len(measured) // columns)
    most = max(len(result.scores) for result in measured)
    size = (width_cm / figures.CM_PER_INCH, rows * (1.6 + _ROW_CM * most) / figures.CM_PER_INCH + 0.4)
    with matplotlib.rc_context(figures.style()):
        canvas = Canvas(figsize=size, layout="constrained")
        panels = canvas.subplots(rows, columns, squeeze=False).ravel()
        for axes, result in zip(panels, measured, strict=False):
            _panel(axes, result)
        for axes in panels[len(measured) :]:
            axes.set_axis_off()
        handles, names = panels[0].get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=7)
        if about:
            canvas.suptitle(about, fontsize=8)
        FigureCanvasAgg(canvas)
        facts = {"probe matrix": [result.task for result in measured], "about": about}
        canvas.savefig(out, facecolor="white", metadata=figures.metadata(out.suffix.lower(), facts))


def _panel(axes: Axes, result: ProbeResult) -> None:
    percent = 1.0 if result.task in ("arousal", "valence") else 100.0
    names = list(result.scores)
    for place, name in enumerate(names):
        score, colour = result.scores[name], _FLOOR if name in FLOORS else _ACCENT
        if math.isfinite(score.low) and math.isfinite(score.high):
            label = "95 % interval" if place == 0 else None
            axes.plot(
                [score.low * percent, score.high * percent], [place, place], color=colour, lw=1.4, label=label
            )
        axes.plot(
            [score.score * percent], [place], "o", color=colour, ms=4.5, label="score" if place == 0 else None
        )
        axes.plot(
            [score.shuffled * percent],
            [place],
            "x",
            color="#444444",
            ms=4.0,
            mew=1.0,
            label="labels shuffled" if place == 0 else None,
        )
    axes.set_yticks(range(len(names)), [NAMES.get(name, name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title(f"{TITLES[result.task]}: {result.measure}", fontsize=8, loc="left")
    better = "lower is better" if result.task == "verify" else result.protocol
    axes.set_xlabel(better if percent == 1.0 else f"%, {better}", fontsize=7)
    axes.grid(axis="x", lw=0.3, color="#DDDDDD")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
