"""A table for people: as CSV for a spreadsheet, LaTeX (booktabs) for a paper, HTML for a page."""

from __future__ import annotations

import csv
import html
import io
from dataclasses import dataclass
from typing import Final

from engine.export.latents_table import safe_cell

_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    "“": "``",
    "”": "''",
    "’": "'",
    "<": r"$<$",
    ">": r"$>$",
}


@dataclass(frozen=True)
class Sheet:
    """name: of its files, without suffix. rows: a text a cell. notes: footnotes, in their order."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"{len(wrong[0])} cells for {len(self.columns)} columns in {self.name}")


def to_csv(sheet: Sheet) -> str:
    """UTF-8 text: a header row, the rows, and the notes as rows of one cell after an empty one."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow([safe_cell(column) for column in sheet.columns])
    rows.writerows([safe_cell(cell) for cell in row] for row in sheet.rows)
    if sheet.notes:
        rows.writerow([])
        rows.writerows([safe_cell(note)] for note in sheet.notes)
    return out.getvalue()


def to_latex(sheet: Sheet) -> str:
    """A table environment for booktabs; notes stand below it in small type."""
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{_latex(sheet.title)}}}",
        f"\\label{{tab:{sheet.name}}}",
        f"\\begin{{tabular}}{{l{'r' * (len(sheet.columns) - 1)}}}",
        "\\toprule",
        " & ".join(map(_latex, sheet.columns)) + " \\\\",
        "\\midrule",
        *(" & ".join(map(_latex, row)) + " \\\\" for row in sheet.rows),
        "\\bottomrule",
        "\\end{tabular}",
        *(f"\\par\\smallskip{{\\footnotesize {_latex(note)}}}" for note in sheet.notes),
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_html(sheet: Sheet) -> str:
    """A figure element with the table, its caption and its notes; styles are the page's."""
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in sheet.columns)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in sheet.rows
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in sheet.notes)
    return (
        f'<figure class="sheet" id="{html.escape(sheet.name)}"><figcaption>{html.escape(sheet.title)}</figcaption>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        + (f"<ol>{notes}</ol>" if notes else "")
        + "</figure>"
    )


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
