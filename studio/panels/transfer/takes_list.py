"""The takes with what can be done with one: hear, star, rename, save, compare, make again, drag out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QDrag, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.api import Take
from studio.panels.transfer.takes_model import NAME, TakesTable
from studio.panels.transfer.takes_view import TakesView
from studio.services.actions import IN_THE_LIST, Action, Actions, Key
from studio.services.plurals import counted
from studio.session.session import Session
from studio.widgets.drag_picture import HOT_SPOT, drag_picture

MOST_COMPARED = 6  # columns that are still read at a glance


class TakesList(QWidget):
    """The table with its buttons.

    Signals:
        chosen(Take or None): another row is the current one.
        play(Take): a double click.
        recipe_wanted(Take), compare_wanted(list of Take): to be shown in a window of their own.
    """

    chosen = Signal(object)
    play = Signal(object)
    recipe_wanted = Signal(object)
    compare_wanted = Signal(list)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.table = TakesTable(session.takes, session.library, self)
        self.view = TakesView(self.table)
        self.view.drag_wanted.connect(self._drag_out)
        self.save_button = QPushButton(self.tr("Save…"))
        self.save_button.setObjectName("saveTake")
        self.save_button.setToolTip(self.tr("Write the sound as WAV or FLAC, its recipe in the tags"))
        self.remove_button = QPushButton(self.tr("Remove"))
        self.remove_button.setObjectName("removeTake")
        self.remove_button.setToolTip(self.tr("Take it off the list; Undo brings it back"))
        self.star_button = QPushButton(self.tr("★ Star"))
        self.star_button.setObjectName("starTake")
        self.more_button = QToolButton()
        self.more_button.setText("⋯")
        self.more_button.setObjectName("moreOfTake")
        self.more_button.setAccessibleName(self.tr("More to do with this take"))
        self.more_button.setToolTip(self.more_button.accessibleName())
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.empty = QLabel(
            self.tr(
                "Every result is kept here with its recipe; one follows the sliders.\nDrag it into other programs."
            )
        )
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)

        above = QHBoxLayout()
        above.addStretch(1)
        for button in (self.star_button, self.save_button, self.remove_button, self.more_button):
            above.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(above)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.empty, 1)

        self.view.selectionModel().currentRowChanged.connect(lambda *_: self._row_changed())
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._selection_changed())
        self.view.played.connect(self._play_row)
        self.view.star_clicked.connect(self.toggle_star)
        self.save_button.clicked.connect(self.ask_where_to_save)
        self.remove_button.clicked.connect(self.remove)
        self.star_button.clicked.connect(self.toggle_star)
        self.commands = self._make_commands()
        self.view.addActions(list(self.commands.values()))
        menu = QMenu(self.more_button)
        menu.addActions(
            [self.commands[name] for name in ("recipe", "again", "desk", "command", "compare", "rename")]
        )
        self.more_button.setMenu(menu)
        self.refresh()

    def current(self) -> Take | None:
        return self.table.take(self.view.currentIndex().row())

    def refresh(self) -> None:
        """Show the session's takes; what was chosen stays chosen."""
        before = self.current()
        self.table.refresh()
        for row in range(self.table.rowCount()):
            take = self.table.take(row)
            if before is not None and take is not None and take.transformed == before.transformed:
                self._choose(row)
        there = self.table.rowCount() > 0
        self.view.setVisible(there)
        self.empty.setVisible(not there)
        self.view.share_width()
        self._row_changed()

    def choose_newest(self) -> None:
        self._choose(0)

    def choose(self, take: Take) -> None:
        """Make a take the current one, if it is still there."""
        for row in range(self.table.rowCount()):
            shown = self.table.take(row)
            if shown is not None and shown.transformed == take.transformed:
                self._choose(row)

    def toggle_star(self) -> None:
        if (take := self.current()) is not None:
            starred = take.transformed in self._session.takes.starred
            self._session.takes.star(self._number(), not starred)

    def rename(self) -> None:
        self.view.edit(self.table.index(self.view.currentIndex().row(), NAME))

    def ask_where_to_save(self) -> None:
        take = self.current()
        if take is None:
            return
        proposed = str(Path.home() / f"{take.name}.wav")
        path, kind = QFileDialog.getSaveFileName(
            self, self.tr("Save the take"), proposed, self.tr("WAV, 16 bit (*.wav);;FLAC, 24 bit (*.flac)")
        )
        if path:
            if not path.lower().endswith((".wav", ".flac")):
                path += ".flac" if "flac" in kind else ".wav"
            self._session.recipes.save_take(self._number(), path)

    def show_recipe(self) -> None:
        """What the take was made of, step by step back to the recordings."""
        if (take := self.current()) is not None:
            self.recipe_wanted.emit(take)

    def render_again(self) -> None:
        if self.current() is not None:
            self._session.recipes.render_again(self._number())

    def put_on_desk(self) -> None:
        if (take := self.current()) is not None:
            self._session.recipes.put_on_desk(self._session.recipes.of(take))

    def copy_command(self) -> None:
        """The take as a command for a terminal, on the clipboard."""
        if (take := self.current()) is not None and (line := self._session.recipes.command_of(take)) is not None:
            QGuiApplication.clipboard().setText(line)
            self._session.messages.say(self.tr("Copied the command that makes “{0}”.").format(take.name))

    def audition(self) -> None:
        """Put the recipe of the current take into the audition set."""
        if self.current() is not None:
            self._session.auditions.add_take(self._number())

    def compare(self) -> None:
        """The selected takes side by side; a single one with those that are starred."""
        if len(takes := self.compared()) > 1:
            for take in takes:
                self._session.takes.keep(take)
            self.compare_wanted.emit(takes)

    def compared(self) -> list[Take]:
        """What a comparison would show, the newest first."""
        rows = set(self.view.selected_rows())
        starred = self._session.takes.starred if len(rows) < 2 else set()
        takes = [(row, self.table.take(row)) for row in range(self.table.rowCount())]
        return [t for row, t in takes if t is not None and (row in rows or t.transformed in starred)][
            :MOST_COMPARED
        ]

    def files(self) -> QMimeData:
        """The takes that are selected as sound files, for other programs."""
        mime = QMimeData()
        mime.setUrls(
            [QUrl.fromLocalFile(file) for file in self._session.recipes.carry_out(self._selected_numbers())]
        )
        return mime

    def remove(self) -> None:
        """Off the list, all that are selected; Undo brings them back, their sounds are not touched."""
        numbers = self._selected_numbers()
        if len(numbers) == 1:
            self._session.takes.remove(numbers[0])
        elif numbers:
            with self._session.undo.one_step(self.tr("Remove {0} takes").format(len(numbers))):
                for number in numbers:
                    self._session.takes.remove(number)

    def _choose(self, row: int) -> None:
        if row < self.table.rowCount():
            self.view.setCurrentIndex(self.table.index(row, NAME))

    def _row_changed(self) -> None:
        take = self.current()
        for control in (self.star_button, self.save_button, self.remove_button, self.more_button):
            control.setEnabled(take is not None)
        for command in self.commands.values():
            command.setEnabled(take is not None)
        self._selection_changed()
        self.chosen.emit(take)

    def _selection_changed(self) -> None:
        self.commands["compare"].setEnabled(len(self.compared()) > 1)

    def _selected_numbers(self) -> list[int]:
        """Falling, so that what is done to one leaves those before it where they are."""
        return [self.table.number(row) for row in self.view.selected_rows()]

    def _drag_out(self) -> None:
        numbers, files = self._selected_numbers(), self.files()
        if not files.urls():
            return
        first = self._session.takes.items[numbers[0]].name
        carried = QDrag(self.view)
        carried.setMimeData(files)
        carried.setPixmap(drag_picture(self, counted(len(numbers), first, self.tr("{0} takes"))))
        carried.setHotSpot(HOT_SPOT)
        carried.exec(Qt.DropAction.CopyAction)  # moving would take the file from whoever has it already

    def _number(self) -> int:
        return self.table.number(self.view.currentIndex().row())

    def _make_commands(self) -> dict[str, QAction]:
        keys = QKeySequence.StandardKey

        def command(name: str, title: str, callback: Callable[[], object], key: Key | None = None) -> Action:
            return Action(name, title, callback, key, IN_THE_LIST)

        return Actions(
            self.view,
            (
                command("play", self.tr("Play"), lambda: self._play_row(self.view.currentIndex().row()), "Return"),
                command("star", self.tr("Star"), self.toggle_star, "S"),
                command("rename", self.tr("Rename"), self.rename),
                command("save", self.tr("Save…"), self.ask_where_to_save),
                command("recipe", self.tr("Recipe…"), self.show_recipe, "R"),
                command("again", self.tr("Render again"), self.render_again),
                command("desk", self.tr("Put its recipe on the desk"), self.put_on_desk),
                command("command", self.tr("Copy as command line"), self.copy_command, keys.Copy),
                command("audition", self.tr("Hear its recipe at every checkpoint"), self.audition),
                command("compare", self.tr("Compare…"), self.compare),
                command("remove", self.tr("Remove"), self.remove, keys.Delete),
            ),
        ).by_id

    def _play_row(self, row: int) -> None:
        if (take := self.table.take(row)) is not None:
            self.play.emit(take)
