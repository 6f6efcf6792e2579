"""The m of every second of a source: its own, others' over the whole clip, and single seconds edited by hand.

Where somebody gives more or fewer seconds than there are places for them, a rule with a name matches the two:

    auto      second by second where one whole clip is as long as the source, else the mean
    mean      the weighted mean of what is given, at every second; of a clip, its seconds count by their voice
    tile      the given seconds in turn, over and over
    stretch   the given seconds drawn out or pressed together, with straight lines between them
    nearest   for every second the given one whose content is nearest: cosine of the mean z of the seconds, each
              less its clip's mean, so that speech meets speech and a pause meets a pause
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.api import RULES, LatentRef, SecondEdit, StoredClip
from engine.api.edit_syntax import spans_of
from engine.api.errors import SpecError

STRONGEST = 1.5
OWN = "its own seconds"
EACH = "second by second"
WORDS = {
    "mean": "the mean of the given seconds, at every second",
    "tile": "the given seconds in turn, over and over",
    "stretch": "the given seconds stretched over the time",
    "nearest": "for every second the given one nearest in content",
}

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class GivenM:
    """m as the networks shall have it.

    m: (seconds, latent).
    kept: (seconds,) how much of what is the source's own remains, 1 = all of it, 0 = nothing.
    edited: the seconds that edits touched, in rising order.
    unedited: m and kept as they were before the edits.
    rule: how seconds were matched, in words.
    """

    m: Floats
    kept: Floats
    edited: tuple[int, ...]
    rule: str
    unedited: tuple[Floats, Floats]


def given_m(
    source: StoredClip,
    emotion: Sequence[LatentRef],
    strength: float,
    rule: str,
    edits: Sequence[SecondEdit],
    window_frames: int,
) -> GivenM:
    """m for every second of the source: `emotion` over the whole clip, then the edits one after the other.

    Args:
        strength: of `emotion`; 0 = the source's own, 1 = the given. Edits have weights of their own.
        window_frames: frames of a second of m.

    Raises:
        SpecError: an unknown rule, a second that is not there, or a weight out of range.
    """
    _check_rule(rule)
    m = _m_of(source)
    kept = np.ones(len(m), np.float32)
    words = OWN
    if emotion:
        given, words = matched(source, range(len(m)), emotion, rule, window_frames)
        m = m + np.float32(strength) * (given - m)
        kept *= max(0.0, 1.0 - strength)
    unedited = (m.astype(np.float32), kept.copy())
    for edit in edits:
        check_edit(edit, len(m))
        places = np.asarray(edit.target)
        given, matching = matched(source, edit.target, edit.givers, edit.rule, window_frames)
        weights = edit.weights()
        m[places] += weights[:, None] * (given - m[places])
        kept[places] *= np.maximum(0.0, 1.0 - weights)
        words += f"; {spans_of(edit.target)} s: {matching}"
    edited = tuple(sorted({second for edit in edits for second in edit.target}))
    return GivenM(m.astype(np.float32), kept, edited, words, unedited)


def matched(
    source: StoredClip, target: Sequence[int], givers: Sequence[LatentRef], rule: str, window_frames: int
) -> tuple[Floats, str]:
    """What the givers say for each target second of the source, (targets, latent), and the rule used, in words.

    Raises:
        SpecError: a giver has no such second.
    """
    _check_rule(rule)
    places = len(target)
    if rule == "auto":
        whole = _m_of(StoredClip(givers[0].folder)) if len(givers) == 1 and givers[0].second is None else None
        if whole is not None and len(whole) == places:
            return whole, EACH
        rule = "mean"
    if rule == "mean":
        total = sum(ref.weight for ref in givers)
        mean = sum(_spoken_mean(ref, window_frames) * np.float32(ref.weight / total) for ref in givers)
        return np.broadcast_to(np.asarray(mean, np.float32), (places, np.shape(mean)[0])), WORDS["mean"]
    given = np.concatenate([_seconds_of(ref) for ref in givers])
    if rule == "nearest":
        own = content(source, window_frames)[np.asarray(target)]
        theirs = np.concatenate([_pick(ref, content(StoredClip(ref.folder), window_frames)) for ref in givers])
        return given[np.argmax(own @ theirs.T, axis=1)], WORDS["nearest"]
    if len(given) == places:
        return given, EACH
    if rule == "tile":
        return given[np.arange(places) % len(given)], WORDS["tile"]
    at = np.clip((np.arange(places) + 0.5) * len(given) / places - 0.5, 0.0, len(given) - 1.0)
    first = np.floor(at).astype(int)
    last = np.minimum(first + 1, len(given) - 1)
    share = (at - first)[:, None].astype(np.float32)
    return given[first] + share * (given[last] - given[first]), WORDS["stretch"]


def content(clip: StoredClip, window_frames: int) -> Floats:
    """(seconds, latent): direction of the mean z of every second, less the clip's mean; unit length or nought."""
    z = np.array(clip.array("z"), np.float32)
    starts = np.arange(0, len(z), window_frames)
    counts = np.diff(np.append(starts, len(z)))[:, None]
    means = np.add.reduceat(z, starts, axis=0) / counts
    means = means - means.mean(axis=0)
    length = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(length, 1e-9), np.float32)


def check_edit(edit: SecondEdit, seconds: int) -> None:
    """Refuse an edit that cannot be made on a source of so many seconds.

    Raises:
        SpecError: in words.
    """
    if not edit.target or not edit.givers:
        raise SpecError("An edit of seconds names none.", "Choose seconds to change and seconds to give.", "edits")
    if list(edit.target) != sorted(set(edit.target)):
        raise SpecError("An edit's seconds are not in order.", "Name each once, rising.", "edits")
    if edit.target[0] < 0 or edit.target[-1] >= seconds:
        wrong = edit.target[0] if edit.target[0] < 0 else edit.target[-1]
        raise SpecError(
            f"The source has {seconds} seconds, none that begins at {wrong} s.", "Choose one it has.", "edits"
        )
    if not 0.0 <= edit.weight <= STRONGEST:
        raise SpecError(
            f"The weight of an edit is {edit.weight:g}.", f"It can be 0 (none) to {STRONGEST:g} (150 %).", "edits"
        )
    if not (0.0 <= edit.fade_in_s < np.inf and 0.0 <= edit.fade_out_s < np.inf):
        raise SpecError("A fade of an edit has no possible length.", "It can be 0 s or more.", "edits")
    if sum(ref.weight for ref in edit.givers) <= 0:
        raise SpecError("The weights of the given seconds add up to nothing.", "Raise at least one.", "edits")


def _check_rule(rule: str) -> None:
    if rule not in RULES:
        raise SpecError(f"There is no rule called {rule!r}.", f"Choose one of {', '.join(RULES)}.", "rule")


def _m_of(clip: StoredClip) -> Floats:
    return np.array(clip.array("m"), np.float32)


def _seconds_of(ref: LatentRef) -> Floats:
    """The m a reference stands for, (1 or all seconds, latent)."""
    return _pick(ref, _m_of(StoredClip(ref.folder)))


def _spoken_mean(ref: LatentRef, window_frames: int) -> Floats:
    """The mean m of a reference, (latent,); a clip's seconds count by their voice, since pauses say nothing."""
    seconds = _seconds_of(ref)
    if ref.second is not None:
        return np.asarray(seconds[0], np.float32)
    voiced = np.isfinite(np.array(StoredClip(ref.folder).array("f0"), np.float32))
    counts: Floats = np.add.reduceat(voiced, np.arange(0, len(voiced), window_frames), dtype=np.float32)
    counts = counts[: len(seconds)]
    if not counts.any():
        counts[:] = 1.0
    return np.asarray((seconds * (counts / counts.sum())[:, None]).sum(axis=0), np.float32)


def _pick(ref: LatentRef, seconds: Floats) -> Floats:
    if ref.second is None:
        return seconds
    if not 0 <= ref.second < len(seconds):
        raise SpecError(
            f"The given clip has {len(seconds)} seconds, none that begins at {ref.second} s.",
            "Choose one it has.",
            "second",
        )
    return seconds[ref.second : ref.second + 1]
