"""The dock above everything that shows a message which must be read."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from studio.dialogs.error import ErrorDialog
from studio.services.messages import Message
from studio.widgets.banner import Banner


class MessageDock(QDockWidget):
    """A banner as wide as the window, whatever the docks leave to the middle; hidden until there is a message."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._message: Message | None = None
        self.setWindowTitle(self.tr("Message"))
        self.setObjectName("bannerDock")
        self.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self.setTitleBarWidget(QWidget())
        self.banner = Banner()
        self.banner.details_wanted.connect(self._show_details)
        self.banner.action_wanted.connect(self._do_action)
        self.banner.closed.connect(self.hide)
        self.setWidget(self.banner)
        window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, self)
        self.hide()

    def show_message(self, message: Message) -> None:
        self._message = message
        self.show()
        self.banner.show_words(
            message.what,
            message.hint,
            level=message.level,
            details=bool(message.details),
            action=message.action[0] if message.action else "",
        )
        self.fit()

    def fit(self) -> None:
        """As high as its words need at this width: a dock would take a share of the window."""
        needed = self.banner.heightForWidth(self._window.width())
        self.banner.setFixedHeight(max(needed, self.banner.minimumSizeHint().height()))

    def show_if_used(self) -> None:
        """Visible only with a message of this session: a stored layout may know it from last time."""
        self.setVisible(self._message is not None)

    def _show_details(self) -> None:
        if self._message is not None:
            ErrorDialog(self._message, self._window).exec()

    def _do_action(self) -> None:
        self.hide()
        if self._message is not None and self._message.action is not None:
            self._message.action[1]()
