"""The curves of one run: the terms of its objective, and what probes find at its checkpoints."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from studio.domain.probe_tasks import CCC_TASKS, task_titles
from studio.domain.run_record import RunRecord
from studio.panels.training.checkpoints_model import PROBES
from studio.plots.curves.view import CurvesView

HELD_OUT = "held out"


class ObjectiveCurves(CurvesView):
    """Draws the objective and its terms over the steps of a run, in training and on held-out clips."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("curves")
        self.set_titles(
            {
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
        )
        self._run_dir: str | None = None
        self._drawn = 0  # points of the run that are drawn
        self._last_drawn: object = None

    def show_run(self, record: RunRecord | None) -> None:
        """Add what is new of the run that is shown, or draw another run from its first point."""
        points = [] if record is None else record.points
        run_dir = "" if record is None else record.run_dir
        drawn = self._drawn
        continues = (
            run_dir == self._run_dir
            and drawn <= len(points)
            and (drawn == 0 or points[drawn - 1] is self._last_drawn)  # a resumed run trains some steps again
        )
        if not continues:
            self.clear()
            drawn = 0
        for point in points[drawn:]:
            self.add(point.step, point.split, point.terms)
        self._run_dir, self._drawn = run_dir, len(points)
        self._last_drawn = points[-1] if points else None
        if not continues:
            self.draw()


class ProbeCurves(CurvesView):
    """Draws how well linear probes read speaker, gender and emotion from the latents of each checkpoint."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            parent,
            splits={HELD_OUT: self.tr("Held-out clips")},
            empty=self.tr("Every checkpoint that a run keeps is measured here on clips it was not trained on."),
            signed=False,
        )
        self.setObjectName("probeCurves")
        titles = task_titles()
        measures = {
            task: self.tr("{0} (CCC)") if task in CCC_TASKS else self.tr("{0} (accuracy)") for task in PROBES
        }
        self.set_titles({task: measures[task].format(titles[task]) for task in PROBES})
        self._shown: object = None

    def show_run(self, record: RunRecord | None) -> None:
        """Draw the probes of a run's checkpoints, if they are others than those drawn."""
        probes = {} if record is None else dict(record.heard.probes)
        if (shown := (None if record is None else record.run_dir, probes)) == self._shown:
            return
        self._shown = shown
        self.clear()
        for step, found in sorted(probes.items()):
            self.add(step, HELD_OUT, {task: reading.score for task, reading in found.readings.items()})
        self.draw()
