"""All commands with their keys: found by typing, changed by pressing the new key, never two for one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.services import theme
from studio.services.shortcuts import Command, Shortcuts

NATIVE = QKeySequence.SequenceFormat.NativeText
NAME_ROLE = Qt.ItemDataRole.UserRole


class ShortcutsPage(QWidget):
    """Shows and changes the keys in `shortcuts`."""

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self._groups: list[QTreeWidgetItem] = []
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Find a command or a key …"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Find a command or a key"))
        self.list = QTreeWidget()
        self.list.setAccessibleName(self.tr("Commands and their keys"))
        self.list.setHeaderLabels([self.tr("Command"), self.tr("Key")])
        self.list.setAlternatingRowColors(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(False)
        self.key = QKeySequenceEdit()
        self.key.setMaximumSequenceLength(1)
        self.key.setClearButtonEnabled(True)
        self.key.setAccessibleName(self.tr("New key: press it"))
        self.set_button = QPushButton(self.tr("&Set"))
        self.clear_button = QPushButton(self.tr("&No key"))
        self.reset_button = QPushButton(self.tr("&Reset"))
        self.reset_all_button = QPushButton(self.tr("Reset a&ll"))
        self.words = QLabel()
        self.words.setObjectName("shortcutWords")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.key, 1)
        for button in (self.set_button, self.clear_button, self.reset_button, self.reset_all_button):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addLayout(row)
        column.addWidget(self.words)

        self.search.textChanged.connect(self._filter)
        self.list.currentItemChanged.connect(lambda *_: self._chosen())
        self.list.itemActivated.connect(lambda *_: self.key.setFocus())
        self.set_button.clicked.connect(lambda: self.give(self.key.keySequence()))
        self.clear_button.clicked.connect(lambda: self.give(QKeySequence()))
        self.reset_button.clicked.connect(self.reset)
        self.reset_all_button.clicked.connect(shortcuts.reset_all)
        shortcuts.changed.connect(self._show_keys)
        self._fill()

    def choose(self, name: str) -> None:
        """Make a command the current one."""
        for item in self._items():
            if item.data(0, NAME_ROLE) == name:
                self.list.setCurrentItem(item)

    def give(self, key: QKeySequence) -> None:
        """Give the current command this key, if no other one answers to it."""
        if (command := self._current()) is None:
            return
        taken = self._shortcuts.set_key(command.name, key)
        if taken is not None:
            self._say_taken(key, taken)
        elif key.isEmpty():
            self.words.setText(self.tr("“{0}” has no key now.").format(command.words))
        else:
            self.words.setText(self.tr("“{0}” is {1} now.").format(command.words, key.toString(NATIVE)))

    def reset(self) -> None:
        if (command := self._current()) is not None:
            taken = self._shortcuts.reset(command.name)
            if taken is not None:
                self._say_taken(command.own[0], taken)
            else:
                self.words.setText("")

    def _say_taken(self, key: QKeySequence, taken: Command) -> None:
        self.words.setText(
            self.tr("{0} belongs to “{1}” ({2}). Give that another key first.").format(
                key.toString(NATIVE), taken.words, taken.where
            )
        )

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for command in self._shortcuts.commands():
            if command.where not in groups:
                group = groups[command.where] = QTreeWidgetItem(self.list, [command.where])
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
                group.setFirstColumnSpanned(True)
                font = group.font(0)
                font.setBold(True)
                group.setFont(0, font)
            item = QTreeWidgetItem(groups[command.where], [command.words])
            item.setData(0, NAME_ROLE, command.name)
        self._groups = list(groups.values())
        self._show_keys()
        self.list.expandAll()
        for item in self._items()[:1]:
            self.list.setCurrentItem(item)

    def _show_keys(self) -> None:
        by_name = {command.name: command for command in self._shortcuts.commands()}
        for item in self._items():
            command = by_name[item.data(0, NAME_ROLE)]
            item.setText(1, ", ".join(key.toString(NATIVE) for key in command.action.shortcuts()))
            font = item.font(1)
            font.setBold(self._shortcuts.is_changed(command))
            item.setFont(1, font)
            item.setToolTip(1, self.tr("Changed by you") if font.bold() else "")
        self._chosen()

    def _filter(self, text: str) -> None:
        wanted = text.casefold().split()
        for group in self._groups:
            items = _children(group)
            for item in items:
                said = f"{group.text(0)} {item.text(0)} {item.text(1)}".casefold()
                item.setHidden(not all(word in said for word in wanted))
            group.setHidden(all(item.isHidden() for item in items))

    def _chosen(self) -> None:
        command = self._current()
        for control in (self.key, self.set_button, self.clear_button, self.reset_button):
            control.setEnabled(command is not None)
        if command is not None:
            self.key.setKeySequence(command.key)
            self.clear_button.setEnabled(not command.key.isEmpty())
            self.reset_button.setEnabled(self._shortcuts.is_changed(command))

    def _current(self) -> Command | None:
        item = self.list.currentItem()
        name = item.data(0, NAME_ROLE) if item is not None else None
        return next((command for command in self._shortcuts.commands() if command.name == name), None)

    def _items(self) -> list[QTreeWidgetItem]:
        return [item for group in self._groups for item in _children(group)]


def _children(group: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    children = (group.child(n) for n in range(group.childCount()))
    return [child for child in children if child is not None]
