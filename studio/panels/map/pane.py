"""The map of one latent: its points, what map it is, how it comes about, and what lies on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

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

from engine.api import LatentRef, MapPoints
from studio.domain.clip import Clip
from studio.domain.payload import Payload
from studio.engine_link.job import Job
from studio.panels.map.colouring import Colouring
from studio.panels.map.hover_card import HoverCard, Thumbnails
from studio.panels.map.point_table import FRAMES_A_SECOND, Key, Mask, PointTable
from studio.plots.scatter import plane
from studio.plots.scatter.scatter import ScatterView
from studio.plots.timeline import clock_text
from studio.services import theme
from studio.widgets.elided_label import ElidedLabel

CARD_LETTERS = 48
LEAST_PX, ABOUT_FROM_PX = 84, 150  # heights: of a pane, and of one that has room to say how it was made
CARD_LABELS = 6
Clips = Callable[[], Mapping[str, Clip]]


class MapPane(QWidget):
    """One map. The panel tells it what to show; it tells the panel what was done.

    Signals:
        fit_wanted(), stop_wanted().
        chosen(): the user changed the selection.
        clicked(tuple), focused(tuple): key of a point that was clicked, or walked to.
        scrubbed(object): key of the point under the cursor while Alt is held, or None.
        place_changed(): the pin or the path is another.
    """

    fit_wanted = Signal()
    stop_wanted = Signal()
    chosen = Signal()
    clicked = Signal(tuple)
    focused = Signal(tuple)
    scrubbed = Signal(object)
    place_changed = Signal()

    def __init__(self, latent: str, clips: Clips, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.latent = latent
        self._clips = clips
        self._thumbnails = thumbnails
        self._job: Job | None = None
        self.points: MapPoints | None = None
        self.table: PointTable | None = None
        self.pin: tuple[float, float] | None = None
        self.path: npt.NDArray[np.float64] | None = None  # corners
        self.setObjectName(f"map-pane-{latent}")

        self.scatter = ScatterView()
        self.scatter.setObjectName(f"scatter-{latent}")
        self.scatter.setAccessibleName(self.tr("Map of {0}").format(latent))
        self.card = HoverCard()
        self.scatter.set_card(self.card, self._fill_card)
        self.title = QLabel()
        self.title.setObjectName("mapTitle")
        right = Qt.TextElideMode.ElideRight
        self.caption, self.score = ElidedLabel(mode=right), ElidedLabel(mode=right)
        self.caption.setObjectName("mapCaption")
        self.score.setObjectName("mapScore")
        self.spoken = ElidedLabel()
        self.spoken.setObjectName("mapFocus")
        self.progress = QProgressBar()
        self.progress.setObjectName("mapProgress")
        self.progress.setAccessibleName(self.tr("Progress of the layout of {0}").format(latent))
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
        thumbnails.ready.connect(self._picture_ready)
        self.empty_fit.clicked.connect(self.fit_wanted)
        self.empty_stop.clicked.connect(self.stop_wanted)

    # ------------------------------------------------------------------ showing
    def show_points(self, points: MapPoints, model_hash: str) -> bool:
        """Show a layout; whether its points are others than before (then colours and selection are told anew)."""
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
        self.caption.setText(self._caption(points, model_hash))
        self._show_score(points)
        if not same and not more:
            self.set_pin(None)
            self.set_path(None)
            self.spoken.clear()
        else:
            self._draw_place()
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
        self.card.restyle()
        look = theme.colours()
        for label, colour in ((self.caption, look.muted), (self.score, look.muted), (self.spoken, look.text)):
            palette = label.palette()
            palette.setColor(label.foregroundRole(), colour)
            label.setPalette(palette)

    # ------------------------------------------------------------------ selection
    def keys(self) -> list[Key]:
        """The selected points."""
        return [] if self.table is None else self.table.keys_of(self.scatter.selection())

    def keys_at(self, numbers: list[int]) -> list[Key]:
        return [] if self.table is None else [self.table.key(number) for number in numbers]

    def choose(self, mask: Mask) -> None:
        """Select without telling."""
        self.scatter.set_selection(mask)

    def go_to(self, key: Key) -> bool:
        """Bring a point into view, ring and announce it."""
        number = -1 if self.table is None else self.table.number_of(key)
        if number < 0:
            return False
        self.scatter.centre_on(number)
        self.scatter.set_focus(number, announce=True)
        return True

    def payload(self, keys: list[Key]) -> Payload:
        """What is dragged away with these points: seconds of m from the map of m, else whole clips."""
        if self.latent == "m":
            return Payload("seconds", seconds=tuple(keys))
        return Payload("clips", clips=tuple(dict.fromkeys(clip for clip, _ in keys)))

    def ref(self, key: Key) -> LatentRef | None:
        clip = self._clips().get(key[0])
        if clip is None or clip.folder is None:
            return None
        return LatentRef(clip.folder, None if self.latent == "h" else key[1])

    # ------------------------------------------------------------------ a pin, a path
    def set_pin(self, place: tuple[float, float] | None) -> None:
        """A place of its own on the map: the mean of the latents round it."""
        self.pin = place if self.table is not None else None
        self._draw_place()
        self.place_changed.emit()

    def set_path(self, corners: npt.NDArray[np.float64] | None) -> None:
        self.path = corners if self.table is not None else None
        self._draw_place()
        self.place_changed.emit()

    def mean_at(self, place: tuple[float, float]) -> list[tuple[Key, float]]:
        """The points whose mean stands at a place, with weights, the weightiest first."""
        if self.table is None or self.points is None:
            return []
        near, weights = plane.barycentre(self.points.xy, place, self.neighbours)
        return [(self.table.key(int(i)), float(w)) for i, w in zip(near, weights, strict=True)]

    def pin_payload(self, name: str) -> Payload | None:
        """The pin as a voice (map of h) or a manner of speaking (map of m); z cannot be given."""
        if self.pin is None or self.latent == "z":
            return None
        mean = self.mean_at(self.pin)
        weights = tuple(weight for _, weight in mean)
        if self.latent == "m":
            return Payload("seconds", seconds=tuple(key for key, _ in mean), weights=weights, name=name)
        return Payload("clips", clips=tuple(key[0] for key, _ in mean), weights=weights, name=name)

    def refs_at(self, place: tuple[float, float]) -> list[LatentRef]:
        """The mean at a place as the engine takes it."""
        found = []
        for key, weight in self.mean_at(place):
            if (ref := self.ref(key)) is not None:
                found.append(LatentRef(ref.folder, ref.second, weight))
        return found

    def steps(self) -> npt.NDArray[np.float64]:
        """The places along the path."""
        return np.zeros((0, 2)) if self.path is None else plane.along(self.path, self.path_steps)

    neighbours = 8  # of a pin
    path_steps = 6

    def _draw_place(self) -> None:
        ends: list[int] = []
        if self.pin is not None and self.points is not None:
            ends = plane.barycentre(self.points.xy, self.pin, self.neighbours)[0].tolist()
        self.scatter.set_pin(self.pin, ends)
        self.scatter.marks.set_path(self.path, None if self.path is None else self.steps())

    # ------------------------------------------------------------------ words
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

    def card_text(self, key: Key) -> str:
        """The hover card: rich text."""
        clip = self._clips().get(key[0])
        if clip is None:
            return self.tr("no longer in the library")
        lines = [f"<b>{escape(clip.name)}</b>"]
        if self.latent == "m":
            lines.append(self.tr("second {0} to {1}").format(key[1], key[1] + 1))
        elif self.latent == "z":
            lines.append(clock_text(key[1] / FRAMES_A_SECOND, 3))
        labels = [escape(shortened(f"{name}: {value}")) for name, value in clip.labels.items() if value]
        lines += labels[:CARD_LABELS]
        if clip.f0_median_hz is not None:
            lines.append(self.tr("median F0 {0} Hz").format(f"{clip.f0_median_hz:.0f}"))
        return "<br>".join(lines)

    def _caption(self, points: MapPoints, model_hash: str) -> str:
        """How this map was made."""
        settings: dict[str, Any] = points.settings
        words = [
            self.tr("{0} of {1}").format(settings.get("method", "t-SNE"), points.latent),
            self.tr("{0} points").format(len(points.ids)),
        ]
        if settings.get("perplexity") is not None:
            words.append(self.tr("perplexity {0}").format(f"{float(settings['perplexity']):.3g}"))
        if settings.get("metric", "euclidean") != "euclidean":
            words.append(str(settings["metric"]))
        if "seed" in settings:
            words.append(self.tr("seed {0}").format(settings["seed"]))
        if model := str(settings.get("model_hash") or model_hash):
            words.append(self.tr("model {0}").format(model[:8]))
        return "  ·  ".join(words)

    def _show_score(self, points: MapPoints) -> None:
        """How far it can be trusted, once it is done."""
        settings: dict[str, Any] = points.settings
        known = settings.get("neighbours_kept") is not None and points.final
        self.score.setVisible(known)
        if not known:
            return
        words = self.tr("{0} of {1} neighbours kept  ·  trustworthiness {2}").format(
            f"{settings['neighbours_kept']:.0%}", settings["score_neighbours"], f"{settings['trustworthiness']:.2f}"
        )
        self.score.setText(words)
        why = self.tr("Of the nearest latents of every point, how many are also its nearest on the map; and 1 less "
                      "the penalty for neighbours on the map that are strangers (trustworthiness).")  # fmt: skip
        self.score.setToolTip(f"{words}\n{why}")

    # ------------------------------------------------------------------ inside
    def _key(self, number: int) -> Key:
        assert self.table is not None  # there is a point, so there is a table
        return self.table.key(number)

    def _focus_on(self, number: int) -> None:
        key = self._key(number)
        words = self.describe(key)
        self.spoken.setText(words)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.scatter, words))
        self.focused.emit(key)

    def _fill_card(self, number: int) -> None:
        key = self._key(number)
        clip = self._clips().get(key[0])
        part = None
        if clip is not None and clip.duration_s and self.latent != "h":
            start = key[1] / (1.0 if self.latent == "m" else FRAMES_A_SECOND)
            length = 1.0 if self.latent == "m" else 1.0 / FRAMES_A_SECOND
            part = (min(1.0, start / clip.duration_s), min(1.0, (start + length) / clip.duration_s))
        folder = clip.folder or "" if clip is not None else ""
        self.card.describe(self.card_text(key), folder, part)
        if folder and (image := self._thumbnails.of(folder)) is not None:
            self.card.set_picture(image)

    def _picture_ready(self, folder: str) -> None:
        if self.card.isVisible() and self.card.folder == folder:
            self.card.set_picture(self._thumbnails.of(folder))

    def _hovered(self, number: int) -> None:
        if number < 0 and self.scatter.focus >= 0:
            self.spoken.setText(self.describe(self._key(self.scatter.focus)))

    def _show_progress(self, fraction: float | None, words: str, _eta_s: float | None) -> None:
        self.progress.setRange(0, 0 if fraction is None else 1000)
        self.progress.setValue(round(1000 * (fraction or 0.0)))
        self.progress.setToolTip(words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._about.setVisible(self.height() >= ABOUT_FROM_PX)

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
        self._about = QWidget()
        column = QVBoxLayout(self._about)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.caption)
        column.addWidget(self.score)
        picture = QWidget()
        column = QVBoxLayout(picture)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.scatter, 1)
        column.addWidget(self.spoken)
        column.addWidget(self._about)
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


def shortened(words: str) -> str:
    return words if len(words) <= CARD_LETTERS else f"{words[:CARD_LETTERS].rstrip()} …"
