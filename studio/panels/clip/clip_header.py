"""Header of the clip view: the name of the clip and what is known of it, or why there is nothing to show."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from engine.api import ClipAnalysed
from studio.domain.clip import Clip
from studio.plots.timeline import clock_text
from studio.widgets.elided_label import ElidedLabel


class ClipHeader(QWidget):
    """Names a clip and says its facts in one line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = QLabel()
        self._name.setObjectName("clipName")
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        font = self._name.font()
        font.setBold(True)
        self._name.setFont(font)
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._facts = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._facts.setObjectName("clipFacts")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self._name)
        row.addWidget(self._facts, 1)

    def show_clip(self, clip: Clip, meta: ClipAnalysed) -> None:
        """Show a clip and what its analysis found."""
        facts = facts_of(clip, meta)
        self._name.setText(clip.name)
        self._name.setToolTip(clip.path)
        self._facts.setText("  ·  ".join(facts))
        self._facts.setToolTip("\n".join(facts))


def facts_of(clip: Clip, meta: ClipAnalysed) -> list[str]:
    """Length, rate, channels, labels, pitch and the notes of the analysis, in words."""
    tr = QCoreApplication.translate
    channels = {1: tr("ClipHeader", "mono"), 2: tr("ClipHeader", "stereo")}.get(
        meta.channels, tr("ClipHeader", "{0} channels").format(meta.channels)
    )
    facts = [clock_text(meta.duration_s), f"{meta.source_rate_hz / 1000:g} kHz", channels]
    if clip.labels.get("speaker"):
        facts.append(tr("ClipHeader", "speaker {0}").format(clip.labels["speaker"]))
    facts += [clip.labels[name] for name in ("gender", "emotion") if clip.labels.get(name)]
    if meta.f0_median_hz is not None:
        facts.append(tr("ClipHeader", "median F0 {0} Hz").format(f"{meta.f0_median_hz:.0f}"))
    return [*facts, *meta.notes]


def why_empty(clip: Clip | None, *, library_is_empty: bool) -> str:
    """Why nothing of a clip can be shown, and what to do; None is no clip at all."""
    tr = QCoreApplication.translate
    if clip is None:
        if library_is_empty:
            return tr("ClipHeader", "Drop recordings or folders anywhere in this window to begin.")
        return tr("ClipHeader", "Choose a clip in the library to see and hear it.")
    if clip.error is not None:
        return tr("ClipHeader", "{0}\n\n{1}\n{2}").format(clip.name, *clip.error)
    if clip.state == "missing":
        return tr("ClipHeader", "{0}\n\nThe file is no longer where it was:\n{1}").format(clip.name, clip.path)
    if clip.state == "analysing":
        return tr("ClipHeader", "{0}\n\nBeing analysed …").format(clip.name)
    return tr("ClipHeader", "{0}\n\nWaiting to be analysed …").format(clip.name)
