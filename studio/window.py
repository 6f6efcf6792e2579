"""The one window: panels in docks, menus with a twin for every drag, one place where words to the user appear."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QProgressBar,
    QWidget,
)

from studio import drag, paths
from studio.dialogs.about import AboutDialog, system_info
from studio.dialogs.error import ErrorDialog
from studio.messages import Message, Messages
from studio.panels.clip_view import ClipViewPanel
from studio.panels.jobs import JobsPanel
from studio.panels.library import LibraryPanel
from studio.panels.map_view import MapViewPanel
from studio.panels.training import TrainingPanel
from studio.panels.transfer_desk import TransferDeskPanel
from studio.preferences import Preferences
from studio.session import Session
from studio.widgets.banner import Banner
from studio.widgets.drop_overlay import DropOverlay

LAYOUT_VERSION = 1
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
        self._banner_message: Message | None = None
        self.setObjectName("mainWindow")
        self.setWindowTitle("Triptych")
        self.setAcceptDrops(True)
        self.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.AllowNestedDocks
        )
        parts = (session, messages, preferences)
        self.library = LibraryPanel(*parts)
        self.clip_view = ClipViewPanel(*parts)
        self.map_view = MapViewPanel(*parts)
        self.training = TrainingPanel(*parts)
        self.desk = TransferDeskPanel(*parts)
        self.jobs = JobsPanel(*parts)
        self.banner = Banner()
        self.banner.details_wanted.connect(self._show_details)
        self.banner.action_wanted.connect(self._do_banner_action)
        # Above everything, as wide as the window, whatever the docks leave to the middle.
        self.banner_bar = QDockWidget(self.tr("Message"), self)
        self.banner_bar.setObjectName("bannerDock")
        self.banner_bar.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self.banner_bar.setTitleBarWidget(QWidget())
        self.banner_bar.setWidget(self.banner)
        self.banner.closed.connect(self.banner_bar.hide)
        self.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, self.banner_bar)
        self.banner_bar.hide()
        self.setCentralWidget(self.clip_view)
        self.overlay = DropOverlay(self)
        self.docks = self._make_docks()
        self._make_status_bar()
        self._make_menus()
        messages.said.connect(self._show_message)
        session.link.worker_died.connect(
            lambda what, hint, details: messages.say(what, hint, details=details, level="error")
        )
        session.link.job_added.connect(self._watch)
        session.model_changed.connect(self._show_model)
        session.selection_changed.connect(lambda _ids: self._show_possible())
        session.current_changed.connect(lambda _id: self._show_possible())
        self.map_view.second_requested.connect(self._play_second)
        for job in session.link.jobs():
            self._watch(job)
        self._show_model()
        self._show_possible()
        self._laid_out = False

    # ------------------------------------------------------------------ actions
    def add_folder_dialog(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Add a folder of recordings"), self._last_folder())
        self._add([folder] if folder else [])

    def open_model_dialog(self) -> None:
        file, _ = QFileDialog.getOpenFileName(
            self, self.tr("Open a model"), str(self.session.runs_dir), self.tr("Triptych models (*.safetensors)")
        )
        if file:
            self.session.set_model(file)

    def export_embeddings_dialog(self, latent: str) -> None:
        file, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Export embeddings"),
            str(Path(self._last_folder()) / f"embeddings-{latent}.csv"),
            self.tr("CSV (*.csv);;NumPy (*.npz);;Parquet (*.parquet)"),
        )
        if file:
            self.session.export_embeddings(file, latent)

    def new_run(self) -> None:
        """Show the training panel."""
        self._raise("training")

    def copy_system_info(self) -> None:
        QApplication.clipboard().setText(system_info())
        self.messages.say(self.tr("Copied the system information."))

    def open_log_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths.log_dir())))

    def reset_layout(self) -> None:
        """Panels where they are at first."""
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        bottom = Qt.DockWidgetArea.BottomDockWidgetArea
        self.setCorner(Qt.Corner.BottomLeftCorner, bottom)
        self.setCorner(Qt.Corner.BottomRightCorner, bottom)
        for name, area in (
            ("library", left), ("map", right), ("training", right), ("desk", bottom), ("jobs", bottom),
        ):  # fmt: skip
            self.docks[name].setFloating(False)
            self.addDockWidget(area, self.docks[name])
            self.docks[name].show()
        self.tabifyDockWidget(self.docks["map"], self.docks["training"])
        self.tabifyDockWidget(self.docks["desk"], self.docks["jobs"])
        self.docks["map"].raise_()
        self.docks["desk"].raise_()
        room = self.screen().availableGeometry()
        self.resize(min(1680, room.width()), min(1000, room.height()))
        self.resizeDocks([self.docks["library"], self.docks["map"]], [470, 440], Qt.Orientation.Horizontal)
        self.resizeDocks([self.docks["desk"]], [340], Qt.Orientation.Vertical)

    # ------------------------------------------------------------------ dropping files anywhere
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        files = drag.files_of(event.mimeData())
        if files:
            event.acceptProposedAction()
            named = f"“{files[0].name}”" if len(files) == 1 else self.tr("{0} items").format(len(files))
            self.overlay.show_words(self.tr("Drop to add {0} to the library").format(named))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self.overlay.hide()
        files = drag.files_of(event.mimeData())
        if files:
            event.acceptProposedAction()
            self._add([str(file) for file in files])

    def _add(self, files: list[str]) -> None:
        if files:
            first = Path(files[0])
            self.preferences.set("last_folder", str(first if first.is_dir() else first.parent))
            self.session.add_files(files)

    def _last_folder(self) -> str:
        return self.preferences.get("last_folder", str(Path.home()))

    # ------------------------------------------------------------------ words to the user
    def _show_message(self, message: Message) -> None:
        if message.level == "info" and message.action is None:
            self.statusBar().showMessage(f"{message.what} {message.hint}".strip(), STATUS_MS)
            return
        self._banner_message = message
        self.banner_bar.show()
        self.banner.show_words(
            message.what,
            message.hint,
            level=message.level,
            details=bool(message.details),
            action=message.action[0] if message.action else "",
        )
        self._fit_banner()

    def _fit_banner(self) -> None:
        """As high as its words need at this width: a dock would take a share of the window."""
        self.banner.setFixedHeight(
            max(self.banner.heightForWidth(self.width()), self.banner.minimumSizeHint().height())
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_banner()

    def _show_details(self) -> None:
        if self._banner_message is not None:
            ErrorDialog(self._banner_message, self).exec()

    def _do_banner_action(self) -> None:
        message = self._banner_message
        self.banner_bar.hide()
        if message is not None and message.action is not None:
            message.action[1]()

    # ------------------------------------------------------------------ status bar
    def _make_status_bar(self) -> None:
        self._work = QLabel()
        self._work.setTextFormat(Qt.TextFormat.PlainText)
        self._work_bar = QProgressBar()
        self._work_bar.setFixedSize(140, 8)
        self._work_bar.setTextVisible(False)
        self._work_bar.setAccessibleName(self.tr("Progress of the current work"))
        self._model_label = QLabel()
        self._model_label.setTextFormat(Qt.TextFormat.PlainText)
        for widget in (self._work, self._work_bar, self._model_label):
            self.statusBar().addPermanentWidget(widget)
        self._show_work()

    def _watch(self, job: object) -> None:
        job.changed.connect(self._show_work)  # type: ignore[attr-defined]
        self._show_work()

    def _show_work(self) -> None:
        active = self.session.link.active()
        running = [job for job in active if job.state == "running"] or active
        self._work_bar.setVisible(bool(running))
        self._work.setVisible(bool(running))
        if not running:
            return
        job = running[-1]
        more = self.tr(" (+{0})").format(len(active) - 1) if len(active) > 1 else ""
        self._work.setText(f"{job.title}{more}")
        self._work_bar.setRange(0, 0 if job.fraction is None else 1000)
        if job.fraction is not None:
            self._work_bar.setValue(round(1000 * job.fraction))

    def _show_model(self) -> None:
        model = self.session.model
        words = self.tr("No model") if model is None else self.tr("Model {0}").format(_model_name(model.path))
        self._model_label.setText(words)
        self._model_label.setToolTip("" if model is None else f"{model.path}\n{model.hash}")
        self._show_possible()

    # ------------------------------------------------------------------ menus
    def _make_menus(self) -> None:
        bar = self.menuBar()
        transport, view = self.clip_view.transport.commands, self.clip_view.view.commands
        maps = self.map_view.commands
        standard = QKeySequence.StandardKey
        file = bar.addMenu(self.tr("&File"))
        self._item(file, self.tr("&Add recordings …"), self.library.choose_files, standard.Open)
        self._item(file, self.tr("Add &folder …"), self.add_folder_dialog, "Ctrl+Shift+O")
        self._item(file, self.tr("Load &example voices"), self.session.load_example)
        file.addSeparator()
        export = file.addMenu(self.tr("&Export embeddings"))
        for latent, words in (
            ("h", self.tr("&h: a row a clip …")),
            ("m", self.tr("&m: a row a second …")),
            ("z", self.tr("&z: a row a frame …")),
            ("all", self.tr("&All three …")),
        ):
            key = "Ctrl+E" if latent == "h" else None
            self._item(export, words, lambda latent=latent: self.export_embeddings_dialog(latent), key)
        file.addAction(maps["export_figure"])
        file.addAction(maps["export_coordinates"])
        file.addSeparator()
        quit_item = self._item(file, self.tr("&Quit"), self.close, standard.Quit)
        quit_item.setMenuRole(QAction.MenuRole.QuitRole)

        edit = bar.addMenu(self.tr("&Edit"))
        self._item(
            edit,
            self.tr("Select &all clips"),
            lambda: self.session.select(list(self.session.clips)),
            standard.SelectAll,
        )
        self.remove_item = self._item(
            edit, self.tr("&Remove selected clips"), lambda: self.session.remove(list(self.session.selection))
        )

        shown = bar.addMenu(self.tr("&View"))
        for action in view.values():
            shown.addAction(action)

        playback = bar.addMenu(self.tr("&Playback"))
        # Everywhere but where one types: text fields keep the keys they need for themselves.
        transport["play"].setShortcut(QKeySequence(Qt.Key.Key_Space))
        for action in transport.values():
            playback.addAction(action)

        map_menu = bar.addMenu(self.tr("&Map"))
        for name in ("h", "m", "z"):
            map_menu.addAction(maps[name])
        map_menu.addSeparator()
        for name in ("fit_map", "stop_map", "fit_view"):
            map_menu.addAction(maps[name])

        model = bar.addMenu(self.tr("M&odel"))
        self._item(model, self.tr("&Open model …"), self.open_model_dialog, "Ctrl+M")
        self._item(model, self.tr("&Train a model …"), self.new_run, "Ctrl+T")

        transfer = bar.addMenu(self.tr("&Transfer"))
        self.transfer_items = [
            self._item(transfer, self.tr("Use the current clip as &source"), self._use_as_source, "Ctrl+1"),
            self._item(transfer, self.tr("Add the selected clips as &voice (h)"), self._add_voice, "Ctrl+2"),
            self._item(
                transfer, self.tr("Add the current clip's s&peaker as voice (h)"), self._add_speaker, "Ctrl+3"
            ),
            self._item(transfer, self.tr("Add the selected clips as &emotion (m)"), self._add_emotion, "Ctrl+4"),
        ]
        transfer.addSeparator()
        self._item(transfer, self.tr("&Render"), self.desk.render, "Ctrl+Return")

        window = bar.addMenu(self.tr("&Window"))
        for dock in self.docks.values():
            window.addAction(dock.toggleViewAction())
        window.addSeparator()
        self._item(window, self.tr("&Reset layout"), self.reset_layout)

        about = bar.addMenu(self.tr("&Help"))
        self._item(about, self.tr("Copy &system info"), self.copy_system_info)
        self._item(about, self.tr("Open the &log folder"), self.open_log_folder)
        about_item = self._item(about, self.tr("&About Triptych"), lambda: AboutDialog(self).exec())
        about_item.setMenuRole(QAction.MenuRole.AboutRole)

    def _item(self, menu: QMenu, words: str, slot: object, key: object = None) -> QAction:
        action = QAction(words, self)
        if key is not None:
            action.setShortcut(QKeySequence(key))  # type: ignore[call-overload]
        action.triggered.connect(lambda _checked=False: slot())  # type: ignore[operator]
        menu.addAction(action)
        return action

    def _show_possible(self) -> None:
        """Menu twins of the drags are there when there is something to drag."""
        session = self.session
        self.remove_item.setEnabled(bool(session.selection))
        current = session.clips.get(session.current or "")
        speaker = current.labels.get("speaker") if current else None
        for item, possible in zip(
            self.transfer_items,
            (current is not None, bool(session.selection), bool(speaker), bool(session.selection)),
            strict=True,
        ):
            item.setEnabled(possible)

    def _use_as_source(self) -> None:
        if self.session.current is not None:
            self._to_desk("source", drag.Payload("clips", clips=(self.session.current,)))

    def _add_voice(self) -> None:
        self._to_desk("voice", drag.Payload("clips", clips=tuple(self.session.selection)))

    def _add_speaker(self) -> None:
        current = self.session.clips[self.session.current or ""]
        self._to_desk("voice", drag.Payload("speaker", speaker=current.labels["speaker"]))

    def _add_emotion(self) -> None:
        self._to_desk("emotion", drag.Payload("clips", clips=tuple(self.session.selection)))

    def _to_desk(self, zone: str, payload: drag.Payload) -> None:
        self._raise("desk")
        self.desk.drop(zone, payload)

    # ------------------------------------------------------------------ docks
    def _make_docks(self) -> dict[str, QDockWidget]:
        titles = {
            "library": (self.tr("Library"), self.library),
            "map": (self.tr("Map"), self.map_view),
            "training": (self.tr("Training"), self.training),
            "desk": (self.tr("Transfer desk"), self.desk),
            "jobs": (self.tr("Jobs"), self.jobs),
        }
        docks = {}
        for name, (title, panel) in titles.items():
            dock = QDockWidget(title, self)
            dock.setObjectName(f"{name}Dock")
            dock.setWidget(panel)
            docks[name] = dock
        return docks

    def _raise(self, name: str) -> None:
        self.docks[name].show()
        self.docks[name].raise_()

    def _play_second(self, clip_id: str, second: int) -> None:
        self.session.set_current(clip_id)
        self.clip_view.play_second(second)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._laid_out:
            # Not before it is shown: Qt would leave a tab bar of the unshown window's layout behind.
            self._laid_out = True
            self.reset_layout()
            self._restore_layout()

    def _restore_layout(self) -> None:
        geometry = self.preferences.layout("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
            self.restoreState(self.preferences.layout("state"), LAYOUT_VERSION)
            self.banner_bar.setVisible(self._banner_message is not None)  # no message of last time

    # ------------------------------------------------------------------ closing
    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.may_close():
            event.ignore()
            return
        self.preferences.set_layout("geometry", QByteArray(self.saveGeometry()))
        self.preferences.set_layout("state", QByteArray(self.saveState(LAYOUT_VERSION)))
        self.preferences.sync()
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


def _model_name(path: str) -> str:
    """A run's model is known by its run's name: its own is "best"."""
    file = Path(path)
    stem = file.name.removesuffix(".safetensors").removesuffix(".triptych")
    return file.parent.name if stem in ("best", "last") else stem
