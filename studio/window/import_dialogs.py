"""What the window asks about corpora: which to fetch, and what the columns of a table mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from engine.api import TABLE_SUFFIXES, TableColumns
from studio.dialogs.get_corpus import GetCorpusDialog
from studio.dialogs.table_columns import TableDialog
from studio.services.preferences import Preferences
from studio.session.clips.imports import Imports

FOLDER = "corpora/folder"


class CorpusCommands(QObject):
    """Commands of the File menu that need an answer of the user. Dialogs leave the window usable by others."""

    def __init__(self, window: QWidget, imports: Imports, preferences: Preferences) -> None:
        super().__init__(window)
        self._window = window
        self._imports = imports
        self._preferences = preferences

    def get(self) -> None:
        """Choose a corpus, and where to put it."""
        folder = self._preferences.get(FOLDER, str(Path.home()))
        dialog = GetCorpusDialog(folder, self._window)

        def accepted() -> None:
            self._preferences.set(FOLDER, dialog.folder.text())
            self._imports.get_corpus(dialog.offer(), dialog.folder.text(), add=dialog.add.isChecked())

        dialog.accepted.connect(accepted)
        dialog.open()

    def add(self, files: Sequence[str]) -> None:
        """Bring files in; of every table among them the user is asked first."""
        if tables := [file for file in files if _is_table(file)]:
            self._ask(list(files), tables, [])
        else:
            self._imports.add_files(files)

    def _ask(self, files: list[str], tables: list[str], columns: list[tuple[str, TableColumns]]) -> None:
        if not tables:
            self._imports.add_files(files, columns)
            return
        table, *others = tables
        dialog = TableDialog(self._imports, table, self._window)

        def accepted() -> None:
            self._ask(files, others, [*columns, (table, dialog.columns())])

        dialog.accepted.connect(accepted)
        dialog.rejected.connect(lambda: self._ask([file for file in files if file != table], others, columns))
        dialog.open()


def _is_table(file: str) -> bool:
    return file.lower().endswith(TABLE_SUFFIXES) and Path(file).is_file()
