"""The map of one latent: its points, what map it is, how it comes about, and what lies on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engine.api import MapPoints
from studio.domain.clip import Clip
from studio.engine_link.job import Job
from studio.panels.map.about import AboutMap
from studio.panels.map.captions import latent_name
from studio.panels.map.colouring import Colouring
from studio.panels.map.points.hover_card import Thumbnails
from studio.panels.map.points.point_card import PointCard
from studio.panels.map.points.point_latents import PointLatents
from studio.panels.map.points.point_table import FRAMES_A_SECOND, Key, Mask, PointTable
from studio.plots.scatter import plane
from studio.plots.scatter.scatter import ScatterView
from studio.plots.timeline import clock_text
from studio.services import theme
from studio.widgets.elided_label import ElidedLabel

LEAST_PX, ABOUT_FROM_PX = 84, 150  # heights: of a pane, and of one that has room to say how it was made
Clips = Callable[[], Mapping[str, Clip]]


class MapPane(QWidget):
    """One map. The panel sets what is shown; signals report what the user does.

    Signals:
        fit_wanted(), stop_wanted().
        chosen(): the user changed the selection.
        clicked(tuple), focused(tuple): key of a point that was clicked, or walked to.
        scrubbed(object): key of the point under the cursor while Alt is held, or None.
        pin_or_path_changed(): the pin or the path is another one, or gone.
    """

    fit_wanted = Signal()
    stop_wanted = Signal()
    chosen = Signal()
    clicked = Signal(tuple)
    focused = Signal(tuple)
    scrubbed = Signal(object)
    pin_or_path_changed = Signal()

    def __init__(self, latent: str, clips: Clips, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.latent = latent
        self._clips = clips
        self._job: Job | None = None
        self.points: MapPoints | None = None
        self.table: PointTable | None = None
        self.pin: tuple[float, float] | None = None
        self.path: npt.NDArray[np.float64] | None = None  # corners
        self.setObjectName(f"map-pane-{latent}")

        self.scatter = ScatterView()
        self.scatter.setObjectName(f"scatter-{latent}")
        self.scatter.setAccessibleName(self.tr("Map of {0}").format(latent_name(latent)))
        self.latents = PointLatents(latent, clips)
        self.card = PointCard(latent, clips, thumbnails)
        self.scatter.set_card(self.card.card, lambda number: self.card.show(self._key(number)))
        self.title = QLabel()
        self.title.setObjectName("mapTitle")
        self.about = AboutMap()
        self.spoken = ElidedLabel()
        self.spoken.setObjectName("mapFocus")
        self.progress = QProgressBar()
        self.progress.setObjectName("mapProgress")
        self.progress.setAccessibleName(self.tr("Progress of the layout of {0}").format(latent_name(latent)))
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.hide()
        self.empty_words = QLabel()
        self.empty_words.setObjectName("mapEmpty")
        self.empty_words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty_words.setWordWrap(True)
        self.empty_fit = QPushButton(self.tr("Lay out the map"))
        self.empty_fit.setObjectName("fitMapFirst")
        self.empty_stop = QPushButton(self.tr("Stop"))
        self.empty_stop.setObjectName("stopMapFirst")
        self._lay_out()

        view = self.scatter
        view.selected.connect(self.chosen)
        view.clicked.connect(lambda number: self.clicked.emit(self._key(number)))
        view.focused.connect(self._focus_on)
        view.hovered.connect(self._hovered)
        view.scrubbed.connect(lambda number: self.scrubbed.emit(self._key(number) if number >= 0 else None))
        view.pin_placed.connect(lambda x, y: self.set_pin((x, y)))
        view.path_drawn.connect(self.set_path)
        self.empty_fit.clicked.connect(self.fit_wanted)
        self.empty_stop.clicked.connect(self.stop_wanted)

    def show_points(self, points: MapPoints, model_hash: str) -> bool:
        """Show a layout; whether its points are others than before (then colours and selection are set anew)."""
        if points is self.points and self.table is not None:
            return False
        before, chosen = self.table, self.scatter.selection()
        same = before is not None and before.holds(points)
        more = False
        if not same:
            self.table = PointTable(points)
            more = before is not None and self.table.begins_with(before)
        self.points = points
        self.scatter.set_points(points.xy, same=same, more=more)
        if not same and before is not None and self.table is not None and chosen.any():
            self.scatter.set_selection(self.table.again(before, chosen))
        self.about.show_map(points, model_hash)
        if not same and not more:
            self.set_pin(None)
            self.set_path(None)
            self.spoken.clear()
        else:
            self._draw_pin_and_path()
        self._pages.setCurrentIndex(1)
        return not same

    def show_empty(self, words: str, *, may_fit: bool, may_stop: bool) -> None:
        self.points = self.table = None
        self.set_pin(None)
        self.set_path(None)
        self.empty_words.setText(words)
        self.empty_fit.setVisible(may_fit)
        self.empty_stop.setVisible(may_stop)
        self._pages.setCurrentIndex(0)

    def show_job(self, job: Job | None) -> None:
        """The layout under way, or None."""
        self.progress.setVisible(job is not None)
        if job is not None and job is not self._job:
            self.progress.setRange(0, 0)
            job.progress.connect(self._show_progress)
        self._job = job

    def show_colours(self, found: Colouring, lit: Mask | None, hidden: Mask | None) -> None:
        """lit: the points that are not grey, None for all. hidden: those left out."""
        self.scatter.set_looks(found.index, found.marks, lit, hidden)

    def show_title(self, words: str, *, active: bool) -> None:
        """A heading, where several maps stand side by side; "" for none."""
        self.title.setVisible(bool(words))
        self.title.setText(f"<b>{words}</b>" if active else words)

    def restyle(self) -> None:
        self.card.card.restyle()
        look = theme.colours()
        for label, colour in (
            (self.about.caption, look.muted),
            (self.about.score, look.muted),
            (self.spoken, look.text),
        ):
            palette = label.palette()
            palette.setColor(label.foregroundRole(), colour)
            label.setPalette(palette)

    def keys(self) -> list[Key]:
        """The selected points."""
        return [] if self.table is None else self.table.keys_of(self.scatter.selection())

    def keys_at(self, numbers: list[int]) -> list[Key]:
        return [] if self.table is None else [self.table.key(number) for number in numbers]

    def choose(self, mask: Mask) -> None:
        """Select without a signal."""
        self.scatter.set_selection(mask)

    def go_to(self, key: Key) -> bool:
        """Bring a point into view, ring and announce it."""
        number = -1 if self.table is None else self.table.number_of(key)
        if number < 0:
            return False
        self.scatter.centre_on(number)
        self.scatter.set_focus(number, announce=True)
        return True

    def set_pin(self, xy: tuple[float, float] | None) -> None:
        """A pin stands for the mean of the latents round it."""
        self.pin = xy if self.table is not None else None
        self._draw_pin_and_path()
        self.pin_or_path_changed.emit()

    def set_path(self, corners: npt.NDArray[np.float64] | None) -> None:
        self.path = corners if self.table is not None else None
        self._draw_pin_and_path()
        self.pin_or_path_changed.emit()

    def mean_at(self, xy: tuple[float, float]) -> list[tuple[Key, float]]:
        """The nearest points to coordinates on the map, with the weights of their mean, the weightiest first."""
        if self.table is None or self.points is None:
            return []
        near, weights = plane.barycentre(self.points.xy, xy, self.neighbours)
        return [(self.table.key(int(i)), float(w)) for i, w in zip(near, weights, strict=True)]

    def steps(self) -> npt.NDArray[np.float64]:
        """Coordinates along the path, (steps, 2)."""
        return np.zeros((0, 2)) if self.path is None else plane.along(self.path, self.path_steps)

    neighbours = 8  # of a pin
    path_steps = 6

    def _draw_pin_and_path(self) -> None:
        ends: list[int] = []
        if self.pin is not None and self.points is not None:
            ends = plane.barycentre(self.points.xy, self.pin, self.neighbours)[0].tolist()
        self.scatter.set_pin(self.pin, ends)
        self.scatter.marks.set_path(self.path, None if self.path is None else self.steps())

    def describe(self, key: Key) -> str:
        """A point in a few plain words."""
        clip = self._clips().get(key[0])
        if clip is None:
            return self.tr("no longer in the library")
        where = ""
        if self.latent == "m":
            where = self.tr("second {0}").format(key[1])
        elif self.latent == "z":
            where = clock_text(key[1] / FRAMES_A_SECOND, 3)
        labels = [clip.labels[name] for name in ("speaker", "gender", "emotion") if clip.labels.get(name)]
        return ", ".join([clip.name, *([where] if where else []), *labels])

    def _key(self, number: int) -> Key:
        assert self.table is not None  # there is a point, so there is a table
        return self.table.key(number)

    def _focus_on(self, number: int) -> None:
        key = self._key(number)
        words = self.describe(key)
        self.spoken.setText(words)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.scatter, words))
        self.focused.emit(key)

    def _hovered(self, number: int) -> None:
        if number < 0 and self.scatter.focus >= 0:
            self.spoken.setText(self.describe(self._key(self.scatter.focus)))

    def _show_progress(self, fraction: float | None, words: str, _eta_s: float | None) -> None:
        self.progress.setRange(0, 0 if fraction is None else 1000)
        self.progress.setValue(round(1000 * (fraction or 0.0)))
        self.progress.setToolTip(words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.about.setVisible(self.height() >= ABOUT_FROM_PX)

    def _lay_out(self) -> None:
        self.setMinimumHeight(LEAST_PX)
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        column.addWidget(self.empty_words)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.empty_fit)
        buttons.addWidget(self.empty_stop)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(1)
        picture = QWidget()
        column = QVBoxLayout(picture)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.scatter, 1)
        column.addWidget(self.spoken)
        column.addWidget(self.about)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(picture)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(theme.SMALL)
        outer.addWidget(self.title)
        outer.addWidget(self.progress)
        outer.addWidget(self._pages, 1)
        self.title.hide()
        self.empty_stop.hide()
        self.restyle()
