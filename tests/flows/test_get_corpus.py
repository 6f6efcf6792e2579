"""A corpus is fetched by the real window and a real process, from a server of our own, into the library."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus_server import Served, small_librispeech
from pytestqt.qtbot import QtBot

from engine.api import OFFERS
from studio.app import Studio
from studio.dialogs import get_corpus
from studio.dialogs.get_corpus import GetCorpusDialog

JOB_MS = 100_000


@pytest.fixture
def server() -> Iterator[Served]:
    made = Served()
    made.content = small_librispeech()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.go_on.set()
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def studio(qtbot: QtBot, server: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    checksum = hashlib.sha256(server.content).hexdigest()
    offer = dataclasses.replace(OFFERS[0], url=server.url, sha256=checksum, archive_bytes=len(server.content))
    monkeypatch.setattr(get_corpus, "OFFERS", (offer,))
    made = Studio()
    made.window.show()
    yield made
    made.window.close()
    made.close()
    made.window.deleteLater()


def ask(studio: Studio, to: Path) -> None:
    studio.window.menus.actions["file.get_corpus"].trigger()
    dialog = studio.window.findChild(GetCorpusDialog)
    assert dialog is not None
    dialog.folder.setText(str(to))
    assert dialog.add.isChecked()
    dialog.accept()


def test_a_corpus_comes_from_its_address_into_the_library_with_its_labels(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    ask(studio, tmp_path)
    qtbot.waitUntil(lambda: len(studio.session.library.clips) == 2, timeout=JOB_MS)
    qtbot.waitUntil(lambda: all(clip.labels for clip in studio.session.library.clips.values()), timeout=JOB_MS)
    labels = [clip.labels for clip in studio.session.library.clips.values()]
    assert [(told["speaker"], told["gender"], told["split"]) for told in labels] == [
        ("84", "female", "dev-clean")
    ] * 2
    assert any("is in" in message.what for message in studio.messages.history)


def test_a_fetch_can_be_cancelled_while_the_server_is_silent(
    qtbot: QtBot, studio: Studio, server: Served, tmp_path: Path
) -> None:
    server.go_on.clear()
    ask(studio, tmp_path)
    (job,) = studio.link.active()
    qtbot.waitUntil(lambda: "fetched" in job.message, timeout=JOB_MS)
    with qtbot.waitSignal(job.cancelled, timeout=JOB_MS):
        job.cancel()
    assert not (tmp_path / "LibriSpeech").exists()
    assert not list(tmp_path.glob(".fetching*"))
