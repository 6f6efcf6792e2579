"""What a probe may be trained on and what it is tested on. A split that leaks cannot be made.

Three things leak: the same clip on both sides, a copy of it under another name, and, where a probe is to work for
voices it has never met, the same speaker on both sides. `Split` looks for all three when it is made, so there is no
road to a score round it; the functions below build splits that pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from engine.api.errors import EngineError
from engine.evaluation.probes.examples import Example

FOLDS = 5
SAME_SESSION = "same session"  # other clips of a speaker, recorded in one sitting with the training's
CROSS_CHAPTER = "cross-chapter"  # clips of a sitting the training has none of
SPEAKER_DISJOINT = "speaker-disjoint"  # voices the training has none of


class LeakError(AssertionError):
    """A test example is known in training: a fault of the program, never of the user."""


@dataclass(frozen=True)
class Split:
    """Positions in `examples` to train on and to test on.

    apart: what the two sides may not share: "clip", "session" or "speaker".

    Raises:
        LeakError: they share a clip, a clip's content, or what they may not.
    """

    examples: Sequence[Example]
    train: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    apart: str = "clip"

    def __post_init__(self) -> None:
        for name in ("clip", "content", *(() if self.apart == "clip" else (self.apart,))):
            sides = ({getattr(self.examples[i], name) for i in side} for side in (self.train, self.test))
            if shared := set.intersection(*sides):
                raise LeakError(
                    f"{len(shared)} of the test's {name}s are in training, {sorted(shared)[0]!r} for one"
                )


def folds(examples: Sequence[Example], classes: npt.NDArray[np.generic], apart: str, seed: int) -> list[Split]:
    """Every example is tested once, in one of at most FOLDS splits; classes are spread evenly as far as they go.

    Copies of a clip stay together. With apart "speaker", all clips of a speaker stay together, and so do speakers
    that share a copy: a file that lies in two speakers' folders makes them one.

    Args:
        classes: (examples,) what to spread evenly.

    Raises:
        EngineError: there are fewer than two groups to divide.
    """
    groups = _groups(examples, apart)
    count = min(FOLDS, _most_folds(groups, classes))
    if count < 2:
        raise EngineError(
            f"There is only one {apart} to divide, so nothing is left to test on.",
            "Add recordings of others, or name a test corpus.",
        )
    cut = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return [
        Split(examples, train.astype(np.int64), test.astype(np.int64), apart)
        for train, test in cut.split(np.zeros((len(examples), 1)), classes, groups)
        if len(test) and len(train)
    ]


def _most_folds(groups: npt.NDArray[np.int64], classes: npt.NDArray[np.generic]) -> int:
    """As many folds as the rarest class has groups: beyond that some fold would test it untrained."""
    return min(len(np.unique(groups[classes == c])) for c in np.unique(classes))


def across_sessions(examples: Sequence[Example], seed: int) -> Split | None:
    """One session of every speaker who has several is tested, the others train; speakers with one session train.

    None where no speaker has two sessions, which a corpus of one chapter a reader has not.
    """
    sessions: dict[str, set[str]] = {}
    for e in examples:
        sessions.setdefault(e.speaker, set()).add(e.session)
    rng = np.random.default_rng(seed)
    held = {
        (speaker, str(rng.choice(sorted(names)))) for speaker, names in sorted(sessions.items()) if len(names) > 1
    }
    tested = [i for i, e in enumerate(examples) if (e.speaker, e.session) in held]
    kept_out = {name: {getattr(examples[i], name) for i in tested} for name in ("clip", "content", "session")}
    trained = [i for i, e in enumerate(examples) if all(getattr(e, n) not in out for n, out in kept_out.items())]
    known = {examples[i].speaker for i in trained}
    tested = [i for i in tested if examples[i].speaker in known]
    if not tested or len(known) < 2:
        return None
    return Split(examples, np.array(trained, np.int64), np.array(tested, np.int64), "session")


def two_corpora(examples: Sequence[Example], of_test: npt.NDArray[np.bool_], apart: str) -> tuple[Split, int]:
    """Train on one corpus, test on the other: what both hold is left out of training, and how much that is.

    Args:
        of_test: (examples,) whether the example comes from the test corpus.

    Raises:
        EngineError: nothing is left on one of the sides.
    """
    names = ("clip", "content", *(() if apart == "clip" else (apart,)))
    test = np.flatnonzero(of_test).tolist()
    taken = {name: {getattr(examples[i], name) for i in test} for name in names}
    rest = np.flatnonzero(~of_test).tolist()
    train = [i for i in rest if all(getattr(examples[i], name) not in taken[name] for name in names)]
    if not train or not test:
        raise EngineError(
            "The training corpus holds nothing that the test corpus does not hold too."
            if test
            else "The test corpus holds no clip with a label for this task.",
            f"Name two corpora that share no {apart}.",
        )
    return Split(examples, np.array(train, np.int64), np.array(test, np.int64), apart), len(rest) - len(train)


def _groups(examples: Sequence[Example], apart: str) -> npt.NDArray[np.int64]:
    """(examples,) a number for each set of examples that must stay together: union-find over all that ties them."""
    parent = list(range(len(examples)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    names = dict.fromkeys(("clip", "content", apart))
    first: dict[tuple[str, str], int] = {}
    for i, example in enumerate(examples):
        for name in names:
            parent[root(i)] = root(first.setdefault((name, getattr(example, name)), i))
    return np.array([root(i) for i in range(len(examples))], np.int64)
