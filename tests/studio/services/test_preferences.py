"""Preferences: what was set is there again in its type, whatever the file holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from studio.services.preferences import Preferences

VALUES: list[object] = [True, False, 7, -3, 0.25, "Müller; \n=1", b"\x00\xff", ["a, b", "c"], ["only one"]]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_there_again_after_a_restart(tmp_path: Path, value: bool | int | float | str) -> None:
    first = Preferences(tmp_path / "s.ini")
    first.set("panel/thing", value)
    first.sync()
    default = type(value)()
    again = Preferences(tmp_path / "s.ini").get("panel/thing", default)
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize("default", [True, 5, 0.5, b"x"])
def test_nonsense_in_the_file_gives_the_default(tmp_path: Path, default: bool | int | float) -> None:
    (tmp_path / "s.ini").write_text("[panel]\nthing=nonsense\n")
    assert Preferences(tmp_path / "s.ini").get("panel/thing", default) == default


def test_settings_of_a_newer_version_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "s.ini"
    file.write_text("[General]\nversion=99\n\n[panel]\nthing=3\n")
    preferences = Preferences(file)
    assert preferences.get("panel/thing", 0) == 0
    preferences.set("panel/thing", 5)
    preferences.sync()
    assert "thing=3" in file.read_text()


def test_a_layout_is_kept(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "s.ini")
    assert preferences.layout("window").isEmpty()
    preferences.set_layout("window", QByteArray(b"\x01\x02"))
    assert preferences.layout("window") == QByteArray(b"\x01\x02")


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    Preferences(tmp_path / "new" / "s.ini").sync()
    assert (tmp_path / "new" / "s.ini").is_file()
