"""The program: logging, one road for exceptions, the session, the window."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from logging.handlers import RotatingFileHandler
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from studio.dialogs.preferences.appearance_page import PREFERENCE as SCHEME
from studio.dialogs.preferences.device_page import PREFERENCE as DEVICE
from studio.dialogs.preferences.sound_page import preferred_vocoder
from studio.engine_link.engine_link import EngineLink
from studio.services import paths, theme
from studio.services.garbage_collector import Collector
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.project import is_project
from studio.session.session import Session
from studio.window.main_window import MainWindow

LOG_BYTES, LOG_FILES = 1_000_000, 3
log = logging.getLogger("triptych")


class Studio:
    """The parts of a running studio, put together; tests and the unattended check make one, too."""

    def __init__(self) -> None:
        self._collector = Collector()
        self.messages = Messages()
        self.preferences = Preferences()
        self.link = EngineLink(paths.log_dir())
        self.link.device = self.preferences.get(DEVICE, self.link.device)
        self.session = Session(self.link, paths.data_dir(), self.messages)
        self.session.transfer.set_vocoder(preferred_vocoder(self.preferences))
        self.window = MainWindow(self.session, self.messages, self.preferences)
        self._collector.set_aside()

    def open(self, files: list[str]) -> None:
        """Show the window, then take up the last session and what was named on the command line."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.choose(app, self.preferences.get(SCHEME, theme.SCHEMES[0]))
        self.window.show()
        QTimer.singleShot(0, self.window, lambda: self._begin(files))

    def _begin(self, files: list[str]) -> None:
        projects = [file for file in files if is_project(file)]
        self.window.projects.open_at_start(projects[0] if projects else None)
        self.session.imports.add_files([file for file in files if file not in projects])

    def close(self) -> None:
        """Write what is not written, and end every engine process."""
        self.session.project.close()
        self.link.shutdown()
        self._collector.stop()


def run(arguments: list[str]) -> int:
    """Open the studio with the files and folders named, and return when its window is closed."""
    set_up_logging()
    app = QApplication([sys.argv[0]])
    app.setApplicationName("Triptych")
    app.setApplicationDisplayName("Triptych")
    app.setDesktopFileName("triptych")
    app.setWindowIcon(QIcon(str(paths.resources_dir() / "triptych.svg")))
    theme.apply(app)
    studio = Studio()
    catch_exceptions(studio.messages)
    studio.open(arguments)
    log.info("ready")
    try:
        return app.exec()
    finally:
        studio.close()


def set_up_logging() -> None:
    """A log of bounded size in the log folder."""
    folder = paths.log_dir()
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / "studio.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def catch_exceptions(messages: Messages) -> None:
    """Exceptions nobody caught, of any thread, become words with details to copy; the window lives on."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        messages.say(
            f"Something unexpected happened ({kind.__name__}: {error}).",
            "Go on with your work; if it happens again, report it with the details.",
            details="".join(traceback.format_exception(kind, error, trace)),
            level="error",
        )

    def tell_thread(failure: threading.ExceptHookArgs) -> None:
        if failure.exc_value is not None:
            tell(failure.exc_type, failure.exc_value, failure.exc_traceback)

    sys.excepthook = tell
    threading.excepthook = tell_thread
