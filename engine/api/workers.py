"""The kinds of worker processes: which requests each performs, how it is run, and what is said when it dies."""

from __future__ import annotations

from dataclasses import dataclass

from engine.api.auditions import Audition
from engine.api.corpora import GetCorpus, PreviewTable, Scan
from engine.api.messages import Request
from engine.api.runs import Train
from engine.api.transfers import ReadRecipes


@dataclass(frozen=True)
class WorkerKind:
    """One kind of worker process.

    name: for people who look at processes and logs.
    requests: the types it performs; none = every type that no other kind performs.
    own_process: True = a process for each job, which ends with it; False = one process that lives long.
    log: file name of its log; "{job}" stands for the job's number.
    niceness: how much it gives way to others. The window and its sound come first, then what is waited for; a run
        is not slowed by listening to it.
    thread_share: of the processors, for the threads of its calculations.
    grace_s: how long a running job may take to end once the window is gone: long enough to save a checkpoint,
        short enough that nobody meets an orphan.
    saves_at_close: whether a running job is then stopped, and keeps what it has, or cancelled.
    died, advice: what is said when it dies: what happened, what to do. "{how}" stands for how it ended, "{during}"
        for what it was doing.
    advice_when_idle: what to do if it had no job.
    """

    name: str
    log: str
    died: str
    advice: str
    advice_when_idle: str = ""
    requests: tuple[type[Request], ...] = ()
    own_process: bool = True
    niceness: int = 5
    thread_share: float = 1.0
    grace_s: float = 2.0
    saves_at_close: bool = False


_ENGINE_DIED = "The engine stopped unexpectedly{during} ({how})."
_ENGINE_ADVICE = "It has been started again and goes on with the jobs that waited; try the lost one once more."
_ENGINE_ADVICE_WHEN_IDLE = "It is started again with the next job; nothing is lost."

INFERENCE = WorkerKind(
    "inference", "worker.log", _ENGINE_DIED, _ENGINE_ADVICE, _ENGINE_ADVICE_WHEN_IDLE, own_process=False
)
# Looks through folders and tables, so that what is dropped is seen at once whatever is computed.
LOOKING = WorkerKind(
    "looking",
    "looking.log",
    _ENGINE_DIED,
    _ENGINE_ADVICE,
    _ENGINE_ADVICE_WHEN_IDLE,
    requests=(Scan, PreviewTable, ReadRecipes),
    own_process=False,
)
TRAINING = WorkerKind(
    "training",
    "training-{job}.log",
    "The training process stopped unexpectedly ({how}).",
    "Nothing saved is lost: resume the run from its last saved step.",
    requests=(Train,),
    niceness=10,
    grace_s=30.0,
    saves_at_close=True,
)
FETCHING = WorkerKind(
    "fetching",
    "fetching-{job}.log",
    "Fetching stopped unexpectedly ({how}).",
    "Nothing half-done is left where a corpus is looked for: fetch it again.",
    requests=(GetCorpus,),
)
AUDITION = WorkerKind(
    "audition",
    "audition-{job}.log",
    "Rendering the audition of a run stopped unexpectedly ({how}).",
    "The run is not concerned. What is rendered is kept: render the rest from the training panel.",
    requests=(Audition,),
    niceness=15,
    thread_share=0.5,
)
WORKER_KINDS = (INFERENCE, LOOKING, TRAINING, FETCHING, AUDITION)


def worker_kind(request: Request) -> WorkerKind:
    """The kind of worker that performs a request."""
    return next((kind for kind in WORKER_KINDS if isinstance(request, kind.requests)), INFERENCE)
