"""What lies on the disk for this project and in the cache, and how to have less of it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.api import CacheState, CareForCache
from studio.project.disk_usage import Storage, size_words
from studio.services import theme
from studio.services.plurals import counted
from studio.session.session import Session

GB = 1_000_000_000


class StoragePage(QWidget):
    """Sizes are measured in a thread; what is deleted is named and counted before."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._unlisted = 0
        project = QGroupBox(self.tr("This project"))
        form = QFormLayout(project)
        form.setHorizontalSpacing(theme.LARGE)
        self.sizes = {name: QLabel("…") for name in ("analyses", "takes", "runs", "maps")}
        for name, words in (
            ("analyses", self.tr("Analyses")),
            ("takes", self.tr("Takes")),
            ("runs", self.tr("Training runs")),
            ("maps", self.tr("Maps")),
        ):
            form.addRow(words, self.sizes[name])
        self.unlisted = QLabel("…")
        self.unlisted.setWordWrap(True)
        form.addRow(self.tr("Takes off the list"), self.unlisted)
        self.open_button = QPushButton(self.tr("Open the &folder"))
        self.open_button.clicked.connect(
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(session.context.folder)))
        )
        self.delete_button = QPushButton(self.tr("Delete &takes off the list …"))
        self.delete_button.clicked.connect(self.ask_to_delete)
        self.delete_button.setEnabled(False)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.open_button)
        row.addWidget(self.delete_button)
        row.addStretch(1)
        form.addRow(row)

        cache = QGroupBox(self.tr("Cache of spectrograms and analyses"))
        below = QFormLayout(cache)
        below.setHorizontalSpacing(theme.LARGE)
        self.used = QLabel("…")
        self.used.setWordWrap(True)
        self.used.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.limit = QSpinBox()
        self.limit.setRange(1, 10_000)
        self.limit.setSuffix(self.tr(" GB"))
        self.limit.setAccessibleName(self.tr("Limit of the cache, in GB"))
        self.limit.setEnabled(False)
        self.empty_button = QPushButton(self.tr("&Empty the cache"))
        self.empty_button.setToolTip(self.tr("Nothing is lost: spectrograms are computed once more when needed"))
        self.empty_button.clicked.connect(lambda: self._ask_cache(CareForCache(clear=True)))
        below.addRow(self.tr("Used"), self.used)
        below.addRow(self.tr("At &most"), self.limit)
        buttons = QHBoxLayout()
        buttons.addWidget(self.empty_button)
        buttons.addStretch(1)
        below.addRow(buttons)

        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        column.setSpacing(theme.LARGE)
        column.addWidget(project)
        column.addWidget(cache)
        column.addStretch(1)
        self.limit.editingFinished.connect(self._set_limit)
        session.storage.measured.connect(self._show)
        session.storage.measure()
        self._ask_cache(CareForCache())

    def ask_to_delete(self) -> None:
        """Delete the sounds of takes that were removed from the list; it cannot be undone."""
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            self.tr("Triptych"),
            counted(
                self._unlisted,
                self.tr("Delete the sounds of 1 take that is off the list?"),
                self.tr("Delete the sounds of {0} takes that are off the list?"),
            ),
            QMessageBox.StandardButton.Cancel,
            self,
        )
        box.setInformativeText(self.tr("This cannot be undone, and the history of the project begins anew."))
        delete = box.addButton(self.tr("&Delete"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() is delete:
            self._session.storage.delete_unlisted_takes()

    def _show(self, storage: Storage) -> None:
        for name, label in self.sizes.items():
            label.setText(size_words(getattr(storage, f"{name}_bytes")))
        self._unlisted = storage.unlisted_takes
        takes = counted(self._unlisted, self.tr("1 take"), self.tr("{0} takes"))
        self.unlisted.setText(
            f"{takes}, {size_words(storage.unlisted_bytes)}" if self._unlisted else self.tr("none")
        )
        self.delete_button.setEnabled(self._unlisted > 0)

    def _ask_cache(self, request: CareForCache) -> None:
        job = self._session.link.submit(request, title=self.tr("Look after the cache"))
        job.done.connect(self._show_cache)
        job.failed.connect(lambda what, hint, _details: self.used.setText(f"{what} {hint}"))

    def _show_cache(self, state: CacheState) -> None:
        self.used.setText(
            self.tr("{0}, of {1} recordings, in {2}").format(
                size_words(state.used_bytes), state.recordings + state.clips, state.folder
            )
        )
        with QSignalBlocker(self.limit):
            self.limit.setValue(round(state.limit_bytes / GB))
        self.limit.setEnabled(True)

    def _set_limit(self) -> None:
        if self.limit.isEnabled():
            self._ask_cache(CareForCache(limit_bytes=self.limit.value() * GB))
