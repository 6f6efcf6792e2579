"""The report as one HTML page that needs nothing else: figures are inside it, nothing is fetched."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from engine.export.text_tables import Sheet, to_html

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1f23; --paper: #fff; --line: #d5d8de; --soft: #5a6069;
        --head: #f2f4f7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ec; --paper: #17191d; --line: #3a3f47; --soft: #a9b0ba; --head: #22262c; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
       max-width: 78rem; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p, li { max-width: 60rem; } .soft, figcaption, ol { color: var(--soft); }
figure { margin: 1.5rem 0; overflow-x: auto; }
figcaption { font-weight: 600; color: var(--ink); margin-bottom: .5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem; text-align: right; vertical-align: top; }
th[scope=row], thead th:first-child { text-align: left; font-weight: 500; white-space: nowrap; }
thead th { background: var(--head); font-weight: 600; }
ol { font-size: .85rem; list-style: none; padding: 0; } figure.picture img { max-width: 100%; background: #fff; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { color: var(--soft); } dd { margin: 0; }
"""


def page(
    facts: dict[str, str], sheets: Sequence[Sheet], pictures: Sequence[tuple[str, Path]], missing: Sequence[str]
) -> str:
    """The page's text.

    Args:
        facts: how the report was made, by name.
        pictures: (caption, PNG file).
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>The paper's experiments, run again</title><style>{_STYLE}</style></head><body>",
        "<h1>The paper’s experiments, run again</h1>",
        '<p class="soft">Almotlak, Weber, Qu, Wermter: Variational Autoencoder with Global- and Medium Timescale '
        "Auxiliaries for Emotion Recognition from Speech, ICANN 2020. Scores stand with their 95 % bootstrap "
        "interval; every one has a control with shuffled labels beside it.</p><dl>",
        *(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items()),
        "</dl>",
        "<h2>Tables</h2>",
        *map(to_html, sheets),
        "<h2>Figures</h2>",
        *(_picture(caption, file) for caption, file in pictures),
    ]
    if missing:
        items = "".join(f"<li>{html.escape(text)}</li>" for text in missing)
        parts += ["<h2>What could not be run, and why</h2>", f"<ul>{items}</ul>"]
    return "\n".join([*parts, "</body></html>", ""])


def _picture(caption: str, file: Path) -> str:
    data = base64.b64encode(file.read_bytes()).decode()
    text = html.escape(caption)
    return (
        f'<figure class="picture"><figcaption>{text}</figcaption>'
        f'<img alt="{text}" src="data:image/png;base64,{data}"></figure>'
    )
