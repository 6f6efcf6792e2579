"""A small window that takes files as a file manager does: it copies what is dropped into a folder.

One JSON object a line on stdout: {"at": [x, y]}, its middle, once it is on the screen; {"dropped": [paths of the
copies], "offered": [names of the actions offered]} for every drop. Ends when its standard input closes.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path

SIZE = 240


def main(folder: Path) -> None:
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtGui import QDragEnterEvent, QDropEvent
    from PySide6.QtWidgets import QApplication, QLabel

    def say(**values: object) -> None:
        print(json.dumps(values), flush=True)

    class Folder(QLabel):
        def dragEnterEvent(self, event: QDragEnterEvent) -> None:
            if event.mimeData().hasUrls():
                event.acceptProposedAction()

        def dropEvent(self, event: QDropEvent) -> None:
            files = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
            copies = [shutil.copy2(file, folder / file.name) for file in files]
            offered = [
                action.name
                for action in Qt.DropAction
                if action & event.possibleActions() and action.value in (1, 2, 4)
            ]
            event.acceptProposedAction()
            say(dropped=[str(copy) for copy in copies], offered=offered)

    app = QApplication([])
    window = Folder("Drop files here.")
    window.setAcceptDrops(True)
    screen = app.primaryScreen().geometry()
    window.setGeometry(screen.right() - SIZE, 0, SIZE, SIZE)
    window.show()
    middle = window.geometry().center()
    QTimer.singleShot(0, lambda: say(at=[middle.x(), middle.y()]))

    def listen() -> None:
        sys.stdin.read()
        QTimer.singleShot(0, app, app.quit)

    threading.Thread(target=listen, daemon=True).start()
    app.exec()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
