"""What a checkpoint of a run tells of voices and emotions: cheap probes on the clips that the run set apart for it.

The probe of a task is taught on clips that the run trains on and tested on clips that it does not. For everything
but the speaker's name the two sides share no speaker either: a fold's speakers are tested by a probe that knows the
others alone. One seed, one latent a task (the one that is there to tell it), no intervals: it is a curve over steps
that is wanted; `engine.probes.job` measures a model with all care.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from engine.api import CheckpointProbes, ControlSignal, ProbeReading
from engine.api.errors import EngineError
from engine.evaluation.probes import linear, regressor
from engine.evaluation.probes.examples import FLOORS, Recording, Table, table
from engine.evaluation.probes.probing import MEASURES, REGRESSIONS, says, thirds
from engine.evaluation.probes.scores import accuracy, balanced_accuracy, ccc
from engine.evaluation.probes.splits import Split, folds
from engine.model.checkpoint import SystemCheckpoint
from engine.runtime.control import check_control
from engine.training.data.probe_set import ProbeClip

READS = {"speaker": "h", "gender": "h", "emotion": "m", "arousal": "m", "valence": "m"}
FEWEST_CLIPS = 4  # tested; of fewer a share says nothing


def probe(
    step: int, clips: Sequence[ProbeClip], model: SystemCheckpoint, device: torch.device, control: ControlSignal
) -> CheckpointProbes:
    """Every task that the clips have labels for.

    Raises:
        Cancelled: the user cancelled it.
    """
    readings: dict[str, ProbeReading] = {}
    missing: dict[str, str] = {}
    if not clips:
        return CheckpointProbes(step, readings, dict.fromkeys(READS, "The run set no clips apart."))
    # Clips that were added one by one may share a name; a copy under another name is found by its content.
    recordings = [Recording(f"{n} {c.name}", c.mel, c.f0, c.labels, c.gain_db) for n, c in enumerate(clips)]
    whole = table(recordings, model, device, control)
    held_out = np.array([clip.held_out for clip in clips])
    for task in READS:
        check_control(control)
        try:
            readings[task] = reading(whole, held_out, task)
        except EngineError as error:
            missing[task] = error.what
    return CheckpointProbes(step, readings, missing)


def reading(whole: Table, held_out: npt.NDArray[np.bool_], task: str) -> ProbeReading:
    """One task on the vectors of clips, of which some were held out of the run.

    Raises:
        EngineError: the clips do not say enough.
    """
    labelled = np.array([says(e, task) for e in whole.examples])
    if not labelled.any():
        raise EngineError(f"The corpus has no labels for {task}.", "Add them in a table beside the recordings.")
    rows, apart = whole.only(labelled), held_out[labelled]
    labels = np.array([e.labels[task] for e in rows.examples])
    splits = _by_name(rows, apart) if task == "speaker" else _by_speaker(rows, apart, task, labels)
    tested = np.concatenate([split.test for split in splits]) if splits else np.zeros(0, np.int64)
    if len(tested) < FEWEST_CLIPS:
        raise EngineError(
            f"Of the clips held out, {len(tested)} can be tested for {task}, and {FEWEST_CLIPS} are needed.",
            "Hold more out, or train on more speakers.",
        )
    if task not in REGRESSIONS and len(np.unique(labels[tested])) < 2:
        raise EngineError(f"The clips held out say the same of {task}.", "Hold more out.")
    values = rows.values[_latent(rows, READS[task])]
    if task in REGRESSIONS:
        targets = labels.astype(np.float64)
        predicted = [
            regressor.fit_and_predict(values[s.train], targets[s.train], values[s.test], "CCC", 0) for s in splits
        ]
        return ProbeReading(ccc(targets[tested], np.concatenate(predicted)), 0.0, len(tested), MEASURES[task])
    speakers = np.array([e.speaker for e in rows.examples])
    named = [
        linear.fit(values[s.train], labels[s.train], None if task == "speaker" else speakers[s.train]).predicted(
            values[s.test]
        )
        for s in splits
    ]
    truth, answers = labels[tested], np.concatenate(named)
    _, counts = np.unique(truth, return_counts=True)
    if task == "emotion":
        return ProbeReading(balanced_accuracy(truth, answers), 1.0 / len(counts), len(tested), MEASURES[task])
    return ProbeReading(accuracy(truth, answers), float(counts.max() / len(tested)), len(tested), MEASURES[task])


def _by_name(rows: Table, held_out: npt.NDArray[np.bool_]) -> list[Split]:
    """Speakers told by other clips of theirs: taught on those trained on, tested on those held out."""
    of_test = {rows.examples[i].content for i in np.flatnonzero(held_out)}
    train = [i for i in np.flatnonzero(~held_out).tolist() if rows.examples[i].content not in of_test]
    known = {rows.examples[i].speaker for i in train}
    test = [i for i in np.flatnonzero(held_out).tolist() if rows.examples[i].speaker in known]
    if len(known) < 2:
        return []
    return [Split(rows.examples, np.array(train, np.int64), np.array(test, np.int64), "clip")]


def _by_speaker(
    rows: Table, held_out: npt.NDArray[np.bool_], task: str, labels: npt.NDArray[np.str_]
) -> list[Split]:
    """Speaker-disjoint folds of all clips, less the clips of either side that lie on the wrong one."""
    classes: npt.NDArray[np.generic] = thirds(labels.astype(np.float64)) if task in REGRESSIONS else labels
    found = []
    for fold in folds(rows.examples, classes, "speaker", 0):
        train, test = fold.train[~held_out[fold.train]], fold.test[held_out[fold.test]]
        if len(train) and len(test):
            found.append(Split(rows.examples, train, test, "speaker"))
    return found


def _latent(rows: Table, wished: str) -> str:
    """Systems of comparison have latents of their own."""
    return wished if wished in rows.values else next(name for name in rows.values if name not in FLOORS)
