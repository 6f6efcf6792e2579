"""One worker process and its pipe, seen from the window's process: nothing here ever makes the window wait."""

from __future__ import annotations

import queue
import threading
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from engine.api import Control, Request, WorkerKind
from engine.worker import start_worker

JOIN_S = 5.0

Post = tuple[str, int, Request] | tuple[str, int, Control] | tuple[str]


class WorkerThread(QThread):
    """Starts the process, reads its events until it ends, and says how it ended.

    Signals (all emitted in the thread, so delivered queued):
        received(self, job id, event), gone(self, exit code or None, words if it could not even start)
    """

    received = Signal(object, object, object)
    gone = Signal(object, object, str)

    def __init__(self, kind: WorkerKind, log_path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{kind.name} worker")
        self.kind = kind
        self.log_path = log_path
        self.log_start = log_path.stat().st_size if log_path.exists() else 0
        self.expected = False  # its end was asked for
        self._posts: queue.SimpleQueue[Post | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._killed = False

    @property
    def pid(self) -> int | None:
        """Of the process, once it runs."""
        with self._lock:
            return self._process.pid if self._process is not None else None

    def post(self, message: Post) -> None:
        """Send a message; returns at once, a large request is written by a thread of its own."""
        self._posts.put(message)

    def quit_politely(self) -> None:
        """The worker saves what it must and ends."""
        self.expected = True
        self.post(("quit",))

    def kill(self) -> None:
        """End the process now, whatever it does."""
        self.expected = True
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def run(self) -> None:
        """The thread: never called directly."""
        try:
            process, pipe = start_worker(self.kind, self.log_path)
        except OSError as error:
            self.gone.emit(self, None, str(error.strerror or error))
            return
        with self._lock:
            self._process = process
            if self._killed:
                process.kill()
        writer = threading.Thread(target=self._write, args=(pipe,), name=f"{self.kind.name} posts", daemon=True)
        writer.start()
        self._read(pipe, process)
        self._posts.put(None)
        process.join(JOIN_S)
        if process.exitcode is None:  # its pipe is closed but it lingers
            process.kill()
            process.join(JOIN_S)
        writer.join(JOIN_S)
        pipe.close()
        code = process.exitcode
        with self._lock:
            self._process = None
        process.close()
        self.gone.emit(self, code, "")

    def _read(self, pipe: Connection, process: SpawnProcess) -> None:
        while True:
            # The sentinel counts too: a pipe end inherited by someone else would hide the process's end.
            ready = wait([pipe, process.sentinel])
            if pipe not in ready:
                return
            try:
                job_id, event = pipe.recv()
            except (EOFError, OSError):
                return
            self.received.emit(self, job_id, event)

    def _write(self, pipe: Connection) -> None:
        while (message := self._posts.get()) is not None:
            try:
                pipe.send(message)
            except OSError:
                return  # the process is gone; the reader sees it too and says so
