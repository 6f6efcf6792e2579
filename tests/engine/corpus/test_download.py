"""Fetching a corpus from a server of our own: whole, broken off, wrong, cancelled, resumed, and without room."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from corpus_server import Served, archive_of, small_librispeech
from torchaudio.datasets import LIBRISPEECH, librispeech

from engine.__main__ import main
from engine.api import OFFERS, Control, GetCorpus, Offer, Progress
from engine.api.errors import Cancelled, CorpusError
from engine.corpus import download
from engine.corpus.download import get
from engine.corpus.scanning import scan


@pytest.fixture(scope="module")
def archive() -> bytes:
    return small_librispeech()


class Desk(NamedTuple):
    server: Served
    offer: Offer
    to: Path


@pytest.fixture
def desk(archive: bytes, tmp_path: Path) -> Iterator[Desk]:
    server = Served()
    server.content = archive
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    offer = dataclasses.replace(
        OFFERS[0], url=server.url, sha256=hashlib.sha256(archive).hexdigest(), archive_bytes=len(archive)
    )
    (tmp_path / "to").mkdir()
    yield Desk(server, offer, tmp_path / "to")
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


def run() -> Control:
    return Control.RUN


def ignore(event: object) -> None:
    """A report no one reads."""


def test_what_is_offered_is_what_torchaudio_fetches() -> None:
    assert {o.url: o.sha256 for o in OFFERS} == librispeech._CHECKSUMS
    assert [o.name for o in OFFERS] == librispeech._DATA_SUBSETS


def test_a_corpus_is_fetched_unpacked_and_read_with_its_labels(desk: Desk) -> None:
    told: list[Any] = []
    got = get(GetCorpus(desk.offer, str(desk.to)), told.append, run)
    assert (got.folder, got.new) == (str(desk.to / "LibriSpeech" / "dev-clean"), True)
    assert len(LIBRISPEECH(desk.to, "dev-clean")) == 2  # torchaudio's own reader finds it whole
    manifest = scan([got.folder], [], run)
    assert [(u.labels.gender, u.labels.split, u.labels.text) for u in manifest.utterances] == [
        ("female", "dev-clean", "GO"),
        ("female", "dev-clean", "DO YOU HEAR"),
    ]
    assert [path.name for path in desk.to.iterdir()] == ["LibriSpeech"]  # no archive, nothing half-done
    fractions = [event.fraction for event in told if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert any("fetched" in event.message for event in told)
    assert any("Unpacking" in event.message for event in told)


def test_what_is_there_is_not_fetched_again(desk: Desk) -> None:
    get(GetCorpus(desk.offer, str(desk.to)), ignore, run)
    again = get(GetCorpus(desk.offer, str(desk.to)), ignore, run)
    assert (again.new, desk.server.asked) == (False, 1)


def test_a_transfer_that_breaks_off_says_so_leaves_nothing_and_can_be_tried_again(desk: Desk) -> None:
    desk.server.cut = 30_000
    with pytest.raises(CorpusError, match=r"broke off after 0\.0 of"):
        get(GetCorpus(desk.offer, str(desk.to)), ignore, run)
    assert list(desk.to.iterdir()) == []
    desk.server.cut = None
    assert get(GetCorpus(desk.offer, str(desk.to)), ignore, run).new


def test_a_wrong_checksum_is_refused_and_what_was_fetched_deleted(desk: Desk) -> None:
    wrong = dataclasses.replace(desk.offer, sha256="0" * 64)
    with pytest.raises(CorpusError, match="checksum is wrong"):
        get(GetCorpus(wrong, str(desk.to)), ignore, run)
    assert list(desk.to.iterdir()) == []


def test_a_wrong_address_and_a_server_that_is_gone_are_told_in_words(desk: Desk) -> None:
    missing = dataclasses.replace(desk.offer, url=desk.offer.url.replace("dev-clean", "missing"))
    with pytest.raises(CorpusError, match="answered 404"):
        get(GetCorpus(missing, str(desk.to)), ignore, run)
    gone = dataclasses.replace(desk.offer, url="http://127.0.0.1:1/dev-clean.tar.gz")
    with pytest.raises(CorpusError, match="cannot be reached"):
        get(GetCorpus(gone, str(desk.to)), ignore, run)
    assert list(desk.to.iterdir()) == []


def test_a_cancel_is_obeyed_while_the_server_is_silent_and_leaves_nothing(desk: Desk) -> None:
    desk.server.go_on.clear()
    told: list[Any] = []

    def control() -> Control:
        return Control.CANCEL if any("fetched" in event.message for event in told) else Control.RUN

    with pytest.raises(Cancelled):
        get(GetCorpus(desk.offer, str(desk.to)), told.append, control)
    assert list(desk.to.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "fetching"]


def test_a_job_ended_while_unpacking_goes_on_without_fetching_again(desk: Desk) -> None:
    told: list[Any] = []

    def control() -> Control:
        return Control.STOP if any("Unpacking" in event.message for event in told) else Control.RUN

    with pytest.raises(Cancelled):
        get(GetCorpus(desk.offer, str(desk.to)), told.append, control)
    assert not (desk.to / "LibriSpeech").exists()
    assert get(GetCorpus(desk.offer, str(desk.to)), ignore, run).new
    assert desk.server.asked == 1


def test_what_a_killed_job_left_is_cleared_away(desk: Desk) -> None:
    work = desk.to / ".fetching-dev-clean"
    (work / "unpacked" / "LibriSpeech").mkdir(parents=True)
    (work / "archive.tar.gz.0123.partial").write_bytes(b"half of it")
    assert get(GetCorpus(desk.offer, str(desk.to)), ignore, run).new
    assert not work.exists()


def test_without_room_on_the_disk_nothing_is_fetched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**5))
    with pytest.raises(CorpusError, match="while it is unpacked"):
        get(GetCorpus(desk.offer, str(desk.to)), ignore, run)
    assert desk.server.asked == 0


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/triptych-outside.txt"])
def test_an_archive_cannot_write_outside_its_folder(desk: Desk, name: str) -> None:
    content = archive_of({name: b"!", "LibriSpeech/dev-clean/a.txt": b"a"})
    desk.server.content = content
    offer = dataclasses.replace(desk.offer, sha256=hashlib.sha256(content).hexdigest())
    if name.startswith("/"):  # made relative by the filter, and so harmless
        get(GetCorpus(offer, str(desk.to)), ignore, run)
    else:
        with pytest.raises(CorpusError, match="cannot be unpacked"):
            get(GetCorpus(offer, str(desk.to)), ignore, run)
    assert not Path("/tmp/triptych-outside.txt").exists()
    assert not list(desk.to.rglob("outside.txt"))


def test_an_archive_that_is_none_is_refused_and_deleted(desk: Desk) -> None:
    desk.server.content = b"This is no archive." * 1000
    offer = dataclasses.replace(desk.offer, sha256=hashlib.sha256(desk.server.content).hexdigest())
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        get(GetCorpus(offer, str(desk.to)), ignore, run)
    assert list(desk.to.iterdir()) == []


def test_the_command_shows_address_checksum_licence_and_size_before_it_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.api.downloads.OFFERS", (desk.offer,))
    status = main(["get", "librispeech", "dev-clean", "--to", str(desk.to), "--json"])
    out, err = capsys.readouterr()
    assert status == 0
    assert json.loads(out.splitlines()[-1])["folder"] == str(desk.to / "LibriSpeech" / "dev-clean")
    before = err[: err.index("Connecting")]
    for shown in (desk.offer.url, desk.offer.sha256, "CC BY 4.0", "GB to fetch", "are free"):
        assert shown in before


def test_the_command_refuses_a_mirror_that_serves_another_file(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["get", "LibriSpeech", "dev-clean", "--to", str(desk.to), "--url", desk.server.url, "--json"])
    assert status == 2
    assert "checksum is wrong" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]["what"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["voxceleb"], "no corpus 'voxceleb'"),
        (["librispeech", "dev-dirty"], "no part 'dev-dirty'"),
        (["librispeech", "dev-clean"], "No folder"),
    ],
)
def test_the_command_says_what_it_cannot_get(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["get", *arguments, "--json"]) == 2
    assert why in json.loads(capsys.readouterr().out)["error"]["what"]


def test_the_command_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "--json"]) == 0
    offers = json.loads(capsys.readouterr().out)["offers"]
    assert {"dev-clean", "train-clean-100"} <= {o["name"] for o in offers}
