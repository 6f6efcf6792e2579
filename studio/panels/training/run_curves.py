"""The curves of one run: the terms of its objective, and how well probes read their latents."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from studio.domain.probe_tasks import CCC_TASKS, task_titles
from studio.domain.run_record import RunRecord
from studio.panels.training.checkpoints_model import PROBES
from studio.plots.curves.view import CurvesView
from studio.services.preferences import Preferences

HELD_OUT = "held out"


class RunCurves(QObject):
    """Two plots, `objective` and `probes`; only what is new of a run is added."""

    def __init__(self, preferences: Preferences, parent: QObject) -> None:
        super().__init__(parent)
        self._drawn: tuple[str, int] | None = None  # run and number of its points on the plot
        self._last_drawn: object = None
        self._probed: object = None  # what of the probes is on the plot
        self.objective = CurvesView()
        self.objective.setObjectName("curves")
        self.objective.set_titles(self._term_titles())
        self.objective.logarithmic.setChecked(preferences.get("training/logarithmic", False))
        self.objective.logarithmic.toggled.connect(partial(preferences.set, "training/logarithmic"))
        self.probes = CurvesView(
            splits={HELD_OUT: self.tr("Held-out clips")},
            empty=self.tr("Every checkpoint that a run keeps is measured here on clips it was not trained on."),
            signed=False,
        )
        self.probes.setObjectName("probeCurves")
        self.probes.set_titles(self._probe_titles())

    def show_run(self, record: RunRecord | None) -> None:
        self._show_objective(record)
        self._show_probes(record)

    def _show_objective(self, record: RunRecord | None) -> None:
        points = [] if record is None else record.points
        key = "" if record is None else record.run_dir
        shown = self._drawn[1] if self._drawn is not None and self._drawn[0] == key else None
        continues = (
            shown is not None and shown <= len(points) and (shown == 0 or points[shown - 1] is self._last_drawn)
        )
        if not continues:
            self.objective.clear()
            shown = 0
        for point in points[shown:]:
            self.objective.add(point.step, point.split, point.terms)
        self._drawn = (key, len(points))
        self._last_drawn = points[-1] if points else None
        if not continues:
            self.objective.draw()

    def _show_probes(self, record: RunRecord | None) -> None:
        probes = {} if record is None else dict(record.heard.probes)
        if (shown := (None if record is None else record.run_dir, probes)) == self._probed:
            return
        self._probed = shown
        self.probes.clear()
        for step, found in sorted(probes.items()):
            self.probes.add(step, HELD_OUT, {task: reading.score for task, reading in found.readings.items()})
        self.probes.draw()

    def _term_titles(self) -> dict[str, str]:
        return {
            "total": self.tr("Total (objective)"),
            "reconstruction": self.tr("Reconstruction"),
            "prior_z": self.tr("Prior of content (z)"),
            "entropy_z": self.tr("Entropy of content (z)"),
            "prior_m": self.tr("Predictor of emotion (m)"),
            "entropy_m": self.tr("Entropy of emotion (m)"),
            "prior_h": self.tr("Predictor of voice (h)"),
            "entropy_h": self.tr("Entropy of voice (h)"),
            "levels": self.tr("Attributes (pitch, spectrum)"),
            "contrast": self.tr("Contrast of voices (h)"),
            "error": self.tr("Squared error"),
        }

    def _probe_titles(self) -> dict[str, str]:
        measures = {
            task: self.tr("{0} (CCC)") if task in CCC_TASKS else self.tr("{0} (accuracy)") for task in PROBES
        }
        titles = task_titles()
        return {task: measures[task].format(titles[task]) for task in PROBES}
