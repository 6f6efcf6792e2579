"""Which libraries of the system the studio needs, which are missing, and how to get them.

The list is what `ldd` says of PySide6's own libraries and of its xcb, wayland and multimedia plugins, less what
those libraries bring in themselves. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """A shared library that Qt loads.

    soname: what the loader is asked for.
    packages: Debian's and Ubuntu's names of the package that holds it, newest release first.
    needed_for: "drawing" (nothing works without it), "x11", "wayland" or "sound".
    """

    soname: str
    packages: tuple[str, ...]
    needed_for: str


def _libraries(needed_for: str, **packages_of: str) -> tuple[Library, ...]:
    return tuple(Library(soname, tuple(names.split("|")), needed_for) for soname, names in packages_of.items())


LIBRARIES: tuple[Library, ...] = (
    *_libraries(
        "drawing",
        **{
            "libEGL.so.1": "libegl1",
            "libGL.so.1": "libgl1",
            "libxkbcommon.so.0": "libxkbcommon0",
            "libdbus-1.so.3": "libdbus-1-3",
            "libfontconfig.so.1": "libfontconfig1",
            "libfreetype.so.6": "libfreetype6",
            "libglib-2.0.so.0": "libglib2.0-0t64|libglib2.0-0",
            "libX11.so.6": "libx11-6",
            "libgssapi_krb5.so.2": "libgssapi-krb5-2",
            "libbrotlidec.so.1": "libbrotli1",
            "libzstd.so.1": "libzstd1",
        },
    ),
    *_libraries(
        "sound",
        **{"libpulse.so.0": "libpulse0", "libXrandr.so.2": "libxrandr2", "libXext.so.6": "libxext6"},
    ),
    *_libraries(
        "x11",
        **{
            "libxcb.so.1": "libxcb1",
            "libX11-xcb.so.1": "libx11-xcb1",
            "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
            "libxcb-cursor.so.0": "libxcb-cursor0",
            "libxcb-glx.so.0": "libxcb-glx0",
            "libxcb-icccm.so.4": "libxcb-icccm4",
            "libxcb-image.so.0": "libxcb-image0",
            "libxcb-keysyms.so.1": "libxcb-keysyms1",
            "libxcb-randr.so.0": "libxcb-randr0",
            "libxcb-render.so.0": "libxcb-render0",
            "libxcb-render-util.so.0": "libxcb-render-util0",
            "libxcb-shape.so.0": "libxcb-shape0",
            "libxcb-shm.so.0": "libxcb-shm0",
            "libxcb-sync.so.1": "libxcb-sync1",
            "libxcb-util.so.1": "libxcb-util1",
            "libxcb-xfixes.so.0": "libxcb-xfixes0",
            "libxcb-xkb.so.1": "libxcb-xkb1",
        },
    ),
    *_libraries(
        "wayland",
        **{
            "libwayland-client.so.0": "libwayland-client0",
            "libwayland-cursor.so.0": "libwayland-cursor0",
            "libwayland-egl.so.1": "libwayland-egl1",
        },
    ),
)


def loads(soname: str) -> bool:
    """Whether the system's loader finds this library and all that it needs."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def missing(libraries: Iterable[Library] = LIBRARIES) -> list[Library]:
    """The libraries that cannot be loaded; always empty off Linux, where PySide6 brings everything."""
    if not sys.platform.startswith("linux"):
        return []
    return [library for library in libraries if not loads(library.soname)]


def has_apt() -> bool:
    """Debian, Ubuntu and their children."""
    return sys.platform.startswith("linux") and shutil.which("apt-get") is not None


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def apt_line(packages: Sequence[str]) -> str:
    """The exact line that installs the packages, for a person to copy."""
    sudo = "" if is_root() else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}"


def package_names(libraries: Iterable[Library]) -> list[str]:
    """The packages that hold these libraries, under the names that this release gives them."""
    return sorted({_name_here(library.packages) for library in libraries})


def apt_install(packages: Sequence[str]) -> bool:
    """Install packages with apt, as root; its output is shown. True if apt said it succeeded."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Nothing may wait for an answer: the command also runs where no one sits.
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    return subprocess.run(install, env=environment, stdin=subprocess.DEVNULL).returncode == 0


def apt_update() -> bool:
    """Refresh apt's lists; a bare image has none."""
    return subprocess.run(["apt-get", "update", "-q"], stdin=subprocess.DEVNULL).returncode == 0


def _name_here(names: Sequence[str]) -> str:
    """The first name that apt can install; without apt's word, the last, which is the long-standing one."""
    if len(names) > 1 and shutil.which("apt-cache"):
        for name in names:
            known = subprocess.run(["apt-cache", "show", name], capture_output=True, stdin=subprocess.DEVNULL)
            if known.returncode == 0 and known.stdout.strip():
                return name
    return names[-1]
