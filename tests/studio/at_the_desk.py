"""What tests of the transfer desk share: an engine that only remembers, takes as if rendered, words on the desk."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget

from engine.api import Evidence, Take
from studio.domain.drag_payload import Payload
from studio.engine_link.job import Job
from studio.panels.transfer.panel import TransferDeskPanel
from studio.session.session import Session

ANNA = Payload("speaker", speaker="anna")
FIRST = Payload("clips", clips=("c0",))
CONTROL = Evidence(118.0, 0.2, 0.02, 0.95, 0.41, 3.1, -26.0)
RESULT = Evidence(187.0, 8.2, 0.71, 0.52, 0.79, 4.4, -26.3)


class Asked:
    """Stands where the engine would be: remembers what it was asked for, ends jobs when asked to."""

    def __init__(self) -> None:
        self.requests: list[object] = []
        self.jobs: list[Job] = []

    def submit(self, request: object, *, title: str, latest_key: str | None = None, **_: object) -> Job:
        self.requests.append(request)
        self.jobs.append(Job(len(self.jobs), request, title, latest_key=latest_key))  # type: ignore[arg-type]
        return self.jobs[-1]


def take(session: Session, name: str = "one", result: Evidence = RESULT) -> Take:
    return Take(
        name,
        str(session.library.clips["c0"].folder),
        "/o.wav",
        f"/{name}.control.wav",
        f"/{name}.wav",
        1.0,
        (),
        (),
        "",
        116.6,
        228.0,
        CONTROL,
        result,
        "abc",
        0.4,
        "/t",
        "/c",
    )


def finish(session: Session, asked: Asked, made: Take) -> None:
    asked.jobs[-1].done.emit(made)


def words(widget: QWidget, name: str) -> str:
    found = widget.findChild(QLabel, name)
    assert found is not None
    return str(found.text())


def cell(desk: TransferDeskPanel, row: int, column: int) -> str:
    return str(desk.takes.table.data(desk.takes.table.index(row, column)))
