"""The probe of one task on one corpus: h, m, z and the floors by the same splits, with intervals and controls.

| task | what is predicted | measure | split |
|---|---|---|---|
| speaker | who speaks | accuracy | same session, and cross-chapter where the corpus allows it |
| verify | are two clips of one voice | equal error rate | all pairs; nothing is trained |
| gender | | accuracy | speaker-disjoint |
| emotion | | balanced accuracy | speaker-disjoint |
| arousal, valence | | pooled CCC | speaker-disjoint |

Every trained measure is taken with several seeds (of the folds, of the regressor's weights); the score is the mean,
the interval is over the speakers (of the clips, for speaker ID). The control trains on labels shuffled among the
training clips (with one seed, for a regressor).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.api import PROBE_TASKS, ControlSignal, ProbeScore
from engine.api.errors import EngineError, SpecError
from engine.corpus.balanced_sample import evenly_by_speaker
from engine.evaluation.probes import linear, regressor
from engine.evaluation.probes.examples import Example, Table, joined
from engine.evaluation.probes.scores import Floats, accuracy, balanced_accuracy, bootstrap, ccc, ccc_per_group
from engine.evaluation.probes.splits import (
    CROSS_CHAPTER,
    SAME_SESSION,
    SPEAKER_DISJOINT,
    Split,
    across_sessions,
    folds,
    two_corpora,
)
from engine.evaluation.probes.verification import MOST_CLIPS, SCALINGS, best_scaling, equal_error, scaled, verify
from engine.runtime.control import check_control

CLASSES = ("speaker", "gender", "emotion")
REGRESSIONS = ("arousal", "valence")
MEASURES = {
    "speaker": "accuracy",
    "verify": "equal error rate",
    "gender": "accuracy",
    "emotion": "balanced accuracy",
    "arousal": "CCC, pooled",
    "valence": "CCC, pooled",
}
BY_PIECE = "by 4 s piece"
PER_VIDEO = "CCC, mean of the sessions'"
FEWEST = 2  # classes, or speakers


@dataclass(frozen=True)
class Material:
    """What is probed. test: another corpus to test on; None: the folds of the one.

    pieces, test_pieces: the same recordings in 4-second pieces, where those are asked for.
    sides: the division of `table`, where it is given; then there is no test corpus.
    """

    table: Table
    test: Table | None = None
    pieces: Table | None = None
    test_pieces: Table | None = None
    sides: Sides | None = None


@dataclass(frozen=True)
class Sides:
    """A division that is given, for a model that was trained on one part of a corpus and is tested on the rest.

    Each training part makes a model, which encodes its part and the rest anew: vectors of two models never meet.

    group: (examples,) the number of the model that encoded it. trains: bool (examples,) whether it is in its part.
    """

    group: npt.NDArray[np.int64]
    trains: npt.NDArray[np.bool_]

    def only(self, rows: npt.NDArray[np.bool_]) -> Sides:
        return Sides(self.group[rows], self.trains[rows])

    def splits(self, examples: Sequence[Example], apart: str) -> list[Split]:
        """One split a group."""
        found = []
        for number in np.unique(self.group):
            within = self.group == number
            train, test = np.flatnonzero(within & self.trains), np.flatnonzero(within & ~self.trains)
            found.append(Split(examples, train, test, apart))
        return found


@dataclass(frozen=True)
class Probed:
    """scores: by name of the vectors (h, m, z, mel, mfcc). protocol: how it is divided. notes: what is left out."""

    task: str
    measure: str
    protocol: str
    scores: dict[str, ProbeScore]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Predicted:
    """Truth and predictions of all tested examples of one seed."""

    truth: npt.NDArray[np.generic]
    predicted: npt.NDArray[np.generic]
    units: npt.NDArray[np.generic]
    sessions: npt.NDArray[np.str_]


def probe(
    material: Material,
    task: str,
    names: tuple[str, ...],
    control: ControlSignal,
    *,
    seeds: int = 3,
    each: Callable[[str, dict[str, ProbeScore]], object] = lambda name, scores: None,
) -> Probed:
    """Measure what the vectors called `names` tell of the task.

    Args:
        each: called before the vectors of a name are probed, with the scores so far.

    Raises:
        SpecError: no such task. EngineError: the corpus has not the labels or speakers it takes. Cancelled.
    """
    if task not in PROBE_TASKS:
        raise SpecError(f"There is no probe called {task!r}.", f"Choose one of {', '.join(PROBE_TASKS)}.", "task")
    notes: list[str] = []
    whole = _labelled(material.table, material.test, material.sides, task, notes)
    scores: dict[str, ProbeScore] = {}
    if task == "verify":
        for name in names:
            each(name, scores)
            scores[name] = _verified(whole, name, notes, control)
        return Probed(task, MEASURES[task], "all pairs of clips", scores, tuple(dict.fromkeys(notes)))
    trial = _Trial(whole, task, control, notes)
    cut = None
    if material.pieces is not None and task in CLASSES:
        cut = _Trial(_labelled(material.pieces, material.test_pieces, None, task, []), task, control, [])
    for name in names:
        each(name, scores)
        found = trial.score(name, seeds)
        if cut is not None:
            by_piece = cut.score(name, 1)
            found = dataclasses.replace(found, also=found.also | {f"{MEASURES[task]} {BY_PIECE}": by_piece.score})
        scores[name] = found
    return Probed(task, MEASURES[task], trial.protocol, scores, tuple(dict.fromkeys(notes)))


class _Trial:
    """One task on one set of examples: its splits, and the score of any vectors on them."""

    def __init__(self, labelled: _Labelled, task: str, control: ControlSignal, notes: list[str]) -> None:
        whole, of_test = labelled.table, labelled.of_test
        self._table, self._task, self._steer = whole, task, control
        self._speakers = np.array([e.speaker for e in whole.examples], np.str_)
        label = "speaker" if task == "verify" else task
        if task in REGRESSIONS:
            self._truth: npt.NDArray[np.generic] = np.array([float(e.labels[label]) for e in whole.examples])
        else:
            self._truth = np.array([_label(e, label) for e in whole.examples])
        apart = "clip" if task == "speaker" else "speaker"
        if of_test is not None:
            fixed, left_out = two_corpora(whole.examples, of_test, apart)
            if left_out:
                notes.append(f"{left_out} training clips share a {apart} with the test corpus and were left out.")
            self._splits: Callable[[int], list[Split]] = lambda seed: [fixed]
        elif labelled.sides is not None:
            given = labelled.sides.splits(whole.examples, apart)
            self._splits = lambda seed: given
        else:
            spread = self._truth if task not in REGRESSIONS else thirds(np.asarray(self._truth, np.float64))
            self._splits = lambda seed: folds(whole.examples, spread, apart, seed)
        self.protocol = SAME_SESSION if task == "speaker" else SPEAKER_DISJOINT
        self._crossing = across_sessions(whole.examples, 0) if task == "speaker" and of_test is None else None
        if task == "speaker" and of_test is not None:
            fixed_sessions = [{whole.examples[i].session for i in side} for side in (fixed.train, fixed.test)]
            self.protocol = SAME_SESSION if set.intersection(*fixed_sessions) else CROSS_CHAPTER
        elif task == "speaker" and self._crossing is None:
            notes.append("No speaker has clips of two sessions, so cross-chapter speaker ID cannot be measured.")

    def score(self, name: str, seeds: int) -> ProbeScore:
        if self._task in REGRESSIONS:
            return self._regression(name, seeds)
        measure = balanced_accuracy if self._task == "emotion" else accuracy
        runs = [self._classified(name, self._splits(seed), seed, False) for seed in range(seeds)]
        shuffled = [self._classified(name, self._splits(seed), seed, True) for seed in range(seeds)]
        also: dict[str, float] = {}
        if self._task == "speaker" and self._crossing is not None:
            crossed = self._classified(name, [self._crossing], 0, False)
            also[f"accuracy {CROSS_CHAPTER}"] = measure(crossed.truth, crossed.predicted)
            also[f"clips {CROSS_CHAPTER}"] = float(len(crossed.truth))
        if self._task == "emotion":
            also["accuracy"] = _mean([accuracy(r.truth, r.predicted) for r in runs])
        return _scored(measure, runs, shuffled, also)

    def _classified(self, name: str, splits: list[Split], seed: int, shuffle: bool) -> _Predicted:
        values, truth = self._table.values[name], self._truth.astype(np.str_)
        rng = np.random.default_rng([seed, 1])
        predicted = []
        for split in splits:
            check_control(self._steer)
            labels = truth[split.train]
            if shuffle:
                labels = rng.permutation(labels)
            groups = None if self._task == "speaker" else self._speakers[split.train]
            predicted.append(linear.fit(values[split.train], labels, groups).predicted(values[split.test]))
        return self._predicted(splits, np.concatenate(predicted))

    def _regression(self, name: str, seeds: int) -> ProbeScore:
        by_loss = {
            loss: [self._regressed(name, seed, loss, False) for seed in range(seeds)] for loss in regressor.LOSSES
        }
        shuffled = [self._regressed(name, 0, "CCC", True)]  # chance: one seed tells it
        also: dict[str, float] = {}
        for loss, runs in by_loss.items():
            also[f"CCC, pooled, {loss} training"] = _mean(
                [ccc(_floats(r.truth), _floats(r.predicted)) for r in runs]
            )
            per_session = [ccc_per_group(_floats(r.truth), _floats(r.predicted), r.sessions) for r in runs]
            also[f"{PER_VIDEO}, {loss} training"] = _mean(per_session)
        return _scored(lambda y, p: ccc(_floats(y), _floats(p)), by_loss["CCC"], shuffled, also)

    def _regressed(self, name: str, seed: int, loss: str, shuffle: bool) -> _Predicted:
        values, truth = self._table.values[name], _floats(self._truth)
        rng = np.random.default_rng([seed, 1])
        splits, predicted = self._splits(seed), []
        for split in splits:
            check_control(self._steer)
            targets = truth[split.train]
            if shuffle:
                targets = rng.permutation(targets)
            predicted.append(
                regressor.fit_and_predict(values[split.train], targets, values[split.test], loss, seed)
            )
        return self._predicted(splits, np.concatenate(predicted))

    def _predicted(self, splits: list[Split], predicted: npt.NDArray[np.generic]) -> _Predicted:
        at = np.concatenate([split.test for split in splits])
        tested = [self._table.examples[i] for i in at]
        units = [e.clip if self._task == "speaker" else e.speaker for e in tested]
        return _Predicted(self._truth[at], predicted, np.array(units), np.array([e.session for e in tested]))


def _scored(
    measure: Callable[[npt.NDArray[np.generic], npt.NDArray[np.generic]], float],
    runs: list[_Predicted],
    shuffled: list[_Predicted],
    also: dict[str, float],
) -> ProbeScore:
    each = [measure(run.truth, run.predicted) for run in runs]
    intervals = [bootstrap(measure, run.truth, run.predicted, run.units, seed) for seed, run in enumerate(runs)]
    return ProbeScore(
        n=len(runs[0].truth),
        score=_mean(each),
        low=_mean([i.low for i in intervals]),
        high=_mean([i.high for i in intervals]),
        shuffled=_mean([measure(run.truth, run.predicted) for run in shuffled]),
        seeds=tuple(each),
        also=also,
    )


def _verified(labelled: _Labelled, name: str, notes: list[str], control: ControlSignal) -> ProbeScore:
    """Pairs of the test corpus (of all, without one), scaled as suits the training corpus best.

    Without a training corpus there is nothing to choose by: standardised, by all clips.
    """
    check_control(control)
    whole, of_test = labelled.table, labelled.of_test
    values = whole.values[name].astype(np.float64)
    speakers = np.array([e.speaker for e in whole.examples])
    reference, scaling = values, SCALINGS[0]
    if of_test is not None:
        known = speakers[~of_test]
        reference, values, speakers = values[~of_test], values[of_test], speakers[of_test]
        some = evenly_by_speaker(known, MOST_CLIPS)
        scaling = best_scaling(reference[some], known[some])
    distinct = _first_of_each(
        np.array([e.content for e in whole.examples])[of_test if of_test is not None else ...]
    )
    if len(distinct) < len(speakers):  # a clip and its copy would be the easiest pair of one voice
        notes.append(f"{len(speakers) - len(distinct)} copies of clips were left out.")
    values, speakers = values[distinct], speakers[distinct]
    chosen = evenly_by_speaker(speakers, MOST_CLIPS)
    if len(chosen) < len(speakers):
        notes.append(f"{len(chosen)} of {len(speakers)} clips were paired, evenly over the speakers.")
    vectors = scaled(values[chosen], reference, scaling)
    found = verify(vectors, speakers[chosen])
    mixed = np.random.default_rng(1).permutation(speakers[chosen])
    also = {
        "pairs of one voice": float(found.same),
        "pairs of two voices": float(found.different),
    }
    for other in SCALINGS:
        also[f"equal error rate, {other}"] = (
            found.error
            if other == scaling
            else equal_error(scaled(values[chosen], reference, other), speakers[chosen])
        )
    notes.append(f"{name}: vectors {scaling} before the cosine is taken.")
    chance = equal_error(vectors, mixed)
    return ProbeScore(
        len(chosen), found.error, found.interval.low, found.interval.high, chance, (found.error,), also
    )


@dataclass(frozen=True)
class _Labelled:
    """The rows that say what a task needs, both corpora in one table. of_test: which are the test corpus's."""

    table: Table
    of_test: npt.NDArray[np.bool_] | None
    sides: Sides | None


def _labelled(first: Table, second: Table | None, sides: Sides | None, task: str, notes: list[str]) -> _Labelled:
    """What there is to probe a task with.

    Raises:
        EngineError: too few are left.
    """
    whole = first if second is None else joined(first, second)
    of_test = np.arange(len(whole.examples)) >= len(first.examples)
    label = "speaker" if task == "verify" else task
    fit = np.array([says(e, label) for e in whole.examples])
    if task == "speaker":  # a voice with a single clip cannot be both learnt and tested
        # several clips, not several pieces of one
        clips = sorted({(e.speaker, e.content) for e in whole.examples})
        names, counts = np.unique([speaker for speaker, _ in clips], return_counts=True)
        several = set(names[counts > 1].tolist())
        alone = fit & np.array([e.speaker not in several for e in whole.examples])
        if alone.any():
            lonely = len({e.speaker for e, left in zip(whole.examples, alone, strict=True) if left})
            notes.append(f"{lonely} speakers with a single clip were left out.")
        fit &= ~alone
    elif missing := len({e.clip for e, says_it in zip(whole.examples, fit, strict=True) if not says_it}):
        notes.append(f"{missing} clips without a label for {label}, or without a speaker's name, were left out.")
    kept = whole.only(fit)
    if len({_label(e, label) for e in kept.examples}) < FEWEST or len({e.speaker for e in kept.examples}) < FEWEST:
        raise EngineError(
            f"The corpus does not say enough to probe {task}: {len(kept.examples)} clips have a label for {label} "
            "and a speaker's name, and at least two different ones of each are needed.",
            "Name a corpus with these labels, or add them in a table beside the recordings.",
        )
    return _Labelled(kept, None if second is None else of_test[fit], None if sides is None else sides.only(fit))


def _first_of_each(names: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """The positions at which a name occurs for the first time, in rising order."""
    return np.sort(np.unique(names, return_index=True)[1])


def _label(example: object, name: str) -> str:
    return str(getattr(example, "labels", {}).get(name) or "")


def says(example: Example, label: str) -> bool:
    """Whether a clip can be probed for a label: it names its speaker, and arousal and valence are numbers."""
    word = _label(example, label)
    if not example.labels.get("speaker") or not word:
        return False
    try:
        return label not in REGRESSIONS or math.isfinite(float(word))
    except ValueError:
        return False


def thirds(values: Floats) -> npt.NDArray[np.int64]:
    """Low, middle or high: what the folds of a regression are spread over."""
    return np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values).astype(np.int64)


def _floats(values: npt.NDArray[np.generic]) -> Floats:
    return values.astype(np.float64)


def _mean(values: list[float]) -> float:
    real = [v for v in values if math.isfinite(v)]
    return float(np.mean(real)) if real else float("nan")
