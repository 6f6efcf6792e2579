"""What a project takes on the disk. Plain functions for a thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLocale

from studio.project.project_folder import size_bytes, unused


@dataclass(frozen=True)
class Storage:
    """Sizes in bytes; unlisted_takes: takes whose sounds lie there though they are off the list."""

    analyses_bytes: int
    takes_bytes: int
    runs_bytes: int
    maps_bytes: int
    unlisted_takes: int
    unlisted_bytes: int


def measure(folder: Path, listed: Iterable[str]) -> Storage:
    """listed: folders of the takes on the list."""
    off = unused(folder / "takes", listed)
    return Storage(
        analyses_bytes=size_bytes(folder / "analysis"),
        takes_bytes=size_bytes(folder / "takes"),
        runs_bytes=size_bytes(folder / "runs"),
        maps_bytes=size_bytes(folder / "maps"),
        unlisted_takes=len(off),
        unlisted_bytes=sum(size_bytes(one) for one in off),
    )


def size_words(count: int) -> str:
    """ "1.4 GB", as the user's language writes it."""
    return QLocale().formattedDataSize(count, 1, QLocale.DataSizeFormat.DataSizeSIFormat)
