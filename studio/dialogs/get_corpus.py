"""Fetch a corpus: what there is, where it comes from and under which licence, and whether there is room for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QLocale, QSize, Qt
from PySide6.QtGui import QFontDatabase, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.api import OFFERS, Offer
from studio.services import theme

FEW_HOURS = 20.0  # what is larger is better trained on from its folder than listed clip by clip


class GetCorpusDialog(QDialog):
    """Choose a part and a folder. Accepted only when there is room.

    Args:
        folder: where to put it, to begin with.
    """

    def __init__(self, folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Get a corpus"))
        self.setObjectName("getCorpus")
        self.parts = QTreeWidget()
        self.parts.setObjectName("parts")
        self.parts.setAccessibleName(self.tr("Corpora that can be fetched"))
        self.parts.setRootIsDecorated(False)
        self.parts.setUniformRowHeights(True)
        self.parts.setAllColumnsShowFocus(True)
        self.parts.setHeaderLabels([self.tr("Part"), self.tr("Hours"), self.tr("Voices"), self.tr("To fetch")])
        locale = QLocale()
        for offer in OFFERS:
            cells = [
                f"{offer.corpus} {offer.name}",
                locale.toString(offer.hours, "f", 1),
                locale.toString(offer.speakers),
                _size(offer.archive_bytes),
            ]
            item = QTreeWidgetItem(cells)
            item.setSizeHint(0, QSize(0, self.fontMetrics().height() + theme.SPACE))
            for column in range(1, len(cells)):
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                item.setTextAlignment(column, right)
                self.parts.headerItem().setTextAlignment(column, right)
            self.parts.addTopLevelItem(item)
        header = self.parts.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for section in range(1, header.count()):
            wide = max(self.parts.sizeHintForColumn(section), header.sectionSizeHint(section))
            header.resizeSection(section, wide + theme.LARGE)
        rows = self.parts.sizeHintForRow(0) * len(OFFERS) + header.sizeHint().height() + theme.SMALL
        self.parts.setFixedHeight(rows)
        self.parts.setMinimumWidth(640)

        self.about, self.url, self.checksum, self.licence = QLabel(), QLabel(), QLabel(), QLabel()
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.checksum.setFont(fixed)
        for label, name in (
            (self.url, self.tr("Address")),
            (self.checksum, self.tr("SHA-256 checksum")),
            (self.licence, self.tr("Licence")),
        ):
            label.setAccessibleName(name)
            label.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        self.licence.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.licence.setOpenExternalLinks(True)
        self.folder = QLineEdit(folder)
        self.folder.setObjectName("folder")
        self.folder.setAccessibleName(self.tr("Folder to put the corpus in"))
        self.browse = QPushButton(self.tr("C&hoose …"))
        self.room = QLabel()
        self.add = QCheckBox(self.tr("&Add the recordings to the library when they are there"))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)

        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(theme.LARGE)
        form.addRow(self.tr("Address"), self.url)
        form.addRow(self.tr("SHA-256"), self.checksum)
        form.addRow(self.tr("Licence"), self.licence)
        form.addRow(self.tr("&Folder"), row)
        form.addRow("", self.room)
        form.addRow("", self.add)
        form.labelForField(row).setBuddy(self.folder)  # type: ignore[attr-defined]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.parts)
        layout.addWidget(self.about)
        layout.addSpacing(theme.SPACE)
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addSpacing(theme.SPACE)
        layout.addWidget(self.buttons)
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetMinimumSize)

        self.parts.currentItemChanged.connect(lambda *_: self._chosen())
        self.folder.textChanged.connect(lambda _text: self._look_for_room())
        self.browse.clicked.connect(self._choose_folder)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._select(0)

    def offer(self) -> Offer:
        """The part chosen."""
        return OFFERS[max(0, self.parts.currentIndex().row())]

    def _select(self, row: int) -> None:
        if (item := self.parts.topLevelItem(row)) is not None:
            self.parts.setCurrentItem(item)

    def _chosen(self) -> None:
        offer = self.offer()
        self.about.setText(offer.about)
        self.url.setText(offer.url)
        half = len(offer.sha256) // 2
        self.checksum.setText(f"{offer.sha256[:half]}\n{offer.sha256[half:]}")
        self.licence.setText(f'{offer.licence} (<a href="{offer.licence_url}">{offer.licence_url}</a>)')
        self.add.setChecked(offer.hours < FEW_HOURS)
        self._look_for_room()

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder to put the corpus in"), self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _look_for_room(self) -> None:
        """Say whether the corpus is there, or fits."""
        offer, typed = self.offer(), self.folder.text().strip()
        folder = Path(typed).expanduser()
        there = (folder / offer.corpus / offer.name).is_dir()
        self._ok.setText(self.tr("&Use it") if there else self.tr("&Get it"))
        if not typed or not folder.is_absolute():
            self._report(self.tr("Name a folder."), possible=False)
            return
        if there:
            self._report(self.tr("It is there already; nothing needs to be fetched."), possible=True)
            return
        existing = next(place for place in (folder, *folder.parents) if place.exists())
        try:
            free = shutil.disk_usage(existing).free
        except OSError as error:
            self._report(self.tr("The folder cannot be used: {0}.").format(error.strerror), possible=False)
            return
        needed = offer.disk_bytes
        words = self.tr("Needs {0} while it is unpacked and {1} afterwards; {2} are free there.")
        self._report(
            words.format(_size(needed), _size(needed - offer.archive_bytes), _size(free)), possible=free >= needed
        )

    def _report(self, words: str, *, possible: bool) -> None:
        self.room.setForegroundRole(QPalette.ColorRole.PlaceholderText if possible else theme.ERROR)
        self.room.setText(words)
        self._ok.setEnabled(possible)


def _size(count: int) -> str:
    return QLocale().formattedDataSize(count, 1, QLocale.DataSizeFormat.DataSizeSIFormat)
