"""Tables 1 to 3 and the gender line, the paper's numbers beside ours. A cell that could not be run says why."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.api import ProbeResult, ProbeScore
from engine.evaluation.paper import published_numbers as published
from engine.evaluation.paper.measure import EMOTIONS, Measured
from engine.evaluation.paper.plan import SECOND_STAGE, TITLES
from engine.evaluation.probes.matrix import interval, shown
from engine.export.text_tables import Sheet

THE_PAPERS = "two-auxiliary"  # the row that is the paper's model by the paper's recipe
ROWS = ("timescale", "two-auxiliary", "one-auxiliary", "vae", "cpc", "supervised")
FLOOR_TITLES = {"mel": "mel floor (mean, deviation)", "mfcc": "MFCC floor (mean, deviation)"}


def _printed(number: tuple[float, float | None] | None) -> str:
    if number is None:
        return ""
    value, deviation = number
    return f"{value:.2f} %" if deviation is None else f"{value:.2f} ± {deviation:.2f} %"


class Footnotes:
    """Marks [1], [2], ... for reasons, each reason once."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        if text not in self.texts:
            self.texts.append(text)
        return f"[{self.texts.index(text) + 1}]"

    @property
    def numbered(self) -> tuple[str, ...]:
        return tuple(f"[{n}] {text}" for n, text in enumerate(self.texts, start=1))


class Sheets:
    """All sheets of a report.

    Args:
        measured: by system; "floors" and the judges among them.
        why: by system, why it could not be measured.
        said: what every table must say (which voices, how trained).
        before, after: by system, of the models of the first and of the second stage, by the sides of the latter.
    """

    def __init__(
        self,
        measured: Mapping[str, Measured],
        why: Mapping[str, str],
        said: tuple[str, ...],
        before: Mapping[str, Measured],
        after: Mapping[str, Measured],
    ) -> None:
        self._measured, self._why, self._said = measured, why, said
        self._before, self._after = before, after
        self.missing: list[str] = []

    def all(self) -> tuple[Sheet, ...]:
        return (self.table1(), self.gender(), self.table2(), self.table3(), self.acted(), self.second_stage())

    def table1(self) -> Sheet:
        notes = Footnotes()
        rows = []
        for system, name, title in self._rows():
            printed = published.SPEAKER.get((system, name))
            rows.append(
                (
                    title,
                    name if system in ROWS else "",
                    _printed(printed),
                    self._cell(system, name, "speaker", notes),
                    self._also(system, name, "speaker", "accuracy by 4 s piece"),
                    self._also(system, name, "speaker", "accuracy cross-chapter", notes, self._no_sessions),
                    self._cell(system, name, "verify", notes),
                    self._shuffled(system, name, "speaker"),
                    self._shuffled(system, name, "verify"),
                )
            )
        columns = (
            "system",
            "read from",
            "paper: speaker ID, 4 s pieces",
            "speaker ID, same session, by utterance",
            "by 4 s piece",
            "cross-chapter",
            "verification, equal error rate (lower is better)",
            "speaker ID, labels shuffled",
            "verification, labels shuffled",
        )
        title = "Table 1. Who speaks: linear speaker ID, and verification of voices no system was trained on"
        said = (*self._said, *self._left_out(), *notes.numbered, published.SLIPS[3])
        return Sheet("table1", title, columns, tuple(rows), said)

    _no_sessions = "No held-out speaker has clips of two chapters, so cross-chapter speaker ID cannot be measured."

    def gender(self) -> Sheet:
        notes = Footnotes()
        rows = []
        for system, name, title in self._rows():
            printed = f"{published.GENDER[name]:.2f} %" if system == THE_PAPERS and name in published.GENDER else ""
            shown_name = name if system in ROWS else ""
            rows.append(
                (
                    title,
                    shown_name,
                    printed,
                    self._cell(system, name, "gender", notes),
                    self._shuffled(system, name, "gender"),
                )
            )
        columns = ("system", "read from", "paper", "gender of voices never trained on", "labels shuffled")
        return Sheet("gender", "Gender, linear classifier", columns, tuple(rows), (*self._said, *notes.numbered))

    def table2(self) -> Sheet:
        notes = Footnotes()
        rows = []
        for system in ("timescale", "two-auxiliary"):
            for task in ("arousal", "valence"):
                for name in ("h", "m", "z"):
                    printed = [
                        f"{ccc:.3f}" if system == THE_PAPERS else "" for ccc in published.EMOTION[task, name]
                    ]
                    score = self._score(system, name, task)
                    rows.append(
                        (
                            TITLES[system],
                            task,
                            name,
                            *printed,
                            self._also(system, name, task, "CCC, pooled, MSE training", notes),
                            self._cell(system, name, task, notes),
                            self._also(system, name, task, "CCC, mean of the sessions', MSE training"),
                            self._also(system, name, task, "CCC, mean of the sessions', CCC training"),
                            "" if score is None else shown(task, score.shuffled),
                        )
                    )
        columns = (
            "system",
            "property",
            "read from",
            "paper: MSE training",
            "paper: CCC training",
            "ours: MSE training, pooled",
            "ours: CCC training, pooled",
            "MSE training, mean of sessions",
            "CCC training, mean of sessions",
            "labels shuffled",
        )
        title = "Table 2. Arousal and valence, one hidden layer, concordance (CCC)"
        said = (*self._said, *self._other_corpus(), *notes.numbered, *published.SLIPS[1:3])
        return Sheet("table2", title, columns, tuple(rows), said)

    def table3(self) -> Sheet:
        notes = Footnotes()
        rows = [(name, f"{a:.4g}", f"{v:.4g}", "paper", "") for name, (a, v) in published.OTHERS.items()]
        slip = notes.mark(published.SLIPS[0])
        rows.append(
            (
                "The paper's m",
                f"{published.AROUSAL_OF_M} {slip}",
                f"{published.VALENCE_OF_M}",
                "paper",
                "",
            )
        )
        for system, name, title in self._rows():
            if system in ("two-auxiliary", "timescale") and name != "m":
                continue
            cells = [self._cell(system, name, task, notes) for task in ("arousal", "valence")]
            controls = [self._shuffled(system, name, task) for task in ("arousal", "valence")]
            label = f"{title} {name if system in ROWS else ''}".strip()
            rows.append((label, cells[0], cells[1], "ours", " / ".join(controls)))
        columns = ("system", "arousal CCC", "valence CCC", "source", "labels shuffled (arousal / valence)")
        title = "Table 3. Arousal and valence beside other systems"
        return Sheet("table3", title, columns, tuple(rows), (*self._said, *self._other_corpus(), *notes.numbered))

    def acted(self) -> Sheet:
        """Emotion classes: not in the paper, which has no acted corpus."""
        notes = Footnotes()
        rows = []
        for system, name, title in self._rows():
            rows.append(
                (
                    title,
                    name if system in ROWS else "",
                    self._cell(system, name, "emotion", notes),
                    self._also(system, name, "emotion", "accuracy"),
                    self._shuffled(system, name, "emotion"),
                )
            )
        columns = ("system", "read from", "balanced accuracy", "accuracy", "balanced accuracy, labels shuffled")
        title = "Emotion classes, speaker-disjoint, linear classifier"
        return Sheet("emotion", title, columns, tuple(rows), (*self._said, *notes.numbered))

    def second_stage(self) -> Sheet:
        """What more training on acted speech brings: before and after by one division."""
        notes = Footnotes()
        rows = []
        for system in SECOND_STAGE:
            for name in ("h", "m", "z"):
                cells: list[str] = []
                for task in EMOTIONS:
                    for measured in (self._before, self._after):
                        result = measured[system].results[task] if system in measured else None
                        score = None if result is None else result.scores.get(name)
                        if score is not None:
                            cells.append(f"{shown(task, score.score)} ({interval(task, score)})")
                            continue
                        why = (result.failed if result is not None else "") or self._why.get(
                            f"{system}, second stage", "The first stage is missing."
                        )
                        if (missing := f"Second stage of {TITLES[system]}: {why}") not in self.missing:
                            self.missing.append(missing)
                        cells.append(f"not run {notes.mark(why)}")
                rows.append((TITLES[system], name, *cells))
        columns = ["system", "read from"]
        for task in ("emotion, balanced accuracy", "arousal CCC", "valence CCC"):
            columns += [f"{task}: first stage", "and second stage"]
        said = (
            "The second stage goes on training on emotional speech, without its labels, as the paper does on "
            "OMG-Emotion. Where the corpus names no parts, one half of its speakers trains model and probes, and "
            "the other half is tested; then the other way round. The first stage is measured by the same halves.",
        )
        title = "Second stage: trained further on emotional speech of other speakers than those tested"
        return Sheet("second-stage", title, tuple(columns), tuple(rows), (*said, *notes.numbered))

    def _left_out(self) -> tuple[str, ...]:
        """What of the held-out voices could not be used for speaker ID: the same for every system."""
        for measured in self._measured.values():
            if (result := measured.results.get("speaker")) is not None and result.notes:
                return tuple(f"Speaker ID: {note}" for note in result.notes)
        return ()

    def _rows(self) -> list[tuple[str, str, str]]:
        """(system, vectors, title) of every row that ought to be there, measured or not."""
        rows = []
        expected = {
            "timescale": ("h", "m", "z"),
            "two-auxiliary": ("h", "m", "z"),
            "one-auxiliary": ("h", "z"),
            "vae": ("z",),
            "cpc": ("c",),
            "supervised": ("h",),
        }
        for system in ROWS:
            rows += [(system, name, TITLES[system]) for name in expected[system]]
        rows += [("floors", name, title) for name, title in FLOOR_TITLES.items()]
        others = [*self._measured, *self._why]
        rows += [(name, "vector", name) for name in dict.fromkeys(others) if name not in (*ROWS, "floors")]
        return rows

    def _score(self, system: str, name: str, task: str) -> ProbeScore | None:
        result = self._result(system, task)
        return None if result is None else result.scores.get(name)

    def _result(self, system: str, task: str) -> ProbeResult | None:
        measured = self._measured.get(system)
        return None if measured is None else measured.results.get(task)

    def _cell(self, system: str, name: str, task: str, notes: Footnotes) -> str:
        score = self._score(system, name, task)
        if score is None:
            return f"not run {notes.mark(self._reason(system, task))}"
        return f"{shown(task, score.score)} ({interval(task, score)})"

    def _reason(self, system: str, task: str) -> str:
        result = self._result(system, task)
        why = self._why.get(system) or (result.failed if result is not None else "") or "It was not measured."
        predicted = f"{TITLES.get(system, system)}: {why}" if system in self._why else why
        # What the corpus lacks is the same for every row and is told once.
        if (missing := predicted if system in self._why else f"{task}: {why}") not in self.missing:
            self.missing.append(missing)
        return predicted

    def _shuffled(self, system: str, name: str, task: str) -> str:
        score = self._score(system, name, task)
        return "" if score is None else shown(task, score.shuffled)

    def _also(
        self, system: str, name: str, task: str, what: str, notes: Footnotes | None = None, reason: str = ""
    ) -> str:
        score = self._score(system, name, task)
        value = None if score is None else score.also.get(what)
        if value is not None and math.isfinite(value):
            return shown(task, value)
        if score is None and notes is not None:
            return f"not run {notes.mark(self._reason(system, task))}"
        return f"not run {notes.mark(reason)}" if notes is not None and reason else "–"

    def _other_corpus(self) -> tuple[str, ...]:
        return (
            "The paper's numbers are of OMG-Emotion. Ours are of the corpus named in this report; on another one "
            "they show which latent tells more, and are not to be compared number by number.",
        )
