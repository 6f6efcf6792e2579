"""A server of our own that a corpus is fetched from, and a corpus small enough for a test."""

from __future__ import annotations

import http.server
import io
import tarfile
import threading
from typing import Any

import numpy as np
import soundfile


def archive_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def small_librispeech() -> bytes:
    """A LibriSpeech of one speaker, packed as the real one is; noise, so that it does not shrink."""
    sound = io.BytesIO()
    soundfile.write(sound, np.random.default_rng(0).uniform(-0.5, 0.5, 40_000), 16_000, format="FLAC")
    chapter = "LibriSpeech/dev-clean/84/121123"
    return archive_of(
        {
            "LibriSpeech/SPEAKERS.TXT": b"84  | F | dev-clean | 8.02 | Christie Nowak\n",
            f"{chapter}/84-121123-0000.flac": sound.getvalue(),
            f"{chapter}/84-121123-0001.flac": sound.getvalue(),
            f"{chapter}/84-121123.trans.txt": b"84-121123-0000 GO\n84-121123-0001 DO YOU HEAR\n",
        }
    )


class Served(http.server.ThreadingHTTPServer):
    """Serves `content`, or only its first `cut` bytes, or waits after them until `go_on` is set."""

    daemon_threads = True
    content = b""
    cut: int | None = None
    asked = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.go_on = threading.Event()
        self.go_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/dev-clean.tar.gz"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        self.server.asked += 1
        if "missing" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        first = len(self.server.content) // 2 if self.server.cut is None else self.server.cut
        self.wfile.write(self.server.content[:first])
        self.wfile.flush()
        if self.server.cut is None and self.server.go_on.wait(20):
            self.wfile.write(self.server.content[first:])

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""
