"""Pick one clip of a library of any size by typing part of its name, and perhaps one second of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from studio.domain.clip import Clip

ARROWS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class ChooseClip(QDialog):
    """A list that narrows while one types.

    Args:
        clips: what can be chosen.
        with_second: also offers a single second of the clip.
    """

    def __init__(
        self, title: str, clips: Sequence[Clip], *, with_second: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._durations = {clip.id: clip.duration_s or 0.0 for clip in clips}
        self.setWindowTitle(title)
        self.setObjectName("chooseClip")
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Part of a name, speaker or emotion"))
        self.search.setAccessibleName(self.tr("Find"))
        self.search.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setUniformItemSizes(True)
        self.list.setAccessibleName(title)
        for clip in clips:
            labels = [clip.labels[name] for name in ("speaker", "gender", "emotion") if clip.labels.get(name)]
            item = QListWidgetItem("  ·  ".join([clip.name, *labels]))
            item.setData(Qt.ItemDataRole.UserRole, clip.id)
            self.list.addItem(item)
        self.one_second = QCheckBox(self.tr("Only one second of it:"))
        self.second = QSpinBox(suffix=" s")
        self.second.setAccessibleName(self.tr("Second"))
        self.second.setEnabled(False)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)

        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        row = QHBoxLayout()
        row.addWidget(self.one_second)
        row.addWidget(self.second)
        row.addStretch(1)
        seconds = QWidget()
        seconds.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        seconds.setVisible(with_second)
        layout.addWidget(seconds)
        layout.addWidget(self.buttons)
        self.resize(460, 380)

        self.search.textChanged.connect(self._narrow)
        self.search.installEventFilter(self)
        self.list.currentItemChanged.connect(lambda *_: self._chosen())
        self.list.itemDoubleClicked.connect(lambda _item: self.accept())
        self.one_second.toggled.connect(self.second.setEnabled)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.setCurrentRow(0)
        self._chosen()

    def clip_id(self) -> str | None:
        item = self.list.currentItem()
        return None if item is None or item.isHidden() else str(item.data(Qt.ItemDataRole.UserRole))

    def second_chosen(self) -> int | None:
        """The second of the clip, None for all of it."""
        return self.second.value() if self.one_second.isChecked() else None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The arrows walk the list while the search field keeps the focus.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._walks(watched, event):
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _walks(self, watched: QObject, event: QKeyEvent) -> bool:
        return watched is self.search and event.key() in ARROWS

    def _narrow(self, text: str) -> None:
        words = text.casefold().split()
        first: QListWidgetItem | None = None
        for row in range(self.list.count()):
            item = self.list.item(row)
            there = all(word in item.text().casefold() for word in words)
            item.setHidden(not there)
            first = first or (item if there else None)
        current = self.list.currentItem()
        if first is not None and (current is None or current.isHidden()):
            self.list.setCurrentItem(first)
        self._chosen()

    def _chosen(self) -> None:
        clip = self.clip_id()
        self._ok.setEnabled(clip is not None)
        self.second.setMaximum(max(0, int(self._durations.get(clip or "", 0.0) - 1e-6)))
