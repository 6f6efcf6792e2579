"""Probes: how well speaker, gender and emotion are predicted from the latents; the paper’s experiments."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.api.clips import ClipRef

PROBE_TASKS = ("speaker", "verify", "gender", "emotion", "arousal", "valence")


@dataclass(frozen=True)
class ProbeCorpus:
    """Recordings to probe: folders (their layout is recognised), and clips that are analysed already."""

    folders: tuple[str, ...] = ()
    clips: tuple[tuple[ClipRef, str], ...] = ()  # (clip, analysis folder)


@dataclass(frozen=True)
class Probe:
    """Measure how well speaker, gender and emotion are predicted from h, m and z, beside baselines and chance.

    Reports Partial(ProbeResult) of a task with every further score. STOP keeps the tasks that are done.
    test: another corpus to test on; None: folds of the one, with no speaker on both sides (but for task speaker).
    pieces: classify 4-second pieces as well.
    cache_dir: where the spectrograms of folders are kept; None: in the cache of the program.
    """

    tasks: tuple[str, ...]
    corpus: ProbeCorpus
    model: str
    test: ProbeCorpus | None = None
    latents: tuple[str, ...] = ("h", "m", "z")
    seeds: int = 3
    pieces: bool = True
    cache_dir: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class ProbeScore:
    """The score of one probe. All but n are shares (0 to 1) or a CCC (-1 to 1); the task's measure says which.

    n: clips tested. low, high: 95 % bootstrap interval (NaN if there is none). shuffled: the same with the training
    labels shuffled: what chance gives. seeds: the score of each. also: other measures by their full name.
    """

    n: int
    score: float
    low: float
    high: float
    shuffled: float
    seeds: tuple[float, ...] = ()
    also: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ProbeResult:
    """One task: scores by what was probed (h, m, z, and the floors mel and mfcc), or why there are none."""

    task: str
    measure: str
    protocol: str
    scores: dict[str, ProbeScore]
    notes: tuple[str, ...] = ()
    failed: str = ""


@dataclass(frozen=True)
class ProbeDone:
    results: tuple[ProbeResult, ...]
    model_hash: str
    clips: int
    seconds: float


@dataclass(frozen=True)
class ExportProbes:
    """Write what was probed as CSV, LaTeX (.tex) or a figure (PNG, SVG, PDF), by the suffix."""

    results: tuple[ProbeResult, ...]
    out: str
    about: str = ""  # the model and the corpus, in words


@dataclass(frozen=True)
class Reproduce:
    """Run the paper's experiments into the folder out; started again, it goes on where it stopped.

    corpus: folders and tables. size: "small" (under twenty minutes on two cores) or "paper" (its schedule, for a
    graphics card). model: one to take instead of training the first row's. hold_out: speakers never trained on;
    empty: by lot.
    """

    corpus: tuple[str, ...]
    out: str
    size: str = "small"
    model: str | None = None
    hold_out: tuple[str, ...] = ()
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True)
class ReproduceDone:
    """page: the report. missing: cells that could not be run, and why."""

    page: str
    files: tuple[str, ...]
    missing: tuple[str, ...]
    seconds: float
