"""Tables as CSV, LaTeX and HTML: what is special in each stays text."""

from __future__ import annotations

import csv
import io

import pytest

from engine.export.text_tables import Sheet, to_csv, to_html, to_latex

SHEET = Sheet("t", "A & B", ("what", "50 % of_it"), (("=1+1", "±0.1"), ("<b>", "a,b")), ("[1] why {not}?",))


def test_csv_is_read_back_and_runs_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(SHEET))))
    assert rows[0] == ["what", "50 % of_it"]
    assert rows[1] == ["'=1+1", "±0.1"]
    assert rows[2] == ["<b>", "a,b"]
    assert rows[-1] == ["[1] why {not}?"]


def test_latex_escapes_and_counts_its_columns() -> None:
    text = to_latex(SHEET)
    assert r"\begin{tabular}{lr}" in text
    assert r"\caption{A \& B}" in text
    assert r"50 \% of\_it \\" in text
    assert r"$\pm$0.1" in text
    assert r"why \{not\}?" in text


def test_html_shows_tags_as_text_and_heads_its_rows() -> None:
    text = to_html(SHEET)
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert '<th scope="row">=1+1</th>' in text
    assert "A &amp; B" in text


def test_a_row_of_another_length_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="3 cells for 2 columns"):
        Sheet("t", "", ("a", "b"), (("1", "2", "3"),))
