"""A studio on a real display, for a real mouse: says where things are, and what happens to them.

One JSON object a line on stdout: {"analysed": n} once the clips are; for each line on stdin {"row": [x, y], ...},
where things are; {"source": name} when the desk changes, {"takes": n} when takes do, {"status": words} when the
status bar does. Ends when its standard input closes.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

SPEAKER_COLUMN = 2


def main(model: str, clips: list[str]) -> None:
    from PySide6.QtCore import QPoint, QTimer
    from PySide6.QtWidgets import QApplication, QWidget

    from studio.app import Studio
    from studio.panels.transfer.takes_model import NAME
    from studio.services import theme

    app = QApplication([])
    theme.apply(app)
    studio = Studio()
    session, window = studio.session, studio.window
    window.setGeometry(app.primaryScreen().geometry())
    window.show()
    session.project.restore()
    session.model.open(model)
    session.imports.add_files([Path(clip) for clip in clips])

    def say(**values: object) -> None:
        print(json.dumps(values), flush=True)

    def look() -> None:
        if len(session.model.encoded()) == len(clips):
            timer.stop()
            session.transfer.changed.connect(changed)
            session.takes.changed.connect(took)
            window.statusBar().messageChanged.connect(lambda words: say(status=words))
            say(analysed=len(clips))

    def tell_places() -> None:
        view = window.library.view

        def cell(row: int, column: int) -> list[int]:
            return at(view.viewport(), view.visualRect(view.model().index(row, column)).center())

        clip_view, takes = window.clip_view, window.desk.takes.view
        take = takes.visualRect(takes.model().index(0, NAME)).center()
        say(
            row=cell(0, 1),
            take=at(takes.viewport(), take),  # the newest, if there is one
            speaker=cell(len(clips) - 1, SPEAKER_COLUMN),  # of the last
            zone=at(window.desk.source_zone, window.desk.source_zone.rect().center()),
            # over the picture, where a voice is offered; an emotion is on the right
            picture=at(clip_view, QPoint(clip_view.width() // 4, clip_view.height() // 2)),
        )

    def at(widget: QWidget, place: QPoint) -> list[int]:
        found = widget.mapToGlobal(place)
        return [found.x(), found.y()]

    def changed() -> None:
        source = session.library.clips.get(session.transfer.setup.source or "")
        say(source=source.name if source else "")

    def took() -> None:
        say(takes=len(session.takes.items))

    def listen() -> None:
        for _ in sys.stdin:
            QTimer.singleShot(0, app, tell_places)
        QTimer.singleShot(0, app, app.quit)

    timer = QTimer(interval=100)
    timer.timeout.connect(look)
    timer.start()
    threading.Thread(target=listen, daemon=True).start()
    app.exec()
    studio.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
