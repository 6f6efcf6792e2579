"""Download of a corpus: the archive by torchaudio.datasets' downloader, which checks its SHA-256, then unpacked.

Everything happens in a folder of its own, DIR/.fetching-<name>, and what is finished is moved to its place in one
step: what lies in the place is complete. An archive that was fetched whole is kept there until it is unpacked, so a
job that was ended while unpacking need not fetch it again; one that was ended while fetching begins anew.
"""

from __future__ import annotations

import http.client
import os
import shutil
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from engine.api import ControlSignal, CorpusGot, GetCorpus, Progress, Report
from engine.api.downloads import Offer
from engine.api.errors import Cancelled, CorpusError
from engine.runtime.control import Eta, check_control

_CHECK_S = 0.05
_REPORT_S = 0.2
_SILENCE_S = 60.0  # without a byte the connection is given up
_UNPACK_WEIGHT = 0.3  # unpacking is so much of the work, compared with fetching, in the progress reported
_AGAIN = "Try again; what was fetched before is not used."


def get(request: GetCorpus, report: Report, control: ControlSignal) -> CorpusGot:
    """Download and unpack one part of a corpus into request.to; if it is there already, nothing is done.

    Raises:
        CorpusError: no room, no connection, a broken transfer, a wrong checksum, a damaged archive: in words.
        Cancelled: the user cancelled or stopped it; nothing half-done lies where a corpus is looked for.
    """
    offer, to = request.offer, Path(request.to).expanduser().absolute()
    place = to / offer.corpus / offer.name
    if place.is_dir():
        return CorpusGot(str(place), offer, new=False)
    work = to / f".fetching-{offer.name}"
    archive = work / "archive.tar.gz"
    try:
        work.mkdir(parents=True, exist_ok=True)
        for left in work.iterdir():  # of a job that was killed
            if left != archive:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        _check_room(offer, to, archive)
        share = 1.0 - _UNPACK_WEIGHT
        if not archive.exists():
            _Download(offer, archive, report, control, share).run()
        unpacked = work / "unpacked"
        _unpack(archive, unpacked, report, control, share)
        _move(unpacked, to, offer)
        shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise CorpusError(
            f"{to} cannot be written: {error.strerror or error}.", "Free some space or choose another folder."
        ) from error
    finally:
        if work.is_dir() and not any(work.iterdir()):
            work.rmdir()
    return CorpusGot(str(place), offer, new=True)


def _check_room(offer: Offer, to: Path, archive: Path) -> None:
    needed = offer.disk_bytes - (archive.stat().st_size if archive.exists() else 0)
    free = shutil.disk_usage(to).free
    if free < needed:
        raise CorpusError(
            f"{offer.corpus} {offer.name} needs {needed / 1e9:.3g} GB while it is unpacked,"
            f" but {to} has {free / 1e9:.3g} GB free.",
            "Free some space or choose another folder.",
        )


@dataclass
class _Transfer:
    """State of a transfer, shared by the thread that reads the connection and the one that waits."""

    total: int
    received: int = 0
    responses: list[Any] = field(default_factory=list)
    ended_early: bool = False
    unwanted: bool = False


class _CountedResponse:
    """Response that counts what is read of it, and breaks off when it is no longer wanted."""

    def __init__(self, response: Any, transfer: _Transfer) -> None:
        self._response = response
        self._transfer = transfer
        self._announced: int | None = response.length

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def __enter__(self) -> _CountedResponse:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def read(self, size: int) -> bytes:
        if self._transfer.unwanted:
            raise Cancelled
        transfer = self._transfer
        if self._announced is not None and transfer.received >= self._announced:
            return b""
        data: bytes = self._response.read1(size)  # what there is: read would wait for all of it
        if transfer.unwanted:
            raise Cancelled
        transfer.received += len(data)
        # Python takes the end of the connection for the end of the file.
        transfer.ended_early = not data and self._announced is not None
        return data


class _CountingHandler(urllib.request.BaseHandler):
    """Handler of urllib that wraps every response in one that counts."""

    handler_order = 1000  # after redirections

    def __init__(self, transfer: _Transfer) -> None:
        self._transfer = transfer

    def http_response(self, request: object, response: Any) -> Any:
        if response.status != http.HTTPStatus.OK:
            return response
        self._transfer.total = response.length or self._transfer.total
        self._transfer.responses.append(response)
        return _CountedResponse(response, self._transfer)

    https_response = http_response


class _Download:
    """Download of the archive in a thread, so that a silent connection does not keep the user waiting."""

    def __init__(self, offer: Offer, archive: Path, report: Report, control: ControlSignal, share: float) -> None:
        self._offer = offer
        self._archive = archive
        self._report = report
        self._control = control
        self._share = share
        self._transfer = _Transfer(offer.archive_bytes)
        self._error: BaseException | None = None

    def run(self) -> None:
        self._report(Progress(0.0, f"Connecting to {self._offer.url}"))
        thread = threading.Thread(target=self._fetch, name="fetching", daemon=True)
        thread.start()
        try:
            self._wait_for(thread)
        except Cancelled:
            self._transfer.unwanted = True
            for response in self._transfer.responses:
                _hang_up(response)
            thread.join(_SILENCE_S)
            raise
        if self._error is not None:
            raise _in_words(self._error, self._offer, self._transfer) from self._error

    def _wait_for(self, thread: threading.Thread) -> None:
        eta, reported_at, counted = Eta(float(self._transfer.total)), 0.0, 0
        while thread.is_alive():
            thread.join(_CHECK_S)
            if check_control(self._control):
                raise Cancelled
            now, received = time.monotonic(), self._transfer.received
            eta.advance(received - counted)
            counted = received
            if now - reported_at > _REPORT_S and received:
                reported_at = now
                fraction = min(1.0, received / max(1, self._transfer.total))
                words = f"{received / 1e6:,.0f} of {self._transfer.total / 1e6:,.0f} MB fetched"
                self._report(Progress(self._share * fraction, words, eta.eta_s))

    def _fetch(self) -> None:
        from torchaudio.datasets import librispeech

        urllib.request.install_opener(urllib.request.build_opener(_CountingHandler(self._transfer)))
        before = _socket_timeout(_SILENCE_S)
        try:
            librispeech.download_url_to_file(
                self._offer.url, os.fspath(self._archive), hash_prefix=self._offer.sha256, progress=False
            )
        except BaseException as error:  # noqa: BLE001 - raised in words by the thread that waits
            self._error = error
        finally:
            _socket_timeout(before)
            urllib.request.install_opener(None)


def _socket_timeout(seconds: float | None) -> float | None:
    import socket

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    return before


def _hang_up(response: Any) -> None:
    """Shut a connection down while it is read: closing it would wait for the reader."""
    import contextlib
    import socket

    raw = getattr(response.fp, "raw", None)
    sock = getattr(raw, "_sock", None)
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _in_words(error: BaseException, offer: Offer, transfer: _Transfer) -> Exception:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return CorpusError(
            f"{offer.url} answered {error.code} {error.reason}.", "Try again later, or name a mirror with --url."
        )
    broken = isinstance(error, TimeoutError | ConnectionError | http.client.HTTPException)
    if transfer.ended_early or broken:
        return CorpusError(
            f"The transfer broke off after {transfer.received / 1e6:,.1f} of {transfer.total / 1e6:,.1f} MB.",
            _AGAIN,
        )
    if isinstance(error, urllib.error.URLError):
        return CorpusError(
            f"{offer.url} cannot be reached: {error.reason}.", "Check the connection, then try again."
        )
    if isinstance(error, RuntimeError) and "hash" in str(error):
        return CorpusError(
            "What was fetched is not what was announced: its checksum is wrong. It was deleted.",
            "Try again; if it happens again, the address serves another file.",
        )
    return error if isinstance(error, Exception) else RuntimeError(str(error))


class _CheckedFile:
    """File that calls `check` with its position at every read."""

    def __init__(self, file: BinaryIO, check: Callable[[int], None]) -> None:
        self._file = file
        self._check = check

    def read(self, size: int = -1) -> bytes:
        self._check(self._file.tell())
        return self._file.read(size)


def _unpack(archive: Path, to: Path, report: Report, control: ControlSignal, share: float) -> None:
    size = max(1, archive.stat().st_size)
    eta, reported_at, at = Eta(float(size)), 0.0, 0

    def check(position: int) -> None:
        nonlocal reported_at, at
        if check_control(control):
            raise Cancelled
        eta.advance(position - at)
        at = position
        if time.monotonic() - reported_at > _REPORT_S:
            reported_at = time.monotonic()
            fraction = share + (1.0 - share) * position / size
            report(Progress(fraction, f"Unpacking: {100 * position // size} %", eta.eta_s))

    try:
        with archive.open("rb") as file:
            checked = _CheckedFile(file, check)
            with tarfile.open(fileobj=checked, mode="r|gz") as tar:  # type: ignore[call-overload]
                for member in tar:
                    tar.extract(member, to, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        archive.unlink(missing_ok=True)
        raise CorpusError(f"The archive cannot be unpacked: {error}.", _AGAIN) from error


def _move(unpacked: Path, to: Path, offer: Offer) -> None:
    """Move what is unpacked into its folder: the corpus's own tables first, the recordings last and in one step."""
    source = unpacked / offer.corpus
    if not (source / offer.name).is_dir():
        raise CorpusError(f"The archive holds no folder {offer.corpus}/{offer.name}.", "Choose another part.")
    target = to / offer.corpus
    target.mkdir(exist_ok=True)
    for item in source.iterdir():
        if item.name != offer.name and not (target / item.name).exists():
            os.replace(item, target / item.name)
    os.replace(source / offer.name, target / offer.name)
