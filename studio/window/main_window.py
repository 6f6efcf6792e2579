"""The main window: panels in docks, a menu entry for every drag, and messages to the user."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QMainWindow,
    QMessageBox,
)

from studio.dialogs.about import system_info
from studio.dialogs.preferences.dialog import DEVICE, SHORTCUTS, PreferencesDialog
from studio.dialogs.record import RecordDialog
from studio.domain import drag_payload
from studio.panels.clip.m_lane import MLanePanel
from studio.panels.clip.panel import ClipViewPanel
from studio.panels.dashboard.panel import DashboardPanel
from studio.panels.history import HistoryPanel
from studio.panels.jobs import JobsPanel
from studio.panels.library.panel import LibraryPanel
from studio.panels.map.panel import MapViewPanel
from studio.panels.training.panel import TrainingPanel
from studio.panels.transfer.panel import TransferDeskPanel
from studio.services import paths
from studio.services.messages import Message, Messages
from studio.services.preferences import Preferences
from studio.services.shortcuts import Shortcuts
from studio.session.project import is_project
from studio.session.session import Session
from studio.widgets.drop_overlay import DropOverlay
from studio.window.docks import Docks
from studio.window.import_dialogs import CorpusCommands
from studio.window.menus import Menus
from studio.window.message_dock import MessageDock
from studio.window.project_dialogs import ProjectCommands
from studio.window.status_bar import WorkStatus

STATUS_MS = 8_000


class MainWindow(QMainWindow):
    """Everything the user sees.

    Args:
        session: the open project; the window asks its link to end when it closes.
    """

    def __init__(self, session: Session, messages: Messages, preferences: Preferences) -> None:
        super().__init__()
        self.session = session
        self.messages = messages
        self.preferences = preferences
        self.setObjectName("mainWindow")
        self.setAcceptDrops(True)
        self.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.AllowNestedDocks
        )
        parts = (session, messages, preferences)
        self.library = LibraryPanel(*parts)
        self.clip_view = ClipViewPanel(*parts)
        self.lane = MLanePanel(*parts, self.clip_view.view.timeline)
        self.clip_view.view.put_below(self.lane.lane, self.lane)
        self.lane.play_requested.connect(self.clip_view.play_second)
        self.lane.reported.connect(self.clip_view.view.read_out)
        self.map_view = MapViewPanel(*parts)
        self.training = TrainingPanel(*parts)
        self.dashboard = DashboardPanel(*parts)
        self.desk = TransferDeskPanel(*parts)
        self.jobs = JobsPanel(session.link, messages)
        self.history = HistoryPanel(session.undo)
        self.banner_bar = MessageDock(self)
        self.banner = self.banner_bar.banner
        self.setCentralWidget(self.clip_view)
        self.overlay = DropOverlay(self)
        self.places = Docks(
            self,
            preferences,
            {
                "library": (self.tr("Library"), self.library),
                "map": (self.tr("Map"), self.map_view),
                "training": (self.tr("Training"), self.training),
                "dashboard": (self.tr("Dashboard"), self.dashboard),
                "desk": (self.tr("Transfer desk"), self.desk),
                "jobs": (self.tr("Jobs"), self.jobs),
                "history": (self.tr("History"), self.history),
            },
        )
        self.docks = self.places.by_name
        self.work_status = WorkStatus(self.statusBar(), session.link, session.model)
        self.corpora = CorpusCommands(self, session.imports, preferences)
        self.library.files_chosen.connect(self._add)
        self.projects = ProjectCommands(self, session, messages, preferences)
        self.menus = Menus(self)
        self.shortcuts = Shortcuts(preferences, self)
        for title, actions in self.menus.by_menu():
            self.shortcuts.take_up(title, actions)
        self.shortcuts.take_up(self.tr("Takes"), {f"takes.{n}": a for n, a in self.desk.takes.commands.items()})
        self.shortcuts.take_up(self.tr("Library"), {f"library.{n}": a for n, a in self.library.commands.items()})
        self.clip_view.transport.add_tool(self.menus.actions["file.record"])
        messages.said.connect(self._show_message)
        messages.hinted.connect(self._show_hint)
        session.link.worker_died.connect(self._report_death)
        self.map_view.second_requested.connect(self._play_second)
        self.map_view.audition.player.follow(self.clip_view.player)
        # One sound at a time: the map's own and the clip view's give way to one another.
        self.map_view.sounding.connect(self.clip_view.player.pause)
        self.clip_view.player.state_changed.connect(
            lambda state: self.map_view.audition.stop() if state == "playing" else None
        )
        session.listening.stop_requested.connect(self.map_view.audition.stop)
        self._laid_out = False
        self._recorder: RecordDialog | None = None

    def record(self) -> None:
        """Show the recorder, beside the window."""
        if self._recorder is None:
            self._recorder = RecordDialog(self.session, self.preferences, self)
        self._recorder.show()
        self._recorder.raise_()
        self._recorder.activateWindow()

    def add_folder_dialog(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Add a folder of recordings"), self._last_folder())
        self._add([folder] if folder else [])

    def open_model_dialog(self) -> None:
        file, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Open a model"),
            str(self.session.context.runs_dir),
            self.tr("Triptych models (*.safetensors)"),
        )
        if file:
            self.session.model.open(file)

    def export_embeddings_dialog(self, latent: str) -> None:
        file, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Export embeddings"),
            str(Path(self._last_folder()) / f"embeddings-{latent}.csv"),
            self.tr("CSV (*.csv);;NumPy (*.npz);;Parquet (*.parquet)"),
        )
        if file:
            self.session.exports.embeddings(file, latent)

    def copy_system_info(self) -> None:
        QApplication.clipboard().setText(system_info())
        self.messages.say(self.tr("Copied the system information."))

    def open_log_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths.log_dir())))

    def show_preferences(self, page: int = DEVICE) -> None:
        PreferencesDialog(self.session, self.preferences, self.shortcuts, page, self).show()

    def show_shortcuts(self) -> None:
        """All commands with their keys."""
        self.show_preferences(SHORTCUTS)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        files = drag_payload.files_of(event.mimeData())
        if files:
            event.acceptProposedAction()
            named = f"“{files[0].name}”" if len(files) == 1 else self.tr("{0} items").format(len(files))
            self.overlay.show_words(self.tr("Drop to add {0} to the library").format(named))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self.overlay.hide()
        files = drag_payload.files_of(event.mimeData())
        if files:
            event.acceptProposedAction()
            self._add([str(file) for file in files])

    def _add(self, files: list[str]) -> None:
        """Projects are opened, everything else comes into the library."""
        projects = [file for file in files if is_project(file)]
        if projects:
            self.projects.open_path(projects[0])
        elif files:
            first = Path(files[0])
            self.preferences.set("last_folder", str(first if first.is_dir() else first.parent))
            self.corpora.add(files)

    def _last_folder(self) -> str:
        return self.preferences.get("last_folder", str(Path.home()))

    def _show_message(self, message: Message) -> None:
        if message.level == "info" and message.action is None:
            self.statusBar().showMessage(f"{message.what} {message.hint}".strip(), STATUS_MS)
            return
        self.banner_bar.show_message(message)

    def _show_hint(self, words: str) -> None:
        if words:
            self.statusBar().showMessage(words)  # for as long as it is true
        else:
            self.statusBar().clearMessage()

    def _report_death(self, what: str, hint: str, details: str) -> None:
        self.messages.say(what, hint, details=details, level="error")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.banner_bar.fit()

    def _play_second(self, clip_id: str, second: int) -> None:
        self.session.library.set_current(clip_id)
        self.clip_view.play_second(second)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._laid_out:
            # Not before it is shown: Qt would leave a tab bar of the unshown window's layout behind.
            self._laid_out = True
            self.places.reset()
            self.places.restore()
            self.banner_bar.show_if_used()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._recorder is not None:
            self._recorder.close()  # what is being recorded is kept, and asked about with the rest
        if not self.may_close() or not self._may_forget_changes():
            event.ignore()
            return
        self.places.remember()
        self.clip_view.player.shut_down()
        event.accept()
        QTimer.singleShot(0, QApplication.quit)

    def may_close(self) -> bool:
        """Asks if a training is under way; it can be saved and resumed later."""
        training = self.session.link.training_jobs()
        if not training:
            return True
        box = QMessageBox(
            QMessageBox.Icon.Question,
            self.tr("Triptych"),
            self.tr("A training is under way: {0}.").format(training[0].title),
            parent=self,
        )
        box.setInformativeText(self.tr("It is saved if you quit now, and can be resumed from the list of runs."))
        leave = box.addButton(self.tr("Save it and quit"), QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton(self.tr("Go on training"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.exec()
        return box.clickedButton() is leave

    def _may_forget_changes(self) -> bool:
        """Asks about unsaved changes of a saved project; what was never saved waits for the next time."""
        if not (self.session.context.named and self.session.project.modified):
            return True
        answer = self.projects.ask_to_save()
        if answer == QMessageBox.StandardButton.Discard:
            self.session.project.discard_changes()
            return True
        if answer == QMessageBox.StandardButton.Save:
            self.projects.save_then(self.close)
        return False
