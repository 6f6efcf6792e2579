"""The library: every recording in a table, to be found, labelled, played and dragged to where it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import (
    QEvent,
    QPoint,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engine.api import AUDIO_SUFFIXES, TABLE_SUFFIXES
from studio.dialogs.reference_menu import ReferenceMenu
from studio.domain import drop_rules
from studio.domain.drag_payload import Payload
from studio.panels.library.drags import LibraryDrags
from studio.panels.library.drops import ClipDrops
from studio.panels.library.empty_page import EmptyPage
from studio.panels.library.row_selection import RowSelection
from studio.panels.library.table_model import DURATION, EMOTION, F0, GENDER, NAME, SPEAKER, STATE, ClipTable
from studio.panels.library.table_view import LibraryView
from studio.services import theme
from studio.services.actions import IN_THE_LIST, Action, Actions
from studio.services.messages import Messages
from studio.services.plurals import counted
from studio.services.preferences import Preferences
from studio.session.session import Session

_FILTER_AFTER_MS = 150
_SORT_AFTER_MS = 500
_WIDTHS = {NAME: 180, DURATION: 58, SPEAKER: 72, GENDER: 60, EMOTION: 70, F0: 66, STATE: 110}


class LibraryPanel(QWidget):
    """Shows the recordings of the library; its actions serve the window's menus too (`commands`).

    Signals:
        files_chosen(list): files to add, tables of labels among them.
    """

    files_chosen = Signal(list)

    def __init__(
        self, session: Session, messages: Messages, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._preferences = preferences
        self.setObjectName("library")
        self.table = ClipTable(session.library, session.model, self)
        self.table.edited_together = self._edited_together
        self.view = LibraryView(self.table)
        self.view.play_wanted.connect(self.play_row)
        self.view.menu_wanted.connect(self._open_menu)
        self.drops = ClipDrops(self.view, self.table, session)

        self.filter = QLineEdit()
        self.filter.setObjectName("libraryFilter")
        self.filter.setPlaceholderText(self.tr("Filter by name, label or state"))
        self.filter.setAccessibleName(self.tr("Filter the library"))
        self.filter.setClearButtonEnabled(True)
        self.filter.addAction(theme.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._count = QLabel()
        self._count.setObjectName("libraryCount")
        self._nothing = QLabel(self.tr("No recording matches the filter."))
        self._nothing.setObjectName("libraryNothing")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.commands = self._make_commands()
        self._pages = QStackedWidget()
        self.empty_page = EmptyPage()
        self.empty_page.files_wanted.connect(self.choose_files)
        self.empty_page.example_wanted.connect(session.imports.load_example)
        self._pages.addWidget(self.empty_page)
        self._pages.addWidget(self.view)
        self._pages.addWidget(self._nothing)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        top.addWidget(self.filter, 1)
        top.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addLayout(top)
        column.addWidget(self._pages, 1)

        self._filter_timer = self._timer(_FILTER_AFTER_MS, lambda: self.table.set_filter(self.filter.text()))
        self._sort_timer = self._timer(_SORT_AFTER_MS, self._sort_again)
        self.filter.textChanged.connect(lambda _text: self._filter_timer.start())
        header = self.view.horizontalHeader()
        header.sortIndicatorChanged.connect(self.table.sort)
        stored = preferences.layout("library")
        if stored.isEmpty() or not header.restoreState(stored):
            for section, width in _WIDTHS.items():
                header.resizeSection(section, width)
        self.table.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())
        header.sectionResized.connect(lambda *_: preferences.set_layout("library", header.saveState()))
        header.sortIndicatorChanged.connect(lambda *_: preferences.set_layout("library", header.saveState()))

        self.selection = RowSelection(self.view, self.table, session.library)
        self.drags = LibraryDrags(self.view, self.selection, session.library, lambda: session.context.uuid)
        self.table.shown_changed.connect(self._show_pages)
        session.library.added.connect(self._sort_soon)  # methods: the connections end with the panel
        session.library.removed.connect(self._show_pages)
        self._show_pages()

    def choose_files(self) -> None:
        """Ask for recordings and tables of labels."""
        kinds = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in (*AUDIO_SUFFIXES, *TABLE_SUFFIXES))
        files, _ = QFileDialog.getOpenFileNames(
            self,
            self.tr("Add recordings"),
            self._last_folder(),
            self.tr("Recordings and tables of labels ({0});;All files (*)").format(kinds),
        )
        if files:
            self._remember_folder(Path(files[0]).parent)
            self.files_chosen.emit(files)

    def remove_selected(self) -> None:
        """Del: out of the library; the files stay."""
        rows = self.selection.rows()
        if not rows:
            return
        gone = [self.table.id_at(row) for row in rows]
        self._session.library.remove(gone)
        self._messages.say(
            counted(
                len(gone),
                self.tr("Removed 1 recording from the library; the files are untouched."),
                self.tr("Removed {0} recordings from the library; the files are untouched."),
            )
        )
        if self.table.rowCount():
            self.view.selectRow(min(rows[0], self.table.rowCount() - 1))

    def play_row(self, row: int) -> None:
        self._session.listening.play(self.table.id_at(row))

    def use_as_source(self) -> None:
        """The twin of dragging one recording onto the desk's source."""
        if ids := self.selection.ids():
            self._session.transfer.set_source(ids[0])

    def add_as_voice(self) -> None:
        """The twin of dragging recordings onto the desk's voices."""
        if ids := self.selection.ids():
            self._session.transfer.add_voice(Payload("clips", tuple(ids)))

    def add_as_emotion(self) -> None:
        """The twin of dragging recordings onto the desk's emotions."""
        if ids := self.selection.ids():
            self._session.transfer.add_emotion(Payload("clips", tuple(ids)))

    def add_speaker_as_voice(self) -> None:
        """The twin of dragging a speaker's name onto the desk's voices."""
        if (payload := self.drags.of_speaker(self.selection.current_id())) is not None:
            self._session.transfer.add_voice(payload)

    def set_label_of_selected(self, name: str, title: str) -> None:
        """Ask for a label of all selected recordings."""
        ids = self.selection.ids()
        if not ids:
            return
        before = {self._session.library.clips[clip_id].labels.get(name, "") for clip_id in ids}
        values = ["", *self.table.values_of(name)]
        start = values.index(before.pop()) if len(before) == 1 else 0
        question = counted(len(ids), self.tr("1 recording"), self.tr("{0} recordings"))
        value, given = QInputDialog.getItem(self, title, f"{title} · {question}", values, start, True)
        if given:
            self._session.library.set_label(ids, name, value.strip())

    def _edited_together(self, clip_id: str) -> list[str]:
        """An edit of one of several selected rows is meant for all of them."""
        ids = self.selection.ids()
        return ids if clip_id in ids else [clip_id]

    def _show_pages(self) -> None:
        total, shown = len(self._session.library.clips), self.table.rowCount()
        self._pages.setCurrentIndex(0 if not total else 1 if shown else 2)
        self.filter.setEnabled(total > 0)
        words = counted(total, self.tr("1 recording"), self.tr("{0} recordings"))
        self._count.setText("" if not total else words if shown == total else f"{shown} / {words}")
        self._enable_commands()

    def _enable_commands(self) -> None:
        for command in self.commands.values():
            command.setEnabled(bool(self._session.library.clips))

    def _sort_soon(self) -> None:
        self._sort_timer.start()

    def _sort_again(self) -> None:
        if self.view.state() != QAbstractItemView.State.EditingState:
            self.table.sort_again()

    def _open_menu(self, where: QPoint) -> None:
        self.context_menu().popup(where)

    def context_menu(self) -> QMenu:
        """What can be done with the selection."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        ids = self.selection.ids()
        play = menu.addAction(theme.icon("play"), self.tr("Play"))
        play.triggered.connect(lambda: self._session.listening.play(ids[0]))
        play.setEnabled(len(ids) == 1)
        menu.addSeparator()
        menu.addActions([self.commands[name] for name in ("source", "voice", "emotion", "speaker")])
        menu.addSeparator()
        self._add_gifts(menu, ids)
        menu.addSeparator()
        for name, title in self._label_titles().items():
            action = menu.addAction(self.tr("Set {0} …").format(title.lower()))
            action.triggered.connect(
                lambda _=False, name=name, title=title: self.set_label_of_selected(name, title)
            )
        menu.addSeparator()
        if any(self._session.library.clips[i].state in ("failed", "missing") for i in ids):
            again = menu.addAction(theme.icon("gears"), self.tr("Analyse again"))
            again.triggered.connect(lambda: self._session.library.analyse_again(ids))
        menu.addAction(self.commands["remove"])
        return menu

    def _add_gifts(self, menu: QMenu, ids: list[str]) -> None:
        """Twins of dropping a voice or an emotion right on recordings, and the batch of what lies on the desk."""
        for what, icon, words in (
            (drop_rules.VOICE, "voice", self.tr("&Give it a voice")),
            (drop_rules.EMOTION, "emotion", self.tr("Gi&ve it an emotion")),
        ):
            below = menu.addMenu(theme.icon(icon), words)
            refusal, give = partial(self.drops.refusal, ids, what), partial(self.drops.give, ids, what)
            ReferenceMenu(self._session.library, self._session.second_edits, what, refusal, give, self).fill(below)
        batch = menu.addAction(theme.icon("gears"), self.tr("&Render all of them with what is on the desk"))
        batch.triggered.connect(lambda: self._session.batch.render(ids))
        batch.setEnabled(bool(self._session.transfer.setup.chips()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.view.viewport().update()

    def _label_titles(self) -> dict[str, str]:
        return {"speaker": self.tr("Speaker"), "gender": self.tr("Gender"), "emotion": self.tr("Emotion")}

    def _make_commands(self) -> dict[str, QAction]:
        made = Actions(
            self,
            (
                Action(
                    "remove",
                    self.tr("&Remove from the library"),
                    self.remove_selected,
                    QKeySequence.StandardKey.Delete,
                    IN_THE_LIST,
                    icon="remove",
                ),
                Action("source", self.tr("Use as &source"), self.use_as_source, icon="source"),
                Action("voice", self.tr("Add as &voice"), self.add_as_voice, icon="voice"),
                Action("emotion", self.tr("Add as &emotion"), self.add_as_emotion, icon="emotion"),
                Action("speaker", self.tr("Add its s&peaker as voice"), self.add_speaker_as_voice, icon="voice"),
            ),
        ).by_id
        for name, action in made.items():
            action.setObjectName(f"library-{name}")
        self.view.addAction(made["remove"])
        return made

    def _timer(self, after_ms: int, slot: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(after_ms)
        timer.timeout.connect(slot)
        return timer

    def _last_folder(self) -> str:
        return self._preferences.get("last_folder", str(Path.home()))

    def _remember_folder(self, folder: Path) -> None:
        self._preferences.set("last_folder", str(folder))
