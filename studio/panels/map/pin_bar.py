"""The bar below a map that describes its pin or path, with buttons to play it, hand it on and save it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.engine_link.job import Job
from studio.services import theme

FEWEST_STEPS, MOST_STEPS = 2, 12


class PinBar(QFrame):
    """Shown while there is a pin or a path.

    Signals:
        play_wanted(), reference_wanted(), saved(), closed(): what the buttons ask for.
        stopped(): the sound, or its making, is to end.
        steps_changed(int): of the path.
    """

    play_wanted = Signal()
    reference_wanted = Signal()
    saved = Signal()
    closed = Signal()
    stopped = Signal()
    steps_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("placeBar")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.words = QLabel()
        self.words.setObjectName("placeWords")
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
        self.steps = QSpinBox()
        self.steps.setObjectName("pathSteps")
        self.steps.setRange(FEWEST_STEPS, MOST_STEPS)
        self.steps.setValue(6)
        self.steps.setSuffix(self.tr(" steps"))
        self.steps.setAccessibleName(self.tr("Steps along the path"))
        self.hear = QPushButton(self.tr("Hear"))
        self.hear.setObjectName("hearPlace")
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setObjectName("stopPlace")
        self.give = QPushButton(self.tr("Give"))
        self.give.setObjectName("givePlace")
        self.save = QPushButton(self.tr("Save …"))
        self.save.setObjectName("savePlace")
        self.save.setToolTip(self.tr("Save the sound last made as a file"))
        self.close_button = QToolButton()
        self.close_button.setObjectName("closePlace")
        self.close_button.setIcon(theme.icon("close"))
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName(self.tr("Take the pin or the path off the map"))
        self.progress = QProgressBar()
        self.progress.setObjectName("placeProgress")
        self.progress.setAccessibleName(self.tr("Progress of the morph"))
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.hide()
        for button, signal in (
            (self.hear, self.play_wanted),
            (self.stop, self.stopped),
            (self.give, self.reference_wanted),
            (self.save, self.saved),
            (self.close_button, self.closed),
        ):
            button.clicked.connect(lambda _checked=False, signal=signal: signal.emit())
        self.steps.valueChanged.connect(self.steps_changed)
        row = QHBoxLayout()
        row.setSpacing(theme.SMALL)
        for widget in (self.hear, self.stop, self.steps, self.give, self.save):
            row.addWidget(widget)
        row.addStretch(1)
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE, theme.SMALL, theme.SMALL, theme.SPACE)
        column.setSpacing(theme.SMALL)
        column.addLayout(top)
        column.addLayout(row)
        column.addWidget(self.progress)
        self.hide()

    def show_pin(self, words: str, give: str) -> None:
        """give: the label of the button that makes it a reference of the transfer; "" where that cannot be."""
        self._show(words, path=False)
        self.give.setVisible(bool(give))
        self.give.setText(give)
        self.hear.setVisible(bool(give))
        self.hear.setToolTip(self.tr("Give the current recording this mean, and play the result"))
        self.close_button.setToolTip(self.tr("Take the pin away"))
        self.close_button.setAccessibleName(self.tr("Take the pin away"))

    def show_path(self, words: str, *, may_hear: bool) -> None:
        self._show(words, path=True)
        self.give.hide()
        self.hear.setVisible(may_hear)
        self.steps.setVisible(may_hear)
        self.hear.setToolTip(
            self.tr("Give the current recording one mean after the other along the path, as one sound")
        )
        self.close_button.setToolTip(self.tr("Take the path away"))
        self.close_button.setAccessibleName(self.tr("Take the path away"))

    def show_work(self, job: Job | None, *, sounding: bool, saved: bool) -> None:
        """job: what is being rendered; sounding: it plays; saved: there is a sound that could be saved."""
        self.hear.setEnabled(job is None)
        self.stop.setVisible(job is not None or sounding)
        self.save.setVisible(saved)
        self.save.setEnabled(job is None)
        self.progress.setVisible(job is not None)
        if job is None:
            self.progress.setRange(0, 0)

    def show_progress(self, fraction: float | None, words: str, _eta_s: float | None) -> None:
        self.progress.setRange(0, 0 if fraction is None else 1000)
        self.progress.setValue(round(1000 * (fraction or 0.0)))
        self.progress.setToolTip(words)

    def _show(self, words: str, *, path: bool) -> None:
        self.words.setText(words)
        self.steps.setVisible(path)
        self.show()
