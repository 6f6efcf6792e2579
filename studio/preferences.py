"""Typed settings over QSettings, with a version: unknown or damaged values fall back to the default."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QByteArray, QSettings

from studio import paths

VERSION = 1
T = TypeVar("T", bool, int, float, str)


class Preferences:
    """Read with a default of the wanted type, write, or keep a window's layout."""

    def __init__(self, file: Path | None = None) -> None:
        target = file or paths.settings_file()
        target.parent.mkdir(parents=True, exist_ok=True)
        self._settings = QSettings(str(target), QSettings.Format.IniFormat)
        if self.get("version", VERSION) > VERSION:
            # A newer Triptych wrote it: what it means is unknown, so it is left as it is and not used.
            self._settings = QSettings(str(target.with_name(f"settings-{VERSION}.ini")), QSettings.Format.IniFormat)
        self._settings.setValue("version", VERSION)

    def get(self, name: str, default: T) -> T:
        """The stored value as default's type, or default."""
        value = self._settings.value(name)
        if value is None:
            return default
        kind = type(default)
        if kind is bool:
            return kind(str(value).lower() in ("true", "1"))
        try:
            return kind(value)
        except (TypeError, ValueError):
            return default

    def set(self, name: str, value: bool | int | float | str) -> None:
        self._settings.setValue(name, value)

    def layout(self, name: str) -> QByteArray:
        value = self._settings.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_layout(self, name: str, value: QByteArray) -> None:
        self._settings.setValue(f"layout/{name}", value)

    def sync(self) -> None:
        self._settings.sync()
