"""Documents lead where they say, stay short where they should, and name every command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
HELP = ROOT / "resources" / "help"
DOCUMENTS = (ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted(HELP.glob("*.md")))
README_LINES, ARCHITECTURE_LINES = 80, 130
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = ("http://", "https://", "mailto:")


def _without_code(text: str) -> str:
    """The text without code, which may hold brackets and hashes of its own; line breaks in links become spaces."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda code: code.group().strip("`").replace("](", "] ("), text)


def _anchors(document: Path) -> set[str]:
    """The anchors of the headings, made as GitHub makes them: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#{1,6} (.+)$", _without_code(document.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _links(document: Path) -> list[str]:
    found = LINK.findall(_without_code(document.read_text("utf-8")))
    return [link for link in found if not link.startswith(ELSEWHERE)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(document: Path) -> None:
    broken = []
    for link in _links(document):
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken


def test_the_table_of_contents_names_every_help_page_and_every_part_of_the_manual() -> None:
    links = set(_links(HELP / "index.md"))
    pages = {page.name for page in HELP.glob("*.md")} - {"index.md"}
    parts = re.findall(r"^## (.+)$", (HELP / "manual.md").read_text("utf-8"), flags=re.MULTILINE)
    assert pages <= links
    assert len([link for link in links if link.startswith("manual.md#")]) == len(parts)


def test_the_glossary_explains_a_term_once_and_says_where_it_is_met() -> None:
    entries = re.split(r"^### ", (HELP / "glossary.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    terms = [entry.splitlines()[0] for entry in entries]
    assert len(terms) == len(set(terms))
    places = ("Window:", "Files:", "Paper:", "Command line:", "Model:", "See [")
    assert [term for term, entry in zip(terms, entries, strict=True) if not any(p in entry for p in places)] == []


def test_readme_is_one_page_and_architecture_two() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= README_LINES
    assert len((ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines()) <= ARCHITECTURE_LINES


def test_every_command_and_each_of_its_options_is_documented(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = (HELP / "command_line.md").read_text("utf-8")
    sections = {part.splitlines()[0]: part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]}
    commands = re.findall(r"^    (\w+)(?:  |$)", _help_of([], capsys), flags=re.MULTILINE)
    assert {"studio", "train", "reproduce"} <= set(commands) <= set(sections)
    lacking = {}
    for command in commands:
        options = set(re.findall(r"--[a-z][a-z-]*", _help_of([command], capsys)))
        known = set(re.findall(r"--[a-z][a-z-]*", sections[command] + sections["Common options"]))
        if options - known:
            lacking[command] = options - known
    assert not lacking


def _help_of(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out
