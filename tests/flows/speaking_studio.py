"""A studio that records from a real microphone: prints what happens, one JSON object a line.

{"listening": name} once the map is laid out and it records; it stops when it has recorded something and then
silence for a while, and prints {"recorded": path, "place": [x, y], ...} once the recording stands on the map.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(model: str, clips: list[str]) -> None:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from studio.app import Studio
    from studio.dialogs.record import RecordDialog

    app = QApplication([])
    studio = Studio()
    session, window = studio.session, studio.window
    window.show()
    session.project.restore()
    session.model.open(model)
    session.imports.add_files([Path(clip) for clip in clips])
    silent = QTimer(app, singleShot=True, interval=700)
    steps: list[str] = []

    def report(**what: object) -> None:
        print(json.dumps(what), flush=True)

    def once(step: str) -> bool:
        if step in steps:
            return False
        steps.append(step)
        return True

    def look() -> None:
        if len(session.model.encoded()) == len(clips) and once("map"):
            session.maps.fit("h", iterations=50, perplexity=2.0)
        if "h" in session.maps.points and not session.maps.jobs and once("listen"):
            listen()
        if "recorded" in steps:
            points, clip = session.maps.points["h"], session.library.clips[str(session.library.current)]
            if clip.id in points.ids and once("printed"):
                place = points.xy[points.ids.index(clip.id)].tolist()
                report(recorded=clip.path, place=place, labels=clip.labels, points=len(points.ids), said=said())
                app.exit(0)

    def said() -> str:
        dialog = window.findChild(RecordDialog)
        return str(dialog.words.text()) if dialog is not None else ""

    def listen() -> None:
        window.record()
        dialog = window.findChild(RecordDialog)
        assert dialog is not None
        dialog.countdown.setCurrentIndex(0)
        dialog.name.setText("said")
        dialog.speaker.setText("me")
        recorder = dialog.recorder

        def follow_level(rms: float, _peak: float) -> None:
            if recorder.state == "recording" and rms > 0.002:
                silent.start()

        def stop() -> None:
            dialog.button.click()
            steps.append("recorded")

        recorder.heard.connect(follow_level)
        silent.timeout.connect(stop)
        recorder.state_changed.connect(
            lambda state: report(listening=recorder.input_name) if state == "recording" else None
        )
        dialog.button.click()

    tick = QTimer(app, interval=50)
    tick.timeout.connect(look)
    tick.start()
    QTimer.singleShot(100_000, lambda: app.exit(3))
    status = app.exec()
    dialog = window.findChild(RecordDialog)
    if dialog is not None:
        dialog.close()
    studio.close()
    sys.exit(status)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
