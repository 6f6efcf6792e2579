"""`triptych map`: latents laid out in the plane."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from typing import Any

from engine import jobs
from engine.api import Figure, FitMap, Inspect, ModelInfo
from engine.api.errors import EngineError
from engine.cli.common import Facts, check_suffix
from engine.cli.terminal import Terminal


def map(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Fit a t-SNE map to a file of latents; write its points and, if asked, a figure."""
    from engine.analysis.latents import evenly
    from engine.export import latents_file
    from engine.maps import layout

    check_suffix(options.out, (".csv",))
    if options.figure is not None:
        check_suffix(options.figure, (".png", ".svg", ".pdf"))
    held = latents_file.read(options.latents, options.latent)
    if options.colour is not None and options.colour not in held.columns:
        raise EngineError(
            f"{options.latents} has no column {options.colour!r} to colour by.",
            f"Choose one of {', '.join(held.columns)}.",
        )
    if options.model is not None:
        known = jobs.run(Inspect(options.model), terminal.report, terminal.control)
        assert isinstance(known, ModelInfo)
        if held.model_hash != known.hash:
            raise EngineError(
                f"{options.latents} does not come from the model {options.model}.",
                "Leave --model out, or analyse again.",
            )
    request = FitMap((), held.latent, perplexity=options.perplexity, seed=options.seed)
    at = evenly(len(held.ids), request.most_points)
    points = layout.Points(
        tuple(held.ids[i] for i in at), held.index[at], held.values[at], len(held.ids), held.model_hash
    )
    result = layout.fit_points(request, points, terminal.report, terminal.control)
    columns = {name: tuple(column[i] for i in at) for name, column in held.columns.items()}
    _write_points(options.out, result.ids, result.index, columns, result.xy)
    if options.figure is not None:
        colours = columns[options.colour] if options.colour is not None else ()
        figure = Figure(options.figure, result, colours, options.colour or "")
        jobs.run(figure, terminal.report, terminal.control)
    return {"points": len(result.ids), "out": options.out, "figure": options.figure, "settings": result.settings}


def _write_points(out: str, ids: Sequence[str], index: Any, columns: dict[str, tuple[str, ...]], xy: Any) -> None:
    from engine.api.atomic_files import placed_whole
    from engine.export.latents_table import safe_cell

    with placed_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["clip", "index", *(safe_cell(name) for name in columns), "x", "y"])
        for number, (name, place, (x, y)) in enumerate(zip(ids, index.tolist(), xy.tolist(), strict=True)):
            labels = (safe_cell(column[number]) for column in columns.values())
            rows.writerow([safe_cell(name), place, *labels, f"{x:.7g}", f"{y:.7g}"])
