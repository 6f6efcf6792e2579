"""What this program is, and the system it runs on, to be copied into a report."""

from __future__ import annotations

import importlib.metadata
import platform

from PySide6.QtCore import QCoreApplication, Qt, qVersion
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.services import paths, theme

_PACKAGES = ("PySide6", "torch", "torchaudio", "numpy", "scikit-learn", "soundfile", "matplotlib", "pyqtgraph")


def version() -> str:
    try:
        return importlib.metadata.version("triptych")
    except importlib.metadata.PackageNotFoundError:
        return QCoreApplication.translate("AboutDialog", "from a checkout")


def system_info() -> str:
    """Versions and places, nothing private beyond the names of folders."""
    lines = [
        f"Triptych {version()}",
        f"Python {platform.python_version()} ({platform.platform()})",
        f"Qt {qVersion()} ({QGuiApplication.platformName()})",
    ]
    for name in _PACKAGES:
        try:
            lines.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{name} is not installed")
    return "\n".join([*lines, f"Data: {paths.data_dir()}", f"Logs: {paths.log_dir()}"])


class AboutDialog(QDialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("aboutDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About Triptych"))
        picture = QLabel()
        picture.setPixmap(QIcon(str(paths.resources_dir() / "triptych.svg")).pixmap(72, 72))
        name = QLabel(f"Triptych {version()}")
        font = name.font()
        font.setPointSizeF(font.pointSizeF() * 1.5)
        font.setBold(True)
        name.setFont(font)
        words = QLabel(
            self.tr(
                "A voice-analysis studio over a variational autoencoder with three timescales: voice (h), "
                "emotion of each second (m) and content of each frame (z).\n\nAfter Almotlak, Weber, Qu and "
                "Wermter, ICANN 2020, and Springenberg et al., INTERSPEECH 2019.\n\nThe starter model was trained "
                "on LibriSpeech (Panayotov, Chen, Povey and Khudanpur, ICASSP 2015), licence CC BY 4.0; the "
                "natural rendering uses WORLD (Morise, Yokomori and Ozawa, 2016)."
            )
        )
        words.setWordWrap(True)
        self.system = QLabel(system_info())
        self.system.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.system.setTextFormat(Qt.TextFormat.PlainText)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(self.tr("&Copy system info"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.setIcon(theme.icon("copy"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(system_info()))
        buttons.rejected.connect(self.close)
        side = QVBoxLayout()
        side.setSpacing(theme.SPACE)
        side.addWidget(name)
        side.addWidget(words)
        side.addWidget(self.system)
        row = QHBoxLayout()
        row.setSpacing(theme.LARGE)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(side, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.SPACE)
        column.addLayout(row, 1)
        column.addWidget(buttons)
        self.setFixedWidth(520)
