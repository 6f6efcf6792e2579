"""Banner at the top of the window for what must be read: what happened, what to do, and details to copy."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from studio.services import theme


class Banner(QFrame):
    """Hidden until `show_words`. Signals: details_wanted, action_wanted, closed."""

    details_wanted = Signal()
    action_wanted = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setAutoFillBackground(True)
        self._level = "error"
        self.words = QLabel()
        self.words.setObjectName("bannerWords")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.action = QPushButton()
        self.action.clicked.connect(self.action_wanted)
        self.details = QPushButton(self.tr("Details …"))
        self.details.clicked.connect(self.details_wanted)
        close = QToolButton()
        close.setIcon(theme.icon("close"))
        close.setAutoRaise(True)
        close.setToolTip(self.tr("Close this message"))
        close.setAccessibleName(self.tr("Close this message"))
        close.clicked.connect(self._close)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.words, 1)
        row.addWidget(self.action)
        row.addWidget(self.details)
        row.addWidget(close)
        self.hide()

    def show_words(self, what: str, hint: str, *, level: str, details: bool, action: str = "") -> None:
        """Show a message; `details` and `action` say whether their buttons are there."""
        self._level = level
        self.words.setText(f"<b>{escape(what)}</b> {escape(hint)}")
        self.words.setAccessibleName(f"{what} {hint}".strip())
        self.details.setVisible(details)
        self.action.setVisible(bool(action))
        self.action.setText(action)
        self._colour()
        self.show()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        fill, ink = theme.warning_colours(self._level, dark=theme.is_dark())
        palette = QPalette()  # what is not set here follows the program's
        palette.setColor(palette.ColorRole.Window, fill)
        palette.setColor(palette.ColorRole.WindowText, ink)
        self.setPalette(palette)

    def _close(self) -> None:
        self.hide()
        self.closed.emit()
