"""A problem with everything known about it, to be read and copied."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from studio.services import theme
from studio.services.messages import Message


class ErrorDialog(QDialog):
    """Shows a message with its details; not modal, the window stays usable."""

    def __init__(self, message: Message, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._message = message
        self.setObjectName("errorDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Details"))
        what = QLabel(message.what)
        font = what.font()
        font.setBold(True)
        what.setFont(font)
        hint = QLabel(message.hint)
        for label in (what, hint):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details = QPlainTextEdit(message.details)
        self.details.setObjectName("errorDetails")
        self.details.setReadOnly(True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setAccessibleName(self.tr("Details"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(self.tr("&Copy all"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.setIcon(theme.icon("copy"))
        copy.clicked.connect(self.copy_all)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addWidget(what)
        if message.hint:
            column.addWidget(hint)
        column.addWidget(self.details, 1)
        column.addWidget(buttons)
        self.resize(680, 420)

    def copy_all(self) -> None:
        """The whole message to the clipboard."""
        parts = (self._message.what, self._message.hint, self._message.details)
        QGuiApplication.clipboard().setText("\n\n".join(part for part in parts if part))
