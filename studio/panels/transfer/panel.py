"""The transfer desk: a source, a voice (h), an emotion (m), strengths; three sounds and what they prove."""

from __future__ import annotations

import copy
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from engine.api import Take
from studio.dialogs.compare_takes import CompareTakes
from studio.dialogs.take_recipe import TakeRecipe
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION, SOURCE, VOICE
from studio.domain.transfer_setup import clips_of
from studio.engine_link.job import Job
from studio.panels.transfer.batch_list import BatchList
from studio.panels.transfer.listening_card import ListeningCard
from studio.panels.transfer.takes_list import TakesList
from studio.panels.transfer.takes_model import NAME
from studio.panels.transfer.zones import DeskZones
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session
from studio.session.transfers.batch import BATCH_WAITING, RENDERING

RENDER_DELAY_MS = 150  # a moving slider asks once it rests
WIDE_PX = 1240  # beneath it the parts stand below each other
ROOMY_PX = 1400  # from here on, parts beside each other have room for icons
NARROW_PX = 500  # beneath it what they hold does, too


class TransferDeskPanel(QWidget):
    """Shows the transfer, the takes and the batch, and asks the session to change them."""

    def __init__(
        self, session: Session, messages: Messages, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._preferences = preferences
        self._job: Job | None = None
        self._asked_for: tuple[object, ...] | None = None  # the recipe last rendered or under way
        self._known_takes = {take.transformed for take in session.takes.items}
        self.setObjectName("transferDesk")
        self._make_controls()
        self.board = DeskZones(session, messages, self._options, self)
        self.zones = self.board.zones
        self.source_zone, self.voice_zone, self.emotion_zone = (self.zones[z] for z in (SOURCE, VOICE, EMOTION))
        self.card = ListeningCard()
        self.table, self.verdict = self.card.table, self.card.verdict
        self.card.play_requested.connect(self.play)
        self.takes = TakesList(session, self)
        self.batch = BatchList(session.batch, self)
        self._lay_out()

        self._soon = QTimer(self, interval=RENDER_DELAY_MS, singleShot=True)
        self._soon.timeout.connect(self.render_if_new)
        session.context.closing.connect(self._soon.stop)
        session.transfer.changed.connect(self._setup_changed)
        session.takes.changed.connect(self._takes_changed)
        session.takes.ready.connect(self._take_ready)
        session.model.changed.connect(self.refresh)
        session.library.changed.connect(self._clips_changed)
        session.library.removed.connect(self.refresh)
        session.batch.changed.connect(self._batch_changed)
        self.takes.chosen.connect(self._show_take)
        self.takes.recipe_wanted.connect(
            lambda take: TakeRecipe(self._session.recipes, self._session.messages, take, self).show()
        )
        self.takes.compare_wanted.connect(
            lambda takes: CompareTakes(self._session.takes, self._session.recipes, takes, self).show()
        )
        self.takes.play.connect(lambda take: self._session.takes.play(take, "transformed"))
        self.batch.take_chosen.connect(self._play_of_batch)
        self.refresh()
        self.takes.choose_newest()
        self._show_take(self.takes.current())

    @property
    def rendering_due(self) -> bool:
        """Whether a rendering begins by itself in a moment."""
        return self._soon.isActive()

    def render_now(self) -> None:
        """Render what is set up now; a newer request cancels an older one under way."""
        self._render(live=False)

    def drop(self, zone: str, payload: Payload) -> None:
        """What a drop on a zone does; menus and tests call it, too."""
        self.board.drop(zone, payload)

    def refusal(self, zone: str, payload: Payload) -> str | None:
        return self.board.refusal(zone, payload)

    def clear(self) -> None:
        """Empty the three zones; takes stay."""
        self._session.transfer.clear_desk()

    def play(self, which: str) -> None:
        """Play the chosen take's original, reconstruction or transformed sound."""
        take = self.takes.current()
        if take is not None:
            self._session.takes.play(take, which)

    def refresh(self) -> None:
        """Show the setup as it is now."""
        self.board.refresh()
        setup = self._session.transfer.setup
        obstacle = self._session.rendering.obstacle()
        self.render_button.setEnabled(obstacle is None)
        self.render_button.setToolTip(self.tr("Render this setup now") if obstacle is None else str(obstacle))
        self.clear_button.setEnabled(setup.gives or setup.source is not None or bool(setup.edits))
        if self._job is None:
            self._say_state("" if obstacle is None else str(obstacle))

    def _setup_changed(self) -> None:
        self.refresh()
        ready = self.on_drop.isChecked() and self._session.rendering.obstacle() is None
        if ready and self._recipe() != self._asked_for:
            self._soon.start()

    def _clips_changed(self, ids: list[str]) -> None:
        setup, clips = self._session.transfer.setup, self._session.library.clips
        references = {clip.id for _, payload in setup.given() for clip in clips_of(payload, clips)}
        if not references.isdisjoint(ids) or setup.source in ids:
            self._setup_changed()  # what was waited for may be ready now

    def render_if_new(self) -> None:
        """Render the setup unless its recipe is the one rendered last."""
        if self._recipe() != self._asked_for:
            self._render(live=True)

    def _render(self, *, live: bool) -> None:
        self._soon.stop()
        if (obstacle := self._session.rendering.obstacle()) is not None:
            self._say_state(str(obstacle))
            return
        self._asked_for = self._recipe()
        job = self._session.rendering.render(live=live)
        if job is not None:
            self._follow(job)

    def _recipe(self) -> tuple[object, ...]:
        setup, model = copy.deepcopy(self._session.transfer.setup), self._session.model.info
        edits = setup.edits_of_source()
        setup.edits = {}  # those of other recordings change nothing here
        return (setup, edits, self._session.transfer.vocoder, None if model is None else model.hash)

    def _follow(self, job: Job) -> None:
        self._job = job
        self._say_state(self.tr("Rendering…"))
        job.failed.connect(partial(self._job_ended, job))
        job.cancelled.connect(partial(self._job_ended, job))
        job.done.connect(partial(self._job_ended, job))

    def _job_ended(self, job: Job, *ending: object) -> None:
        if job is not self._job:
            return  # a newer one is under way
        self._job = None
        self._say_state(str(ending[0]) if len(ending) == 3 else "")  # a failure comes in three parts

    def _show_take(self, take: Take | None) -> None:
        self.card.show_take(take)
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        self._card_scroll.setMinimumWidth(self.card.minimumSizeHint().width() + bar)

    def _takes_changed(self) -> None:
        fresh = [take for take in self._session.takes.items if take.transformed not in self._known_takes]
        self._known_takes = {take.transformed for take in self._session.takes.items}
        self.takes.refresh()
        if fresh:
            self.takes.choose(fresh[-1])

    def _take_ready(self, take: Take, follows: bool) -> None:
        self.takes.choose(take)
        if not self.play_when_ready.isChecked() or self._session.batch.made(take):
            return
        if follows:
            self._session.takes.follow(take)
        else:
            self._session.takes.play(take, "transformed")

    def _batch_changed(self) -> None:
        items = self._session.batch.items
        left = sum(item.state in (BATCH_WAITING, RENDERING) for item in items)
        words = self.tr("Batch") if not items else self.tr("Batch ({0}/{1})").format(len(items) - left, len(items))
        self.results.setTabText(1, words)
        if left == len(items) > 0:  # it has just begun
            self.results.setCurrentWidget(self.batch)

    def _play_of_batch(self, take: Take) -> None:
        self.takes.choose(take)
        self._session.takes.play(take, "transformed")

    def _say_state(self, words: str) -> None:
        self.state.setText(words)
        self._show_state()

    def _show_state(self) -> None:
        """Beside the buttons it is always shown; above them it takes room only for words."""
        above = self._foot.direction() == QBoxLayout.Direction.TopToBottom
        self.state.setHidden(above and not self.state.text())

    def _make_controls(self) -> None:
        self.on_drop = QCheckBox(self.tr("Render on drop"))
        self.on_drop.setObjectName("renderOnDrop")
        self.on_drop.setToolTip(self.tr("Render as soon as there are a source and a voice or an emotion."))
        self.play_when_ready = QCheckBox(self.tr("Play when ready"))
        self.play_when_ready.setObjectName("playWhenReady")
        for box, key in ((self.on_drop, "transfer/render_on_drop"), (self.play_when_ready, "transfer/auto_play")):
            box.setChecked(self._preferences.get(key, True))
            box.toggled.connect(partial(self._preferences.set, key))
        self.render_button = QPushButton(self.tr("Render"))
        self.render_button.setObjectName("render")
        self.render_button.clicked.connect(self.render_now)
        self.clear_button = QPushButton(self.tr("Clear"))
        self.clear_button.setObjectName("clearDesk")
        self.clear_button.setToolTip(self.tr("Take everything off the desk; takes stay."))
        self.clear_button.clicked.connect(self.clear)
        self._options = QWidget()
        row = QHBoxLayout(self._options)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.on_drop)
        row.addWidget(self.play_when_ready)
        row.addStretch(1)
        self.state = QLabel()
        self.state.setObjectName("transferState")
        self.state.setWordWrap(True)
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.state.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def _lay_out(self) -> None:
        setup = QWidget()
        column = QVBoxLayout(setup)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.board, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.clear_button)
        buttons.addWidget(self.render_button)
        self._foot = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._foot.addWidget(self.state, 1)
        self._foot.addLayout(buttons)
        column.addLayout(self._foot)
        self.results = QTabWidget()
        self.results.setDocumentMode(True)
        self.results.addTab(self.takes, self.tr("Takes"))
        self.results.addTab(self.batch, self.tr("Batch"))
        theme.tighten(self.takes.star_button, self.takes.save_button, self.takes.remove_button)
        self.takes.view.horizontalHeader().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)

        page = QWidget()
        self._parts = QBoxLayout(QBoxLayout.Direction.LeftToRight, page)
        self._parts.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        self._parts.setSpacing(theme.LARGE)
        self._parts.addWidget(setup, 13)
        self._parts.addWidget(self.card, 8)
        self._card_scroll = _scroll_area()  # beside the others the card scrolls for itself
        self._card_scroll.hide()
        self._parts.addWidget(self._card_scroll, 8)
        self._parts.addWidget(self.results, 9)
        self._card_scroll.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        scroll = _scroll_area()
        scroll.setWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide, narrow = self.width() >= WIDE_PX, self.width() < NARROW_PX
        self._parts.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self.results.setMinimumHeight(0 if wide else 180)
        # Beside the setup the others are as high as it is; below it they have their own heights.
        height = QSizePolicy.Policy.Ignored if wide else QSizePolicy.Policy.Preferred
        self.results.setSizePolicy(QSizePolicy.Policy.Preferred, height)
        self._foot.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self._show_state()
        self.board.set_narrow(narrow)
        self.card.set_narrow(narrow)
        close = narrow or (wide and self.width() < ROOMY_PX)
        self.card.set_icons(not close)
        if wide != (self._card_scroll.widget() is self.card):
            if wide:
                self._card_scroll.setWidget(self.card)
            else:
                self._parts.insertWidget(1, self._card_scroll.takeWidget(), 8)
                self.card.show()
            self._card_scroll.setVisible(wide)


def _scroll_area() -> QScrollArea:
    """Scrolls down only."""
    made = QScrollArea()
    made.setWidgetResizable(True)
    made.setFrameShape(QFrame.Shape.NoFrame)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return made
