"""The card beside the point under the cursor: the clip's spectrogram, its name and what is known of it."""

from __future__ import annotations

import functools
from collections import OrderedDict

import numpy as np
from PySide6.QtCore import QObject, QRectF, Qt, QThreadPool, Signal, SignalInstance
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from engine.api import StoredClip
from studio.plots.mel_thumbnail import thumbnail_of
from studio.services import theme

MOST_KEPT = 300
WIDE_PX, HIGH_PX = 190, 54


class Thumbnails(QObject):
    """Spectrograms the size of a stamp, read in a thread and kept.

    Signals:
        ready(str): the folder whose picture is there now.
    """

    ready = Signal(str)
    _made = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[str, QImage | None] = OrderedDict()
        self._asked: set[str] = set()
        self._readers = QThreadPool(self)
        self._readers.setMaxThreadCount(1)
        self._made.connect(self.keep)

    def of(self, folder: str) -> QImage | None:
        """The picture of a clip's analysis folder, or None while it is being read; then `ready` follows."""
        if folder in self._kept:
            self._kept.move_to_end(folder)
            return self._kept[folder]
        if folder not in self._asked:
            self._asked.add(folder)
            self._readers.clear()  # the cursor has moved on: what nobody looks at any more need not be read
            self._asked &= {folder}
            self._readers.start(functools.partial(_read, folder, self._made))
        return None

    @property
    def count(self) -> int:
        """How many pictures are kept."""
        return len(self._kept)

    def keep(self, folder: str, image: QImage | None) -> None:
        """Keep the picture of a folder (None: it has none); the one not looked at for longest goes."""
        self._asked.discard(folder)
        self._kept[folder] = image
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(folder)

    def close(self) -> None:
        self._readers.clear()
        self._readers.waitForDone()


def _read(folder: str, made: SignalInstance) -> None:
    try:
        image = thumbnail_of(np.asarray(StoredClip(folder).array("mel")))
    except (OSError, ValueError):  # being analysed anew, or gone: a card without a picture
        image = None
    made.emit(folder, image)


class HoverCard(QFrame):
    """Floats over a map; show it with `describe`, and `set_picture` when there is one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hoverCard")
        self.folder = ""
        self._picture = _Picture()
        self._words = QLabel()
        self._words.setTextFormat(Qt.TextFormat.RichText)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 8, 9, 8)
        column.setSpacing(theme.SMALL)
        column.addWidget(self._picture)
        column.addWidget(self._words)
        self.restyle()

    def describe(self, words: str, folder: str, part: tuple[float, float] | None) -> None:
        """words: rich text. folder: whose picture is awaited. part: what of the clip is meant, as shares of it."""
        self.folder = folder
        self._words.setText(words)
        self._picture.show_image(None, part)
        self._picture.setVisible(bool(folder))

    def set_picture(self, image: QImage | None) -> None:
        self._picture.show_image(image, self._picture.part)

    def text(self) -> str:
        return self._words.text()

    @property
    def has_picture(self) -> bool:
        return self._picture.image is not None

    def restyle(self) -> None:
        """Colours of the palette as it is now."""
        look = theme.colours()
        base = self.palette().base().color()
        edge = theme.mixed(look.text, base, 0.35)
        self.setStyleSheet(
            f"#hoverCard {{ background: {base.name()}; border: 1px solid {edge.name()};"
            f" border-radius: 5px; }} #hoverCard QLabel {{ color: {look.text.name()}; }}"
        )


class _Picture(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.image: QImage | None = None
        self.part: tuple[float, float] | None = None
        self.setFixedSize(WIDE_PX, HIGH_PX)

    def show_image(self, image: QImage | None, part: tuple[float, float] | None) -> None:
        self.image, self.part = image, part
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        whole = QRectF(self.rect())
        painter.fillRect(whole, theme.colours().line)
        if self.image is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(whole, self.image)
        if self.part is not None:
            left, right = (share * whole.width() for share in self.part)
            right = max(right, left + 2.0)
            veil = self.palette().base().color()
            veil.setAlphaF(0.62)
            painter.fillRect(QRectF(0, 0, left, whole.height()), veil)
            painter.fillRect(QRectF(right, 0, whole.width() - right, whole.height()), veil)
