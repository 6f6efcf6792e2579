"""The program round the window: it starts light, and no exception is lost."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio import app
from studio.services import paths
from studio.services.messages import Message, Messages

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchaudio", "sklearn", "matplotlib", "openTSNE", "pyarrow")


@pytest.fixture
def said(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Everything told while the program's hooks are in place."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    messages = Messages()
    told: list[Message] = []
    messages.said.connect(told.append)
    app.catch_exceptions(messages)
    return told


def run_python(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "TRIPTYCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)


def test_the_window_needs_none_of_the_heavy_packages(triptych_home: Path) -> None:
    code = (
        "import sys\n"
        "from PySide6.QtWidgets import QApplication\n"
        "application = QApplication([])\n"
        "from studio.app import Studio\n"
        "studio = Studio(); studio.window.show(); application.processEvents(); studio.close()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = run_python(code, triptych_home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_spawned_process_does_not_load_qt(triptych_home: Path) -> None:
    done = run_python("import sys, studio.__main__; print('PySide6' in sys.modules)", triptych_home)
    assert done.stdout.strip() == "False", done.stderr


def test_an_exception_of_a_thread_is_told(said: list[Message], qtbot: QtBot) -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(said))
    assert "in a thread" in said[0].what
    assert said[0].hint
    assert "ValueError" in said[0].details


def test_an_exception_nobody_caught_is_told(said: list[Message]) -> None:
    try:
        raise KeyError("lost")
    except KeyError as error:
        sys.excepthook(KeyError, error, error.__traceback__)
    assert said[0].level == "error"
    assert "KeyError" in said[0].what
    assert "test_app.py" in said[0].details


def test_the_log_is_bounded_and_holds_what_was_said(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("triptych")
    monkeypatch.setattr(log, "handlers", [])
    app.set_up_logging()
    (handler,) = log.handlers
    assert isinstance(handler, RotatingFileHandler)
    assert 0 < handler.maxBytes <= 10_000_000
    assert handler.backupCount > 0
    Messages().say("Something odd.", "Do this.", details="with details", level="warning")
    handler.close()
    text = (paths.log_dir() / "studio.log").read_text("utf-8")
    assert "Something odd. Do this." in text
    assert "with details" in text


def test_a_label_can_be_set_often(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 loses a reference to None a call and aborts after some thousand of them."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for number in range(12_000):
        label.setText(str(number))
    assert label.text() == "11999"
    assert sys.getrefcount(None) > before - 6_000


def test_messages_come_from_any_thread(qtbot: QtBot) -> None:
    messages = Messages()
    told: list[Message] = []
    messages.said.connect(told.append)
    thread = threading.Thread(target=lambda: messages.say("From afar."))
    QTimer.singleShot(0, thread.start)
    qtbot.waitUntil(lambda: bool(told))
    thread.join()
    assert told[0].what == "From afar."
