"""Missing system libraries are found, and named as this system's packages."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
import system_libraries as system
from system_libraries import LIBRARIES, Library

only_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PySide6 brings everything elsewhere")
NOWHERE = Library("libno-such-thing.so.7", ("libnosuchthing7t64", "libnosuchthing7"), "sound")


@only_linux
def test_a_library_that_no_system_has_is_missing() -> None:
    assert system.missing([NOWHERE]) == [NOWHERE]


@only_linux
def test_a_library_that_every_system_has_is_not() -> None:
    assert system.loads("libc.so.6") or system.loads("libc.musl-x86_64.so.1")


@only_linux
def test_everything_that_qt_draws_with_is_on_the_list() -> None:
    """What the dynamic loader says Qt's window and platform libraries need, beyond the system's own basis."""
    import PySide6

    folder = f"{PySide6.__path__[0]}/Qt"
    if shutil.which("ldd") is None:
        pytest.skip("no ldd to ask")
    listed = {library.soname for library in LIBRARIES}
    for name in ("lib/libQt6Gui.so.6", "plugins/platforms/libqxcb.so", "plugins/platforms/libqwayland.so"):
        said = subprocess.run(["ldd", f"{folder}/{name}"], capture_output=True, text=True, check=True).stdout
        lost = {line.split()[0] for line in said.splitlines() if "not found" in line}
        assert lost <= listed, f"{name} needs {lost - listed}"


def test_every_library_is_listed_once_with_a_package() -> None:
    assert len({library.soname for library in LIBRARIES}) == len(LIBRARIES)
    assert all(library.packages for library in LIBRARIES)
    assert {library.needed_for for library in LIBRARIES} == {"drawing", "x11", "wayland", "sound"}


def test_a_renamed_package_is_named_as_the_release_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def apt_cache_of_a_new_release(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        known = command[-1].endswith("t64")
        return subprocess.CompletedProcess(command, 0 if known else 100, stdout=b"Package: x" if known else b"")

    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(system.subprocess, "run", apt_cache_of_a_new_release)
    assert system.package_names([NOWHERE]) == ["libnosuchthing7t64"]


def test_without_a_word_from_apt_the_long_standing_name_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system.shutil, "which", lambda name: None)
    assert system.package_names([NOWHERE]) == ["libnosuchthing7"]


def test_the_line_to_type_uses_sudo_unless_it_is_root_who_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "is_root", lambda: False)
    assert system.apt_line(["libpulse0"]) == "sudo apt-get update && sudo apt-get install -y libpulse0"
    monkeypatch.setattr(system, "is_root", lambda: True)
    assert system.apt_line(["libpulse0"]) == "apt-get update && apt-get install -y libpulse0"
