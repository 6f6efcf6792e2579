"""Names that scripts, tables and files outside rely on are there as in version 0.1.0; more may have come."""

from __future__ import annotations

import json

import cases
import outward_names
import pytest

NAMES: dict[str, list[str]] = json.loads((cases.DATA / "names.json").read_text("utf-8"))
# A name that was given up, and the one that took its place (None: none did), by section. Each is told in the
# changelog, and files that have the old one are still read.
MIGRATIONS: dict[tuple[str, str], str | None] = {}


@pytest.fixture(scope="module")
def now(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the version at hand calls things; written once for all sections."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("names")
        patch.setenv("TRIPTYCH_HOME", str(folder / "home"))
        return outward_names.of_this_version(folder)


@pytest.mark.parametrize("section", sorted(NAMES))
def test_no_name_is_missing(section: str, now: dict[str, list[str]]) -> None:
    there = set(now[section])
    gone = set(NAMES[section]) - there
    untold = {name for name in gone if (section, name) not in MIGRATIONS}
    assert not untold, f"missing, and in no migration: {sorted(untold)}"
    assert {MIGRATIONS[section, name] for name in gone} <= {*there, None}


def test_migrations_are_of_names_that_were_there() -> None:
    assert all(old in NAMES[section] for section, old in MIGRATIONS)
