"""What stands in the library's place while there is no recording: how to get some."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from studio.services import paths, theme


class EmptyPage(QWidget):
    """Invites to drop recordings, and has buttons for it.

    Signals:
        files_wanted(): recordings are to be chosen. example_wanted(): the example voices are to be loaded.
    """

    files_wanted = Signal()
    example_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryEmpty")
        self.picture = QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._tint()
        words = QLabel(self.tr("Drop recordings or whole folders anywhere in this window."))
        more = QLabel(
            self.tr("WAV, FLAC, OGG, MP3, AIFF and more. Labels come from known corpora and from a labels.csv.")
        )
        for label in (words, more):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        font = words.font()
        font.setBold(True)
        words.setFont(font)
        files = QPushButton(theme.icon("add"), self.tr("Add recordings …"))
        files.setObjectName("addFiles")
        files.clicked.connect(self.files_wanted)
        example = QPushButton(theme.icon("voice"), self.tr("Load example voices"))
        example.setObjectName("loadExample")
        example.clicked.connect(self.example_wanted)
        example.setToolTip(self.tr("Eight synthetic voices in three styles, 3.6 minutes in all"))
        example.setVisible(paths.example_dir().is_dir())
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addStretch(2)
        for widget in (self.picture, words, more):
            column.addWidget(widget)
        column.addSpacing(theme.SPACE)
        for button in (files, example):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        self.picture.setPixmap(theme.coloured("drop", theme.colours().muted, 48))
