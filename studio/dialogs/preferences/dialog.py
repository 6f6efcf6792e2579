"""What the user prefers, on pages; everything takes effect at once, so there is nothing to confirm."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTabWidget, QVBoxLayout, QWidget

from studio.dialogs.preferences.appearance_page import AppearancePage
from studio.dialogs.preferences.device_page import DevicePage
from studio.dialogs.preferences.shortcuts_page import ShortcutsPage
from studio.dialogs.preferences.sound_page import SoundPage
from studio.dialogs.preferences.storage_page import StoragePage
from studio.services import theme
from studio.services.preferences import Preferences
from studio.services.shortcuts import Shortcuts
from studio.session.session import Session

DEVICE, SOUND, STORAGE, APPEARANCE, SHORTCUTS = range(5)


class PreferencesDialog(QDialog):
    """Pages for the device, the sound, the storage, the appearance and the shortcuts.

    Args:
        page: the one to show first.
    """

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        shortcuts: Shortcuts,
        page: int = DEVICE,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("preferencesDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Preferences"))
        self.device = DevicePage(session.link, preferences)
        self.sound = SoundPage(session.model, session.transfer, preferences)
        self.storage = StoragePage(session)
        self.appearance = AppearancePage(preferences)
        self.shortcuts = ShortcutsPage(shortcuts)
        self.pages = QTabWidget()
        self.pages.setAccessibleName(self.tr("Pages of preferences"))
        self.pages.setDocumentMode(True)  # a framed page is too pale for its notes
        self.pages.addTab(self.device, self.tr("&Device"))
        self.pages.addTab(self.sound, self.tr("S&ound"))
        self.pages.addTab(self.storage, self.tr("&Storage"))
        self.pages.addTab(self.appearance, self.tr("&Appearance"))
        self.pages.addTab(self.shortcuts, self.tr("Short&cuts"))
        self.pages.setCurrentIndex(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.pages, 1)
        column.addWidget(buttons)
        self.resize(680, 520)
