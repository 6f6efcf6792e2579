"""The status bar: what is being worked on, and with which model."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar

from studio.engine_link.engine_link import EngineLink
from studio.session.models.model import Model


class WorkStatus(QObject):
    """Fills a status bar's right side: the work under way and the model in use.

    Args:
        bar: the window's, which keeps this alive.
    """

    def __init__(self, bar: QStatusBar, link: EngineLink, model: Model) -> None:
        super().__init__(bar)
        self._link, self._model = link, model
        self._work = QLabel()
        self._work.setTextFormat(Qt.TextFormat.PlainText)
        self._bar = QProgressBar()
        self._bar.setFixedSize(140, 8)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the current work"))
        self._model_name = QLabel()
        self._model_name.setTextFormat(Qt.TextFormat.PlainText)
        for widget in (self._work, self._bar, self._model_name):
            bar.addPermanentWidget(widget)
        link.job_added.connect(self._watch)
        model.changed.connect(self._show_model)
        for job in link.jobs():
            self._watch(job)
        self._show_work()
        self._show_model()

    def _watch(self, job: object) -> None:
        job.changed.connect(self._show_work)  # type: ignore[attr-defined]
        self._show_work()

    def _show_work(self) -> None:
        active = self._link.active()
        running = [job for job in active if job.state == "running"] or active
        self._bar.setVisible(bool(running))
        self._work.setVisible(bool(running))
        if not running:
            return
        job = running[-1]
        more = self.tr(" (+{0})").format(len(active) - 1) if len(active) > 1 else ""
        self._work.setText(f"{job.title}{more}")
        self._bar.setRange(0, 0 if job.fraction is None else 1000)
        if job.fraction is not None:
            self._bar.setValue(round(1000 * job.fraction))

    def _show_model(self) -> None:
        model = self._model.info
        words = self.tr("No model") if model is None else self.tr("Model {0}").format(_model_name(model.path))
        self._model_name.setText(words)
        self._model_name.setToolTip("" if model is None else f"{model.path}\n{model.hash}")


def _model_name(path: str) -> str:
    """A run's model is known by its run's name: its own is "best"."""
    file = Path(path)
    stem = file.name.removesuffix(".safetensors").removesuffix(".triptych")
    return file.parent.name if stem in ("best", "last") else stem
