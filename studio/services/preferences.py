"""Preferences of the user, kept in a file and read by type, so a strange file never becomes a strange program."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QByteArray, QSettings

from studio.services import paths

VERSION = 1

T = TypeVar("T", bool, int, float, str, bytes, list[str])


class Preferences:
    """Values by name ("panel/setting"), in one INI file.

    Args:
        file: the INI file; the user's own when not given.
    """

    def __init__(self, file: Path | None = None) -> None:
        target = file or paths.settings_file()
        target.parent.mkdir(parents=True, exist_ok=True)
        self._settings = QSettings(str(target), QSettings.Format.IniFormat)
        if self.get("version", VERSION) > VERSION:
            # A newer Triptych wrote it: what it means is unknown, so it is left as it is and not used.
            own = target.with_name(f"{target.stem}-{VERSION}{target.suffix}")
            self._settings = QSettings(str(own), QSettings.Format.IniFormat)
        self.set("version", VERSION)

    def get(self, name: str, default: T) -> T:
        """The value stored under name in the type of `default`, or `default` if there is none of that type."""
        stored = self._settings.value(name)
        if stored is None:
            return default
        try:
            return _as_type_of(default, stored)
        except (TypeError, ValueError):
            return default

    def set(self, name: str, value: bool | int | float | str | bytes | list[str]) -> None:
        """Remember a value; it is on disk soon, at the latest when the program ends."""
        self._settings.setValue(name, QByteArray(value) if isinstance(value, bytes) else value)

    def forget(self, name: str) -> None:
        self._settings.remove(name)

    def layout(self, name: str) -> QByteArray:
        """A window's or header's saved state; empty if there is none."""
        return QByteArray(self.get(f"layout/{name}", b""))

    def set_layout(self, name: str, value: QByteArray) -> None:
        self._settings.setValue(f"layout/{name}", value)

    def sync(self) -> None:
        """Write now."""
        self._settings.sync()


def _as_type_of(default: T, stored: object) -> T:
    """INI files hold text: true, 3, 0.5. A list of one string comes back as a string."""
    if isinstance(default, bool):
        if str(stored).lower() not in ("true", "false"):
            raise ValueError(stored)
        return str(stored).lower() == "true"
    if isinstance(default, int):
        return int(str(stored))
    if isinstance(default, float):
        return float(str(stored))
    if isinstance(default, bytes):
        if not isinstance(stored, QByteArray):
            raise TypeError(stored)
        return bytes(stored.data())
    if isinstance(default, list):
        return [str(item) for item in stored] if isinstance(stored, list) else [str(stored)]
    return str(stored)
