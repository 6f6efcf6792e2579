"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.api.errors import ExportError


@contextmanager
def placed_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name beside `path` to write to; at the end of the block it takes path's place.

    If the block fails, what stood at `path` before still stands there, and nothing else is left behind.

    Raises:
        ExportError: the disk is full, or the place may not be written to.
    """
    target = Path(path)
    if target.is_dir():
        raise ExportError(f"{target} is a folder.", "Give the name of a file.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target, target.suffix) as temporary:  # matplotlib goes by the suffix
            yield temporary
    except OSError as error:
        raise cannot_write(target, error) from error


def write_whole(target: Path, content: bytes) -> None:
    """Write bytes so that a kill or a full disk leaves either the old file or the new one, whole.

    Raises:
        OSError: it cannot be written; the temporary file is taken away.
    """
    with replacing(target) as temporary, temporary.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def link_or_copy(source: Path, target: Path, leave_free: int = 0) -> None:
    """Another name for a file; a copy where the file system knows none, if so many bytes stay free.

    Raises:
        OSError: neither can be had; FileNotFoundError if the source is gone.
    """
    with suppress(OSError):
        os.link(source, target)
        return
    if leave_free and shutil.disk_usage(target.parent).free < leave_free:
        raise OSError(f"less than {leave_free / 1e9:g} GB are free")
    shutil.copyfile(source, target)


@contextmanager
def replacing(target: Path, suffix: str = ".tmp") -> Iterator[Path]:
    """As placed_whole, in a folder that is there, with errors as the system has them.

    Raises:
        OSError: it cannot be written.
    """
    temporary = target.with_name(f".{uuid.uuid4().hex}{suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def cannot_write(target: str | os.PathLike[str], error: OSError) -> ExportError:
    """What the system said when something could not be written, in words."""
    return ExportError(
        f"{os.fspath(target)} cannot be written: {error.strerror or error}.",
        "Free some space, or choose another place that you may write to.",
    )
