"""A studio on a real display, for a test with a real mouse: prints where things are, and what happens to them.

One JSON object a line on stdout: {"row": [x, y], "zone": [x, y]} once the clips are analysed, then {"source": name}
when a source is dropped. Ends when its standard input closes.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path


def main(model: str, clips: list[str]) -> None:
    from PySide6.QtCore import QPoint, QTimer
    from PySide6.QtWidgets import QApplication

    from studio import theme
    from studio.app import Studio

    app = QApplication([])
    theme.apply(app)
    studio = Studio()
    session, window = studio.session, studio.window
    window.show()
    session.restore()
    session.set_model(model)
    session.add_files([Path(clip) for clip in clips])

    def say(**values: object) -> None:
        print(json.dumps(values), flush=True)

    def look() -> None:
        if len(session.encoded()) < len(clips):
            return
        timer.stop()
        view, zone = window.library.view, window.desk.source_zone
        row = view.viewport().mapToGlobal(view.visualRect(view.model().index(0, 1)).center())
        at: QPoint = zone.mapToGlobal(zone.rect().center())
        say(row=[row.x(), row.y()], zone=[at.x(), at.y()])

    def changed() -> None:
        source = session.clips.get(session.transfer.source or "")
        say(source=source.name if source else "")

    timer = QTimer(interval=100)
    timer.timeout.connect(look)
    timer.start()
    session.transfer_changed.connect(changed)
    threading.Thread(target=lambda: (sys.stdin.read(), QTimer.singleShot(0, app, app.quit)), daemon=True).start()
    app.exec()
    studio.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
