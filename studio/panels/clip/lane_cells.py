"""What the m lane shows of a recording: a colour and words for every second, and what edits give to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor

from engine.api import ModelInfo, SecondEdit, StoredClip
from studio.domain.clip import Clip
from studio.domain.transfer_setup import LaneEdit, clips_of
from studio.domain.transfer_words import rule_words
from studio.panels.clip import affect_colours
from studio.plots.second_chip import Second

AFFECT, DISTANCE = "affect", "distance"
MOST_REFERENCES = 100  # recordings looked at for the colour of what is given: more would not change it

Floats = npt.NDArray[np.floating]


def has_affect(clip: Clip) -> bool:
    """Whether arousal and valence of this recording's seconds are known: the model must carry such readings."""
    return clip.folder is not None and all(StoredClip(clip.folder).has(name) for name in ("arousal", "valence"))


class LaneCells:
    """Makes the chips of one recording.

    Args:
        mode: AFFECT (arousal and valence) or DISTANCE (from the second `origin`).
    """

    def __init__(
        self, clip: Clip, clips: Mapping[str, Clip], model: ModelInfo | None, mode: str, origin: int
    ) -> None:
        assert clip.folder is not None
        stored = StoredClip(clip.folder)
        self._clips = clips
        self._model = model
        self._m = np.array(stored.array("m"), np.float32)
        self._origin = min(origin, len(self._m) - 1)
        self._affect = self._affect_of(clip) if mode == AFFECT else None
        self._far = max(1e-6, float(affect_colours.distances(self._m, self._m[self._origin]).max()))

    def __len__(self) -> int:
        return len(self._m)

    def seconds(self, edits: Sequence[LaneEdit]) -> list[Second]:
        """One chip a second; of several edits of a second the last one is drawn, and all are reported."""
        tr = QCoreApplication.translate
        given: dict[int, tuple[QColor, float]] = {}
        reported: dict[int, list[str]] = {}
        for edit in edits:
            colour = self._colour_of_reference(edit)
            for second, weight in zip(edit.target, weights_of(edit), strict=True):
                given[second] = (colour, weight)
                reported.setdefault(second, []).append(
                    tr("MLane", "from {0}, {1} %, rule: {2}").format(
                        edit.title, round(100 * weight), rule_words(edit.rule)[0]
                    )
                )
        made = []
        for number, (colour, words, long) in enumerate(self._own()):
            text = tr("MLane", "emotion (m) of {0}–{1} s: {2}").format(number, number + 1, long)
            if number in reported:
                text += tr("MLane", "   edited: ") + "; ".join(reported[number])
            made.append(
                Second(
                    colour,
                    affect_colours.ink_on(colour),
                    words,
                    text,
                    given.get(number),
                    self._affect is None and number == self._origin,
                )
            )
        return made

    def _own(self) -> list[tuple[QColor, str, str]]:
        """Colour, words on the chip and words for the readout of every second's own m."""
        tr = QCoreApplication.translate
        if self._affect is not None:
            return [
                (
                    affect_colours.of_affect(a, v),
                    f"{a:.1f} {v:+.1f}".replace("-", "−"),
                    tr("MLane", "arousal {0}, valence {1}").format(f"{a:.2f}", f"{v:+.2f}".replace("-", "−")),
                )
                for a, v in self._affect.tolist()
            ]
        far = affect_colours.distances(self._m, self._m[self._origin]).tolist()
        where = self._origin
        return [
            (
                affect_colours.of_distance(d / self._far),
                f"{max(0.0, d):.2f}",
                tr("MLane", "{0} from second {1}–{2} s (cosine distance)").format(
                    f"{max(0.0, d):.3f}", where, where + 1
                ),
            )
            for d in far
        ]

    def _colour_of_reference(self, edit: LaneEdit) -> QColor:
        """What is given, drawn like a second: its mean, whatever the rule makes of it in detail."""
        if self._affect is not None:
            values = self._mean_of_reference(edit, self._affect_of)
            return QColor("#808080") if values is None else affect_colours.of_affect(*values.tolist())
        m = self._mean_of_reference(
            edit, lambda clip: np.array(StoredClip(clip.folder or "").array("m"), np.float32)
        )
        if m is None:
            return QColor("#808080")
        d = float(affect_colours.distances(m[None], self._m[self._origin])[0])
        return affect_colours.of_distance(d / self._far)

    def _mean_of_reference(self, edit: LaneEdit, read: Callable[[Clip], Floats | None]) -> Floats | None:
        payload = edit.payload
        found = [c for c in clips_of(payload, self._clips) if c.encoded_by(self._model)][:MOST_REFERENCES]
        rows: list[Floats] = []
        for clip in found:
            try:
                values = read(clip)
            except (OSError, ValueError):
                continue
            if values is None:
                continue
            if payload.kind == "seconds":
                chosen = [second for clip_id, second in payload.seconds if clip_id == clip.id]
                values = values[[second for second in chosen if second < len(values)]]
            rows.append(values)
        stacked = np.concatenate(rows) if rows else np.zeros((0, 1))
        return stacked.mean(axis=0) if len(stacked) else None

    def _affect_of(self, clip: Clip) -> Floats | None:
        """(seconds, 2): arousal and valence."""
        if not has_affect(clip):
            return None
        stored = StoredClip(clip.folder or "")
        return np.stack([np.array(stored.array(name)) for name in ("arousal", "valence")], axis=1)


def weights_of(edit: LaneEdit) -> list[float]:
    """How much of what is given each target second takes."""
    plain = SecondEdit(edit.target, (), edit.weight, edit.fade_in_s, edit.fade_out_s)
    return [float(weight) for weight in plain.weights()]
