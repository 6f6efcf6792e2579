"""Who gave what, in a take's name and in the table of takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from stage import Idle, analysed, some_take

from engine.api import LatentRef
from studio.domain.clip import Clip
from studio.domain.references import ReferenceSummary, reference_summary
from studio.panels.transfer.takes_model import VOICE, TakesTable
from studio.session.session import Session


def clip(name: str, speaker: str = "") -> Clip:
    return Clip(name, f"/r/{name}.flac", labels={"speaker": speaker} if speaker else {})


CLIPS = {"/b": clip("b1", "bea"), "/b2": clip("b2", "bea"), "/c": clip("c1"), "/d": clip("d1", "dan")}


@pytest.mark.parametrize(
    ("latents", "expected"),
    [
        ((), None),
        ((LatentRef("/b"),), ReferenceSummary("bea", "b1.flac", None, 1)),
        ((LatentRef("/b"), LatentRef("/b2")), ReferenceSummary("bea", "b1.flac", None, 2)),
        ((LatentRef("/b"), LatentRef("/d")), ReferenceSummary("", "b1.flac", None, 2)),
        ((LatentRef("/c"), LatentRef("/b")), ReferenceSummary("", "c1.flac", None, 2)),
        ((LatentRef("/c", 2),), ReferenceSummary("", "c1.flac", 2, 1)),
        ((LatentRef("/b", 2), LatentRef("/b", 3)), ReferenceSummary("bea", "b1.flac", None, 1)),
        ((LatentRef("/gone/0123456789"),), ReferenceSummary("", "01234567", None, 1)),
    ],
)
def test_references_are_a_speaker_or_recordings(
    latents: tuple[LatentRef, ...], expected: ReferenceSummary | None
) -> None:
    assert reference_summary(latents, CLIPS) == expected


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    link = Idle(tmp_path / "logs")
    made = Session(link, tmp_path / "data")
    yield made
    made.project.close()
    link.shutdown()


def test_the_table_counts_recordings_not_seconds(session: Session) -> None:
    folders = [str(session.library.clips[i].folder) for i in analysed(session, "b1", "b2", "c1")]
    given = [
        ([], "–"),
        ([LatentRef(folders[0])], "b1.wav"),
        ([LatentRef(folders[0], 3)], "b1.wav, second 3"),
        ([LatentRef(folders[0], 3), LatentRef(folders[0], 4)], "b1.wav"),
        ([LatentRef(folders[0]), LatentRef(folders[1])], "b (2 clips)"),
        ([LatentRef(folders[0]), LatentRef(folders[2])], "b1.wav + 1"),
    ]
    session.takes.items = [
        replace(some_take(f"t{number}", f"/t{number}.wav"), voice=tuple(latents))
        for number, (latents, _words) in enumerate(given)
    ]
    table = TakesTable(session.takes, session.library)
    shown = [table.index(row, VOICE).data() for row in range(table.rowCount())]
    assert shown[::-1] == [words for _latents, words in given]
