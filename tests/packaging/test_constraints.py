"""The pinned set is complete and fits what pyproject.toml asks for."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def pins() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_every_dependency_is_pinned_to_a_version_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = pins()
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), text


def test_the_pair_that_must_match_does() -> None:
    assert pins()["torch"] == pins()["torchaudio"] == "2.11.0"


def test_no_pin_needs_a_compiler() -> None:
    assert "pyworld" not in pins()


def test_no_pin_names_a_place() -> None:
    text = (ROOT / "packaging" / "constraints.txt").read_text("utf-8")
    assert "://" not in text
    assert " @ " not in text
