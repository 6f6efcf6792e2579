"""Drop zone: says what it takes, shows what it holds, and gives the reason when it refuses."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QIcon,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

REFUSAL_MS = 6000  # long enough to read two lines


class DropZone(QFrame):
    """A titled frame with content, an invitation while empty, and a menu that does what a drop does.

    Args:
        title: what belongs here.
        invitation: what to do while it is empty.
        read: takes what is wanted out of the mime data at once, None when there is nothing for us in it.
        refuse: the reason why that cannot be taken, None when it can.
        fill_menu: fills the menu of the "Add" button each time it opens.
        add_text: what the button says to a pointer that rests and to a screen reader.

    Signals:
        dropped(object): what `read` gave and `refuse` did not object to.
        refused(str): why a drop was not taken.
    """

    dropped = Signal(object)
    refused = Signal(str)

    def __init__(
        self,
        title: str,
        invitation: str,
        *,
        read: Callable[[QMimeData], object | None],
        refuse: Callable[[object], str | None],
        fill_menu: Callable[[QMenu], None],
        add_icon: QIcon,
        add_text: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._read = read
        self._refuse = refuse
        self._fill_menu = fill_menu
        self._hovered = False
        self._invitation_text = invitation
        self._empty = True
        self.setAcceptDrops(True)
        self.setAccessibleName(title)
        self.setAccessibleDescription(invitation)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(130, 84)  # a heading and a line of content

        heading = QLabel(title)
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)  # a disabled entry says why
        self.menu.aboutToShow.connect(self._open_menu)
        self.add_button = QToolButton()
        self.add_button.setIcon(add_icon)
        self.add_button.setText(add_text)
        self.add_button.setToolTip(add_text)
        self.add_button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.add_button.setAccessibleName(f"{title}: {add_text}")
        self.add_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.add_button.setMenu(self.menu)
        self._invitation = QLabel(invitation)
        self._invitation.setWordWrap(True)
        self._invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._invitation.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._invitation.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self._content: QWidget | None = None

        above = QHBoxLayout()
        above.addWidget(heading, 1)
        above.addWidget(self.add_button)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(10, 6, 6, 6)
        self._layout.setSpacing(4)
        self._layout.addLayout(above)
        self._layout.addWidget(self._invitation, 1)
        self._forget = QTimer(self, interval=REFUSAL_MS, singleShot=True)
        self._forget.timeout.connect(self._restore_invitation)

    def set_content(self, content: QWidget | None) -> None:
        """Show this in place of the invitation (the former content is deleted); None: the zone is empty."""
        if self._content is not None:
            self._layout.removeWidget(self._content)
            self._content.hide()
            self._content.deleteLater()
        self._content = content
        self._empty = content is None
        if content is not None:
            self._layout.addWidget(content, 1)
        self._restore_invitation()

    def invitation(self) -> str:
        """The words shown now besides the content: the invitation or a reason."""
        return "" if self._invitation.isHidden() else self._invitation.text()

    def set_invitation(self, words: str) -> None:
        """What to do while the zone is empty."""
        self._invitation_text = words
        self.setAccessibleDescription(words)
        self._restore_invitation()

    def say(self, reason: str) -> None:
        """Show why something was refused, where it was dropped, for some seconds."""
        self._invitation.setText(reason)
        self._invitation.setForegroundRole(QPalette.ColorRole.WindowText)
        self._invitation.show()
        self._forget.start()
        self.refused.emit(reason)

    def offer(self, mime: QMimeData) -> str | None:
        """Drop this here, as the mouse would: returns the reason when it is refused ("" for foreign things)."""
        value = self._read(mime)
        if value is None:
            return ""
        reason = self._refuse(value)
        if reason is not None:
            self.say(reason)
            return reason
        self.dropped.emit(value)
        return None

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        value = self._read(event.mimeData())
        if value is None:
            event.ignore()  # files: the window takes them
            return
        reason = self._refuse(value)
        if reason is not None:
            self.say(reason)
            event.ignore()
            return
        self._set_hovered(True)
        event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_hovered(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_hovered(False)
        if self.offer(event.mimeData()) is None:
            event.acceptProposedAction()
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self.rect().toRectF().adjusted(1, 1, -1, -1)
        if self._hovered:
            wash = self.palette().color(QPalette.ColorRole.Highlight)
            painter.setPen(QPen(wash, 2.0))
            wash.setAlpha(40)
        else:
            edge = self.palette().color(QPalette.ColorRole.WindowText)
            edge.setAlphaF(0.35)
            painter.setPen(QPen(edge, 1.0, Qt.PenStyle.DashLine if self._empty else Qt.PenStyle.SolidLine))
            wash = self.palette().color(QPalette.ColorRole.Base)
            wash.setAlphaF(0.5)
        painter.setBrush(wash)
        painter.drawRoundedRect(box, 8, 8)

    def _open_menu(self) -> None:
        for action in self.menu.actions():
            if (submenu := action.menu()) is not None:
                submenu.deleteLater()  # clear() deletes actions, not the menus below them
        self.menu.clear()
        self._fill_menu(self.menu)

    def _set_hovered(self, hovered: bool) -> None:
        self._hovered = hovered
        self.update()

    def _restore_invitation(self) -> None:
        self._forget.stop()
        self._invitation.setText(self._invitation_text)
        self._invitation.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._invitation.setVisible(self._empty)
        self.update()
