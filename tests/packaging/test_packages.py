"""A folder of code that is no package is missing from what is installed, and only where nobody looks."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("top", ["engine", "studio"])
def test_every_folder_of_code_is_a_package_that_the_build_finds(top: str) -> None:
    setuptools = pytest.importorskip("setuptools")
    found = set(setuptools.find_packages(str(ROOT), include=[f"{top}*"]))
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / top).rglob("*.py")}
    assert found == folders
