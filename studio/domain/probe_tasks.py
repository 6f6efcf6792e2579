"""Probe tasks: their titles, and their scores as text."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication

CCC_TASKS = ("arousal", "valence")


def task_titles() -> dict[str, str]:
    """What the probes are called, by task."""
    tr = QCoreApplication.translate
    return {
        "speaker": tr("ProbesTable", "Speaker"),
        "verify": tr("ProbesTable", "Verification"),
        "gender": tr("ProbesTable", "Gender"),
        "emotion": tr("ProbesTable", "Emotion"),
        "arousal": tr("ProbesTable", "Arousal"),
        "valence": tr("ProbesTable", "Valence"),
    }


def shown(task: str, value: float, digits: int = 1) -> str:
    """A score as it is read: CCC with two digits, all else in percent with `digits` after the point."""
    if not math.isfinite(value):
        return "–"
    if task in CCC_TASKS:
        return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
    return f"{100.0 * value:.{digits}f} %"
