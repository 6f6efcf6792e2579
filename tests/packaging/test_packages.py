"""What is installed is what is there: a package that the list forgets is missing only where nobody looks."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_is_listed_and_every_listed_one_is_there() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    there = [
        ".".join(found.parent.relative_to(ROOT).parts)
        for top in ("engine", "studio")
        for found in (ROOT / top).rglob("__init__.py")
    ]
    assert listed == sorted(there)
