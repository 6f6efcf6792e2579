"""What travels in a drag."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl

from studio.domain import drag_payload
from studio.domain.drag_payload import Payload

PAYLOADS = [
    Payload("clips", ("a", "b")),
    Payload("speaker", ("a",), "Žofie 😀\nsecond line"),
    Payload("seconds", seconds=(("a", 0), ("b", 7))),
    Payload("label", label=("emotion", "very angry 😠")),
    Payload("clips", ("a", "b"), weights=(0.25, 0.75), name="a place on the map"),
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: p.kind)
def test_a_payload_arrives_as_it_was_sent(payload: Payload) -> None:
    assert drag_payload.payload_of(drag_payload.to_mime(payload, "session"), "session") == payload


def test_ids_of_another_session_mean_nothing() -> None:
    assert drag_payload.payload_of(drag_payload.to_mime(PAYLOADS[0], "theirs"), "ours") is None


GOOD = {
    "version": 3,
    "session": "s",
    "kind": "clips",
    "clips": [],
    "speaker": "",
    "seconds": [],
    "weights": [],
    "name": "",
    "label": ["", ""],
}


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"null", b"{}"])
def test_foreign_data_is_no_payload(data: bytes) -> None:
    mime = QMimeData()
    mime.setData(drag_payload.MIME, data)
    assert drag_payload.payload_of(mime, "s") is None


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "virus"},
        {"version": 99},
        {"clips": 3},
        {"label": []},
        {"seconds": [1]},
        {"weights": [1.0]},
        {"clips": ["a"], "weights": [-1.0]},
        {"clips": ["a"], "weights": ["nan"]},
    ],
)
def test_damaged_data_is_no_payload(change: dict[str, object]) -> None:
    mime = QMimeData()
    mime.setData(drag_payload.MIME, json.dumps(GOOD).encode())
    assert drag_payload.payload_of(mime, "s") is not None
    mime.setData(drag_payload.MIME, json.dumps(GOOD | change).encode())
    assert drag_payload.payload_of(mime, "s") is None


def test_only_local_files_are_taken_from_other_programs() -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/a.wav"), QUrl.fromLocalFile("/tmp/a b.wav"), QUrl()])
    assert drag_payload.files_of(mime) == [Path("/tmp/a b.wav")]


def test_our_own_drag_brings_no_files_though_other_programs_can_take_them() -> None:
    mime = drag_payload.to_mime(PAYLOADS[0], "s", ["/tmp/a.wav"])
    assert mime.urls() == [QUrl.fromLocalFile("/tmp/a.wav")]
    assert drag_payload.files_of(mime) == []


def test_seconds_of_one_clip_name_it_once() -> None:
    assert Payload("seconds", seconds=(("a", 0), ("a", 1), ("b", 0))).clip_ids == ("a", "b")


def test_an_unknown_kind_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no payload"):
        Payload("song")
