"""What the window asks about projects: where to save, which to open, whether to keep what was not saved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QObject
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from studio.project.project_file import FILE, SUFFIX
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.project import folder_of, is_project
from studio.session.session import Session

MOST_RECENT = 10
RECENT, OPEN_LAST = "project/recent", "project/open"


class ProjectCommands(QObject):
    """Commands of the File menu that need an answer of the user."""

    def __init__(self, window: QWidget, session: Session, messages: Messages, preferences: Preferences) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._messages = messages
        self._preferences = preferences
        self._after_saving: Callable[[], object] | None = None
        session.project.changed.connect(self._project_changed)
        session.project.saved.connect(self._saved)
        session.missing.folder_wanted.connect(self.find_missing)
        self._show_title()

    def new(self) -> None:
        self.leave(self._session.project.new)

    def open(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self._window, self.tr("Open a project (a folder NAME{0})").format(SUFFIX), self._home()
        )
        if folder and not is_project(folder):
            self._messages.say(
                self.tr("{0} is no project of Triptych.").format(Path(folder).name),
                self.tr("Choose a folder that holds {0}.").format(FILE),
                level="warning",
            )
        elif folder:
            self.open_path(folder)

    def open_path(self, path: str | Path) -> None:
        """Open a project; asks about what is unsaved here, and about what a crash left there."""
        self.leave(partial(self._open_now, folder_of(path)))

    def save(self) -> None:
        if not self._session.project.save():
            self.save_as()

    def save_then(self, go_on: Callable[[], object]) -> None:
        """Save, and go on when that is done; not if it fails, or if the user does not say where to."""
        if self._session.project.save() or self.save_as():
            self._after_saving = go_on

    def save_as(self) -> bool:
        """Ask where; whether the user said so."""
        proposed = str(Path(self._home()) / f"{self._session.project.title or self.tr('My voices')}{SUFFIX}")
        path, _filter = QFileDialog.getSaveFileName(
            self._window, self.tr("Save the project as a folder"), proposed, f"Triptych (*{SUFFIX})"
        )
        if path:
            self._session.project.save_as(path)
        return bool(path)

    def find_missing(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self._window, self.tr("Where are the recordings now?"), self._home()
        )
        if folder:
            self._session.missing.find(folder)

    def fill_recent(self, menu: QMenu) -> None:
        """The projects opened last, those that are still there."""
        menu.clear()
        for number, folder in enumerate(self._recent(), 1):
            action = menu.addAction(f"&{number % 10} {Path(folder).stem}")
            action.setToolTip(folder)
            action.setStatusTip(folder)
            action.triggered.connect(partial(self._open_recent, folder))
        if menu.isEmpty():
            menu.addAction(self.tr("No project yet")).setEnabled(False)
            return
        menu.addSeparator()
        menu.addAction(self.tr("&Forget these")).triggered.connect(partial(self._preferences.forget, RECENT))

    def open_at_start(self, path: str | None) -> None:
        """What the command line names, else the project that was open last, else what was never saved."""
        last = self._preferences.get(OPEN_LAST, "")
        project = path or last
        if project and is_project(project) and self._open_now(folder_of(project)):
            return
        self._session.project.restore()

    def leave(self, go_on: Callable[[], object]) -> None:
        """Go on once the user has said what becomes of unsaved changes; perhaps after saving, perhaps never."""
        if not self._session.project.modified or (
            not self._session.context.named and go_on != self._session.project.new
        ):
            go_on()  # what was never saved waits where it is
            return
        answer = self.ask_to_save()
        if answer == QMessageBox.StandardButton.Save:
            self.save_then(go_on)
        elif answer == QMessageBox.StandardButton.Discard:
            self._session.project.discard_changes()
            go_on()

    def ask_to_save(self) -> QMessageBox.StandardButton:
        named = self._session.context.named
        box = QMessageBox(
            QMessageBox.Icon.Question,
            self.tr("Triptych"),
            self.tr("Save the changes to “{0}”?").format(self._session.project.title)
            if named
            else self.tr("Save this work as a project?"),
            QMessageBox.StandardButton.Save
            | QMessageBox.StandardButton.Discard
            | QMessageBox.StandardButton.Cancel,
            self._window,
        )
        box.setInformativeText(
            self.tr("They are lost if you do not. Recordings, takes and models stay on the disk either way.")
            if named
            else self.tr("Its list is lost if you do not. Recordings and takes stay on the disk either way.")
        )
        box.setDefaultButton(QMessageBox.StandardButton.Save)
        box.exec()
        return box.standardButton(box.clickedButton())

    def ask_to_recover(self, folder: Path) -> bool | None:
        """True: what was written on the way; False: what was saved; None: neither."""
        when = self._session.project.unsaved_since(folder)
        if when is None:
            return False
        box = QMessageBox(
            QMessageBox.Icon.Question,
            self.tr("Triptych"),
            self.tr("“{0}” was not closed properly.").format(folder.stem),
            parent=self._window,
        )
        box.setInformativeText(
            self.tr("Changes up to {0} were never saved, but are still here.").format(
                QLocale().toString(QDateTime.fromSecsSinceEpoch(round(when)), QLocale.FormatType.ShortFormat)
            )
        )
        recover = box.addButton(self.tr("&Recover them"), QMessageBox.ButtonRole.AcceptRole)
        saved = box.addButton(self.tr("Open as it was &saved"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(recover)
        box.exec()
        return True if box.clickedButton() is recover else False if box.clickedButton() is saved else None

    def _open_now(self, folder: Path) -> bool:
        recover = self.ask_to_recover(folder)
        return recover is not None and self._session.project.open(folder, recover=recover)

    def _open_recent(self, folder: str) -> None:
        if is_project(folder):
            self.open_path(folder)
            return
        self._preferences.set(RECENT, [one for one in self._recent() if one != folder])
        self._messages.say(
            self.tr("{0} is no longer there.").format(folder),
            self.tr("It was taken off the list; if you moved it, open it from where it is now."),
            level="warning",
        )

    def _show_title(self) -> None:
        self._window.setWindowTitle(f"{self._session.project.title or self.tr('Untitled')}[*]")
        self._window.setWindowModified(self._session.project.modified)

    def _project_changed(self) -> None:
        self._show_title()
        folder = str(self._session.context.folder) if self._session.context.named else ""
        if folder and (not self._recent() or self._recent()[0] != folder):
            others = [one for one in self._recent() if one != folder]
            self._preferences.set(RECENT, [folder, *others][:MOST_RECENT])
        self._preferences.set(OPEN_LAST, folder)

    def _saved(self, well: bool) -> None:
        go_on, self._after_saving = self._after_saving, None
        if well and go_on is not None:
            go_on()

    def _recent(self) -> list[str]:
        return [one for one in self._preferences.get(RECENT, []) if one]

    def _home(self) -> str:
        recent = self._recent()
        return str(Path(recent[0]).parent) if recent else str(Path.home())
