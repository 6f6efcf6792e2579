"""Fit the linear readings that travel in a model file (engine/model/linear_heads.py) from labelled recordings.

gender is read from h, of whole clips. emotion, arousal and valence are read from m, of single seconds: the label of
an acted clip holds for each of its seconds, and a chip of the m lane is one second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from engine.analysis.clip_inputs import ClipInputs
from engine.api import ControlSignal
from engine.api.errors import EngineError
from engine.evaluation.probes import linear
from engine.evaluation.probes.examples import Recording, example_of
from engine.evaluation.probes.scores import balanced_accuracy, ccc
from engine.evaluation.probes.splits import folds
from engine.model.checkpoint import Checkpoint
from engine.model.linear_heads import Head
from engine.model.streaming import encode_stream
from engine.runtime.control import check_control

READS = {"gender": "h", "emotion": "m", "arousal": "m", "valence": "m"}
_RIDGE = 100.0  # for standardised vectors


def fit_head(
    name: str, recordings: Sequence[Recording], model: Checkpoint, device: torch.device, control: ControlSignal
) -> Head:
    """The reading called `name` ("gender", "emotion", "arousal", "valence"), with its score on held-out speakers.

    Raises:
        EngineError: no such reading, or the recordings lack the label or a second speaker. Cancelled.
    """
    if name not in READS:
        raise EngineError(f"There is no reading called {name!r}.", f"Choose one of {', '.join(READS)}.")
    labelled = [r for r in recordings if r.labels.get(name) and r.labels.get("speaker")]
    if len({r.labels[name] for r in labelled}) < 2:
        raise EngineError(
            f"The recordings do not tell two different values of {name}.", "Name a corpus that has this label."
        )
    rows: list[npt.NDArray[np.float32]] = []
    of: list[int] = []
    for number, recording in enumerate(labelled):
        check_control(control)
        found = _rows(READS[name], recording, model, device, control)
        rows.append(found)
        of += [number] * len(found)
    vectors, owner = np.concatenate(rows), np.array(of)
    labels, speakers = (np.array([r.labels[of] for r in labelled]) for of in (name, "speaker"))
    examples = [example_of(r) for r in labelled]
    numeric = name in ("arousal", "valence")
    predicted = np.zeros(len(labelled)) if numeric else np.empty(len(labelled), object)
    classes = np.digitize(labels.astype(np.float64), [-0.1, 0.1]) if numeric else labels
    for split in folds(examples, classes, "speaker", 0):
        mine = np.isin(owner, split.train)
        head = _fitted(name, vectors[mine], labels[owner[mine]], speakers[owner[mine]])
        for i in split.test:
            seconds = vectors[owner == i]
            predicted[i] = (
                float(head.value(seconds).mean())
                if numeric
                else head.classes[int(head.posteriors(seconds).mean(axis=0).argmax())]
            )
    if numeric:
        tested = {"CCC, pooled, of clips of held-out speakers": ccc(labels.astype(np.float64), predicted)}
    else:
        score = balanced_accuracy(labels, predicted.astype(str))
        tested = {"balanced accuracy of clips of held-out speakers": score}
    whole = _fitted(name, vectors, labels[owner], speakers[owner])
    return Head(name, whole.reads, whole.classes, whole.weight, whole.bias, tested)


def _fitted(
    name: str, vectors: npt.NDArray[np.float32], labels: npt.NDArray[np.str_], speakers: npt.NDArray[np.str_]
) -> Head:
    if name in ("arousal", "valence"):
        scaler = StandardScaler().fit(vectors.astype(np.float64))
        ridge = Ridge(alpha=_RIDGE).fit(scaler.transform(vectors.astype(np.float64)), labels.astype(np.float64))
        weight = ridge.coef_ / scaler.scale_
        bias = np.array([ridge.intercept_ - weight @ scaler.mean_])
        return Head(name, READS[name], (), weight[None].astype(np.float32), bias.astype(np.float32))
    found = linear.fit(vectors, labels, speakers)
    weights, biases = found.weight.astype(np.float32), found.bias.astype(np.float32)
    return Head(name, READS[name], found.classes, weights, biases)


def _rows(
    latent: str, recording: Recording, model: Checkpoint, device: torch.device, control: ControlSignal
) -> npt.NDArray[np.float32]:
    """h as one row, or m a row a second."""
    inputs_of = ClipInputs(recording.mel, recording.f0, recording.gain_db, model, device, control)
    with torch.inference_mode():
        found = encode_stream(model.model, inputs_of, len(recording.mel))
    rows = found.h[None] if latent == "h" else found.m
    values: npt.NDArray[np.float32] = rows.float().cpu().numpy()
    return values
